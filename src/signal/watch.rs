//! Who wants to know of which signal, and the thread that tells them.
//!
//! The thread sleeps in a read of the bell's pipe. When it rings, it compares how often each
//! signal has come with what it has told before. So signals that come quickly are told once, and
//! none is lost, in whatever order the bytes come.

use std::io::{self, ErrorKind, PipeReader, Read};
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::handler::{self, Actions};
use crate::hub::threads::Helper;

/// Tells someone that a signal has come. Called by the thread, which it must not keep.
pub(crate) type Tell = Arc<dyn Fn(i32) + Send + Sync>;

struct Subscription {
    id: u64,
    signal: i32,
    /// How often the signal had come when it was told last.
    told: u64,
    tell: Tell,
}

pub(crate) struct Registry {
    /// In the order in which they were made, which is that in which they are told.
    subscriptions: Vec<Subscription>,
    actions: Actions,
    last_id: u64,
    /// The thread is there.
    is_watched: bool,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    subscriptions: Vec::new(),
    actions: Actions::new(),
    last_id: 0,
    is_watched: false,
});

/// What must not be caught: it cannot be, or going on would repeat the fault.
const FORBIDDEN: [i32; 6] =
    [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

/// Has `tell`, which is given the new id, called whenever `signal` has come.
///
/// # Errors
///
/// [`InvalidInput`](ErrorKind::InvalidInput) for a signal that cannot be handled. If there is no
/// thread or no descriptor to be had.
pub(super) fn subscribe(signal: i32, tell: impl FnOnce(u64) -> Tell) -> io::Result<u64> {
    if FORBIDDEN.contains(&signal) {
        let message = format!("signal {signal} cannot be handled by a greenlet");
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    let mut registry = lock();
    registry.watch()?;
    registry.actions.install(signal).map_err(|error| {
        io::Error::new(error.kind(), format!("signal {signal} cannot be handled: {error}"))
    })?;
    registry.last_id += 1;
    let id = registry.last_id;
    let told = handler::arrived(signal);
    registry.subscriptions.push(Subscription { id, signal, told, tell: tell(id) });
    Ok(id)
}

/// Ends a subscription. With the last one for its signal, what was set before us is restored.
pub(super) fn unsubscribe(id: u64) {
    let mut registry = lock();
    let found = registry.subscriptions.iter().position(|subscription| subscription.id == id);
    let Some(place) = found else { return };
    let gone = registry.subscriptions.remove(place);
    if registry.subscriptions.iter().all(|other| other.signal != gone.signal) {
        registry.actions.restore(gone.signal);
    }
    drop(registry);
    // Its destructors are someone else's code.
    drop(gone);
}

impl Registry {
    /// Sees to it that the thread is there.
    fn watch(&mut self) -> io::Result<()> {
        if !self.is_watched {
            let (reader, writer) = handler::new_bell()?;
            let hearer = reader.as_raw_fd();
            thread::Builder::new().name("greenhub-signal".into()).spawn(|| watch(reader))?;
            handler::hang_bell(writer, hearer);
            self.is_watched = true;
        }
        Ok(())
    }
}

/// What the thread does, until the process ends.
fn watch(mut bell: PipeReader) {
    let _helper = Helper::begin();
    let mut rings = [0; 64];
    loop {
        match bell.read(&mut rings) {
            Ok(1..) => tell_all(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Its other end is never closed, so this does not come.
            Ok(0) | Err(_) => return,
        }
    }
}

fn tell_all() {
    let mut news = Vec::new();
    for subscription in &mut lock().subscriptions {
        let arrived = handler::arrived(subscription.signal);
        if arrived != subscription.told {
            subscription.told = arrived;
            news.push((Arc::clone(&subscription.tell), subscription.signal));
        }
    }
    for (tell, signal) in news {
        tell(signal);
    }
}

/// Who wants to know of signals, locked for the time of a fork.
pub(crate) struct Frozen(MutexGuard<'static, Registry>);

pub(crate) fn freeze() -> Frozen {
    Frozen(lock())
}

impl Frozen {
    /// In the child: nobody wants to know, and what was set before us is set again.
    pub(super) fn renew(mut self) {
        for gone in mem::take(&mut self.0.subscriptions) {
            self.0.actions.restore(gone.signal);
            mem::forget(gone);
        }
        if mem::replace(&mut self.0.is_watched, false) {
            handler::take_bell_down();
        }
    }
}

/// Nothing panics while the lock is held, so poison means nothing.
fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}
