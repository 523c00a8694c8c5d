//! One at a time, who may enter again.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::lock::Lock;
use crate::hub::report;
use crate::hub::turn::WaitError;
use crate::raw::thread;

/// A lock whose owner may acquire it again, and releases it as often.
///
/// The owner is a greenlet: not its thread, whose other greenlets wait. Of a plain thread it
/// is main, and a callback of the hub counts as main. One that ends while it owns the lock
/// leaves it locked. Mirrors `gevent.lock.RLock`.
///
/// # Examples
///
/// ```
/// use greenhub::sync::RLock;
///
/// static TREE: RLock = RLock::new();
///
/// let outer = TREE.lock()?;
/// let inner = TREE.lock()?;
/// drop((inner, outer));
/// assert!(TREE.release().is_err());
/// # Ok::<(), greenhub::sync::WaitError>(())
/// ```
pub struct RLock {
    lock: Lock,
    /// Zero while nobody owns it. Only who it names can find itself here.
    owner: AtomicU64,
    /// Only the owner looks.
    count: AtomicUsize,
}

/// A greenlet of any thread: the thread's number, and its own there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Who {
    thread: u32,
    greenlet: u32,
}

static THREADS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

impl Who {
    #[inline]
    fn is_here() -> Who {
        let greenlet = thread::try_current_head(|head| head.id.get()).unwrap_or(0);
        Who { thread: this_thread(), greenlet }
    }

    fn from_word(word: u64) -> Option<Who> {
        (word != 0).then_some(Who { thread: (word >> 32) as u32, greenlet: word as u32 })
    }

    /// Never zero, as threads are numbered from one.
    #[inline]
    fn word(self) -> u64 {
        u64::from(self.thread) << 32 | u64::from(self.greenlet)
    }

    fn name(self) -> String {
        if self.thread != this_thread() {
            return match self.greenlet {
                0 => "main of another thread".into(),
                id => format!("greenlet {id} of another thread"),
            };
        }
        let fiber = thread::with(|thread| thread.fiber(self.greenlet));
        fiber.map_or_else(
            || format!("greenlet {}, which has ended", self.greenlet),
            |fiber| report::name(&fiber.head),
        )
    }
}

#[inline]
fn this_thread() -> u32 {
    let number = THREAD.get();
    if number != 0 {
        return number;
    }
    THREAD.set(THREADS.fetch_add(1, Ordering::Relaxed) + 1);
    THREAD.get()
}

/// A lock was released by one who does not own it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOwner {
    owner: Option<String>,
    caller: String,
}

impl fmt::Display for NotOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.as_deref().unwrap_or("nobody");
        write!(f, "{} cannot release a lock that is owned by {owner}", self.caller)
    }
}

impl std::error::Error for NotOwner {}

impl RLock {
    /// A lock that nobody owns.
    #[must_use]
    pub const fn new() -> RLock {
        RLock { lock: Lock::new(), owner: AtomicU64::new(0), count: AtomicUsize::new(0) }
    }

    /// Acquires it until the guard is dropped; waits while another greenlet owns it.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// As `acquire`.
    pub fn lock(&self) -> Result<RLockGuard<'_>, WaitError> {
        self.acquire()?;
        Ok(RLockGuard { lock: self, stays_with_its_owner: PhantomData })
    }

    /// Acquires it, or once more; waits while another greenlet owns it. Mirrors `RLock.acquire`.
    ///
    /// # Errors
    ///
    /// [`WaitError::Unwinding`] if another owns it and the caller unwinds.
    ///
    /// # Panics
    ///
    /// As [`Lock::acquire`].
    pub fn acquire(&self) -> Result<(), WaitError> {
        self.enter(Lock::acquire)
    }

    /// As [`acquire`](Self::acquire), for at most `limit`. A limit of zero only looks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it was not released in time; else as `acquire`.
    ///
    /// # Panics
    ///
    /// As [`Lock::acquire_for`].
    pub fn acquire_for(&self, limit: Duration) -> Result<(), WaitError> {
        self.enter(|lock| lock.acquire_for(limit))
    }

    /// Acquires it if no other greenlet owns it; returns whether it has. See
    /// [`Lock::try_acquire`].
    #[must_use]
    pub fn try_acquire(&self) -> bool {
        self.enter(|lock| if lock.try_acquire() { Ok(()) } else { Err(()) }).is_ok()
    }

    #[inline]
    fn enter<E>(&self, acquire: impl FnOnce(&Lock) -> Result<(), E>) -> Result<(), E> {
        let me = Who::is_here().word();
        if self.owner.load(Ordering::Relaxed) != me {
            acquire(&self.lock)?;
            self.owner.store(me, Ordering::Relaxed);
        }
        self.count.store(self.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Releases it once; the last time, it goes to whoever has waited longest.
    ///
    /// Returns at once. Mirrors `RLock.release`.
    ///
    /// # Errors
    ///
    /// [`NotOwner`], which names the owner and the caller, if those differ.
    pub fn release(&self) -> Result<(), NotOwner> {
        let me = Who::is_here();
        let owner = self.owner.load(Ordering::Relaxed);
        if owner != me.word() {
            let owner = Who::from_word(owner).map(Who::name);
            return Err(NotOwner { owner, caller: me.name() });
        }
        let count = self.count.load(Ordering::Relaxed) - 1;
        self.count.store(count, Ordering::Relaxed);
        if count == 0 {
            self.owner.store(0, Ordering::Relaxed);
            // It was held, by us.
            let _ = self.lock.release();
        }
        Ok(())
    }

    /// Whether someone owns it. Mirrors `RLock.locked`.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }
}

impl Default for RLock {
    fn default() -> Self {
        RLock::new()
    }
}

impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLock").field("locked", &self.is_locked()).finish_non_exhaustive()
    }
}

/// Holds an [`RLock`] once, and releases it once when it is dropped.
///
/// It stays on its thread:
///
/// ```compile_fail
/// static TREE: greenhub::sync::RLock = greenhub::sync::RLock::new();
/// let guard = TREE.lock().unwrap();
/// std::thread::spawn(move || drop(guard));
/// ```
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    stays_with_its_owner: PhantomData<*const ()>,
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        // An error means that it was dropped by another greenlet, or released by hand. A destructor
        // has nobody to tell, and must not release what another holds.
        let _ = self.lock.release();
    }
}
