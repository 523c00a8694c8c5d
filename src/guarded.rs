//! A value behind a tiny lock, for what takes some nanoseconds.
//!
//! The lock spins, and then lets the OS run other threads. So it is never held over a wait, nor over
//! code of the program's, with one exception: a queue's items are compared and cloned under it.
//! Greenlets of one thread never contend for it. Should such code come back to the same lock, that
//! is a panic and not a hang, since the lock knows the thread that holds it; and if it waits, the
//! panic is that of the next greenlet of its thread that comes.
//!
//! # Whose it is
//!
//! An atomic exchange is most of what such a lock costs, and most are used by one thread only. So
//! the first thread that comes *owns* the lock, and takes it by an ordinary store and a look:
//!
//! ```text
//!   owner:    inside = me ─▶ is it still mine? ─▶ in        (no fence between the two)
//!   another:  "being taken" ─▶ barrier in every thread ─▶ wait until it is not inside ─▶ "free"
//! ```
//!
//! The other thread's barrier (`membarrier`, one to four microseconds) stands in for the fence that the
//! owner leaves out: either the owner's store is seen by the one who waits for it, or the owner sees
//! that the lock is being taken from it, and steps back. From then on it is shared for good, and
//! everyone takes it by an atomic exchange; as from the first where there is no such barrier.
//!
//! The word in which the owner says that it is inside is its own for ever. It may have been stopped
//! just before it says so, and go on when others have long shared the lock: then nobody looks there.
//!
//! # Why this file is unsafe
//!
//! It holds the one `UnsafeCell` of the crate's locks: the compiler cannot see that the lock lets
//! one thread in at a time. And it makes the system call.
#![allow(unsafe_code)]

use crate::atomics::{AtomicUsize, Ordering, UnsafeCell, compiler_fence, hint, thread};
#[cfg(loom)]
use crate::atomics::{barrier, this_thread};

/// Looks at a held lock before the OS is asked to run others.
const SPINS: u32 = 100;

/// What a lock is, where it is no thread's: shared, and nobody is in.
const FREE: usize = 0;
/// Nobody has come yet.
const NOBODYS: usize = 1;
const BEING_TAKEN: usize = 2;

/// Beside a thread, which is an address of something with four bytes, or more: it is in a lock that is
/// shared. Without it the thread is the owner.
const IN_SHARED: usize = 1;

pub(crate) struct Guarded<T> {
    /// The owner while it is in as that, or zero. Only owners write here.
    inside: AtomicUsize,
    /// The owner, or who is in as one of many, or one of the above.
    whose: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only in `with`, by one thread at a time, so to share a
// `Guarded` is to send the value to and fro.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    #[cfg(not(loom))]
    pub(crate) const fn new(value: T) -> Self {
        Guarded {
            inside: AtomicUsize::new(0),
            whose: AtomicUsize::new(NOBODYS),
            value: UnsafeCell::new(value),
        }
    }

    /// As above; loom's atomics cannot be constants.
    #[cfg(loom)]
    pub(crate) fn new(value: T) -> Self {
        Guarded {
            inside: AtomicUsize::new(0),
            whose: AtomicUsize::new(NOBODYS),
            value: UnsafeCell::new(value),
        }
    }

