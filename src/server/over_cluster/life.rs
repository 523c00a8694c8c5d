//! A server over a cluster, from a start to the stop after it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::desk::Desk;
use super::part::Orders;
use super::settings::Config;
use super::sources::{Dealing, Dealt};
use super::tenure::{Place, Tenure};
use super::{Handler, Sharing};
use crate::clock::Moment;
use crate::cluster::{Builder, Cluster, ClusterHandle};
use crate::config::THREAD_GRACE;
use crate::greenlet::{self, StillRunning};
use crate::hub::{threads, turn};
use crate::pool::Pool;
use crate::server::running::{LAST_LIMIT, UNWINDING_LIMIT, closed};
use crate::server::source::{Accepting, Listener};
use crate::sync::Event;

pub(super) struct Life<L: Listener> {
    pub(super) desk: Arc<Desk<L>>,
    /// The thread that accepts, where one does for all.
    pub(super) front: Mutex<Option<Cluster>>,
    /// Its part.
    dealer: Option<Arc<Orders>>,
    hubs: Vec<Arc<Orders>>,
    status: Mutex<Status>,
    stopped: Event,
    /// In a forked child there are no threads.
    forks: u32,
}

struct Status {
    is_started: bool,
    failure: Option<io::Error>,
}

impl<L: Listener> Life<L> {
    /// Begins to serve what comes to `listeners`: one, or one for each hub.
    pub(super) fn begin(
        cluster: &ClusterHandle,
        config: &Config,
        listeners: Vec<L>,
        handler: &Handler<L>,
    ) -> io::Result<Arc<Life<L>>> {
        let address = listeners.first().ok_or_else(closed)?.address()?;
        let hubs: Vec<_> = (0..cluster.hubs()).map(|_| Orders::new()).collect();
        let front = match config.sharing {
            Sharing::Dealt => Some(Builder::new(1).name("server").build()?),
            Sharing::ReusePort => None,
        };
        let dealer = front.is_some().then(Orders::new);
        let front_handle = front.as_ref().map(|front| front.handle());
        let life = Arc::new(Life {
            desk: Arc::new(Desk::new(hubs.len(), config.most(), address)),
            front: Mutex::new(front),
            dealer,
            hubs,
            status: Mutex::new(Status { is_started: true, failure: None }),
            stopped: Event::new(),
            forks: threads::forks(),
        });
        match front_handle {
            Some(front) => {
                (0..life.hubs.len())
                    .for_each(|hub| life.serve_dealt(cluster, hub, config, handler));
                let listener = listeners.into_iter().next().ok_or_else(closed)?;
                life.deal_out(&front, config, listener);
            }
            None => {
                for (hub, listener) in listeners.into_iter().enumerate() {
                    life.serve_own(cluster, hub, config, listener, handler);
                }
            }
        }
        Ok(life)
    }

    /// Ends it if the cluster takes nothing.
    pub(super) fn check(self: Arc<Self>) -> io::Result<Arc<Life<L>>> {
        if self.hubs.iter().all(|orders| orders.has_ended()) {
            // Where no hub has begun none has left anything.
            let _ = self.stop(Duration::ZERO);
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the cluster takes nothing"));
        }
        Ok(self)
    }

    /// Has a hub serve what is dealt to it.
    fn serve_dealt(
        self: &Arc<Self>,
        cluster: &ClusterHandle,
        hub: usize,
        config: &Config,
        handler: &Handler<L>,
    ) {
        let tenure = self.tenure(Place::Hub(hub));
        let (config, handler) = (config.clone(), Arc::clone(handler));
        let body = move || {
            let source = Dealt { desk: Arc::clone(&tenure.life.desk), hub };
            let handle = Box::new(move |_: &_, (stream, held), peer| {
                handler(stream, peer);
                drop(held);
            });
            let failure = tenure.orders.serve(source, handle, config.settings(None));
            tenure.end(failure);
        };
        // A hub that is gone drops it, which is its end.
        drop(cluster.spawn_on(hub, body));
    }

    /// Has a hub serve what comes to a listener of its own.
    fn serve_own(
        self: &Arc<Self>,
        cluster: &ClusterHandle,
        hub: usize,
        config: &Config,
        listener: L,
        handler: &Handler<L>,
    ) {
        let tenure = self.tenure(Place::Hub(hub));
        let (config, handler) = (config.clone(), Arc::clone(handler));
        let body = move || {
            let desk = Arc::clone(&tenure.life.desk);
            let handle = Box::new(move |_: &_, stream, peer| {
                let held = desk.enter(hub);
                handler(stream, peer);
                drop(held);
            });
            let settings = config.settings(config.connections_per_hub.map(Pool::new));
            let failure = tenure.orders.serve(Accepting(listener), handle, settings);
            tenure.end(failure);
        };
        drop(cluster.spawn_on(hub, body));
    }

