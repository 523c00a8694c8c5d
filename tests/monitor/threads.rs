//! The monitor's thread.

#![cfg(target_os = "linux")]

use std::fs;
use std::thread;
use std::time::Duration;

use greenhub::monitor::Monitor;
use greenhub::{sleep, spawn};

use crate::support::{alone, millis, start};

/// The state of each thread of this process that is a monitor's.
fn monitors() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let statuses = tasks.filter_map(|task| {
        // It may end meanwhile.
        fs::read_to_string(task.unwrap().path().join("status")).ok()
    });
    // The kernel keeps fifteen letters.
    statuses.filter(|status| status.starts_with("Name:\tgreenhub-monito\n")).collect()
}

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(millis(5));
    }
}

#[test]
fn there_is_one_thread_and_none_without_a_monitor() {
    alone("threads::there_is_one_thread_and_none_without_a_monitor", || {
        sleep(millis(1));
        assert!(monitors().is_empty());
        let (first, _) = start(Monitor::new());
        let (second, _) = start(Monitor::new());
        until(|| monitors().len() == 1);
        drop(first);
        sleep(millis(50));
        assert_eq!(monitors().len(), 1);
        drop(second);
        until(|| monitors().is_empty());
        let (_third, told) = start(Monitor::new());
        spawn(move || told.block_until_told()).join().unwrap();
    });
}

#[test]
fn the_thread_is_there_only_while_there_is_a_hub() {
    alone("threads::the_thread_is_there_only_while_there_is_a_hub", || {
        let (_monitoring, told) = start(Monitor::new());
        assert!(monitors().is_empty(), "no hub has been made");
        let other = thread::spawn(move || spawn(move || told.block_until_told()).join().unwrap());
        other.join().unwrap();
        while !monitors().is_empty() {
            thread::sleep(millis(5));
        }
    });
}

#[test]
fn it_gets_no_signals() {
    alone("threads::it_gets_no_signals", || {
        let (_monitoring, _told) = start(Monitor::new());
        sleep(millis(1));
        until(|| monitors().len() == 1);
        let status = monitors().remove(0);
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
        let blocked = u64::from_str_radix(blocked.trim(), 16).unwrap();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGCHLD, libc::SIGPROF] {
            assert!(blocked & (1 << (signal - 1)) != 0, "signal {signal}: {blocked:x}");
        }
    });
}

#[test]
fn it_sleeps_while_all_hubs_sleep() {
    alone("threads::it_sleeps_while_all_hubs_sleep", || {
        let switches = || {
            let status = monitors().remove(0);
            let count = |name: &str| -> u64 {
                let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                line.trim().parse().unwrap()
            };
            count("voluntary_ctxt_switches:")
        };
        let (_monitoring, _told) = start(Monitor::new().limit(millis(20)));
        sleep(millis(1));
        until(|| monitors().len() == 1);
        sleep(millis(100));
        let before = switches();
        sleep(Duration::from_secs(2));
        let looked = switches() - before;
        assert!(
            looked < 20,
            "{looked} times, where a hub that is awake would be looked at 200 times"
        );
    });
}
