//! Runs a program: its greenlets, the steps that all targets have, and main, which looks on.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use greenhub::greenlet::LinkId;
use greenhub::testing::{Simulation, now};
use greenhub::timeout::Running;
use greenhub::{Exit, Greenlet, Hub, Timeout, set_trace, sleep};

use crate::gate::TheEnd;
use crate::program::{Do, Limit, Program, Someone, Step};
use crate::stage::Stage;

/// What a target has its greenlets do.
pub trait Play: 'static {
    type Act: for<'a> Arbitrary<'a> + Clone + Send + Sync;

    /// How far main lets the clock jump, when the greenlets have had some time.
    const JUMPS: &'static [Duration] = &[];

    /// How a simulation of it is to be.
    fn simulation(_mode: u8) -> Simulation {
        Simulation::new()
    }

    fn new(stage: &Rc<Stage>, mode: u8) -> Self;

    fn act(self: &Rc<Self>, me: usize, act: &Self::Act);

    /// Called by a greenlet when it has done or left its steps.
    fn leaves(&self, _me: usize) {}

    /// Whether all is as in the model; called after each step.
    fn look(&self) {}

    /// Called when all have ended, who were killed after `GRACE`.
    fn end(&self) {}
}

/// Main looks twice in a tick, so that it runs between any two moments at which others do.
const TICK: Duration = Duration::from_micros(500);

/// How long a program may take before its greenlets are killed.
const GRACE: Duration = Duration::from_millis(40);

/// How long they may take then: each kill may be survived once by each step.
const PATIENCE: Duration = Duration::from_millis(400);

/// Runs the program that `data` is.
pub fn run<P: Play>(data: &[u8]) {
    let Ok(program) = Program::<P::Act>::arbitrary(&mut Unstructured::new(data)) else { return };
    let mut simulation = P::simulation(program.mode);
    if let Some(seed) = program.seed {
        simulation = simulation.seed(seed);
    }
    simulation.run(|| perform::<P>(program));
}

struct Cast<P: Play> {
    stage: Rc<Stage>,
    play: Rc<P>,
    scripts: Vec<Rc<[Do<P::Act>]>>,
    links: Cell<Vec<Link>>,
}

struct Link {
    to: usize,
    id: LinkId,
    /// How often it was called.
    calls: Rc<Cell<u32>>,
    is_removed: bool,
}

fn perform<P: Play>(program: Program<P::Act>) {
    let stage = Rc::new(Stage::new(program.actors.len(), program.seed.is_none()));
    let cast = Rc::new(Cast {
        play: Rc::new(P::new(&stage, program.mode)),
        stage,
        scripts: program.actors.into_iter().map(Rc::from).collect(),
        links: Cell::default(),
    });
    Hub::current().set_error_hook(|_| ());
    let hooked = Rc::clone(&cast.stage);
    set_trace(Some(Rc::new(move |switch| hooked.switched(switch.target().id()))));
    for who in 0..cast.scripts.len() {
        // The others begin by a step of these.
        if who % 3 < 2 {
            cast.start(who, Duration::ZERO);
        }
    }
    cast.wait_until(GRACE);
    for jump in P::JUMPS {
        sleep(*jump);
        cast.wait_until(now() + TICK * 4);
    }
    let patience = now() + PATIENCE;
    while !cast.stage.are_all_finished() {
        let why = || format!("who was killed goes on: {}", greenhub::debug::dump());
        cast.stage.check(now() < patience, why);
        (0..cast.scripts.len()).for_each(|who| cast.kill(who));
        cast.wait_until(now() + TICK * 2);
    }
    // What was linked to the last of them runs.
    sleep(TICK);
    cast.play.end();
    cast.look_at_links();
    set_trace(None);
    let stats = Hub::current().stats();
    let left = (stats.ready, stats.timers, stats.sources, stats.stacks_in_use);
    assert_eq!(left, (0, 0, 0, 0), "what is left: {stats:?}");
}