    /// Has the front accept, and deal out.
    fn deal_out(self: &Arc<Self>, front: &ClusterHandle, config: &Config, listener: L) {
        let tenure = self.tenure(Place::Front);
        let config = config.clone();
        let body = move || {
            let desk = Arc::clone(&tenure.life.desk);
            let (watching, dealing) = (Arc::clone(&desk), Arc::clone(&desk));
            let watch = greenlet::Builder::new().spawn(move || watching.watch());
            let handle = Box::new(move |_: &_, stream, peer| dealing.deal((stream, peer)));
            let source = Dealing { listener, desk };
            let failure = match &watch {
                Ok(_) => tenure.orders.serve(source, handle, config.settings(None)),
                Err(error) => Some(io::Error::new(error.kind(), error.to_string())),
            };
            if let Ok(watch) = watch {
                watch.kill();
            }
            tenure.end(failure);
        };
        drop(front.spawn_on(0, body));
    }

    fn tenure(self: &Arc<Self>, place: Place) -> Tenure<L> {
        let orders = match place {
            Place::Front => &self.accepting()[0],
            Place::Hub(hub) => &self.hubs[hub],
        };
        Tenure { orders: Arc::clone(orders), life: Arc::clone(self), place, failure: None }
    }

    /// The parts that accept: one for all, or those of the hubs.
    pub(super) fn accepting(&self) -> &[Arc<Orders>] {
        self.dealer.as_ref().map_or(&self.hubs, std::slice::from_ref)
    }

    fn parts(&self) -> impl Iterator<Item = &Arc<Orders>> {
        self.dealer.iter().chain(&self.hubs)
    }

    // ---- what can be asked of it ------------------------------------------------------------

    pub(super) fn is_started(&self) -> bool {
        self.status().is_started
    }

    pub(super) fn is_accepting(&self) -> bool {
        self.is_started() && self.accepting().iter().any(|orders| orders.is_accepting())
    }

    pub(super) fn set_accepting(&self, accepting: bool) -> io::Result<()> {
        if !self.is_started() || self.is_elsewhere() {
            return Err(closed());
        }
        let ask = |orders: &Arc<Orders>| (Arc::clone(orders), orders.set_accepting(accepting));
        let asked: Vec<_> = self.accepting().iter().map(ask).collect();
        let done: Vec<_> =
            asked.iter().map(|(orders, number)| orders.wait_until_done(*number)).collect();
        // A hub that has gone does not accept, and another one does.
        match done.iter().any(Result::is_ok) {
            true => Ok(()),
            false => done.into_iter().collect(),
        }
    }

    pub(super) fn wait_until_stopped(self: &Arc<Self>) -> io::Result<()> {
        let _unwound = StopIfUnwound(self);
        self.stopped.wait().map_err(io::Error::other)?;
        self.status().failure.take().map_or(Ok(()), Err)
    }

    pub(super) fn stop(&self, limit: Duration) -> Result<(), StillRunning> {
        let _ended = AtItsEnd(self);
        let deadline = turn::deadline(limit);
        let _spared: Vec<_> = self.parts().filter_map(Orders::spare_caller).collect();
        self.start_stop(deadline);
        if self.is_elsewhere() {
            return Ok(());
        }
        let front = self.front.lock().unwrap_or_else(PoisonError::into_inner).take();
        let late = deadline.max(Moment::now()).plus(UNWINDING_LIMIT + THREAD_GRACE);
        if let Some(dealer) = &self.dealer {
            dealer.wait_for_end(late);
        }
        let count = (0..self.hubs.len()).map(|hub| self.wait_for_hub(hub, late)).sum();
        if let Some(front) = front {
            // It has nothing left but its thread, which is to be gone.
            let _ = front.shutdown(Duration::ZERO);
        }
        if count == 0 { Ok(()) } else { Err(StillRunning { count }) }
    }

    /// Returns how many handlers a hub has left.
    fn wait_for_hub(&self, hub: usize, late: Moment) -> usize {
        match self.hubs[hub].wait_for_end(late) {
            // Since an earlier stop they may have ended.
            Some(left) => left.min(self.desk.live(hub)),
            // Its thread computes, and may have more.
            None => 1,
        }
    }

    /// Tells all parts to stop, and does not wait.
    pub(super) fn start_stop(&self, deadline: Moment) {
        self.status().is_started = false;
        self.parts().for_each(|orders| orders.stop(deadline));
    }

    fn is_elsewhere(&self) -> bool {
        self.forks != threads::forks()
    }

    // ---- when a part ends -------------------------------------------------------------------

    pub(super) fn note_end(&self, failure: Option<io::Error>) {
        let mut status = self.status();
        let all_accepting = self.accepting().iter().all(|orders| orders.has_ended());
        let has_failed = status.is_started && all_accepting;
        if has_failed {
            status.is_started = false;
            let lost = || io::Error::other("the hubs that served have ended");
            status.failure = Some(failure.unwrap_or_else(lost));
        }
        drop(status);
        if has_failed || self.parts().all(|orders| orders.has_ended()) {
            self.stopped.set();
        }
    }

    /// Nothing of the program's runs while the lock is held, so poison means nothing.
    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whoever serves for ever, however a stop comes to its end.
struct AtItsEnd<'a, L: Listener>(&'a Life<L>);

impl<L: Listener> Drop for AtItsEnd<'_, L> {
    fn drop(&mut self) {
        self.0.stopped.set();
    }
}

/// Who is unwound cannot wait, and need not: the parts end by themselves.
struct StopIfUnwound<'a, L: Listener>(&'a Life<L>);

impl<L: Listener> Drop for StopIfUnwound<'_, L> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.start_stop(Moment::after(LAST_LIMIT));
        }
    }
}
