//! Generators: iterators whose body yields from any depth of calls.

use std::cell::Cell;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::rc::Rc;

use super::{Greenlet, SwitchError, SwitchErrorKind, current, main, switch_to};

/// Makes an iterator of what `body` gives.
///
/// The body runs on a stack of its own, so it may give from any function that it calls and
/// lends the [`Yielder`] to. It begins at the first [`next`](Iterator::next). Dropping the
/// generator early unwinds the body, once.
///
/// # Panics
///
/// If there is no memory for its stack. A panic of the body goes on in whoever asked for the
/// next item.
///
/// # Examples
///
/// ```
/// use greenhub::raw::{Yielder, generator};
///
/// fn walk(yielder: &Yielder<u32>, depth: u32) {
///     if depth > 0 {
///         walk(yielder, depth - 1);
///         yielder.give(depth);
///         walk(yielder, depth - 1);
///     }
/// }
///
/// let ruler: Vec<u32> = generator(|yielder| walk(yielder, 3)).collect();
/// assert_eq!(ruler, [1, 2, 1, 3, 1, 2, 1]);
/// ```
#[track_caller]
pub fn generator<T, S, R, F>(body: F) -> Generator<T, S, R>
where
    T: 'static,
    S: 'static,
    R: 'static,
    F: FnOnce(&Yielder<T, S>) -> R + 'static,
{
    let result = Rc::new(Cell::new(None));
    let returned = Rc::clone(&result);
    let greenlet = Greenlet::new(move |_: Sent<S>| {
        let yielder = Yielder { id: current().id(), marker: PhantomData };
        returned.set(Some(body(&yielder)));
        Given::<T>(None)
    });
    Generator { greenlet, started: false, result, marker: PhantomData }
}

/// What goes into the body: nothing from `next`, a value from `send`.
struct Sent<S>(Option<S>);

/// What comes out of the body: an item, or nothing when it has ended.
struct Given<T>(Option<T>);

/// An iterator whose body runs on a stack of its own; made by [`generator`].
pub struct Generator<T, S = (), R = ()> {
    greenlet: Greenlet<Sent<S>>,
    started: bool,
    result: Rc<Cell<Option<R>>>,
    marker: PhantomData<fn() -> T>,
}

impl<T: 'static, S: 'static, R> Generator<T, S, R> {
    /// Passes `value` to the body, as the answer of the `give` where it stands, and returns
    /// the next item; `None` if the body ends first.
    ///
    /// Mirrors Python's `generator.send`.
    ///
    /// # Panics
    ///
    /// If the body has not begun, so that nothing waits for a value; and as for `next`.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::raw::{Generator, generator};
    ///
    /// let mut sums: Generator<u32, u32> = generator(|yielder| {
    ///     let mut sum = 0;
    ///     while let Some(more) = yielder.give(sum) {
    ///         sum += more;
    ///     }
    /// });
    /// assert_eq!(sums.next(), Some(0));
    /// assert_eq!(sums.send(5), Some(5));
    /// assert_eq!(sums.send(6), Some(11));
    /// ```
    pub fn send(&mut self, value: S) -> Option<T> {
        assert!(self.started, "a generator takes no value before its first `next`");
        self.advance(Some(value))
    }

    /// What the body returned, once, when it has ended.
    pub fn take_result(&mut self) -> Option<R> {
        self.result.take()
    }

    fn advance(&mut self, value: Option<S>) -> Option<T> {
        if self.greenlet.is_dead() {
            return None;
        }
        let set = self.greenlet.set_parent(&current());
        assert!(set.is_ok(), "a generator cannot be advanced from within its own body");
        self.started = true;
        let answer = self.greenlet.switch::<Given<T>>(Sent(value));
        // Main takes the place of the one who asked: the body must not keep that one alive.
        // It cannot fail, since main descends from nobody.
        let _ = self.greenlet.set_parent(&main());
        match answer {
            Ok(Given(item)) => item,
            // A panic while the caller unwinds would end the process, so there is no item then.
            Err(error)
                if matches!(error.kind(), SwitchErrorKind::Exited | SwitchErrorKind::Unwinding) =>
            {
                None
            }
            Err(error) => panic!("the generator could not go on: {error}"),
        }
    }
}

impl<T: 'static, S: 'static, R> Iterator for Generator<T, S, R> {
    type Item = T;

    /// Runs the body until it gives an item; `None` when it has ended, and in a destructor that
    /// runs because the caller unwinds: a greenlet cannot switch away then.
    fn next(&mut self) -> Option<T> {
        self.advance(None)
    }
}

impl<T: 'static, S: 'static, R> FusedIterator for Generator<T, S, R> {}

impl<T, S, R> fmt::Debug for Generator<T, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Generator").field(&self.greenlet).finish()
    }
}

/// The body's side of a [`Generator`].
pub struct Yielder<T, S = ()> {
    /// The generator's greenlet, the only one that may give through this.
    id: u32,
    marker: PhantomData<fn(T) -> S>,
}

impl<T: 'static, S: 'static> Yielder<T, S> {
    /// Gives `item` to whoever iterates, and waits until asked for the next.
    ///
    /// Returns the value that was [sent](Generator::send); `None` if asked by plain iteration.
    ///
    /// # Panics
    ///
    /// If it is called on another greenlet than the generator's own.
    pub fn give(&self, item: T) -> Option<S> {
        let asker = {
            let own = current();
            assert_eq!(own.id(), self.id, "a generator gives from its own stack only");
            own.parent().expect("a generator's greenlet has a parent")
        };
        // No handle stays on this stack, neither its own nor the asker's: dropping the last one
        // elsewhere must unwind them.
        let answer: Result<Sent<S>, SwitchError<_>> = switch_to(asker.fiber, Given(Some(item)));
        match answer {
            Ok(Sent(value)) => value,
            Err(error) => panic!("the item reached nobody: {error}"),
        }
    }
}

impl<T, S> fmt::Debug for Yielder<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").field("id", &self.id).finish_non_exhaustive()
    }
}
