//! The greenlets of a program, and what the model knows of each: whether it waits, for how long, and
//! whether it was granted what it waits for, killed, or is in a block whose time is over.
//!
//! Nobody else runs between two waits. So the model does each operation in the same slice as the
//! greenlet, and knows beforehand whether that will have to wait. If so the greenlet joins the model's
//! line, and whoever releases something grants it to the first of the model's line. The hook for switches tells when
//! a greenlet goes on; the model decides then how its wait has ended, and the greenlet is asked whether
//! it sees it so. Once a tick, main looks for greenlets that should have gone on.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use greenhub::testing::now;
use greenhub::{Greenlet, yield_now};

use crate::gate::{Asleep, Awake, Gate, Next, Open};

/// A wait that has not returned.
struct Parked {
    gate: Rc<dyn Gate>,
    deadline: Option<Duration>,
    /// Which of all waits it is.
    number: u64,
    /// Which of all grants it is, and when.
    granted: Option<(u64, Duration)>,
    /// It has gone on.
    next: Option<Next>,
}

#[derive(Default)]
pub(crate) struct Actor {
    handle: Option<Greenlet<usize>>,
    /// When it was to begin.
    pub(crate) due: Duration,
    is_started: bool,
    pub(crate) finished: Option<Duration>,
    /// It has come to the end of its steps.
    pub(crate) has_returned: bool,
    /// When it was killed, until that is raised.
    pub(crate) killed: Option<Duration>,
    /// The limits around it, outermost first: their deadlines, unless they were cancelled.
    scopes: Vec<Option<Duration>>,
    parked: Option<Parked>,
    /// Those who wait for its end.
    pub(crate) joiners: Vec<usize>,
    /// How much it has done since it waited.
    acts: u32,
}

pub struct Stage {
    actors: RefCell<Vec<Actor>>,
    by_id: RefCell<HashMap<u32, usize>>,
    slices: Cell<u64>,
    waits: Cell<u64>,
    grants: Cell<u64>,
    is_first_come: bool,
    fault: RefCell<Option<String>>,
}

impl Stage {
    pub fn new(count: usize, is_first_come: bool) -> Stage {
        Stage {
            actors: RefCell::new((0..count).map(|_| Actor::default()).collect()),
            by_id: RefCell::default(),
            slices: Cell::new(0),
            waits: Cell::new(0),
            grants: Cell::new(0),
            is_first_come,
            fault: RefCell::new(None),
        }
    }

    /// The model and the world differ. Kept for main as well, as a greenlet's panic may be caught.
    pub fn fault(&self, text: String) {
        eprintln!("at {:?}: {text}", now());
        self.fault.borrow_mut().get_or_insert_with(|| text.clone());
        if !std::thread::panicking() {
            panic!("{text}");
        }
    }