impl<P: Play> Cast<P> {
    /// Looks on until all have ended, or that moment.
    fn wait_until(&self, moment: Duration) {
        loop {
            sleep(TICK);
            self.stage.look();
            self.play.look();
            if now() >= moment || self.stage.are_all_finished() {
                return;
            }
        }
    }

    fn start(self: &Rc<Self>, who: usize, delay: Duration) {
        if self.stage.handle(who).is_some() {
            return;
        }
        let (cast, end) = (Rc::clone(self), End { stage: Rc::clone(&self.stage), me: who });
        let body = move || {
            let end = end;
            cast.stage.started(end.me);
            cast.live(end.me)
        };
        let handle = if delay.is_zero() {
            greenhub::spawn(body)
        } else {
            greenhub::spawn_later(delay, body)
        };
        self.stage.spawned(who, delay, handle);
    }

    fn live(self: &Rc<Self>, me: usize) -> usize {
        let _leaving = Leaving { cast: self, me };
        let steps = Rc::clone(&self.scripts[me]);
        let lived = catch_unwind(AssertUnwindSafe(|| self.follow(me, &steps, None)));
        if let Err(payload) = lived {
            if payload.is::<Exit>() {
                self.stage.killed(me);
            }
            resume_unwind(payload);
        }
        self.stage.with(me, |actor| actor.has_returned = true);
        me
    }

    fn follow(self: &Rc<Self>, me: usize, steps: &[Do<P::Act>], limits: Option<&Limits<'_>>) {
        let mut steps = steps;
        while let Some((step, rest)) = steps.split_first() {
            self.stage.breathe(me);
            let count = match step {
                Do::Act(act) => {
                    self.play.act(me, act);
                    0
                }
                Do::Step(Step::Within(limit, count)) => {
                    let count = rest.len().min(usize::from(*count % 8));
                    self.within(me, *limit, &rest[..count], limits);
                    count
                }
                Do::Step(Step::Survive(count)) => {
                    let count = rest.len().min(usize::from(*count % 8));
                    self.survive(me, &rest[..count], limits);
                    count
                }
                Do::Step(step) => {
                    self.step(me, step, limits);
                    0
                }
            };
            self.play.look();
            steps = &rest[count..];
        }
    }

    fn within(
        self: &Rc<Self>,
        me: usize,
        limit: Limit,
        steps: &[Do<P::Act>],
        limits: Option<&Limits<'_>>,
    ) {
        let depth = self.stage.depth(me);
        let scope = self.stage.enter(me, limit.0);
        let done = Timeout::from(limit.0).run(|running| {
            let limits = Limits { running, limit: limit.0, depth, further_out: limits };
            self.follow(me, steps, Some(&limits));
        });
        scope.leave(done.is_err());
    }

    fn survive(self: &Rc<Self>, me: usize, steps: &[Do<P::Act>], limits: Option<&Limits<'_>>) {
        let lived = catch_unwind(AssertUnwindSafe(|| self.follow(me, steps, limits)));
        match lived {
            Err(payload) if payload.is::<Exit>() => self.stage.killed(me),
            Err(payload) => resume_unwind(payload),
            Ok(()) => {}
        }
    }

    fn step(self: &Rc<Self>, me: usize, step: &Step, limits: Option<&Limits<'_>>) {
        match step {
            Step::Yield => self.stage.yield_now(me),
            Step::Sleep(time) => self.stage.sleep(me, time.0),
            Step::Cancel(level) => self.change(me, *level, limits, false),
            Step::Restart(level) => self.change(me, *level, limits, true),
            Step::Kill(who) => self.kill(self.someone(*who)),
            Step::KillAndWait(who, limit) => self.kill_and_wait(me, self.someone(*who), limit.0),
            Step::Join(who, limit) => self.join(me, self.someone(*who), limit.0),
            Step::Start(who, delay) => self.start(self.someone(*who), delay.0),
            Step::Link(who) => self.link(self.someone(*who)),
            Step::Unlink(who) => self.unlink(self.someone(*who)),
            Step::Within(..) | Step::Survive(..) => unreachable!("these have steps of their own"),
        }
    }

    fn someone(&self, who: Someone) -> usize {
        usize::from(who.0) % self.scripts.len()
    }

