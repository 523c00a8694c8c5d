//! Sleeps, limits, kills and timers, and a clock that jumps.
//!
//! The steps that all targets have are the most of it: what sleeps goes on at its moment, and no other; a
//! limit ends its block then, the outermost first, and a kill before any; of those whose moment is the same
//! the first who came is the first to go. Here come timers and very long sleeps. For these main lets
//! an hour, a day and a year pass at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use greenhub::testing::now;
use greenhub::{Timer, with_timeout};

use crate::gate::Gate;
use crate::play::{self, Play};
use crate::program::{Limit, Someone, Ticks};
use crate::stage::Stage;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[derive(Arbitrary, Clone, Debug)]
pub enum Act {
    SleepLong(Long),
    /// Two limits of which one ends the sleep.
    TwoLimits(Ticks, Ticks),
    SetTimer(Ticks),
    SetLongTimer(Long),
    CancelTimer(Someone),
    WaitForTimer(Someone, Limit),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Long {
    Instant,
    Hour,
    AlmostDay,
    Day,
    Year,
    Ever,
}

impl Long {
    fn time(self) -> Duration {
        match self {
            Long::Instant => Duration::from_nanos(1),
            Long::Hour => HOUR,
            Long::AlmostDay => DAY - Duration::from_nanos(1),
            Long::Day => DAY,
            Long::Year => YEAR,
            Long::Ever => Duration::MAX,
        }
    }
}

struct Timers {
    stage: Rc<Stage>,
    timers: RefCell<Vec<Rc<Set>>>,
}

/// A timer that was started.
struct Set {
    stage: Rc<Stage>,
    timer: Timer,
    due: Duration,
    fired: Rc<Cell<Option<Duration>>>,
    /// When it was prevented from firing.
    cancelled: Cell<Option<Duration>>,
    line: Rc<Line>,
}

/// Those who wait for a timer to be over.
struct Line {
    stage: Rc<Stage>,
    waiting: RefCell<Vec<usize>>,
    is_over: Cell<bool>,
}

/// Owned by what a timer calls, and dropped with it.
struct Over(Rc<Line>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.is_over.set(true);
        let waiting: Vec<usize> = self.0.waiting.take();
        waiting.into_iter().for_each(|who| self.0.stage.grant(who));
    }
}

/// Runs the program that `data` is.
pub fn run(data: &[u8]) {
    play::run::<Timers>(data);
}

impl Play for Timers {
    type Act = Act;

    const JUMPS: &'static [Duration] = &[HOUR, DAY, YEAR];

    fn new(stage: &Rc<Stage>, _: u8) -> Self {
        Timers { stage: Rc::clone(stage), timers: RefCell::default() }
    }

    fn act(self: &Rc<Self>, me: usize, act: &Act) {
        match act {
            Act::SleepLong(long) => self.stage.sleep(me, long.time()),
            Act::TwoLimits(outer, inner) => self.two_limits(me, outer.0, inner.0),
            Act::SetTimer(delay) => self.set(delay.0),
            Act::SetLongTimer(long) => self.set(long.time()),
            Act::CancelTimer(which) => {
                if let Some(set) = self.timer(*which) {
                    set.cancel();
                }
            }
            Act::WaitForTimer(which, limit) => {
                if let Some(set) = self.timer(*which) {
                    set.wait(me, limit.0);
                }
            }
        }
    }

    fn look(&self) {
        for set in self.timers.borrow().iter() {
            set.look();
        }
    }

    fn end(&self) {
        for set in self.timers.take() {
            set.cancel();
            greenhub::sleep(Duration::from_nanos(1));
            set.look();
        }
    }
}

impl Timers {
    fn set(&self, delay: Duration) {
        let line = Rc::new(Line {
            stage: Rc::clone(&self.stage),
            waiting: RefCell::default(),
            is_over: Cell::new(false),
        });
        let fired = Rc::new(Cell::new(None));
        let (over, told) = (Over(Rc::clone(&line)), Rc::clone(&fired));
        let timer = Timer::new(delay, move || {
            let earlier = told.replace(Some(now()));
            over.0.stage.same("when it has fired before", earlier, None);
        });
        timer.start();
        let due = now().saturating_add(delay);
        let (stage, cancelled) = (Rc::clone(&self.stage), Cell::new(None));
        self.timers.borrow_mut().push(Rc::new(Set { stage, timer, due, fired, cancelled, line }));
    }

    fn timer(&self, which: Someone) -> Option<Rc<Set>> {
        let timers = self.timers.borrow();
        let place = usize::from(which.0).checked_rem(timers.len())?;
        Some(Rc::clone(&timers[place]))
    }

    /// The one that is over first ends the sleep; of equal ones it is the outer.
    fn two_limits(&self, me: usize, outer: Duration, inner: Duration) {
        let scope = self.stage.enter(me, Some(outer));
        let done = with_timeout(outer, || {
            let scope = self.stage.enter(me, Some(inner));
            let done = with_timeout(inner, || self.stage.sleep(me, YEAR));
            scope.leave(done.is_err());
            done
        });
        scope.leave(done.is_err());
        let is_inner = done.is_ok();
        self.stage.same("whether the inner limit ended it", is_inner, inner < outer);
    }
}

impl Set {
    /// Fired at its moment; if not, it is not due, or was cancelled.
    fn look(&self) {
        match self.fired.get() {
            Some(fired) => self.stage.same("when a timer fires", fired, self.due),
            None => {
                let is_late = self.due < now() && self.cancelled.get().is_none();
                self.stage.check(!is_late, || "a timer is due, and has not fired".into());
            }
        }
        if self.fired.get().is_some() && self.cancelled.get().is_some() {
            self.stage.fault("a timer has fired that was cancelled".into());
        }
    }

    fn is_over(&self) -> bool {
        self.fired.get().is_some() || self.cancelled.get().is_some()
    }

    fn cancel(&self) {
        let prevents = !self.is_over();
        self.stage.same("whether a timer is prevented", self.timer.cancel(), prevents);
        if prevents {
            self.cancelled.set(Some(now()));
        }
        self.stage.same("whether a timer is alive", self.timer.is_alive(), false);
    }

    fn wait(&self, me: usize, limit: Option<Duration>) {
        self.stage.wait(me, self.line.clone(), limit, || {
            self.timer.wait_for(limit.unwrap_or(Duration::MAX))
        });
    }
}

impl Gate for Line {
    fn try_now(&self, _: usize) -> bool {
        self.is_over.get()
    }

    fn join(&self, me: usize) {
        self.waiting.borrow_mut().push(me);
    }

    fn leave(&self, me: usize) {
        self.waiting.borrow_mut().retain(|who| *who != me);
    }

    fn give_back(&self, _: usize) {}
}