    pub fn check(&self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.fault(text());
        }
    }

    pub fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, real: T, model: T) {
        self.check(real == model, || format!("{what}: it is {real:?}, in the model {model:?}"));
    }

    pub(crate) fn with<R>(&self, who: usize, f: impl FnOnce(&mut Actor) -> R) -> R {
        f(&mut self.actors.borrow_mut()[who])
    }

    pub fn count(&self) -> usize {
        self.actors.borrow().len()
    }

    pub fn handle(&self, who: usize) -> Option<Greenlet<usize>> {
        self.with(who, |actor| actor.handle.clone())
    }

    /// How often somebody was switched to.
    pub fn slices(&self) -> u64 {
        self.slices.get()
    }

    // ---- beginning and ending -------------------------------------------------------------

    pub(crate) fn spawned(&self, who: usize, delay: Duration, handle: Greenlet<usize>) {
        self.by_id.borrow_mut().insert(handle.id(), who);
        self.with(who, |actor| {
            actor.due = now() + delay;
            actor.handle = Some(handle);
        });
    }

    pub(crate) fn started(&self, me: usize) {
        let (due, killed) = self.with(me, |actor| {
            actor.is_started = true;
            (actor.due, actor.killed)
        });
        self.same("when it begins", now(), due);
        self.check(killed.is_none(), || format!("{me} was killed and begins"));
    }

    pub(crate) fn finished(&self, me: usize) {
        let joiners = self.with(me, |actor| {
            actor.finished = Some(now());
            std::mem::take(&mut actor.joiners)
        });
        joiners.into_iter().for_each(|joiner| self.grant(joiner));
    }

    pub fn is_finished(&self, who: usize) -> bool {
        self.with(who, |actor| actor.finished.is_some())
    }

    /// `who` is going to be killed.
    pub(crate) fn kill(&self, who: usize) {
        self.with(who, |actor| {
            if actor.finished.is_none() {
                actor.killed.get_or_insert_with(now);
            }
        });
    }

    /// The kill has been raised.
    pub(crate) fn killed(&self, me: usize) {
        let killed = self.with(me, |actor| actor.killed.take());
        self.check(killed.is_some(), || format!("{me} unwinds as killed, and was not"));
    }

    // ---- limits ---------------------------------------------------------------------------

    /// A block with a limit begins.
    pub fn enter(&self, me: usize, limit: Option<Duration>) -> Scope<'_> {
        self.with(me, |actor| actor.scopes.push(limit.map(|limit| now().saturating_add(limit))));
        Scope { stage: self, me }
    }

    /// Sets the deadline of a scope; `depth` is counted from the outermost.
    pub(crate) fn set_scope(&self, me: usize, depth: usize, deadline: Option<Duration>) {
        self.with(me, |actor| actor.scopes[depth] = deadline);
    }

    pub(crate) fn scope(&self, me: usize, depth: usize) -> Option<Duration> {
        self.with(me, |actor| actor.scopes[depth])
    }

    pub(crate) fn depth(&self, me: usize) -> usize {
        self.with(me, |actor| actor.scopes.len())
    }

    fn leave_scope(&self, me: usize) -> Option<Duration> {
        self.with(me, |actor| actor.scopes.pop().flatten())
    }

    /// A limit has ended its block.
    fn expired(&self, me: usize, deadline: Option<Duration>) {
        self.same("when a limit ends its block", Some(now()), deadline);
        let (killed, further_out) = self.with(me, |actor| (actor.killed, actor.expired_scope()));
        self.check(killed.is_none(), || format!("{me} was killed, and a limit came before that"));
        self.check(further_out.is_none(), || format!("a limit further out of {me} was over"));
    }

    /// Whether the next wait of `me` unwinds.
    pub fn is_interrupted(&self, me: usize) -> bool {
        self.with(me, |actor| actor.is_interrupted())
    }

    // ---- waiting --------------------------------------------------------------------------

    /// The first of a line has now what it waits for.
    pub fn grant(&self, who: usize) {
        let number = self.grants.get() + 1;
        self.grants.set(number);
        let is_twice = self.with(who, |actor| {
            let parked = actor.parked.as_mut().expect("who is granted something waits");
            parked.granted.replace((number, now())).is_some()
        });
        self.check(!is_twice, || format!("{who} is granted something twice"));
    }

    /// Does something that may have to wait, and tells whether it was done. The model says what has to
    /// come of it.
    pub fn wait(
        &self,
        me: usize,
        gate: Rc<dyn Gate>,
        limit: Option<Duration>,
        real: impl FnOnce() -> bool,
    ) -> bool {
        let slices = self.slices.get();
        let is_had = gate.try_now(me);
        if is_had || limit == Some(Duration::ZERO) {
            self.same("whether it was had at once", real(), is_had);
            self.same(
                "how many ran before one who need not wait went on",
                self.slices.get(),
                slices,
            );
            return is_had;
        }
        if self.is_interrupted(me) && gate.refuses() {
            gate.refused(me);
            real();
            self.fault(format!("{me} was to be unwound, and its wait returned"));
            return false;
        }
        self.park(me, gate, limit, real)
    }

    /// As [`wait`](Self::wait), for what the model leaves open: it may wait, and end at any time before
    /// its limit is over. `at_once` says whether it must not wait, or must, if that is known.
    pub fn loosely<R>(
        &self,
        me: usize,
        limit: Option<Duration>,
        at_once: Option<bool>,
        real: impl FnOnce() -> R,
    ) -> R {
        let slices = self.slices.get();
        let deadline = limit.map(|limit| now().saturating_add(limit));
        let gate = Rc::new(Open);
        let parked = Parked { gate, deadline, number: 0, granted: None, next: None };
        self.with(me, |actor| actor.parked = Some(parked));
        let place = Loose { stage: self, me };
        let result = real();
        std::mem::forget(place);
        self.with(me, |actor| actor.parked = None);
        let has_waited = self.slices.get() != slices;
        if has_waited {
            self.with(me, |actor| actor.acts = 0);
            self.check(!self.is_interrupted(me), || format!("{me} was to be unwound, and goes on"));
        }
        if let Some(at_once) = at_once {
            let may_wait = limit != Some(Duration::ZERO) && !at_once;
            self.check(may_wait || !has_waited, || format!("{me} had to wait, and should not"));
            self.check(!may_wait || has_waited, || format!("{me} did not have to wait"));
        }
        result
    }

    fn park(
        &self,
        me: usize,
        gate: Rc<dyn Gate>,
        limit: Option<Duration>,
        real: impl FnOnce() -> bool,
    ) -> bool {
        let deadline = limit.map(|limit| now().saturating_add(limit));
        let number = self.waits.get() + 1;
        self.waits.set(number);
        let parked = Parked { gate: Rc::clone(&gate), deadline, number, granted: None, next: None };
        self.with(me, |actor| {
            actor.acts = 0;
            actor.parked = Some(parked);
        });
        gate.join(me);
        let place = Place { stage: self, me };
        let done = real();
        let next = self.end_wait(me);
        std::mem::forget(place);
        self.same("how a wait ended", Next::GoesOn { done }, next);
        done
    }

    fn end_wait(&self, me: usize) -> Next {
        self.resumed(me);
        let parked = self.with(me, |actor| actor.parked.take()).expect("it has waited");
        parked.next.unwrap_or(Next::WaitsAgain)
    }

    /// `me` has been switched to: how its wait ends is decided.
    fn resumed(&self, me: usize) {
        if self.with(me, |actor| actor.parked.as_ref().is_some_and(|it| it.gate.is_open())) {
            return;
        }
        let Some((gate, granted, deadline, is_interrupted)) = self.with(me, |actor| {
            let is_interrupted = actor.is_interrupted();
            let parked = actor.parked.as_ref().filter(|parked| parked.next.is_none())?;
            Some((Rc::clone(&parked.gate), parked.granted, parked.deadline, is_interrupted))
        }) else {
            return;
        };
        let next = if is_interrupted {
            if granted.is_some() {
                gate.give_back(me)
            } else {
                gate.leave(me)
            }
            Next::Unwinds
        } else if let Some((number, _)) = granted {
            self.check_turn(me, number, deadline);
            gate.granted(me)
        } else {
            self.same("when a limit ends a wait", Some(now()), deadline);
            self.check_order(me);
            gate.late(me)
        };
        self.with(me, |actor| {
            let parked = actor.parked.as_mut().expect("it waits");
            if next == Next::WaitsAgain {
                (parked.granted, parked.deadline) = (None, None);
            } else {
                parked.next = Some(next);
            }
        });
    }

    /// Who was woken first runs first, unless a seed decides, or its limit was over before.
    fn check_turn(&self, me: usize, number: u64, deadline: Option<Duration>) {
        if !self.is_first_come || deadline.is_some_and(|deadline| deadline <= now()) {
            return;
        }
        let before = self.actors.borrow().iter().position(|actor| {
            let parked = actor.parked.as_ref().filter(|parked| parked.next.is_none());
            parked.and_then(|it| it.granted).is_some_and(|(other, _)| other < number)
        });
        self.check(before.is_none(), || format!("{me} goes on before {before:?}, granted earlier"));
    }

    /// Of those whose limits are over at one moment, the one who began to wait first runs first.
    fn check_order(&self, me: usize) {
        let actors = self.actors.borrow();
        let waits = |actor: &Actor| {
            let parked = actor.parked.as_ref().filter(|it| it.next.is_none() && !it.gate.is_open());
            parked.filter(|it| it.deadline == Some(now())).map(|it| it.number)
        };
        let own = waits(&actors[me]);
        let before = actors.iter().position(|it| waits(it).is_some_and(|it| Some(it) < own));
        drop(actors);
        let is_first = before.is_none() || !self.is_first_come;
        self.check(is_first, || format!("{me} goes on before {before:?}, which came earlier"));
    }

    pub(crate) fn switched(&self, id: u32) {
        self.slices.set(self.slices.get() + 1);
        let who = self.by_id.borrow().get(&id).copied();
        if let Some(who) = who
            && !self.is_finished(who)
        {
            self.resumed(who);
        }
    }

    /// Yields now and then, so that no operation does so of its own accord.
    pub(crate) fn breathe(self: &Rc<Self>, me: usize) {
        let acts = self.with(me, |actor| {
            actor.acts += 1;
            actor.acts
        });
        if acts > 15 {
            self.yield_now(me);
        }
    }

    pub(crate) fn yield_now(self: &Rc<Self>, me: usize) {
        let awake = Rc::new(Awake(Rc::clone(self)));
        self.wait(me, awake, None, || {
            yield_now();
            true
        });
    }

    pub(crate) fn sleep(self: &Rc<Self>, me: usize, time: Duration) {
        if time.is_zero() {
            return self.yield_now(me);
        }
        self.wait(me, Rc::new(Asleep), Some(time), || {
            greenhub::sleep(time);
            false
        });
    }

    // ---- main looks -----------------------------------------------------------------------

    /// Nobody waits who should have gone on before this moment.
    pub(crate) fn look(&self) {
        if let Some(fault) = self.fault.borrow().clone() {
            panic!("{fault}");
        }
        let late = self.actors.borrow().iter().enumerate().find_map(|(who, actor)| {
            actor.should_have_run(now()).map(|why| format!("{who} {why}, and does not go on"))
        });
        if let Some(late) = late {
            self.fault(late);
        }
    }

    pub(crate) fn are_all_finished(&self) -> bool {
        self.actors.borrow().iter().all(|it| it.handle.is_none() || it.finished.is_some())
    }
}