    fn change(&self, me: usize, level: u8, limits: Option<&Limits<'_>>, restart: bool) {
        let Some(limits) = limits.and_then(|limits| limits.at(level % 3)) else { return };
        if restart {
            limits.running.restart();
            let deadline = limits.limit.map(|limit| now() + limit);
            self.stage.set_scope(me, limits.depth, deadline);
        } else {
            limits.running.cancel();
            self.stage.set_scope(me, limits.depth, None);
        }
        let is_set = self.stage.scope(me, limits.depth).is_some();
        self.stage.same("whether a limit is pending", limits.running.is_pending(), is_set);
    }

    fn kill(&self, who: usize) {
        if let Some(handle) = self.stage.handle(who) {
            self.stage.kill(who);
            handle.start_kill();
        }
    }

    fn kill_and_wait(&self, me: usize, who: usize, limit: Option<Duration>) {
        let Some(handle) = self.stage.handle(who) else { return };
        self.stage.kill(who);
        if who == me {
            handle.kill();
            return self.stage.fault(format!("{me} has killed itself, and goes on"));
        }
        handle.start_kill();
        self.wait_for_end(me, who, limit, &handle);
    }

    fn join(&self, me: usize, who: usize, limit: Option<Duration>) {
        if let Some(handle) = self.stage.handle(who).filter(|_| who != me) {
            self.wait_for_end(me, who, limit, &handle);
        }
    }

    fn wait_for_end(&self, me: usize, who: usize, limit: Option<Duration>, it: &Greenlet<usize>) {
        let end = TheEnd { stage: Rc::clone(&self.stage), of: who };
        let has_ended = self
            .stage
            .wait(me, Rc::new(end), limit, || it.wait_for(limit.unwrap_or(Duration::MAX)));
        if has_ended {
            let has_returned = self.stage.with(who, |actor| actor.has_returned);
            self.stage.same("what it has returned", it.value(), has_returned.then_some(who));
        }
    }

    fn link(&self, to: usize) {
        let Some(handle) = self.stage.handle(to) else { return };
        let calls = Rc::new(Cell::new(0));
        let count = Rc::clone(&calls);
        let id = handle.link(move |_| count.set(count.get() + 1));
        let mut links = self.links.take();
        links.push(Link { to, id, calls, is_removed: false });
        self.links.set(links);
    }

    /// Removes the last link to it.
    fn unlink(&self, to: usize) {
        let mut links = self.links.take();
        let link = links.iter_mut().rev().find(|link| link.to == to && !link.is_removed);
        if let (Some(link), Some(handle)) = (link, self.stage.handle(to)) {
            let was_called = link.calls.get() > 0;
            link.is_removed = handle.unlink(link.id);
            let is_early = !self.stage.is_finished(to);
            let is_plain = !was_called && is_early;
            self.stage.check(!is_plain || link.is_removed, || "a link could not be removed".into());
        }
        self.links.set(links);
    }

    fn look_at_links(&self) {
        for link in self.links.take() {
            let calls = u32::from(!link.is_removed);
            self.stage.same("how often a link was called", link.calls.get(), calls);
        }
    }
}

/// The limits around a step, innermost first.
struct Limits<'a> {
    running: &'a Running,
    limit: Option<Duration>,
    depth: usize,
    further_out: Option<&'a Limits<'a>>,
}

impl Limits<'_> {
    fn at(&self, level: u8) -> Option<&Limits<'_>> {
        if level == 0 { Some(self) } else { self.further_out?.at(level - 1) }
    }
}

/// Owned by a greenlet's body: dropped also if that never runs.
struct End {
    stage: Rc<Stage>,
    me: usize,
}

impl Drop for End {
    fn drop(&mut self) {
        self.stage.finished(self.me);
    }
}

struct Leaving<'a, P: Play> {
    cast: &'a Cast<P>,
    me: usize,
}

impl<P: Play> Drop for Leaving<'_, P> {
    fn drop(&mut self) {
        self.cast.play.leaves(self.me);
    }
}
