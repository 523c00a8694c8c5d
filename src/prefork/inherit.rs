//! Descriptors that a process gives to one that it starts, and how that one takes them.
//!
//! A descriptor keeps its number over an exec if it has no `CLOEXEC`. All that std opens has it, so it is taken
//! off between fork and exec, where nobody else sees it; and whoever takes a descriptor sets it
//! again. So the flag also tells what was inherited and was not taken yet.
//!
//! # Why this file is unsafe
//!
//! `pre_exec` is: what it runs runs between fork and exec. A number from the environment becomes a
//! descriptor that is owned. And to remove a variable is safe only where no other thread reads one.
#![allow(unsafe_code)]

use std::env;
use std::io;
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Pid, getpid};

use crate::monkey::os::unix::process::CommandExt as _;
use crate::monkey::process::Command;

/// Below are standard input, output and error, which a new process gets anyway.
const FIRST: RawFd = 3;

/// Has the process that `command` starts inherit these descriptors, by the numbers that they have
/// here, and be told by `SIGTERM` when this thread ends, where the kernel can do so.
pub(super) fn pass_on(command: &mut Command, listeners: Arc<Vec<OwnedFd>>, control: OwnedFd) {
    let parent = getpid();
    let prepare = move || {
        end_with(parent)?;
        for descriptor in listeners.iter().chain([&control]) {
            fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        Ok(())
    };
    // SAFETY: it runs in a copy of this process that has one thread, so it
    //   1. takes no lock and allocates nothing: it makes system calls, with what it owns, and an
    //      error is a number;
    //   2. does not unwind, and does not wait.
    unsafe { command.pre_exec(prepare) };
}

/// Called in the new process. The signal is that of the *thread* that has forked, which is the one that
/// supervises: it does not end before `run` does.
#[cfg(target_os = "linux")]
fn end_with(parent: Pid) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // It may have ended before that was set.
    if getppid() == Some(parent) { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}

#[cfg(not(target_os = "linux"))]
fn end_with(_: Pid) -> io::Result<()> {
    Ok(())
}

/// Gives a descriptor a number that can be passed on.
pub(super) fn above_standard(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::AsRawFd as _;
    match descriptor.as_raw_fd() {
        FIRST.. => Ok(descriptor),
        _ => Ok(fcntl_dupfd_cloexec(&descriptor, FIRST)?),
    }
}

/// Whether this process got a descriptor of that number from who started it, and has not taken it.
pub(super) fn is_inherited(number: RawFd) -> bool {
    // SAFETY: it takes two numbers, and says so if the first is of no open descriptor.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    number >= FIRST && flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// One at a time, so that nothing is taken twice.
static TAKING: Mutex<()> = Mutex::new(());

/// Takes what was inherited: all of it, or nothing.
///
/// # Errors
///
/// [`InvalidData`](io::ErrorKind::InvalidData), with the number that is of nothing to take.
pub(super) fn take(numbers: &[RawFd]) -> io::Result<Vec<OwnedFd>> {
    let _taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
    for (place, number) in numbers.iter().enumerate() {
        if !is_inherited(*number) || numbers[..place].contains(number) {
            let text = format!("descriptor {number} was not inherited, or was taken before");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
    }
    // SAFETY: each is open, and nobody here owns it:
    //   1. Whoever started this process has left it open for who takes it, and said so.
    //   2. It was not opened since: std opens nothing without CLOEXEC, which it does not have.
    //   3. It was not taken before, for then it would have CLOEXEC, and no number is there twice.
    let taken = numbers.iter().map(|number| unsafe { OwnedFd::from_raw_fd(*number) });
    let taken: Vec<OwnedFd> = taken.collect();
    for descriptor in &taken {
        fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
    }
    Ok(taken)
}

/// Leaves descriptors as they were before they were taken.
pub(super) fn put_back(descriptors: Vec<OwnedFd>) {
    for descriptor in descriptors {
        // It is open, so this does not fail. It would be leaked then, which is all it is.
        let _ = fcntl_setfd(descriptor.as_fd(), FdFlags::empty());
        let _ = descriptor.into_raw_fd();
    }
}

/// Removes variables, so that processes which this one starts do not see them. They stay if
/// there is another thread; what reads them compares process numbers.
pub(super) fn remove_variables(names: &[&str]) {
    if is_only_thread() {
        for name in names {
            // SAFETY: no other thread reads or writes variables meanwhile: there is none.
            unsafe { env::remove_var(name) };
        }
    }
}

/// `false` where that is not known.
fn is_only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}
