//! A child process with a hub that starts empty.
//!
//! ```text
//!   fresh descriptors ─▶ lock what threads may hold ─▶ fork ─▶ parent: unlock
//!                                                        └───▶ child: renew all, unlock
//! ```
//!
//! The locks are ours: of the inboxes, of the pools, of the signals. Each is renewed by
//! its own module, through the guard.
//!
//! # Why this file is unsafe
//!
//! It calls `fork`, and has descriptors that others own name other files.
#![allow(unsafe_code)]

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::FdFlags;

use crate::hub::core;
use crate::hub::inboxes;
use crate::hub::reactor::Fresh;
use crate::masked::Masked;
use crate::raw::thread;
use crate::{pulse, signal, threadpool};

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The one that called [`fork`], and the number of the other.
    Parent(u32),
    /// The new one.
    Child,
}

/// Makes a child process, a copy of this one, in which only the calling OS thread goes on.
///
/// The child's hub starts empty. Main goes on, with all that stands on its frames: handles,
/// sockets, raw greenlets, an open [`Timeout`](crate::Timeout). The parent's other greenlets do
/// not run in the child and are not unwound there; to join one is to wait for ever, which is
/// reported. Pools have no threads until they are used, signals have the actions that they had
/// before [`signal`](crate::signal) was used (a [`Signals`](signal::Signals) of the parent hears
/// nothing in the child), and callbacks that other threads had asked for are not called. Sockets
/// can be used by both processes; nothing that the child does with its descriptors changes what
/// the parent waits for.
///
/// Mirrors `gevent.fork`, in whose child the parent's greenlets run as well.
///
/// A child that is made in another way, by `libc::fork` say, shares its parent's epoll. It must
/// not use greenhub, but may [exec](std::os::unix::process::CommandExt::exec);
/// [`std::process::Command`] is such a way, and the better one to run another program.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) if the caller is not main (what is below a greenlet
/// on the thread's own stack would wait for what is not there), or is within a
/// [`scope`](crate::scope()), whose greenlets borrow from main's frames; and on systems other than
/// Linux. If there is no process or no descriptor to be had.
///
/// # Safety
///
/// Threads other than the caller do not exist in the child, and what they were doing is never
/// done. So until the child calls `exec` or `_exit`, it must not depend on that:
///
/// 1. It takes no lock, and uses nothing that takes one, that another thread may have held. That is
///    for the caller to know: locks of the program and of its libraries, standard output's, those
///    behind greenhub's primitives where threads share them. The C library sees to its allocator.
/// 2. It uses no value that borrows from another thread's stack or waits for another thread.
///
/// A process of one thread, whose pools have nothing to do, meets both.
///
/// # Examples
///
/// ```
/// use greenhub::os::{Fork, fork};
///
/// // SAFETY: the child only leaves.
/// match unsafe { fork() }? {
///     Fork::Child => unsafe { libc::_exit(7) },
///     Fork::Parent(child) => assert_ne!(child, std::process::id()),
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub unsafe fn fork() -> io::Result<Fork> {
    refuse_all_but_main()?;
    core::make()?;
    let fresh = Fresh::new()?;
    // In this order, always. Nobody else holds two of them.
    let signals = signal::freeze();
    let pools = threadpool::freeze();
    let inboxes = inboxes::freeze();
    let watched = pulse::freeze();
    // Until the child has the actions that are its own: one that came before would be lost.
    let _masked = Masked::all();
    // SAFETY: the caller answers for what other threads leave undone. Ours is either locked here,
    // and so whole, or belongs to this thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            pulse::renew(watched);
            core::with(|core| {
                let next_wait = core.renew(&fresh, replace);
                inboxes.renew(core.number(), next_wait);
            });
            threadpool::renew(pools);
            signal::renew(signals);
            Ok(Fork::Child)
        }
        child => Ok(Fork::Parent(child.unsigned_abs())),
    }
}

fn refuse_all_but_main() -> io::Result<()> {
    let reason = thread::current_head(|head| {
        if !head.is_main() || thread::is_called_by_loop(head) {
            Some("only main can fork: a greenlet would be all that is left in the child")
        } else if head.lends.get() {
            Some("main cannot fork within a scope, whose greenlets would not be in the child")
        } else {
            None
        }
    });
    match reason {
        Some(reason) => Err(io::Error::new(io::ErrorKind::Unsupported, reason)),
        None => Ok(()),
    }
}

/// Has `old` name the file of `new`.
fn replace(old: BorrowedFd<'_>, new: BorrowedFd<'_>) {
    // SAFETY: it is not dropped, so its owner goes on owning it, and it is open all the time.
    let mut old = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(old.as_raw_fd()) });
    let replaced = rustix::io::retry_on_intr(|| rustix::io::dup2(new, &mut old))
        .and_then(|()| rustix::io::fcntl_setfd(&*old, FdFlags::CLOEXEC));
    // Both are open, so this does not come. Were it to, the child would disturb its parent.
    replaced.expect("an open descriptor can be replaced by another");
}
