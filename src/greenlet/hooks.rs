//! Spawn hooks: who is told of every greenlet that is spawned.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use super::AnyGreenlet;
use crate::hub::core;
use crate::hub::error_hook::{self, Unhandled};

/// Names a spawn hook, so that it can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookId(u64);

type Hook = Rc<dyn Fn(&AnyGreenlet)>;

thread_local! {
    static HOOKS: RefCell<Vec<(HookId, Hook)>> = const { RefCell::new(Vec::new()) };
    static ADDED: Cell<u64> = const { Cell::new(0) };
    /// Whether there are hooks: what every spawn asks.
    static ANY: Cell<bool> = const { Cell::new(false) };
}

/// Has `hook` called with every greenlet that this thread spawns or starts from now on.
///
/// It is called by the spawner, before the greenlet runs: also for
/// [`spawn_later`](super::spawn_later), and at [`Unstarted::start`](super::Unstarted::start), but
/// not for raw greenlets and those of links. What it panics with goes to the hub's error hook.
/// Mirrors gevent's `Greenlet.add_spawn_callback`.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// let count = Rc::new(Cell::new(0));
/// let counter = Rc::clone(&count);
/// let hook = greenhub::add_spawn_hook(move |_| counter.set(counter.get() + 1));
/// greenhub::spawn(|| ()).join()?;
/// assert!(greenhub::remove_spawn_hook(hook));
/// greenhub::spawn(|| ()).join()?;
/// assert_eq!(count.get(), 1);
/// # Ok::<(), greenhub::JoinError>(())
/// ```
pub fn add_spawn_hook(hook: impl Fn(&AnyGreenlet) + 'static) -> HookId {
    let id = HookId(ADDED.get());
    ADDED.set(id.0 + 1);
    HOOKS.with_borrow_mut(|hooks| hooks.push((id, Rc::new(hook))));
    ANY.set(true);
    id
}

/// Removes a spawn hook; `false` if it was removed before.
///
/// Mirrors gevent's `Greenlet.remove_spawn_callback`.
pub fn remove_spawn_hook(id: HookId) -> bool {
    let removed = HOOKS.with_borrow_mut(|hooks| {
        let place = hooks.iter().position(|(own, _)| *own == id)?;
        let removed = hooks.remove(place);
        ANY.set(!hooks.is_empty());
        Some(removed)
    });
    removed.is_some()
}

/// Tells the hooks of a greenlet that has just been made ready.
#[inline]
pub(super) fn tell(greenlet: impl FnOnce() -> AnyGreenlet) {
    if ANY.get() {
        tell_all(&greenlet());
    }
}

#[cold]
fn tell_all(greenlet: &AnyGreenlet) {
    for (_, hook) in HOOKS.with_borrow(Clone::clone) {
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| hook(greenlet))) {
            report_panic("a spawn hook", &*payload);
        }
    }
}

/// Tells the hub's error hook of a panic of something that was called.
pub(super) fn report_panic(origin: &str, payload: &(dyn Any + Send)) {
    let unhandled = Unhandled { origin, made_at: None, payload };
    core::try_with(|core| error_hook::report(core, &unhandled));
}
