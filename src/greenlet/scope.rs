//! Greenlets that borrow from the greenlet that spawns them.
//!
//! # Why this file is unsafe
//!
//! A body that borrows is handed to the hub as one that does not. That is sound because
//! [`scope`] does not leave its frame, in whatever way, before every body has been
//! dropped: it catches what unwinds, and then waits in a manner that no kill cuts short.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::rc::Rc;

use super::packet::{How, TakenOutcome};
use super::{AnyGreenlet, Builder, Greenlet, JoinError, start_killall};
use crate::hub::core;
use crate::hub::waiter;
use crate::raw::fiber::{Reach, WaitKind};
use crate::raw::thread;

/// Where greenlets are spawned that may borrow; see [`scope`].
///
/// It stays on its thread.
pub struct Scope<'scope, 'env: 'scope> {
    children: RefCell<Vec<Greenlet<()>>>,
    // Both invariant, as in `std::thread::Scope`: neither may be shortened or lengthened.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// A handle to a greenlet of a [`scope`].
pub struct ScopedGreenlet<'scope, T> {
    greenlet: Greenlet<()>,
    value: Rc<Cell<Option<T>>>,
    scope: PhantomData<&'scope ()>,
}

/// Calls `body` with a scope whose greenlets may borrow what lives outside of it.
///
/// Returns what `body` returns, when all greenlets of the scope have ended. If `body` panics,
/// or the caller is killed in here, the greenlets are killed, and the unwinding goes on when
/// they have ended; one that catches its kill is waited for. Mirrors [`std::thread::scope`] and
/// gevent's `with greenlet:`.
///
/// # Panics
///
/// If a greenlet panics and nobody joins it: the first payload is raised when all have ended, and
/// the hub's error hook is told of the others. If the caller is unwinding, or is a callback in
/// the hub's loop, since neither can wait. In main, with a report, if everything waits for
/// ever; then the greenlets of the scope are killed.
///
/// # Examples
///
/// ```
/// let words = ["one", "two"];
/// let mut total = 0;
/// greenhub::scope(|scope| {
///     let lengths = words.each_ref().map(|word| scope.spawn(|| word.len()));
///     for length in lengths {
///         total += length.join()?;
///     }
///     Ok::<(), greenhub::JoinError>(())
/// })?;
/// assert_eq!(total, 6);
/// # Ok::<(), greenhub::JoinError>(())
/// ```
///
/// What lives inside the scope does not live long enough:
///
/// ```compile_fail,E0373
/// greenhub::scope(|scope| {
///     let inside = 7;
///     scope.spawn(|| println!("{inside}"));
/// });
/// ```
///
/// A handle does not leave it:
///
/// ```compile_fail
/// let greenlet = greenhub::scope(|scope| scope.spawn(|| 7));
/// ```
pub fn scope<'env, R>(body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R) -> R {
    assert!(!std::thread::panicking(), "a greenlet cannot wait while it unwinds: no scope now");
    // The hub is made before anything depends on it.
    core::with(|_| ());
    assert!(
        !thread::current_head(thread::is_called_by_loop),
        "a callback in the hub's loop cannot wait: spawn a greenlet for what does"
    );
    let _lends = Lends::begin();
    let scope = Scope { children: RefCell::default(), scope: PhantomData, env: PhantomData };
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let result = body(&scope);
        scope.wait();
        result
    }));
    // Nothing may unwind from here on until all have ended.
    if result.is_err() {
        let bomb = Bomb;
        scope.kill_and_wait();
        mem::forget(bomb);
    }
    let result = match result {
        Ok(result) => result,
        Err(payload) => panic::resume_unwind(payload),
    };
    match scope.first_panic() {
        None => result,
        Some(payload) => panic::resume_unwind(payload),
    }
}

/// Notes that others borrow from the current greenlet's frames, until this is dropped.
struct Lends {
    before: bool,
}

impl Lends {
    fn begin() -> Lends {
        Lends { before: thread::current_head(|head| head.lends.replace(true)) }
    }
}

impl Drop for Lends {
    fn drop(&mut self) {
        thread::current_head(|head| head.lends.set(self.before));
    }
}

/// Ends the process if unwinding would free a frame that greenlets borrow from.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        eprintln!("greenhub: a scope cannot wait for its greenlets");
        process::abort();
    }
}

static SCOPE: WaitKind = WaitKind { text: "for the end of", numbered: true, reach: Reach::Inside };

