//! Links: what is called when a greenlet has ended.
//!
//! A greenlet that ends with links names itself as due, and the loop, in its next round, calls the
//! raw links and spawns a greenlet for each other one, in the order in which they were added. A
//! link stays in the list until its call begins, so it can be taken back until then.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe, Location};
use std::rc::Rc;

use super::packet::{Ended, How};
use super::{AnyGreenlet, Greenlet, builder, hooks};
use crate::hub::bell::Bell;
use crate::hub::core;
use crate::hub::inbox::Message;
use crate::hub::report;
use crate::raw::fiber::FiberRef;

/// Names one link of one greenlet, so that it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkId(u64);

/// The links of one greenlet.
#[derive(Default)]
pub(super) struct Links {
    added: Cell<u64>,
    /// In the order added. Nothing is called, or dropped, while this is borrowed.
    waiting: RefCell<VecDeque<Link>>,
    /// Those whose greenlets have been spawned but have not run.
    spawned: RefCell<VecDeque<Link>>,
}

struct Link {
    id: u64,
    on: On,
    call: Call,
}

/// Which ends a link is for.
#[derive(Clone, Copy)]
pub(super) enum On {
    End,
    Value,
    Error,
}

pub(super) enum Call {
    InGreenlet(Box<dyn FnOnce(AnyGreenlet)>, &'static Location<'static>),
    InLoop(Box<dyn FnOnce(&AnyGreenlet)>),
    Ring(Bell),
    /// Of those who keep count of greenlets. It does not panic.
    AtEnd(Box<dyn FnOnce(&AnyGreenlet)>),
}

impl Call {
    /// Whether it is made in the moment of the end, and is no link as users see it.
    fn is_at_once(&self) -> bool {
        matches!(self, Call::Ring(_) | Call::AtEnd(_))
    }

    fn is_at_end(&self) -> bool {
        matches!(self, Call::AtEnd(_))
    }
}

impl On {
    fn fits(self, how: Option<How>) -> bool {
        match self {
            On::End => true,
            On::Value => how != Some(How::Panicked),
            On::Error => how == Some(How::Panicked),
        }
    }
}

thread_local! {
    /// Greenlets that have ended and have links to be called.
    static DUE: RefCell<VecDeque<FiberRef>> = const { RefCell::new(VecDeque::new()) };
}

/// Adds a link to a greenlet, which may have ended.
pub(super) fn add(fiber: &FiberRef, ended: &Ended, on: On, call: Call) -> LinkId {
    let links = ended.links.get_or_init(Box::default);
    let id = links.added.get();
    links.added.set(id + 1);
    links.waiting.borrow_mut().push_back(Link { id, on, call });
    if ended.is_over() {
        notify(fiber, links);
    }
    LinkId(id)
}

/// Has the links of a greenlet that has ended called.
#[cold]
pub(super) fn notify(fiber: &FiberRef, links: &Links) {
    // Bells ring at once, so that they tell the order of the ends.
    let (at_once, others): (VecDeque<Link>, VecDeque<Link>) =
        links.waiting.take().into_iter().partition(|link| link.call.is_at_once());
    let is_due = !others.is_empty();
    links.waiting.replace(others);
    for link in at_once {
        call(fiber, links, link);
    }
    if is_due {
        let is_first = DUE.with_borrow_mut(|due| {
            due.push_back(fiber.clone());
            due.len() == 1
        });
        if is_first {
            core::with(|core| core.inbox().put(Message::Call(Box::new(call_due))));
        }
    }
}

/// Runs in the loop.
fn call_due() {
    for fiber in DUE.take() {
        let Some(ended) = fiber.data.known().downcast_ref::<Ended>() else { continue };
        let Some(links) = ended.links.get() else { continue };
        loop {
            let link = links.waiting.borrow_mut().pop_front();
            match link {
                None => break,
                Some(link) if link.on.fits(ended.how()) => call(&fiber, links, link),
                Some(link) => drop(link),
            }
        }
    }
}

fn call(fiber: &FiberRef, links: &Links, link: Link) {
    let greenlet = AnyGreenlet::from(fiber.clone());
    let called = match link.call {
        Call::Ring(bell) => {
            bell.ring();
            Ok(())
        }
        Call::AtEnd(call) => {
            call(&greenlet);
            Ok(())
        }
        Call::InLoop(call) => panic::catch_unwind(AssertUnwindSafe(|| call(&greenlet))),
        Call::InGreenlet(_, made_at) => {
            let id = link.id;
            links.spawned.borrow_mut().push_back(link);
            builder::launch_unseen(move || call_spawned(greenlet, id), made_at)
                .map_err(|error| Box::new(error.to_string()) as _)
        }
    };
    if let Err(payload) = called {
        hooks::report_panic(&format!("a link of {}", report::name(&fiber.head)), &*payload);
    }
}

