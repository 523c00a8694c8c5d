//! What a greenlet waits at, in the model.

use std::rc::Rc;

use crate::stage::Stage;

/// Who takes part in what a greenlet waits at: the model of a primitive.
pub trait Gate {
    /// Has it at once, if it can be had.
    fn try_now(&self, me: usize) -> bool;

    /// Stands in line.
    fn join(&self, me: usize);

    /// Leaves the line, killed or late.
    fn leave(&self, me: usize);

    /// Was granted it, and is killed before it goes on.
    fn give_back(&self, me: usize);

    /// Goes on with what it was granted.
    fn granted(&self, _me: usize) -> Next {
        Next::GoesOn { done: true }
    }

    /// Goes on since its limit is over.
    fn late(&self, me: usize) -> Next {
        self.leave(me);
        Next::GoesOn { done: false }
    }

    /// Would have waited, and is unwound instead.
    fn refused(&self, _me: usize) {}

    /// Whether one who is to unwind does so before it lets others run.
    fn refuses(&self) -> bool {
        true
    }

    /// Whether the model does not say how a wait ends.
    fn is_open(&self) -> bool {
        false
    }
}

/// What one does whose wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Returns, and tells this.
    GoesOn { done: bool },
    /// Waits for something else, without a limit: it is in that line.
    WaitsAgain,
    /// Unwinds.
    Unwinds,
}

/// One who yields: it is ready at once.
pub(crate) struct Awake(pub(crate) Rc<Stage>);

impl Gate for Awake {
    fn try_now(&self, _: usize) -> bool {
        false
    }

    fn join(&self, me: usize) {
        self.0.grant(me);
    }

    fn leave(&self, _: usize) {}

    fn give_back(&self, _: usize) {}

    fn refuses(&self) -> bool {
        false
    }
}

/// One who sleeps: nothing but its limit ends that.
pub(crate) struct Asleep;

impl Gate for Asleep {
    fn try_now(&self, _: usize) -> bool {
        false
    }

    fn join(&self, _: usize) {}

    fn leave(&self, _: usize) {}

    fn give_back(&self, _: usize) {}
}

/// What the model does not know.
pub(crate) struct Open;

impl Gate for Open {
    fn try_now(&self, _: usize) -> bool {
        false
    }

    fn join(&self, _: usize) {}

    fn leave(&self, _: usize) {}

    fn give_back(&self, _: usize) {}

    fn is_open(&self) -> bool {
        true
    }
}

/// The end of a greenlet.
pub(crate) struct TheEnd {
    pub(crate) stage: Rc<Stage>,
    pub(crate) of: usize,
}

impl Gate for TheEnd {
    fn try_now(&self, _: usize) -> bool {
        self.stage.is_finished(self.of)
    }

    fn join(&self, me: usize) {
        self.stage.with(self.of, |actor| actor.joiners.push(me));
    }

    fn leave(&self, me: usize) {
        self.stage.with(self.of, |actor| actor.joiners.retain(|joiner| *joiner != me));
    }

    fn give_back(&self, _: usize) {}
}
