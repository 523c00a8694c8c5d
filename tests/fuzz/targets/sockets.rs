#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| greenhub_fuzz::sockets::run(data));
