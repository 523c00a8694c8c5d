//! Signals all the time, and buffers that take next to nothing.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{mem, ptr};

use greenhub::monkey::fs;
use greenhub::monkey::os::unix::net::UnixStream;
use greenhub::{offload, sleep, spawn};

use crate::descriptors::survives;
use crate::support::{millis, timed};

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Interrupts this process every 200 microseconds, without restarting its system calls.
fn interrupt_all_the_time() {
    let handler: extern "C" fn(c_int) = count;
    // SAFETY: zero bytes are a valid action; the handler only adds to an atomic.
    let set = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut())
    };
    assert_eq!(set, 0);
    let often = libc::timeval { tv_sec: 0, tv_usec: 200 };
    let timer = libc::itimerval { it_interval: often, it_value: often };
    // SAFETY: the timer is read, and is ours.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) }, 0);
}

/// Makes the kernel take next to nothing at a time.
fn narrow(stream: &UnixStream) {
    for option in [libc::SO_SNDBUF, libc::SO_RCVBUF] {
        let bytes: c_int = 1;
        // SAFETY: the option is read from an integer of ours, of that size.
        let set = unsafe {
            libc::setsockopt(
                stream.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const bytes).cast(),
                size_of::<c_int>() as libc::socklen_t,
            )
        };
        assert_eq!(set, 0);
    }
}

/// Bytes that do not repeat soon.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n % 251) as u8).collect()
}

fn pass_through_a_narrow_socket(bytes: usize) {
    let (mut left, mut right) = UnixStream::pair().unwrap();
    narrow(&left);
    narrow(&right);
    let sent = pattern(bytes);
    let expected = sent.clone();
    let writer = spawn(move || {
        left.write_all(&sent).unwrap();
    });
    let mut got = Vec::new();
    right.read_to_end(&mut got).unwrap();
    writer.join().unwrap();
    assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
}

#[test]
fn short_transfers_lose_and_double_nothing() {
    survives("interrupted::short_transfers_lose_and_double_nothing", || {
        pass_through_a_narrow_socket(1 << 20);
    });
}

#[test]
fn signals_all_the_time_end_no_wait_early_and_fail_no_call() {
    survives("interrupted::signals_all_the_time_end_no_wait_early_and_fail_no_call", || {
        interrupt_all_the_time();
        assert!(timed(|| sleep(millis(20))) >= millis(20));
        pass_through_a_narrow_socket(1 << 17);
        let path = std::env::temp_dir().join(format!("greenhub-faults-{}", std::process::id()));
        fs::write(&path, pattern(1 << 16)).unwrap();
        assert!(fs::read(&path).unwrap() == pattern(1 << 16));
        fs::remove_file(&path).unwrap();
        assert!(offload(|| timed(|| std::thread::sleep(millis(5))) >= millis(5)));
        assert!(SIGNALS.load(Ordering::Relaxed) > 20);
    });
}
