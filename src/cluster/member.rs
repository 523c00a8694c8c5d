//! What each thread of a cluster does, and whom it runs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

use super::schedule::{Job, Next, Shared};
use crate::clock::Moment;
use crate::config;
use crate::greenlet::{self, AnyGreenlet};
use crate::hub::inbox::{HubNumber, Message};
use crate::hub::inboxes;
use crate::hub::{Hub, core, error_hook};
use crate::raw::drop_quietly;

thread_local! {
    static HERE: RefCell<Option<Rc<Here>>> = const { RefCell::new(None) };
}

/// A thread of a cluster.
pub(super) struct Here {
    pub(super) shared: Arc<Shared>,
    hub: usize,
    /// Those that the cluster has had it run, by the numbers of their tasks.
    members: RefCell<HashMap<u64, (AnyGreenlet, Job)>>,
}

/// The current thread, if it is one of a cluster's.
pub(super) fn here() -> Option<Rc<Here>> {
    HERE.try_with(|here| here.borrow().clone()).ok().flatten()
}

/// Which hub of its [`Cluster`](super::Cluster) the current thread's is, counted from zero; `None`
/// elsewhere.
///
/// # Examples
///
/// ```
/// use greenhub::cluster::{Cluster, this_hub};
///
/// let cluster = Cluster::new(2)?;
/// assert_eq!(cluster.spawn_on(1, this_hub)?.join()?, Some(1));
/// assert_eq!(this_hub(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn this_hub() -> Option<usize> {
    here().map(|here| here.hub)
}

/// Whether the current greenlet is the one with this task.
pub(super) fn is_current(number: u64) -> bool {
    let member = here().and_then(|here| here.member(number));
    member.is_some_and(|member| member == greenlet::current())
}

/// Has this hub kill the greenlet with this task. If it is the current one it unwinds.
pub(super) fn kill(hub: HubNumber, number: u64) {
    match here().and_then(|here| here.member(number)) {
        Some(member) => member.start_kill(),
        // Another hub that has come into its place has no member with this number.
        None => {
            inboxes::of(hub).put(Message::Call(Box::new(move || {
                if let Some(member) = here().and_then(|here| here.member(number)) {
                    member.start_kill();
                }
            })));
        }
    }
}

/// What a thread of a cluster does, from its first moment to its last.
pub(super) fn run(shared: Arc<Shared>, hub: usize, on_start: impl FnOnce()) {
    let here = Rc::new(Here { shared, hub, members: RefCell::default() });
    HERE.set(Some(Rc::clone(&here)));
    core::with(|core| core.let_main_lead());
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        on_start();
        here.take();
        here.wait_for_the_rest();
    }));
    if let Err(payload) = ended {
        here.report(&*payload);
        drop_quietly(payload);
        here.lose_members();
        here.shared.lose(hub);
    }
    let abandoned = here.end();
    HERE.set(None);
    here.shared.leave(hub, abandoned);
}

impl Here {
    /// Takes what there is to start, each time it is main's turn, until the cluster ends.
    fn take(self: &Rc<Self>) {
        loop {
            match self.shared.next(self.hub) {
                Next::Start(job) => {
                    self.start(job);
                    greenlet::yield_now();
                }
                Next::Rest(deadline) => self.shared.seats[self.hub].rest(deadline),
                Next::Leave => return,
            }
        }
    }

    fn start(self: &Rc<Self>, job: Job) {
        let number = job.number();
        let membership = Rc::new(Membership {
            here: Rc::clone(self),
            job: Arc::clone(&job),
            has_left: Cell::new(false),
        });
        if job.is_over() {
            return;
        }
        let own = Rc::clone(&membership);
        match greenlet::Builder::new().create(move || own.run()) {
            Ok(unstarted) => {
                let member = unstarted.greenlet().any();
                self.members.borrow_mut().insert(number, (member, job));
                // What others have ready may compute, and another hub be free.
                unstarted.start_next();
            }
            Err(error) => job.note_failed(error.to_string()),
        }
    }

    fn member(&self, number: u64) -> Option<AnyGreenlet> {
        self.members.borrow().get(&number).map(|(member, _)| member.clone())
    }

    /// What the members have spawned may go on until the cluster's end.
    fn wait_for_the_rest(&self) {
        while let Some(left) = self.shared.end().map(|end| end.since(Moment::now()))
            && !left.is_zero()
        {
            if Hub::current().join_for(left.min(config::CLOSING_LOOK)) {
                return;
            }
        }
    }

    /// Ends whatever this hub still runs; returns how many could not be ended.
    fn end(&self) -> usize {
        let end = || Hub::current().end(config::KILL_GRACE).map_or_else(|left| left.count, |()| 0);
        // Someone may have asked main itself to end, which it is about to do.
        let ended = panic::catch_unwind(AssertUnwindSafe(end));
        let abandoned = ended.unwrap_or_else(|payload| {
            drop_quietly(payload);
            self.members.borrow().len()
        });
        self.lose_members();
        abandoned
    }

    /// Tells those who wait for members that they have waited long enough.
    fn lose_members(&self) {
        let jobs: Vec<Job> =
            self.members.borrow().values().map(|(_, job)| Arc::clone(job)).collect();
        jobs.iter().for_each(|job| job.note_lost());
    }

    fn report(&self, payload: &(dyn std::any::Any + Send)) {
        let origin = format!("hub {} of cluster '{}'", self.hub, self.shared.name());
        let unhandled = error_hook::Unhandled { origin: &origin, made_at: None, payload };
        core::with(|core| error_hook::report(core, &unhandled));
    }
}

/// Of a greenlet that the cluster has had its hub run. When this is dropped it has ended.
struct Membership {
    here: Rc<Here>,
    job: Job,
    has_left: Cell<bool>,
}

impl Membership {
    fn run(&self) {
        self.job.run(&|| self.leave());
    }

    /// The hub has one less to run.
    fn leave(&self) {
        if !self.has_left.replace(true) {
            let member = self.here.members.borrow_mut().remove(&self.job.number());
            drop(member);
            self.here.shared.depart(self.here.hub);
        }
    }
}

impl Drop for Membership {
    /// One that was killed before it had begun comes here first.
    fn drop(&mut self) {
        self.leave();
        self.job.note_killed();
    }
}
