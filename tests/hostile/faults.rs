//! Faults of memory: in C code on a greenlet's stack, and before a handler of the program's.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;

use greenhub::{Builder, spawn};

use crate::support::{child, is_child, stderr};

/// Sorts on, within the comparison, until the stack is full.
extern "C" fn recurses(left: *const c_void, _: *const c_void) -> c_int {
    let mut numbers = black_box([left.addr(), 2, 1]);
    sort(&mut numbers);
    c_int::from(numbers[0] > 1)
}

fn sort(numbers: &mut [usize; 3]) {
    // SAFETY: the array has three elements of that size, and the comparison does not unwind.
    unsafe {
        libc::qsort(numbers.as_mut_ptr().cast(), 3, size_of::<usize>(), Some(recurses));
    }
}

#[test]
fn a_stack_that_c_code_fills_is_named() {
    let test = "faults::a_stack_that_c_code_fills_is_named";
    if is_child() {
        let sorts = Builder::new().name("sorts").stack_size(64 * 1024);
        let _ = sorts.spawn(|| sort(&mut [3, 2, 1])).unwrap().join();
        std::process::exit(0);
    }
    let output = child(test);
    let told = stderr(&output);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{told}");
    let line = "greenhub: greenlet 1 'sorts' has overflowed its stack of 65536 bytes; aborting";
    assert!(told.contains(line), "{told}");
}

extern "C" fn exits_with_7(_: c_int) {
    // SAFETY: may be called in a signal handler, and does not return.
    unsafe { libc::_exit(7) }
}

fn fault() {
    // SAFETY: none; that is what the test is about, in a process of its own.
    unsafe { black_box(std::ptr::null_mut::<u8>()).write_volatile(1) };
}

#[test]
fn a_fault_that_is_no_overflow_goes_to_the_handler_that_the_program_had() {
    let test = "faults::a_fault_that_is_no_overflow_goes_to_the_handler_that_the_program_had";
    if is_child() {
        let handler: extern "C" fn(c_int) = exits_with_7;
        // SAFETY: the handler has the signature that is asked for, and does what a handler may.
        unsafe { libc::signal(libc::SIGSEGV, handler as *const () as libc::sighandler_t) };
        let _ = spawn(fault).join();
        std::process::exit(0);
    }
    let output = child(test);
    assert_eq!(output.status.code(), Some(7), "{:?} {}", output.status, stderr(&output));
}

#[test]
fn a_fault_of_main_is_not_called_an_overflow_of_a_greenlet_that_waits() {
    let test = "faults::a_fault_of_main_is_not_called_an_overflow_of_a_greenlet_that_waits";
    if is_child() {
        let _waits = spawn(|| greenhub::sleep(std::time::Duration::MAX));
        greenhub::yield_now();
        fault();
        std::process::exit(0);
    }
    let output = child(test);
    let told = stderr(&output);
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{told}");
    assert!(!told.contains("overflow"), "{told}");
}