/// Runs in the greenlet that was spawned for a link, unless that has been taken back.
fn call_spawned(greenlet: AnyGreenlet, id: u64) {
    let link = greenlet.links().and_then(|links| remove(&links.spawned, |link| link.id == id));
    if let Some(Link { call: Call::InGreenlet(call, _), .. }) = link {
        call(greenlet);
    }
}

fn remove(list: &RefCell<VecDeque<Link>>, is_it: impl Fn(&Link) -> bool) -> Option<Link> {
    let mut list = list.borrow_mut();
    let place = list.iter().position(is_it)?;
    list.remove(place)
}

impl AnyGreenlet {
    /// Has `f` called in a fresh greenlet when this one has ended, however it ends.
    ///
    /// Returns at once. `f` is called once, with this greenlet, after the links that were
    /// added before it; if this one has ended already, at the hub's next round. What `f`
    /// panics with goes to the hub's error hook, and the other links are called all the same.
    /// Mirrors gevent's `Greenlet.link`.
    ///
    /// # Panics
    ///
    /// If it is main or a raw greenlet, whose end no one is told.
    #[track_caller]
    pub fn link(&self, f: impl FnOnce(AnyGreenlet) + 'static) -> LinkId {
        self.add_link(On::End, Call::InGreenlet(Box::new(f), Location::caller()))
    }

    /// As [`link`](Self::link), but `f` is called only if the greenlet returns or is killed.
    ///
    /// Mirrors gevent's `Greenlet.link_value`.
    ///
    /// # Panics
    ///
    /// As `link`.
    #[track_caller]
    pub fn link_value(&self, f: impl FnOnce(AnyGreenlet) + 'static) -> LinkId {
        self.add_link(On::Value, Call::InGreenlet(Box::new(f), Location::caller()))
    }

    /// As [`link`](Self::link), but `f` is called only if the greenlet panics.
    ///
    /// Mirrors gevent's `Greenlet.link_exception`.
    ///
    /// # Panics
    ///
    /// As `link`.
    #[track_caller]
    pub fn link_error(&self, f: impl FnOnce(AnyGreenlet) + 'static) -> LinkId {
        self.add_link(On::Error, Call::InGreenlet(Box::new(f), Location::caller()))
    }

    /// Has `f` called in the hub's loop when this greenlet has ended. It must not wait: that
    /// panics, and goes to the hub's error hook, as every panic of `f` does.
    ///
    /// Raw links are called in the order added, before the greenlets of other links run.
    /// Mirrors gevent's `Greenlet.rawlink`.
    ///
    /// # Panics
    ///
    /// As [`link`](Self::link).
    pub fn raw_link(&self, f: impl FnOnce(&AnyGreenlet) + 'static) -> LinkId {
        self.add_link(On::End, Call::InLoop(Box::new(f)))
    }

    /// Has `f` called in the very moment of the end, before anyone who waits for it goes on, and
    /// at once if it has ended. Unlike other links it outlives [`unlink_all`](Self::unlink_all).
    ///
    /// `f` must not wait, nor panic.
    ///
    /// # Panics
    ///
    /// As [`link`](Self::link).
    pub(crate) fn at_end(&self, f: impl FnOnce(&AnyGreenlet) + 'static) -> LinkId {
        self.add_link(On::End, Call::AtEnd(Box::new(f)))
    }

    /// Takes a link back; `false` if its call has begun, or it was taken back before.
    ///
    /// Mirrors gevent's `Greenlet.unlink`.
    pub fn unlink(&self, id: LinkId) -> bool {
        let Some(links) = self.links() else { return false };
        let removed = remove(&links.waiting, |link| link.id == id.0 && !link.call.is_at_end())
            .or_else(|| remove(&links.spawned, |link| link.id == id.0));
        removed.is_some()
    }

    /// Takes back what was to be called [`at_end`](Self::at_end).
    pub(crate) fn unlink_at_end(&self, id: LinkId) {
        let Some(links) = self.links() else { return };
        drop(remove(&links.waiting, |link| link.id == id.0));
    }

