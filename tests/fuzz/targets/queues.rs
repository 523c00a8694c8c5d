#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| greenhub_fuzz::queues::run(data));
