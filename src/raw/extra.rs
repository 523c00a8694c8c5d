//! What few fibers have: kept apart, so that the others pay one pointer for it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Default)]
pub(crate) struct Extra {
    /// Values that belong to the fiber, each under the address of its key.
    pub(crate) locals: RefCell<Vec<Local>>,
    /// What it is to be unwound with, where that is not [`Exit`](super::Exit).
    pub(crate) kill_payload: Cell<Option<Box<dyn Any + Send>>>,
    /// How often it was killed, and unwound by that.
    pub(crate) kills: Cell<u32>,
}

/// One value of one fiber.
#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) key: usize,
    pub(crate) value: Rc<dyn Any>,
    /// The name of its type.
    pub(crate) type_name: &'static str,
    /// Makes the value of a fiber that this one spawns.
    pub(crate) inherit: Option<Inherit>,
}

pub(crate) type Inherit = fn(&dyn Any) -> Option<Rc<dyn Any>>;

impl Extra {
    /// Drops all values, also those that their destructors make anew.
    pub(crate) fn clear_locals(&self) {
        loop {
            // Taken out one by one: a destructor may look at the others.
            let last = self.locals.borrow_mut().pop();
            match last {
                Some(local) => drop(local),
                None => return,
            }
        }
    }
}
