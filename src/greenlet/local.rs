//! Values of which each greenlet has its own.

use std::any::{self, Any};
use std::fmt;
use std::ptr;
use std::rc::Rc;

use crate::raw::extra::{Inherit, Local};
use crate::raw::thread;

/// Declares a value of which each greenlet has its own; see [`LocalKey`](crate::greenlet::LocalKey).
///
/// The form is that of [`std::thread_local!`]. With `; inherit` after the value, a greenlet that
/// is spawned begins with a clone of its spawner's value, if that has one.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// greenhub::greenlet_local! {
///     static STEPS: Cell<u32> = Cell::new(0);
///     static REQUEST: String = String::from("none"); inherit
/// }
///
/// STEPS.with(|steps| steps.set(1));
/// REQUEST.set("GET /".to_owned());
/// let child = greenhub::spawn(|| (STEPS.with(Cell::get), REQUEST.with(String::clone)));
/// assert_eq!(child.join()?, (0, "GET /".to_owned()));
/// # Ok::<(), greenhub::JoinError>(())
/// ```
#[macro_export]
macro_rules! greenlet_local {
    () => {};
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr; inherit $(; $($rest:tt)*)?) => {
        $(#[$meta])*
        $vis static $name: $crate::greenlet::LocalKey<$type> =
            $crate::greenlet::LocalKey::inherited(|| $init);
        $($crate::greenlet_local!($($rest)*);)?
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$meta])*
        $vis static $name: $crate::greenlet::LocalKey<$type> =
            $crate::greenlet::LocalKey::new(|| $init);
        $($crate::greenlet_local!($($rest)*);)?
    };
}

/// A value of which each greenlet has its own, main and raw ones as well.
///
/// It is made by [`greenlet_local!`](crate::greenlet_local), at the first use in each greenlet. It
/// is dropped when that greenlet ends, even if its handle is kept; main's is not dropped.
/// Mirrors `gevent.local.local` and [`std::thread::LocalKey`].
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
    inherit: Option<Inherit>,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(init: fn() -> T) -> Self {
        LocalKey { init, inherit: None }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn inherited(init: fn() -> T) -> Self
    where
        T: Clone,
    {
        LocalKey { init, inherit: Some(clone::<T>) }
    }

    /// Calls `f` with the current greenlet's value, made now if this is the first use.
    ///
    /// # Panics
    ///
    /// If the thread is ending.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(answer) => answer,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`with`](Self::with).
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the thread is ending, so that there are no greenlets any more.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        thread::try_with(|_| ()).ok_or(AccessError(()))?;
        let value = match self.get() {
            Some(value) => value,
            None => {
                let value = Rc::new((self.init)());
                // What is there was made while this was: the first one stays.
                self.get().unwrap_or_else(|| self.put(value))
            }
        };
        Ok(f(&value))
    }

    /// Replaces the current greenlet's value, or gives it its first.
    ///
    /// # Panics
    ///
    /// If the thread is ending.
    pub fn set(&'static self, value: T) {
        let old = self.remove();
        self.put(Rc::new(value));
        drop(old);
    }

    /// Gives the current greenlet its value, or has `replace` put it into the one that it has.
    pub(crate) fn set_or_replace(&'static self, value: T, replace: impl FnOnce(&T, T)) {
        match self.get() {
            Some(old) => replace(&old, value),
            None => drop(self.put(Rc::new(value))),
        }
    }

    /// Takes the current greenlet's value, if it has one. The next use makes it anew.
    ///
    /// # Panics
    ///
    /// If it is called within [`with`](Self::with) of the same value, or the thread is ending.
    pub fn take(&'static self) -> Option<T> {
        match Rc::try_unwrap(self.remove()?) {
            Ok(value) => Some(value),
            Err(used) => {
                self.put(used);
                panic!("a greenlet's value cannot be taken while it is used");
            }
        }
    }

    fn address(&'static self) -> usize {
        ptr::from_ref(self).addr()
    }

    fn get(&'static self) -> Option<Rc<T>> {
        let key = self.address();
        let value = thread::current_head(|head| {
            let locals = head.extra()?.locals.borrow();
            locals.iter().find(|local| local.key == key).map(|local| Rc::clone(&local.value))
        });
        value?.downcast().ok()
    }

    fn put(&'static self, value: Rc<T>) -> Rc<T> {
        let local = Local {
            key: self.address(),
            value: value.clone(),
            type_name: any::type_name::<T>(),
            inherit: self.inherit,
        };
        thread::current_head(|head| head.extra_or_default().locals.borrow_mut().push(local));
        value
    }

    fn remove(&'static self) -> Option<Rc<T>> {
        let key = self.address();
        let removed = thread::current_head(|head| {
            let mut locals = head.extra()?.locals.borrow_mut();
            let place = locals.iter().position(|local| local.key == key)?;
            Some(locals.remove(place))
        });
        removed?.value.downcast().ok()
    }
}

fn clone<T: Clone + 'static>(value: &dyn Any) -> Option<Rc<dyn Any>> {
    let value = value.downcast_ref::<T>()?;
    Some(Rc::new(value.clone()))
}

/// What a greenlet that the current one spawns begins with.
#[inline(always)]
pub(super) fn inherited() -> Option<Vec<Local>> {
    if thread::current_head(|head| head.extra().is_none()) { None } else { inherit() }
}

#[cold]
#[inline(never)]
fn inherit() -> Option<Vec<Local>> {
    // A copy: `clone` may run any code.
    let locals = thread::current_head(|head| Some(head.extra()?.locals.borrow().clone()))?;
    let inherited = locals.iter().filter_map(|local| {
        let value = local.inherit?(&*local.value)?;
        Some(Local { value, ..*local })
    });
    Some(inherited.collect()).filter(|inherited: &Vec<_>| !inherited.is_empty())
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// The thread is ending, so there is no greenlet to have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError(());

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a greenlet's values cannot be used while its thread ends")
    }
}

impl std::error::Error for AccessError {}
