//! What a hub is made of, and the loop.
//!
//! The loop runs on the thread's own stack, on top of main, whenever main waits or yields;
//! it returns as soon as main is the next to run. There is no other place where it runs, and
//! no greenlet ever runs inside another.

mod after_fork;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

pub(crate) use self::after_fork::is_left_behind;
use super::callbacks::Callbacks;
use super::error_hook::ErrorHook;
pub(crate) use super::here::{is_available, make, try_with, with};
use super::inbox::{HubNumber, Inbox, Message};
use super::reactor::Reactor;
use super::ready::Ready;
use super::rest::{SharedSleep, Until};
use super::simulated::Simulated;
pub(crate) use super::timers::TimerKey;
use super::timers::Timers;
use super::wait_queue::WaitQueue;
use super::waiter::Woken;
use super::{error_hook, waiter};
use crate::clock::Moment;
use crate::config;
use crate::guarded;
use crate::pulse::{self, Counter, Pulse};
use crate::raw::fiber::{Command, FiberRef, Head, Reach, Step, WaitKind, WaitingFor};
use crate::raw::scopes::ScopeKey;
use crate::raw::thread::{self, Thread};
use crate::raw::trace;

/// What is to be done when a timer fires.
pub(super) enum Due {
    /// Ends a wait of a greenlet.
    Wake { id: u32, wait: u64 },
    /// Ends a block that a greenlet is in.
    Timeout(ScopeKey),
}

pub(crate) struct Core {
    pub(super) ready: Ready,
    pub(super) timers: RefCell<Timers<Due>>,
    reactor: Reactor,
    pub(super) inbox: &'static Inbox,
    pub(super) callbacks: Callbacks,
    number: HubNumber,
    /// Alarms of the hubs that had its inbox before.
    alarms_before: u64,
    /// Tells this hub from those that had its inbox, and so its number, before.
    term: Cell<u64>,
    /// The number of the next wait.
    pub(super) next_wait: Cell<u64>,
    /// Greenlets in a wait that something outside of the hub can end.
    outside: Cell<usize>,
    /// Greenlets in a wait that another thread could end, if there is one.
    shared: Cell<usize>,
    /// Those whose waits hold nothing up, and some that were such and have ended.
    pub(super) background: RefCell<BTreeSet<u32>>,
    /// Those who wait until nobody else is ready.
    pub(super) idlers: RefCell<WaitQueue>,
    /// What ends main's wait, beside a wake.
    pub(super) until: Cell<Until>,
    /// Whether main runs before others that are ready, when another thread wakes it.
    main_leads: Cell<bool>,
    /// How the hub last slept only because of another thread.
    pub(super) slept_shared: Cell<SharedSleep>,
    /// What a monitor sees of this hub.
    pub(super) pulse: &'static Pulse,
    /// Switches since the loop last looked away from the ready queue.
    pub(super) switches: Counter,
    /// Switches before that.
    switched: Cell<u64>,
    /// How often the loop has looked away.
    pub(super) turns: Counter,
    /// What was known last of whether there is a monitor.
    pub(super) monitor: Cell<pulse::State>,
    /// What main is to be told: that everything waits for ever.
    pub(super) stuck: RefCell<Option<String>>,
    pub(super) error_hook: RefCell<Option<ErrorHook>>,
    /// What decides in place of the clock and of the order in which greenlets became ready.
    pub(super) simulated: OnceCell<Simulated>,
}

/// As [`spend_operation`], for what may be called where there is no hub, and is called so often that
/// the count is all that it may cost.
#[inline]
pub(crate) fn count_operation() {
    let spent = thread::try_current_head(|head| {
        let operations = head.operations.get() + 1;
        head.operations.set(operations);
        operations >= config::OPERATIONS_PER_SLICE
    });
    if spent == Some(true) {
        end_slice();
    }
}

#[cold]
fn end_slice() {
    thread::current_head(|head| head.operations.set(0));
    // Without a hub there are no others to let run, and a callback has to end soon.
    if try_with(Core::cut_turn).is_some() && !thread::current_head(thread::is_called_by_loop) {
        waiter::yield_now();
    }
}

