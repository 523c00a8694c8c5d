//! A forked child has no monitor until it starts one.
#![allow(unsafe_code)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use greenhub::monitor::Monitor;
use greenhub::os::{Fork, fork};
use greenhub::{sleep, spawn};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::support::{LIMIT, alone, start};

#[test]
fn a_forked_child_has_no_monitor_and_can_start_one() {
    alone("forked::a_forked_child_has_no_monitor_and_can_start_one", || {
        let (_monitoring, told) = start(Monitor::new());
        let rude = told.clone();
        spawn(move || rude.block_until_told()).join().unwrap();
        // SAFETY: the other threads are the test's, which only wait, and the monitor's.
        match unsafe { fork() }.unwrap() {
            Fork::Child => {
                // SAFETY: it sets a timer, that ends what hangs.
                unsafe { libc::alarm(60) };
                let failed = catch_unwind(AssertUnwindSafe(in_child)).is_err();
                // SAFETY: it ends the child, without the destructors of the test.
                unsafe { libc::_exit(i32::from(failed)) }
            }
            Fork::Parent(child) => {
                let child = Pid::from_raw(child.cast_signed());
                let ended = greenhub::offload(move || waitpid(child, WaitOptions::empty()));
                let status = ended.unwrap().unwrap().1;
                assert_eq!(status.exit_status(), Some(0), "{status:?}");
            }
        }
        told.is_silent();
        spawn(move || told.block_until_told()).join().unwrap();
    });
}

fn in_child() {
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let _waits = spawn(|| sleep(Duration::from_secs(3600)));
    sleep(LIMIT / 10);
    thread::sleep(LIMIT * 4);
    assert_eq!(threads(), 1);
    let (_monitoring, told) = start(Monitor::new());
    assert_eq!(threads(), 2);
    spawn(move || told.block_until_told()).join().unwrap();
}
