//! What the kernel calls: counts the signal, and rings a bell.
//!
//! A handler may run between any two instructions of any thread. It adds to a counter, writes a
//! byte to a pipe, and calls the handler that was there before. All else is done by a thread that
//! reads the pipe (`watch`).
//!
//! # Why this file is unsafe
//!
//! It installs signal handlers, and runs in one: no locks, no allocation, no unwinding.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

/// The numbers of signals are below this, on every system.
const SIGNALS: usize = 129;

/// How often each signal has come. One that comes while it is being handled may count once.
static ARRIVED: [AtomicU64; SIGNALS] = [const { AtomicU64::new(0) }; SIGNALS];

/// The end of the bell's pipe that the handler writes to.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// The other end, which the thread reads.
static HEARER: AtomicI32 = AtomicI32::new(-1);

/// The function of the action that was there before, for the handler to pass on to, and its flags.
static BEFORE: [(AtomicUsize, AtomicI32); SIGNALS] =
    [const { (AtomicUsize::new(libc::SIG_DFL), AtomicI32::new(0)) }; SIGNALS];

/// How often `signal` has come.
pub(super) fn arrived(signal: i32) -> u64 {
    ARRIVED[index(signal)].load(Ordering::Acquire)
}

fn index(signal: i32) -> usize {
    usize::try_from(signal).unwrap_or(0)
}

/// A bell: the end to listen at, and the one that handlers are to write to.
///
/// # Errors
///
/// If there are no descriptors for it.
pub(super) fn new_bell() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    // A full pipe must not make the handler wait. Then there is enough to be read.
    rustix::io::ioctl_fionbio(&writer, true)?;
    Ok((reader, writer))
}

/// Hangs the bell up: handlers that run from now on ring it. `hearer` is its other end.
pub(super) fn hang_bell(writer: PipeWriter, hearer: RawFd) {
    HEARER.store(hearer, Ordering::Relaxed);
    BELL.store(writer.into_raw_fd(), Ordering::Release);
}

/// Closes the bell, in a forked child, which shares it with its parent and has no thread to read it.
pub(super) fn take_bell_down() {
    for end in [&BELL, &HEARER] {
        let descriptor = end.swap(-1, Ordering::AcqRel);
        // SAFETY: the end was ours, and who owned it is a thread that does not exist here, or, of
        // the one that is written to, nobody. No handler is in the middle of writing to it: the
        // only thread there is runs this.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }
}

/// The actions that ours stand in place of.
pub(super) struct Actions {
    /// While ours is set, or in the chain of one that was set above it.
    before: BTreeMap<i32, libc::sigaction>,
}

impl Actions {
    pub(super) const fn new() -> Actions {
        Actions { before: BTreeMap::new() }
    }

    /// Has `signal` counted from now on.
    ///
    /// # Errors
    ///
    /// If the kernel, or the C library, keeps this signal for itself.
    pub(super) fn install(&mut self, signal: i32) -> io::Result<()> {
        let now = action_of(signal)?;
        if self.before.contains_key(&signal) && is_function(now.sa_sigaction) {
            // Ours, or one that was put above it. To be above that as well would make a circle.
            return Ok(());
        }
        // Before it is installed: it may be called at once.
        BEFORE[index(signal)].0.store(now.sa_sigaction, Ordering::Relaxed);
        BEFORE[index(signal)].1.store(now.sa_flags, Ordering::Release);
        let mut ours = now;
        ours.sa_sigaction = on_signal as *const () as usize;
        // RESTART: other threads may be in the middle of a system call, and know nothing of this.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        // One at a time: the stack for signals has room for two or three of the kernel's frames.
        block_all(&mut ours.sa_mask);
        set_action(signal, &ours)?;
        self.before.insert(signal, now);
        Ok(())
    }

    /// Restores the action that was there before, unless someone else has put theirs above ours:
    /// that may pass on to us, and we go on passing on.
    pub(super) fn restore(&mut self, signal: i32) {
        let ours = on_signal as *const () as usize;
        if action_of(signal).is_ok_and(|now| now.sa_sigaction == ours)
            && let Some(before) = self.before.remove(&signal)
        {
            // It does not fail, as setting ours did not.
            let _ = set_action(signal, &before);
        }
    }
}

/// The action that is set for `signal` now.
fn action_of(signal: i32) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action changes nothing; the old one is written to memory of ours.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has been written.
    Ok(unsafe { action.assume_init() })
}

/// Sets `action`: ours, or one that was set before.
fn set_action(signal: i32, action: &libc::sigaction) -> io::Result<()> {
    // SAFETY:
    //   1. Our function has the signature that SA_SIGINFO asks for and does only what a handler
    //      may. One that was set before was right then.
    //   2. SA_ONSTACK: where the thread has a stack for signals, no greenlet's stack is used.
    if unsafe { libc::sigaction(signal, action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn block_all(signals: &mut libc::sigset_t) {
    // SAFETY: it writes to the set, which is ours, and cannot fail.
    unsafe { libc::sigfillset(signals) };
}

/// Whether an action calls a function: it is neither the default nor to ignore the signal.
fn is_function(action: usize) -> bool {
    action != libc::SIG_DFL && action != libc::SIG_IGN
}

extern "C" fn on_signal(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    ARRIVED[index(signal)].fetch_add(1, Ordering::Release);
    let bell = BELL.load(Ordering::Acquire);
    if bell >= 0 {
        // SAFETY: the bell's descriptor is not closed while it can be read here.
        let bell = unsafe { BorrowedFd::borrow_raw(bell) };
        // `write` may be called in a handler. On Linux rustix calls the kernel without touching
        // `errno`; elsewhere that changes only where the pipe is full, and then it has been rung.
        let _ = rustix::io::write(bell, b"!");
    }
    let (function, flags) = &BEFORE[index(signal)];
    let flags = flags.load(Ordering::Acquire);
    pass_on(function.load(Ordering::Relaxed), flags, signal, info, context);
}

/// Calls the handler that was there before, if there was one.
fn pass_on(
    function: usize,
    flags: i32,
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    if !is_function(function) {
        return;
    }
    if flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: the action was set with SA_SIGINFO, so its handler has this signature.
        let handler: Handler = unsafe { std::mem::transmute(function) };
        handler(signal, info, context);
    } else {
        // SAFETY: the action was set without SA_SIGINFO, so its handler has this signature.
        let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(function) };
        handler(signal);
    }
}