/// Counts an operation that did not have to wait. A greenlet that does many of them yields, or
/// its neighbours, and their sockets, would starve while its own is never empty.
#[inline]
pub(crate) fn spend_operation() {
    let spent = thread::current_head(|head| {
        if thread::is_called_by_loop(head) {
            // A callback cannot yield; it ends soon.
            return false;
        }
        let operations = head.operations.get() + 1;
        head.operations.set(operations);
        operations >= config::OPERATIONS_PER_SLICE
    });
    if spent {
        // So many operations take as long as many switches: the sockets are looked at now.
        with(Core::cut_turn);
        waiter::yield_now();
    }
}

impl Core {
    pub(super) fn new() -> io::Result<Core> {
        guarded::prepare();
        let reactor = Reactor::new()?;
        let (inbox, first_number) = Inbox::claim(Arc::clone(reactor.notifier()));
        reactor.number_sources_from(first_number);
        pulse::begin_by_environment();
        thread::with(|thread| thread.scheduler.set(Some(schedule)));
        Ok(Core {
            ready: Ready::default(),
            timers: RefCell::default(),
            reactor,
            inbox,
            callbacks: Callbacks::default(),
            number: inbox.number(),
            alarms_before: inbox.alarms(),
            term: Cell::new(first_number),
            next_wait: Cell::new(first_number),
            outside: Cell::new(0),
            shared: Cell::new(0),
            background: RefCell::default(),
            idlers: RefCell::default(),
            until: Cell::new(Until::Woken),
            main_leads: Cell::new(false),
            slept_shared: Cell::default(),
            pulse: inbox.pulse(),
            switches: Counter::default(),
            switched: Cell::new(0),
            turns: Counter::default(),
            monitor: Cell::new(pulse::State::Off),
            stuck: RefCell::new(None),
            error_hook: RefCell::new(None),
            simulated: OnceCell::new(),
        })
    }

    // ---- what waiting needs -------------------------------------------------------------