impl Actor {
    fn expired_scope(&self) -> Option<Duration> {
        self.scopes.iter().flatten().copied().find(|deadline| *deadline <= now())
    }

    fn is_interrupted(&self) -> bool {
        self.killed.is_some() || self.expired_scope().is_some()
    }

    fn should_have_run(&self, now: Duration) -> Option<&'static str> {
        let before = |moment: Option<Duration>| moment.is_some_and(|moment| moment < now);
        if self.handle.is_none() || self.finished.is_some() {
            return None;
        }
        if before(self.killed) {
            return Some("was killed");
        }
        if !self.is_started {
            return before(Some(self.due)).then_some("was to begin");
        }
        let Some(parked) = &self.parked else { return Some("does not wait") };
        if before(parked.granted.map(|(_, at)| at)) {
            return Some("was granted what it waits for");
        }
        if before(parked.deadline) {
            return Some("had a limit");
        }
        let scope = self.scopes.iter().flatten().any(|deadline| *deadline < now);
        scope.then_some("is in a block whose time is over")
    }
}

/// Held while a wait has not returned: dropped if it unwinds.
struct Place<'a> {
    stage: &'a Stage,
    me: usize,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let next = self.stage.end_wait(self.me);
        let why = || format!("{} unwinds from a wait, and should not: {next:?}", self.me);
        self.stage.check(next == Next::Unwinds, why);
    }
}

/// As [`Place`], for a wait of which the model does not know how it ends.
struct Loose<'a> {
    stage: &'a Stage,
    me: usize,
}

impl Drop for Loose<'_> {
    fn drop(&mut self) {
        self.stage.with(self.me, |actor| actor.parked = None);
        let is_interrupted = self.stage.is_interrupted(self.me);
        self.stage.check(is_interrupted, || format!("{} unwinds, and should not", self.me));
    }
}

/// A block with a limit; dropped if something else unwinds it.
#[must_use]
pub struct Scope<'a> {
    stage: &'a Stage,
    me: usize,
}

impl Scope<'_> {
    /// The block was left, perhaps by its limit.
    pub fn leave(self, is_expired: bool) {
        let (stage, me) = (self.stage, self.me);
        std::mem::forget(self);
        let deadline = stage.leave_scope(me);
        if is_expired {
            stage.expired(me, deadline);
        }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        self.stage.leave_scope(self.me);
    }
}