    /// Calls `f` with the value, which no one else sees meanwhile.
    ///
    /// # Panics
    ///
    /// If this thread holds it already.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let me = this_thread();
        let _unlock = if self.is_own(me) && self.enter_own(me) {
            Unlock(&self.inside)
        } else {
            Unlock(self.enter(me))
        };
        // SAFETY: only who has entered gets here, and is out again when `f` has returned or unwound.
        // One at a time is in: of those who share it, one changes `whose` from free; an owner that
        // gets here was inside before a barrier that it cannot have missed, or there was none, and
        // it was made free only when the owner was not inside after that. Who enters has acquired what
        // the one before released, or is the same thread. `f` does not come back: it is refused.
        f(unsafe { &mut *self.value.get() })
    }

    #[inline]
    fn is_own(&self, me: usize) -> bool {
        self.whose.load(Ordering::Relaxed) == me
    }

    /// Enters as the owner, which it was a moment ago; `false` if it is not any more.
    #[inline]
    fn enter_own(&self, me: usize) -> bool {
        self.refuse_owner_inside();
        self.inside.store(me, Ordering::Relaxed);
        // The processor's order is seen to by whoever takes the lock away.
        compiler_fence(Ordering::SeqCst);
        let is_still_own = self.is_own(me);
        if !is_still_own {
            self.inside.store(0, Ordering::Release);
        }
        is_still_own
    }

    /// For one who is, or was, the owner: nobody else writes there.
    #[inline]
    fn refuse_owner_inside(&self) {
        assert!(self.inside.load(Ordering::Relaxed) == 0, "{REFUSED}");
    }

    /// Enters in another way; returns what is to be zero when it is left.
    #[cold]
    fn enter(&self, me: usize) -> &AtomicUsize {
        let mut patience = Patience(0);
        loop {
            match self.whose.load(Ordering::Acquire) {
                FREE => {
                    if self.exchange(FREE, me | IN_SHARED) {
                        return &self.whose;
                    }
                }
                NOBODYS => {
                    let owner = if barrier::is_available() { me } else { FREE };
                    // Who else comes first has it.
                    self.exchange(NOBODYS, owner);
                }
                BEING_TAKEN => {
                    assert!(self.inside.load(Ordering::Relaxed) != me, "{REFUSED}");
                    patience.wait();
                }
                holder if holder & IN_SHARED != 0 => {
                    assert!(holder != me | IN_SHARED, "{REFUSED}");
                    patience.wait();
                }
                owner if owner == me => {
                    if self.enter_own(me) {
                        return &self.inside;
                    }
                }
                owner => self.take_from(owner),
            }
        }
    }

    /// Makes it shared, unless someone else is about to.
    fn take_from(&self, owner: usize) {
        if !self.exchange(owner, BEING_TAKEN) {
            return;
        }
        if !barrier::in_every_thread() {
            // The owner goes on as if nothing had been.
            self.whose.store(owner, Ordering::Release);
            panic!("the kernel refuses a barrier that it has granted before");
        }
        let mut patience = Patience(0);
        while self.inside.load(Ordering::Acquire) != 0 {
            patience.wait();
        }
        self.whose.store(FREE, Ordering::Release);
    }

    fn exchange(&self, from: usize, to: usize) -> bool {
        self.whose.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

const REFUSED: &str = "what compares or clones an item of a queue must not wait, nor use the queue";

/// Waits for something that takes some nanoseconds, unless the OS stopped who does it.
struct Patience(u32);

impl Patience {
    fn wait(&mut self) {
        if self.0 < SPINS {
            self.0 += 1;
            hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}

/// A number of this thread's own while it lives: the address of something that it has. A later thread
/// may get the same, and with it the locks of the one that has ended.
#[cfg(not(loom))]
#[inline]
pub(crate) fn this_thread() -> usize {
    thread_local!(static HERE: u32 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// Asks the kernel for the barrier. Where there are several threads already that takes it some
/// 15 ms, once in a process: better when a hub is made than at the first lock.
pub(crate) fn prepare() {
    barrier::is_available();
}

/// A barrier that one thread has all others go through.
#[cfg(all(target_os = "linux", not(loom)))]
mod barrier {
    use std::sync::OnceLock;

    /// Whether there is one. The first call asks for it.
    pub(super) fn is_available() -> bool {
        // It would take what the barrier orders for a race.
        #[cfg(feature = "sanitizer")]
        if crate::sanitizer::looks_for_races() {
            return false;
        }
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
    }

    /// When it returns, every thread of the process has gone through a full barrier since the call.
    /// `false` if there is none any more, as where a sandbox has been entered since.
    pub(super) fn in_every_thread() -> bool {
        call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
    }

    fn call(command: libc::c_int) -> bool {
        // SAFETY: this call takes two numbers besides its command, and no memory.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

#[cfg(not(any(target_os = "linux", loom)))]
mod barrier {
    pub(super) fn is_available() -> bool {
        false
    }

    pub(super) fn in_every_thread() -> bool {
        unreachable!("where there is no barrier, no lock has an owner");
    }
}

/// Unlocks when it is dropped, also by a panic.
struct Unlock<'a>(&'a AtomicUsize);

impl Drop for Unlock<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic;
    use std::sync::Barrier;
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_thread_at_a_time_sees_the_value() {
        let sum = Guarded::new(0u64);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| sum.with(|sum| *sum += 1)));
            }
        });
        assert_eq!(sum.with(|sum| *sum), 4_000);
    }

    #[test]
    fn a_lock_that_is_taken_from_its_owner_lets_one_in_at_a_time() {
        // Again and again in the first moments, which are those in which it is taken away.
        for round in 0..2_000u64 {
            let sum = Guarded::new(0u64);
            thread::scope(|scope| {
                let add = || (0..50).for_each(|_| sum.with(|sum| *sum += 1));
                scope.spawn(add);
                for _ in 0..round % 64 {
                    hint::spin_loop();
                }
                add();
            });
            assert_eq!(sum.with(|sum| *sum), 100);
        }
    }

    #[test]
    fn who_comes_back_is_refused_as_the_owner_and_as_one_of_many() {
        let value = Guarded::new(0);
        let come_back = || {
            let back = || value.with(|_| value.with(|_| ()));
            panic::catch_unwind(panic::AssertUnwindSafe(back)).is_err()
        };
        assert!(come_back());
        thread::scope(|scope| scope.spawn(|| value.with(|value| *value += 1)).join().unwrap());
        assert!(come_back());
        assert_eq!(value.with(|value| *value), 1);
    }

    #[test]
    fn an_owner_that_was_stopped_on_its_way_in_finds_the_lock_taken_and_disturbs_nobody() {
        let lock = Guarded::new(0);
        let me = this_thread();
        lock.with(|_| ());
        assert!(lock.is_own(me) || !barrier::is_available());
        // Here it is stopped; and when it goes on, another is in.
        let (is_in, out) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                lock.with(|value| {
                    is_in.wait();
                    out.wait();
                    *value += 1;
                });
            });
            is_in.wait();
            assert!(!lock.enter_own(me), "it is not the owner's any more");
            let third = scope.spawn(|| lock.with(|value| *value));
            thread::sleep(Duration::from_millis(20));
            let is_held = !third.is_finished();
            out.wait();
            other.join().unwrap();
            assert!(is_held, "a third came in beside the one that is in");
            assert_eq!(third.join().unwrap(), 1);
        });
    }

    #[test]
    fn an_owner_that_comes_back_while_the_lock_is_taken_from_it_is_refused() {
        let value = Guarded::new(0);
        value.with(|_| ());
        if !barrier::is_available() {
            return;
        }
        thread::scope(|scope| {
            let is_refused = value.with(|_| {
                scope.spawn(|| value.with(|value| *value += 1));
                while value.is_own(this_thread()) {
                    thread::yield_now();
                }
                panic::catch_unwind(panic::AssertUnwindSafe(|| value.with(|_| ()))).is_err()
            });
            assert!(is_refused);
        });
        assert_eq!(value.with(|value| *value), 1);
    }

    #[test]
    fn a_panic_unlocks() {
        let value = Guarded::new(7);
        let caught = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            value.with(|_| panic::resume_unwind(Box::new("out")))
        }));
        assert!(caught.is_err());
        assert_eq!(value.with(|value| *value), 7);
    }
}
