//! Values that a greenlet shares with those that descend from it.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use super::local::LocalKey;
use crate::raw::thread;

/// Values that a greenlet shares with all that it spawns, and that those spawn, and so on.
///
/// Main has a tree of its own, and what it spawns begins new ones: siblings that main spawned share
/// nothing. So a server that spawns a greenlet for each request has one tree for each.
///
/// A greenlet is in a tree from when it first asks for it, and what it spawns from then on is in
/// the same from the beginning. One that was spawned before its spawner was in a tree begins
/// another; so does a [raw](crate::raw) greenlet. There is one value of each type. They are
/// dropped when the last greenlet of the tree has ended and the last `SpawnTree` is gone; main's
/// are not. Clones name the same tree. Mirrors gevent's `Greenlet.spawn_tree_locals`.
///
/// # Examples
///
/// ```
/// use greenhub::greenlet::SpawnTree;
///
/// struct RequestId(u64);
///
/// fn log() -> u64 {
///     SpawnTree::current().get::<RequestId>().map_or(0, |id| id.0)
/// }
///
/// let requests = [7, 8].map(|id| {
///     greenhub::spawn(move || {
///         SpawnTree::current().set(RequestId(id));
///         let child = greenhub::spawn(|| greenhub::spawn(log).join());
///         child.join()
///     })
/// });
/// for (request, id) in requests.iter().zip([7, 8]) {
///     assert_eq!(request.join()???, id);
/// }
/// # Ok::<(), greenhub::JoinError>(())
/// ```
#[derive(Clone)]
pub struct SpawnTree {
    values: Rc<RefCell<HashMap<TypeId, Rc<dyn Any>>>>,
}

/// What those that main spawned, and their descendants, have.
static TREE: LocalKey<SpawnTree> = LocalKey::inherited(SpawnTree::new);

/// Main's tree is no one else's.
static OF_MAIN: LocalKey<SpawnTree> = LocalKey::new(SpawnTree::new);

impl SpawnTree {
    fn new() -> Self {
        SpawnTree { values: Rc::default() }
    }

    /// The current greenlet's tree.
    ///
    /// # Panics
    ///
    /// If the thread is ending.
    #[must_use]
    pub fn current() -> SpawnTree {
        let is_main = thread::current_head(|head| head.is_main());
        let tree = if is_main { &OF_MAIN } else { &TREE };
        tree.with(SpawnTree::clone)
    }

    /// The value of this type, if there is one.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let value = self.values.borrow().get(&TypeId::of::<T>()).cloned();
        value?.downcast().ok()
    }

    /// The value of this type, made by `init` if there is none.
    pub fn get_or_insert_with<T: 'static>(&self, init: impl FnOnce() -> T) -> Rc<T> {
        self.get().unwrap_or_else(|| {
            let value = Rc::new(init());
            // What is there was made while this was: the first one stays.
            self.get().unwrap_or_else(|| {
                self.put(Rc::clone(&value));
                value
            })
        })
    }

    /// Replaces the value of this type; returns the one that was there.
    pub fn set<T: 'static>(&self, value: T) -> Option<Rc<T>> {
        self.put(Rc::new(value))?.downcast().ok()
    }

    /// Takes the value of this type out.
    pub fn remove<T: 'static>(&self) -> Option<Rc<T>> {
        let value = self.values.borrow_mut().remove(&TypeId::of::<T>());
        value?.downcast().ok()
    }

    fn put<T: 'static>(&self, value: Rc<T>) -> Option<Rc<dyn Any>> {
        self.values.borrow_mut().insert(TypeId::of::<T>(), value)
    }
}

/// Two are equal if they name the same tree.
impl PartialEq for SpawnTree {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.values, &other.values)
    }
}

impl Eq for SpawnTree {}

impl fmt::Debug for SpawnTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnTree").field("values", &self.values.borrow().len()).finish()
    }
}