impl<'scope> Scope<'scope, '_> {
    /// Runs `body` as a greenlet, which has ended when the scope ends.
    ///
    /// Returns at once, as [`spawn`](super::spawn) does.
    ///
    /// # Panics
    ///
    /// If there is no memory for its stack.
    #[track_caller]
    pub fn spawn<T: 'scope>(
        &'scope self,
        body: impl FnOnce() -> T + 'scope,
    ) -> ScopedGreenlet<'scope, T> {
        match self.spawn_with(Builder::new(), body) {
            Ok(greenlet) => greenlet,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`spawn`](Self::spawn), with the settings of a builder. Mirrors
    /// [`std::thread::Builder::spawn_scoped`].
    ///
    /// # Errors
    ///
    /// As [`Builder::spawn`].
    #[track_caller]
    pub fn spawn_with<T: 'scope>(
        &'scope self,
        builder: Builder,
        body: impl FnOnce() -> T + 'scope,
    ) -> io::Result<ScopedGreenlet<'scope, T>> {
        let value = Rc::new(Cell::new(None));
        let own = Rc::clone(&value);
        let body: Box<dyn FnOnce() + 'scope> = Box::new(move || own.set(Some(body())));
        // SAFETY: only the lifetime is changed. The body, all that it captured and the value that
        // it returned to `own` are gone, or held by handles that cannot outlive `'scope`, when
        // its greenlet has ended: the greenlet drops them inside of what runs the body. And
        // `scope`, which `'scope` does not outlive, does not return or unwind before all children
        // have ended. The greenlet becomes a child below before it can run and before any code
        // that could panic; if it is not made, the body is dropped here.
        let body: Box<dyn FnOnce() + 'static> = unsafe { mem::transmute(body) };
        let unstarted = builder.create(body)?;
        let greenlet = unstarted.greenlet().clone();
        let forgotten = self.adopt(greenlet.clone());
        unstarted.start();
        drop(forgotten);
        Ok(ScopedGreenlet { greenlet, value, scope: PhantomData })
    }

    /// Adds a child; where the list is full, gives back those of which nothing is to be told.
    fn adopt(&self, child: Greenlet<()>) -> Vec<Greenlet<()>> {
        let mut children = self.children.borrow_mut();
        let mut forgotten = Vec::new();
        if children.len() == children.capacity() {
            let ended = |child: &Greenlet<()>| {
                matches!(child.fiber.data.ended.how(), Some(How::Returned | How::Killed))
            };
            let all = mem::take(&mut *children);
            let (gone, left): (Vec<_>, Vec<_>) = all.into_iter().partition(ended);
            forgotten = gone;
            *children = left;
            let room = children.len() + 8;
            children.reserve(room);
        }
        children.push(child);
        forgotten
    }

    fn running(&self) -> Vec<Greenlet<()>> {
        let children = self.children.borrow();
        children.iter().filter(|child| !child.is_finished()).cloned().collect()
    }

    /// Waits for all, also for those that come meanwhile.
    fn wait(&self) {
        loop {
            let running = self.running();
            if running.is_empty() {
                return;
            }
            running.iter().for_each(Greenlet::wait);
        }
    }

    /// Ends all children, and returns when they have ended, whatever happens.
    fn kill_and_wait(&self) {
        start_killall(&self.running());
        loop {
            let Some(child) = self.running().pop() else { return };
            let ended = &child.fiber.data.ended;
            let waited = panic::catch_unwind(AssertUnwindSafe(|| {
                waiter::park_shielded(&SCOPE, u64::from(child.id()), |waker| {
                    ended.joiners.borrow_mut().push(waker);
                })
            }));
            match waited {
                Ok(Ok(())) => {}
                Ok(Err(waiter::Unwinding)) => panic!("a scope is not entered while unwinding"),
                Err(_) => start_killall(&self.running()),
            }
        }
    }

    /// What the first child panicked with, if nobody has taken or seen that.
    fn first_panic(&self) -> Option<Box<dyn std::any::Any + Send>> {
        let children = self.children.take();
        let failed = children.iter().filter(|child| child.fiber.data.is_unread_panic());
        let first = failed.min_by_key(|child| child.fiber.data.ended.place())?;
        match first.fiber.data.take_outcome() {
            TakenOutcome::Panicked(payload) => Some(payload),
            _ => None,
        }
    }
}

impl<T> ScopedGreenlet<'_, T> {
    /// Waits until the greenlet has ended, and takes its result.
    ///
    /// # Errors
    ///
    /// As [`Greenlet::join`]. A panic that is returned here is not raised by the scope.
    ///
    /// # Panics
    ///
    /// As `Greenlet::join`.
    pub fn join(&self) -> Result<T, JoinError> {
        self.greenlet.join()?;
        self.value.take().ok_or(JoinError::Taken)
    }

    /// Whether the greenlet has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.greenlet.is_finished()
    }

    /// The greenlet without its type: to wait for it, link it, or kill it.
    #[must_use]
    pub fn any(&self) -> AnyGreenlet {
        self.greenlet.any()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("running", &self.running().len()).finish()
    }
}

impl<T> fmt::Debug for ScopedGreenlet<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.greenlet.fmt(f)
    }
}
