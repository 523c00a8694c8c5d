//! corosensei alone, the floor that greenhub stands on: coroutines in a queue, and no more.

use std::collections::VecDeque;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// What a body gets, to suspend itself.
pub(crate) type Pause = Yielder<(), ()>;

/// Coroutines that run in turns, on stacks of 256 KiB as greenhub's are, used again.
#[derive(Default)]
pub(crate) struct Floor {
    ready: VecDeque<Coroutine<(), (), ()>>,
    stacks: Vec<DefaultStack>,
}

impl Floor {
    pub(crate) fn spawn(&mut self, body: impl FnOnce(&Pause) + 'static) {
        let made = || DefaultStack::new(256 * 1024).expect("there is memory");
        let stack = self.stacks.pop().unwrap_or_else(made);
        self.ready.push_back(Coroutine::with_stack(stack, |pause, ()| body(pause)));
    }

    /// Resumes each in its turn until all have ended.
    pub(crate) fn run(&mut self) {
        while let Some(coroutine) = self.ready.pop_front() {
            self.resume(coroutine);
        }
    }

    /// Resumes each once.
    pub(crate) fn turn(&mut self) {
        for _ in 0..self.ready.len() {
            let coroutine = self.ready.pop_front().expect("they are counted");
            self.resume(coroutine);
        }
    }

    fn resume(&mut self, mut coroutine: Coroutine<(), (), ()>) {
        match coroutine.resume(()) {
            CoroutineResult::Yield(()) => self.ready.push_back(coroutine),
            CoroutineResult::Return(()) => self.stacks.push(coroutine.into_stack()),
        }
    }
}
