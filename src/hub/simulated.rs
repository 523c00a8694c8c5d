//! A hub whose time and order are decided, for tests: what the loop asks in a simulation.
//!
//! | the loop asks | without a simulation | in one |
//! | --- | --- | --- |
//! | who is next? | who is ready longest | the seed's choice; every eighth time who is ready longest |
//! | nobody is ready: until when to sleep? | until the next deadline | not at all: it is that moment now |
//! | can another thread end a wait? | if there is one | only if it is known to have to do with it |
//!
//! **Fair for sure, and not only likely:** those who wait for their turn keep their order, and every
//! eighth choice takes the first of them. So whoever is behind `n` others runs within `8 (n + 1)`.
//!
//! **Time stands still while someone is ready,** and moves by whole deadlines. While someone
//! waits for the kernel or for a thread that is known, the hub sleeps as any other; what it has slept
//! for is owed, and when as much is owed as lies before the next deadline, it is that moment.
//!
//! Who yields until a moment has passed would wait for ever: so after many switches at
//! one moment time moves on, and where there is no deadline to move to, main is told.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::core::{self, Core};
use crate::clock::{self, Moment};
use crate::config;
use crate::random::Random;
use crate::raw::fiber::{FiberRef, Reach};
use crate::raw::thread;

/// What is decided, and by what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Chooses who is next; without one it is who is ready longest.
    pub(crate) seed: Option<u64>,
    /// Whether greenlets let others run sooner than they would, where they do what need not wait.
    pub(crate) is_disturbing: bool,
    /// After how many switches at one moment, with no deadline before it, somebody is said to yield for
    /// ever.
    pub(crate) patience: u64,
}

pub(crate) struct Simulated {
    rules: Rules,
    random: RefCell<Random>,
    began: Moment,
    /// When those who are ready were last looked at.
    at: Cell<Moment>,
    /// Switches at that moment.
    switches: Cell<u64>,
    choices: Cell<u64>,
    /// How long the hub has really slept at that moment.
    owed: Cell<Duration>,
}

/// Puts this thread's hub under the rules, for as long as it lives. It has had no greenlets yet.
pub(crate) fn begin(rules: Rules) {
    let began = clock::make_virtual();
    core::with(|core| {
        let simulated = Simulated {
            rules,
            random: RefCell::new(Random::new(rules.seed.unwrap_or(0))),
            began,
            at: Cell::new(began),
            switches: Cell::new(0),
            choices: Cell::new(0),
            owed: Cell::new(Duration::ZERO),
        };
        let is_first = core.simulated.set(simulated).is_ok();
        debug_assert!(is_first, "a hub is put under rules once");
    });
    thread::with(|thread| thread.tracing.attend());
}

/// Calls `f` with the simulation that runs on this thread, if one does.
pub(crate) fn with<R>(f: impl FnOnce(&Simulated) -> R) -> Option<R> {
    core::try_with(|core| core.simulated.get().map(f)).flatten()
}

impl Simulated {
    pub(crate) fn seed(&self) -> Option<u64> {
        self.rules.seed
    }

    /// How much time has passed since it began.
    pub(crate) fn elapsed(&self) -> Duration {
        Moment::now().since(self.began)
    }

    pub(crate) fn random<R>(&self, draw: impl FnOnce(&mut Random) -> R) -> R {
        draw(&mut self.random.borrow_mut())
    }

    /// Counts a switch; returns how many there were at this moment.
    fn count_switch(&self) -> u64 {
        let now = Moment::now();
        if self.at.replace(now) != now {
            self.switches.set(0);
            self.owed.set(Duration::ZERO);
        }
        self.switches.set(self.switches.get() + 1);
        self.switches.get()
    }

    /// The place, among so many who are ready, of the one who goes before the first; none if the first
    /// is next.
    fn choose(&self, ready: usize) -> Option<usize> {
        self.rules.seed?;
        self.choices.set(self.choices.get() + 1);
        if self.choices.get().is_multiple_of(config::CHOICES_PER_TURN) {
            return None;
        }
        let place = self.random(|random| random.below(ready as u64 + 1));
        (place as usize).checked_sub(1)
    }

    /// Has a greenlet that is about to run let others run before it has done many operations.
    fn disturb(&self, next: &FiberRef) {
        let most = config::DISTURBED_OPERATIONS;
        let few = self.random(|random| random.below(u64::from(most))) as u32;
        next.head.operations.set(config::OPERATIONS_PER_SLICE - 1 - few);
    }
}

impl Core {
    /// Who runs next, in place of `first`, who was taken out of those who are ready.
    pub(super) fn choose(&self, simulated: &Simulated, first: FiberRef) -> FiberRef {
        let switches = simulated.count_switch();
        if switches >= config::SWITCHES_AT_ONE_MOMENT.min(simulated.rules.patience) {
            self.move_on(simulated, switches, &first);
        }
        let next = match simulated.choose(self.ready.len()) {
            Some(place) => self.ready.prefer(place, first),
            None => first,
        };
        if simulated.rules.is_disturbing {
            simulated.disturb(&next);
        }
        next
    }

    /// Nobody is ready, and someone still may be: it is the moment of the next deadline, unless
    /// the kernel or another thread could come before.
    pub(super) fn let_time_pass(&self, simulated: &Simulated) {
        let deadline = self.timers.borrow_mut().next_deadline();
        let waits_outside = self.waits(Reach::Outside) > 0 || self.inbox.has_remotes();
        match deadline {
            Some(deadline) if !waits_outside && !self.inbox.is_pending() => {
                clock::advance(deadline);
            }
            _ => self.sleep_as_others_do(simulated, deadline),
        }
    }

    fn sleep_as_others_do(&self, simulated: &Simulated, deadline: Option<Moment>) {
        let now = Moment::now();
        if simulated.at.replace(now) != now {
            simulated.owed.set(Duration::ZERO);
        }
        let left = deadline.map(|deadline| deadline.since(now));
        let begun = Instant::now();
        self.sleep_until(left.map(|left| now.plus(left.saturating_sub(simulated.owed.get()))));
        let owed = simulated.owed.get().saturating_add(begun.elapsed());
        simulated.owed.set(owed);
        if let Some(deadline) = deadline
            && left.is_some_and(|left| owed >= left)
        {
            clock::advance(deadline);
        }
    }

    /// After so many switches at one moment: it is the next one, if there is one.
    #[cold]
    fn move_on(&self, simulated: &Simulated, switches: u64, first: &FiberRef) {
        let deadline = self.timers.borrow_mut().next_deadline();
        if let Some(deadline) = deadline
            && switches >= config::SWITCHES_AT_ONE_MOMENT
        {
            clock::advance(deadline);
            // The timers are looked at as soon as this one has run.
            self.cut_turn();
        } else if deadline.is_none() && switches >= simulated.rules.patience {
            simulated.switches.set(0);
            if !first.head.is_main() {
                self.ready.push(first.clone());
            }
            // It goes on, and unwinds, whoever's turn it is.
            self.ready.forget_main();
            thread::with(|thread| thread::set_current(thread.main_head()));
            panic!(
                "somebody yields for ever: {switches} switches, and in the simulation it is still \
                 the same moment, with no deadline before it"
            );
        }
    }
}