    pub(crate) fn inbox(&self) -> &'static Inbox {
        self.inbox
    }

    /// What wakers and registrations name this hub by.
    #[inline]
    pub(crate) fn number(&self) -> HubNumber {
        self.number
    }

    /// Tells this hub from those that had its number before.
    #[inline]
    pub(crate) fn term(&self) -> u64 {
        self.term.get()
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    #[inline]
    pub(crate) fn begin_wait(&self, head: &Head, waiting_for: WaitingFor) -> u64 {
        let wait = self.next_wait.get();
        self.next_wait.set(wait + 1);
        head.wait.set(wait);
        head.waiting_for.set(waiting_for);
        // Not when it ends: a simulation may have given it less to do before it lets others run.
        head.operations.set(0);
        self.count_wait(waiting_for.kind);
        wait
    }

    #[inline]
    pub(crate) fn count_wait(&self, kind: &WaitKind) {
        if let Some(count) = self.count_of(kind.reach) {
            count.set(count.get() + 1);
        }
    }

    #[inline]
    pub(crate) fn end_wait(&self, kind: &WaitKind) {
        if let Some(count) = self.count_of(kind.reach) {
            count.set(count.get() - 1);
        }
    }

    #[inline(always)]
    pub(super) fn count_of(&self, reach: Reach) -> Option<&Cell<usize>> {
        match reach {
            Reach::Inside => None,
            Reach::Shared => Some(&self.shared),
            Reach::Outside => Some(&self.outside),
        }
    }

    /// Ends a wait of a greenlet of this hub; `false` if it has ended already.
    #[inline]
    pub(crate) fn wake(&self, id: u32, wait: u64, how: Woken) -> bool {
        let Some(fiber) = thread::with(|thread| thread.fiber(id)) else { return false };
        if fiber.head.wait.get() != wait {
            return false;
        }
        fiber.head.wait.set(0);
        fiber.head.timed_out.set(how == Woken::ByDeadline);
        self.ready.push(fiber);
        true
    }

    #[inline]
    pub(crate) fn make_ready(&self, fiber: FiberRef) {
        self.ready.push(fiber);
    }

    /// As [`make_ready`](Self::make_ready), but it is the next to run.
    pub(crate) fn make_next(&self, fiber: FiberRef) {
        self.ready.push_first(fiber);
    }

    /// Has main run before others that are ready, whenever another thread wakes it.
    pub(crate) fn let_main_lead(&self) {
        self.main_leads.set(true);
    }

    /// Ends a wait of main for another thread.
    fn wake_main(&self, thread: &Thread, wait: u64) {
        let main = thread.main();
        if !self.main_leads.get() || main.head.wait.get() != wait {
            self.wake(0, wait, Woken::ByWaker);
            return;
        }
        main.head.wait.set(0);
        main.head.timed_out.set(false);
        self.ready.push_first(main);
    }

    pub(crate) fn set_timer(&self, deadline: Moment, id: u32, wait: u64) -> TimerKey {
        self.timers.borrow_mut().set(deadline, Due::Wake { id, wait })
    }

    /// Has the block, which its fiber is in, expire at `deadline`, if it is not left before.
    pub(crate) fn set_timeout(&self, deadline: Moment, scope: ScopeKey) -> TimerKey {
        self.timers.borrow_mut().set(deadline, Due::Timeout(scope))
    }

    /// Does nothing if it has fired.
    pub(crate) fn cancel_timer(&self, timer: TimerKey) {
        self.timers.borrow_mut().cancel(timer);
    }

    // ---- the loop -----------------------------------------------------------------------

    /// Runs greenlets until main is the next to run.
    fn run(&self, thread: &Thread) {
        loop {
            if self.run_ready(thread) {
                return;
            }
            self.turns.set(self.turns.get() + 1);
            self.take_remote_wakes(thread);
            self.callbacks.run(self);
            self.wake_due();
            self.poll_sockets();
            if self.ready.is_empty() || self.until.get() != Until::Woken {
                self.end_wait_of_main(thread);
            }
        }
    }

    /// Step 1: runs those who are ready, each once in its turn, for a bounded number of
    /// switches; returns whether it is main's turn.
    #[inline(always)]
    fn run_ready(&self, thread: &Thread) -> bool {
        while self.switches.get() < config::SWITCHES_PER_TURN {
            let Some(mut fiber) = self.ready.pop() else { break };
            self.switches.set(self.switches.get() + 1);
            let is_watched = thread.tracing.is_on();
            if is_watched {
                fiber = self.choose_if_simulated(fiber);
            }
            if fiber.head.is_main() {
                return true;
            }
            if fiber.is_last() {
                // No one can reach it any more: this unwinds it. What destructors run on this stack
                // is not the fiber's that ran before.
                thread::set_current(thread.main_head());
                drop(fiber);
                continue;
            }
            let step = if is_watched { trace::resume(thread, &fiber) } else { fiber.resume() };
            match step {
                Step::Suspended(Command::Yield) => self.ready.push(fiber),
                Step::Suspended(Command::Park) => drop(fiber),
                step => {
                    if self.follow(thread, fiber, step) {
                        return true;
                    }
                }
            }
        }
        thread::set_current(thread.main_head());
        false
    }

    /// In a simulation, who runs in place of the one that is the next.
    #[cold]
    #[inline(never)]
    fn choose_if_simulated(&self, next: FiberRef) -> FiberRef {
        match self.simulated.get() {
            Some(simulated) => self.choose(simulated, next),
            None => next,
        }
    }

    /// Goes on after a fiber has ended or switched: whoever it named runs at once, and so on,
    /// until the turn's switches are used up. Returns whether that leads to main.
    #[inline]
    fn follow(&self, thread: &Thread, mut fiber: FiberRef, mut step: Step) -> bool {
        loop {
            match step {
                Step::Suspended(Command::Yield) => {
                    self.ready.push(fiber);
                    return false;
                }
                Step::Suspended(Command::Park) => return false,
                Step::Suspended(Command::Switch) => {}
                Step::Finished => {
                    // Destructors that the last reference may run are not the fiber's any more.
                    thread::set_current(thread.main_head());
                    fiber.retire(thread);
                }
            }
            let Some(next) = thread.target.borrow_mut().take() else { return false };
            if next.head.is_main() {
                return true;
            }
            self.switches.set(self.switches.get() + 1);
            if self.switches.get() >= config::SWITCHES_PER_TURN {
                // Those who only switch to each other must not starve the sockets either.
                self.ready.push(next);
                return false;
            }
            fiber = next;
            step =
                if thread.tracing.is_on() { trace::resume(thread, &fiber) } else { fiber.resume() };
        }
    }

    /// Step 2: does what other threads have asked for.
    fn take_remote_wakes(&self, thread: &Thread) {
        self.count_switches();
        self.switches.set(0);
        self.heed_news();
        if !self.inbox.is_pending() {
            return;
        }
        for message in self.inbox.take() {
            match message {
                Message::Wake { id: 0, wait } => self.wake_main(thread, wait),
                Message::Wake { id, wait } => {
                    self.wake(id, wait, Woken::ByWaker);
                }
                Message::Forget { key } => self.reactor.forget(key),
                Message::Call(callback) => error_hook::guard(self, callback),
            }
        }
    }

    /// Step 3: wakes those whose deadline has passed, and ends blocks whose time is over. Before
    /// the sockets: a greenlet whose limit is over must see that, even if its data has come in
    /// the same turn.
    fn wake_due(&self) {
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = Moment::now();
        loop {
            let due = self.timers.borrow_mut().pop_due(now);
            match due {
                None => return,
                Some(Due::Wake { id, wait }) => {
                    self.wake(id, wait, Woken::ByDeadline);
                }
                Some(Due::Timeout(scope)) => time_out(scope),
            }
        }
    }

    /// Step 4: asks the kernel which sockets are ready, and sleeps there if no greenlet is.
    fn poll_sockets(&self) {
        let turning = self.until.get() == Until::Turn;
        if turning || self.has_work() {
            if turning || self.reactor.has_waiters() {
                self.reactor.look();
            }
            return;
        }
        if self.has_idlers() {
            self.reactor.look();
            return;
        }
        if self.is_over() {
            return;
        }
        if let Some(simulated) = self.simulated.get() {
            return self.let_time_pass(simulated);
        }
        let deadline = self.timers.borrow_mut().next_deadline();
        let deadline = deadline.or_else(|| self.second_look());
        self.sleep_until(deadline);
    }

    pub(super) fn sleep_until(&self, deadline: Option<Moment>) {
        if self.inbox.begin_sleep() {
            self.reactor.sleep(deadline);
        }
        self.inbox.end_sleep();
        // Before anyone runs: who sent them may rely on that, since the hub slept.
        thread::with(|thread| self.take_remote_wakes(thread));
    }

    /// Raises the report in main, if there is one.
    #[inline]
    pub(crate) fn panic_if_stuck(&self) {
        let report = self.stuck.take();
        if let Some(report) = report {
            panic!("{report}");
        }
    }

    /// Has the turn end at the next switch, so that the rest of the loop comes before others run.
    pub(super) fn cut_turn(&self) {
        self.count_switches();
        self.switches.set(config::SWITCHES_PER_TURN);
        // Those are not to be counted as well.
        self.switched.set(self.switched.get().wrapping_sub(config::SWITCHES_PER_TURN));
    }

    fn count_switches(&self) {
        self.switched.set(self.switched());
    }

    /// How many fibers the loop has run, with main.
    pub(crate) fn switched(&self) -> u64 {
        self.switched.get().wrapping_add(self.switches.get())
    }

    /// How often another thread has woken this hub.
    pub(super) fn alarms(&self) -> u64 {
        self.inbox.alarms() - self.alarms_before
    }

    pub(super) fn turns(&self) -> u64 {
        self.turns.get()
    }

    /// How many waits there were.
    pub(super) fn waits_begun(&self) -> u64 {
        self.next_wait.get() - self.term.get()
    }

    pub(super) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn timers_len(&self) -> usize {
        self.timers.borrow().len()
    }

    pub(super) fn timers_set(&self) -> u64 {
        self.timers.borrow().set_so_far()
    }
}

/// Ends a block, at the waiting point of its greenlet: in its wait, or in its next one. Whoever
/// leaves the block cancels the timer, so it is open.
fn time_out(scope: ScopeKey) {
    let fiber = thread::with(|thread| thread.fiber(thread.scopes.expire(scope)));
    if let Some(fiber) = fiber {
        fiber.head.interrupted.set(true);
        waiter::cut_short(&fiber);
    }
}

impl Drop for Core {
    /// For a thread that ends. Greenlets that have not ended are left as they are: their
    /// destructors may need thread-locals that are gone.
    fn drop(&mut self) {
        thread::try_with(|thread| thread.is_ending.set(true));
        self.leave_monitor();
        self.ready.leak();
        self.callbacks.leak();
        let unused = self.next_wait.get().max(self.reactor.next_number());
        self.inbox.resign(unused);
    }
}

/// Goes on from what a fiber has done on the thread's own stack, until main is to run.
fn schedule(thread: &Thread, fiber: FiberRef, step: Step) {
    with(move |core| {
        if !core.follow(thread, fiber, step) {
            core.run(thread);
        }
    });
}