    /// Takes back all links whose calls have not begun. Mirrors gevent's `Greenlet.unlink_all`.
    ///
    /// Those who [`wait`](super::wait()) for the greenlet are no links, and are told.
    pub fn unlink_all(&self) {
        let Some(links) = self.links() else { return };
        let (at_once, others): (VecDeque<Link>, VecDeque<Link>) =
            links.waiting.take().into_iter().partition(|link| link.call.is_at_once());
        links.waiting.replace(at_once);
        drop((others, links.spawned.take()));
    }

    /// Whether there are links whose calls have not begun. Mirrors gevent's
    /// `Greenlet.has_links`.
    #[must_use]
    pub fn has_links(&self) -> bool {
        let is_link = |link: &Link| !link.call.is_at_once();
        self.links().is_some_and(|links| {
            links.waiting.borrow().iter().any(is_link) || !links.spawned.borrow().is_empty()
        })
    }

    /// Takes the bell of one who waited for this greenlet back.
    pub(super) fn unlink_bell(&self, bell: &Bell) {
        let Some(links) = self.links() else { return };
        let is_it = |link: &Link| matches!(&link.call, Call::Ring(other) if other == bell);
        links.waiting.borrow_mut().retain(|link| !is_it(link));
    }

    pub(super) fn add_link(&self, on: On, call: Call) -> LinkId {
        let ended = self.ended().expect("main and raw greenlets cannot be linked");
        add(self.fiber(), ended, on, call)
    }

    fn links(&self) -> Option<&Links> {
        self.ended()?.links.get().map(|links| &**links)
    }
}

impl<T: 'static> Greenlet<T> {
    /// Has `f` called in a fresh greenlet when this one has ended, however it ends.
    ///
    /// Returns at once. `f` is called once, with this greenlet, after the links that were
    /// added before it; if this one has ended already, at the hub's next round. What `f`
    /// panics with goes to the hub's error hook, and the other links are called all the same.
    /// Mirrors gevent's `Greenlet.link`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let told = Rc::new(Cell::new(0));
    /// let greenlet = greenhub::spawn(|| 7);
    /// let sink = Rc::clone(&told);
    /// greenlet.link(move |greenlet| sink.set(greenlet.join().unwrap_or(0)));
    /// greenhub::sleep(std::time::Duration::from_millis(1));
    /// assert_eq!(told.get(), 7);
    /// ```
    #[track_caller]
    pub fn link(&self, f: impl FnOnce(Greenlet<T>) + 'static) -> LinkId {
        self.any().link(self.typed(f))
    }

    /// As [`link`](Self::link), but `f` is called only if the greenlet returns or is killed.
    ///
    /// Mirrors gevent's `Greenlet.link_value`.
    #[track_caller]
    pub fn link_value(&self, f: impl FnOnce(Greenlet<T>) + 'static) -> LinkId {
        self.any().link_value(self.typed(f))
    }

    /// As [`link`](Self::link), but `f` is called only if the greenlet panics.
    ///
    /// Mirrors gevent's `Greenlet.link_exception`.
    #[track_caller]
    pub fn link_error(&self, f: impl FnOnce(Greenlet<T>) + 'static) -> LinkId {
        self.any().link_error(self.typed(f))
    }

    /// Has `f` called in the hub's loop when this greenlet has ended; see
    /// [`AnyGreenlet::raw_link`].
    pub fn raw_link(&self, f: impl FnOnce(&AnyGreenlet) + 'static) -> LinkId {
        self.any().raw_link(f)
    }

    /// Takes a link back; `false` if its call has begun, or it was taken back before.
    ///
    /// Mirrors gevent's `Greenlet.unlink`.
    pub fn unlink(&self, id: LinkId) -> bool {
        self.any().unlink(id)
    }

    /// Takes back all links whose calls have not begun. Mirrors gevent's `Greenlet.unlink_all`.
    pub fn unlink_all(&self) {
        self.any().unlink_all();
    }

    /// Whether there are links whose calls have not begun. Mirrors gevent's
    /// `Greenlet.has_links`.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.any().has_links()
    }

    /// `f`, for a greenlet whose type is forgotten. It holds no reference to its own greenlet.
    fn typed(&self, f: impl FnOnce(Greenlet<T>) + 'static) -> impl FnOnce(AnyGreenlet) + 'static {
        let own = Rc::downgrade(&self.fiber);
        move |any| {
            if let Some(fiber) = own.upgrade() {
                let greenlet = Greenlet { fiber };
                drop(any);
                f(greenlet);
            }
        }
    }
}
