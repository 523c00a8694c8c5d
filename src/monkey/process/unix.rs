//! What only Unix systems have: settings for a new process, and signals.
//!
//! # Why this file is unsafe
//!
//! `pre_exec` is: its caller vouches for what the closure does between fork and exec. And to
//! send a signal whose number may be any calls the C library.
#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;

use rustix::process::Pid;

use super::Command;

/// Settings for a new process that only Unix systems have. Mirrors
/// [`std::os::unix::process::CommandExt`].
pub trait CommandExt {
    /// Mirrors [`std::os::unix::process::CommandExt::uid`].
    fn uid(&mut self, id: u32) -> &mut Command;

    /// Mirrors [`std::os::unix::process::CommandExt::gid`].
    fn gid(&mut self, id: u32) -> &mut Command;

    /// Runs `f` in the new process, before the program.
    ///
    /// Mirrors [`std::os::unix::process::CommandExt::pre_exec`].
    ///
    /// # Safety
    ///
    /// As there: `f` runs in a copy of this process that has only this thread, so it must call
    /// nothing that is not safe in a signal handler. Nor may it wait: there is no hub.
    unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static;

    /// Mirrors [`std::os::unix::process::CommandExt::before_exec`].
    ///
    /// # Safety
    ///
    /// As for [`pre_exec`](Self::pre_exec).
    #[deprecated(note = "should be unsafe, use `pre_exec` instead")]
    unsafe fn before_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the caller's obligations are the same.
        unsafe { self.pre_exec(f) }
    }

    /// Becomes the program, and returns only if that fails. All greenlets are gone then.
    ///
    /// Mirrors [`std::os::unix::process::CommandExt::exec`].
    fn exec(&mut self) -> io::Error;

    /// Mirrors [`std::os::unix::process::CommandExt::arg0`].
    fn arg0<S>(&mut self, arg: S) -> &mut Command
    where
        S: AsRef<OsStr>;

    /// Mirrors [`std::os::unix::process::CommandExt::process_group`].
    fn process_group(&mut self, pgroup: i32) -> &mut Command;
}

impl CommandExt for Command {
    fn uid(&mut self, id: u32) -> &mut Command {
        self.with(|inner| inner.uid(id))
    }

    fn gid(&mut self, id: u32) -> &mut Command {
        self.with(|inner| inner.gid(id))
    }

    unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the caller's obligations are the same.
        self.with(|inner| unsafe { inner.pre_exec(f) })
    }

    fn exec(&mut self) -> io::Error {
        self.inner().exec()
    }

    fn arg0<S>(&mut self, arg: S) -> &mut Command
    where
        S: AsRef<OsStr>,
    {
        self.with(|inner| inner.arg0(arg))
    }

    fn process_group(&mut self, pgroup: i32) -> &mut Command {
        self.with(|inner| inner.process_group(pgroup))
    }
}

/// Sends a signal, by its number, to a child that has not been waited for.
pub(super) fn send_signal(child: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: it takes two numbers, and touches no memory of this process.
    match unsafe { libc::kill(child.as_raw_pid(), signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
