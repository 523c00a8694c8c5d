//! A stack that is full ends the process, with a message that says whose it was.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use greenhub::raw::Greenlet as Raw;
use greenhub::{Builder, spawn};

use crate::support::{child, is_child, stderr};

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    recurse(depth + 1) + black_box(frame)[3]
}

#[inline(never)]
fn big_frame() -> u8 {
    let frame = black_box([1u8; 1 << 20]);
    black_box(&frame)[77]
}

/// In the child, runs `body`; in the parent, asserts that it died of `signal`, and returns
/// what it told.
fn dies(test: &str, signal: i32, body: impl FnOnce()) -> String {
    if is_child() {
        body();
        std::process::exit(0);
    }
    let output: Output = child(test);
    assert_eq!(output.status.signal(), Some(signal), "{:?} {}", output.status, stderr(&output));
    stderr(&output)
}

#[track_caller]
fn tells(told: &str, line: &str) {
    if !is_child() {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn an_overflow_names_the_greenlet_and_its_stack() {
    let told =
        dies("overflow::an_overflow_names_the_greenlet_and_its_stack", libc::SIGABRT, || {
            let deep = Builder::new().name("deep").stack_size(64 * 1024).spawn(|| recurse(0));
            let _ = deep.unwrap().join();
        });
    tells(&told, "greenhub: greenlet 1 'deep' has overflowed its stack of 65536 bytes; aborting");
}

#[test]
fn one_frame_that_is_larger_than_the_stack_is_an_overflow() {
    let told = dies(
        "overflow::one_frame_that_is_larger_than_the_stack_is_an_overflow",
        libc::SIGABRT,
        || {
            let _ = spawn(big_frame).join();
        },
    );
    tells(&told, "greenhub: greenlet 1 has overflowed its stack of 262144 bytes; aborting");
}

#[test]
fn an_overflow_in_a_raw_greenlet_is_told() {
    let told = dies("overflow::an_overflow_in_a_raw_greenlet_is_told", libc::SIGABRT, || {
        let _ = Raw::new(|()| recurse(0)).switch::<u64>(());
    });
    tells(&told, "greenhub: greenlet 1 has overflowed its stack of 262144 bytes; aborting");
}

#[test]
fn an_overflow_on_a_second_thread_is_told() {
    let told = dies("overflow::an_overflow_on_a_second_thread_is_told", libc::SIGABRT, || {
        let _ = spawn(|| ()).join();
        let second = std::thread::spawn(|| drop(spawn(|| recurse(0)).join()));
        let _ = second.join();
    });
    tells(&told, "greenhub: greenlet 1 has overflowed its stack of 262144 bytes; aborting");
}

#[test]
fn an_overflow_while_it_is_unwound_by_a_drop_is_told() {
    struct RecursesInDrop;
    impl Drop for RecursesInDrop {
        fn drop(&mut self) {
            black_box(recurse(0));
        }
    }
    let told =
        dies("overflow::an_overflow_while_it_is_unwound_by_a_drop_is_told", libc::SIGABRT, || {
            let main = greenhub::raw::main().takes::<()>();
            let greenlet = Raw::new(move |()| {
                let _guard = RecursesInDrop;
                main.switch::<()>(()).unwrap();
            });
            let _ = greenlet.switch::<()>(());
            drop(greenlet);
        });
    tells(&told, "greenhub: greenlet 1 has overflowed its stack of 262144 bytes; aborting");
}

#[test]
fn another_fault_in_a_greenlet_is_not_called_an_overflow() {
    let told = dies(
        "overflow::another_fault_in_a_greenlet_is_not_called_an_overflow",
        libc::SIGSEGV,
        || {
            let _ = spawn(|| {
                // SAFETY: none; that is what the test is about, in a process of its own.
                unsafe { black_box(std::ptr::null_mut::<u8>()).write_volatile(1) };
            })
            .join();
        },
    );
    assert!(!told.contains("overflow"), "{told}");
}

#[test]
fn an_overflow_of_a_threads_own_stack_is_told_by_std() {
    let told =
        dies("overflow::an_overflow_of_a_threads_own_stack_is_told_by_std", libc::SIGABRT, || {
            let _ = spawn(|| ()).join();
            let thread = std::thread::Builder::new().name("plain".into()).spawn(|| {
                let _ = spawn(|| ()).join();
                recurse(0)
            });
            let _ = thread.unwrap().join();
        });
    tells(&told, "has overflowed its stack");
    assert!(!told.contains("greenhub:"), "{told}");
}
