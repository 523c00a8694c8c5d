//! Queues of every kind, a channel, and selects between them.
//!
//! The model of a queue is what is in it, and what waits to be put. What is checked: an item is got once, or
//! is there in the end, or was never put; in what order they come; that nobody waits for what is
//! there, and that who finds it need not; and, whenever nobody is ready to run, all counts.

mod kinds;
mod model;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use greenhub::queue::{Channel, GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenhub::sync::Event;
use greenhub::{Hub, Select};

use self::kinds::{AnyKind, Kind};
use self::model::{Item, Items, Order};
use crate::play::{self, Play};
use crate::program::Limit;
use crate::stage::Stage;

/// Two variants for what is to come twice as often.
#[derive(Arbitrary, Clone, Debug)]
pub enum Act {
    Put(u8, u8, Limit),
    PutMore(u8, u8, Limit),
    Get(u8, Limit),
    GetMore(u8, Limit),
    TryPut(u8, u8),
    TryGet(u8),
    Peek(u8, Limit),
    Done(u8),
    Join(u8, Limit),
    Choose { get: Option<bool>, put: Option<bool>, limit: Limit, waits_for_event: bool },
    SetEvent,
    ClearEvent,
    ShutDown(u8, bool),
}

/// Those that a select may be between.
const ROOMY: usize = 0;
const CHANNEL: usize = 1;

struct Queues {
    stage: Rc<Stage>,
    items: Rc<Items>,
    bounded: Rc<Queue<Item>>,
    channel: Rc<Channel<Item>>,
    kinds: Vec<Box<dyn AnyKind>>,
    event: Event,
    /// What each waits for.
    waiting: RefCell<Vec<Waiting>>,
    /// The one queue that is used, if there is only one.
    only: Option<usize>,
}

/// The queues that one waits for, to get, to put, to peek and to join.
#[derive(Clone, Copy, Default)]
struct Waiting {
    get: Option<usize>,
    put: Option<usize>,
    peek: Option<usize>,
    join: Option<usize>,
}

/// Runs the program that `data` is.
pub fn run(data: &[u8]) {
    play::run::<Queues>(data);
}

impl Play for Queues {
    type Act = Act;

    fn new(stage: &Rc<Stage>, mode: u8) -> Self {
        let items = Rc::new(Items::new(stage));
        let (bounded, channel) = (Rc::new(Queue::bounded(2)), Rc::new(Channel::new()));
        let kinds: Vec<Box<dyn AnyKind>> = vec![
            Box::new(Kind::new(Rc::clone(&bounded), Order::First, Some(2))),
            Box::new(Kind::new(Rc::clone(&channel), Order::First, Some(0))),
            Box::new(Kind::new(Rc::new(Queue::new()), Order::First, None)),
            Box::new(Kind::new(Rc::new(LifoQueue::bounded(2)), Order::Last, Some(2))),
            Box::new(Kind::new(Rc::new(PriorityQueue::bounded(2)), Order::Least, Some(2))),
            Box::new(Kind::new(Rc::new(PriorityQueue::new()), Order::Least, None)),
        ];
        let only = usize::from(mode % 16);
        Queues {
            stage: Rc::clone(stage),
            items,
            bounded,
            channel,
            waiting: RefCell::new(vec![Waiting::default(); stage.count()]),
            only: (only < kinds.len()).then_some(only),
            kinds,
            event: Event::new(),
        }
    }

    fn act(self: &Rc<Self>, me: usize, act: &Act) {
        match *act {
            Act::Put(queue, rank, limit) | Act::PutMore(queue, rank, limit) => {
                self.put(me, self.place(queue), rank, limit.0);
            }
            Act::Get(queue, limit) | Act::GetMore(queue, limit) => {
                self.get(me, self.place(queue), limit.0);
            }
            Act::TryPut(queue, rank) => self.try_put(self.place(queue), rank),
            Act::TryGet(queue) => self.try_get(self.place(queue)),
            Act::Peek(queue, limit) => self.peek(me, self.place(queue), limit.0),
            Act::Done(queue) => self.done(self.place(queue)),
            Act::Join(queue, limit) => self.join(me, self.place(queue), limit.0),
            Act::Choose { get, put, limit, waits_for_event } => {
                self.choose(me, get, put, limit.0, waits_for_event);
            }
            Act::SetEvent => self.event.set(),
            Act::ClearEvent => self.event.clear(),
            Act::ShutDown(queue, now) => self.shut_down(self.place(queue), now),
        }
        self.kinds.iter().for_each(|kind| kind.follow());
    }

    fn look(&self) {
        for kind in &self.kinds {
            let (free, getters) = (kind.free(), kind.getters());
            self.stage.check(free == 0 || getters == 0, || {
                format!("{free} items are free in {kind:?}, and {getters} wait for one")
            });
            let waits_in_vain = kind.is_open() && !kind.is_full() && kind.putters() > 0;
            self.stage.check(!waits_in_vain, || format!("there is room in {kind:?}"));
        }
        if Hub::current().stats().ready == 0 && greenhub::current().is_main() {
            (0..self.kinds.len()).for_each(|place| self.look_at_rest(place));
        }
    }

    fn end(&self) {
        for kind in &self.kinds {
            let left = kind.shut_down_now();
            let expected = kind.model().present();
            self.stage.same("how many items are left", left.len(), expected);
            left.into_iter().for_each(|item| kind.model().taken_out(item));
        }
        self.stage.same("how many items are nobody's", self.items.living(), 0);
    }
}

impl Queues {
    fn place(&self, which: u8) -> usize {
        self.only.unwrap_or(usize::from(which) % self.kinds.len())
    }

    /// Waits, and has it known for what.
    fn wait<R>(
        &self,
        me: usize,
        waiting: Waiting,
        limit: Option<Duration>,
        at_once: Option<bool>,
        real: impl FnOnce() -> R,
    ) -> R {
        let set = |waiting| self.waiting.borrow_mut()[me] = waiting;
        let reset = OnDrop(|| set(Waiting::default()));
        set(waiting);
        let result = self.stage.loosely(me, limit, at_once, real);
        drop(reset);
        result
    }

    fn put(&self, me: usize, place: usize, rank: u8, limit: Option<Duration>) {
        let (kind, item) = (&self.kinds[place], self.items.make(rank));
        let number = item.number();
        // Who puts into a channel waits even if someone is there to take it.
        let has_room = !kind.is_full() || !kind.is_open();
        let at_once = has_room || limit == Some(Duration::ZERO);
        // One that must not wait at a channel goes before those that do.
        let is_loose = place == CHANNEL && limit == Some(Duration::ZERO);
        let offered = kind.model().offered(number, rank, is_loose);
        let offered = OnDrop(|| kind.model().withdrawn(offered, &self.items));
        let waiting = Waiting { put: Some(place), ..Waiting::default() };
        let put = self.wait(me, waiting, limit, Some(at_once), || kind.put(item, limit));
        std::mem::forget(offered);
        self.told(kind.as_ref(), number, put);
    }

    /// What became of an item that was offered.
    fn told(&self, kind: &dyn AnyKind, number: u32, put: Result<(), PutError<Item>>) {
        match put {
            Ok(()) => kind.model().entered(number),
            Err(error) => {
                let is_closed = matches!(error, PutError::ShutDown(_));
                self.stage.same("whether a queue is shut down", is_closed, !kind.is_open());
                kind.model().refused(number);
                error.into_item().come_back(number);
            }
        }
    }

    fn try_put(&self, place: usize, rank: u8) {
        let (kind, item) = (&self.kinds[place], self.items.make(rank));
        let number = item.number();
        let may = kind.is_open() && (!kind.is_full() || kind.getters() > 0);
        kind.model().offered(number, rank, place == CHANNEL);
        let slices = self.stage.slices();
        let put = kind.try_put(item);
        self.stage.same("how many ran in a try", self.stage.slices(), slices);
        self.stage.same("whether an item can be put at once", put.is_ok(), may);
        self.told(kind.as_ref(), number, put);
    }

    fn get(&self, me: usize, place: usize, limit: Option<Duration>) {
        let kind = &self.kinds[place];
        let is_there = kind.free() > 0 || !kind.is_open();
        // What waits to be put may be another's already. A channel may hold an item whose getter was
        // killed before it ran.
        let is_known = kind.putters() == 0 && place != CHANNEL;
        let at_once = if is_there { Some(true) } else { is_known.then_some(false) };
        let waiting = Waiting { get: Some(place), ..Waiting::default() };
        let got = self.wait(me, waiting, limit, at_once, || kind.get(limit));
        self.got(kind.as_ref(), got);
    }

    fn got(&self, kind: &dyn AnyKind, got: Result<Item, GetError>) {
        match got {
            Ok(item) => kind.model().got(item),
            Err(error) => {
                let is_closed = error == GetError::ShutDown;
                self.stage.same("whether a queue is shut down", is_closed, !kind.is_open());
            }
        }
    }

    fn try_get(&self, place: usize) {
        let kind = &self.kinds[place];
        let free = kind.free();
        let slices = self.stage.slices();
        let got = kind.try_get();
        self.stage.same("how many ran in a try", self.stage.slices(), slices);
        if kind.putters() == 0 {
            self.stage.check(got.is_ok() || free == 0, || format!("an item is free in {kind:?}"));
        }
        self.got(kind.as_ref(), got);
    }

    fn peek(&self, me: usize, place: usize, limit: Option<Duration>) {
        let kind = &self.kinds[place];
        let is_free = kind.free() > 0;
        let at_once = is_free.then_some(true);
        let waiting = Waiting { peek: Some(place), ..Waiting::default() };
        let shown = self.wait(me, waiting, limit, at_once, || kind.peek(limit));
        match shown {
            Some(Ok(number)) => kind.model().shown(number, is_free, &self.stage),
            Some(Err(_)) | None => self.stage.check(!is_free, || "an item is not shown".into()),
        }
    }

    fn done(&self, place: usize) {
        let kind = &self.kinds[place];
        let unfinished = kind.unfinished();
        let is_due = kind.task_done();
        self.stage.same("whether one was to be done", is_due, unfinished > 0);
        kind.model().done(usize::from(is_due));
    }

    fn join(&self, me: usize, place: usize, limit: Option<Duration>) {
        let kind = &self.kinds[place];
        let at_once = Some(kind.unfinished() == 0);
        let waiting = Waiting { join: Some(place), ..Waiting::default() };
        self.wait(me, waiting, limit, at_once, || kind.join(limit));
    }

    fn shut_down(&self, place: usize, now: bool) {
        let kind = &self.kinds[place];
        if now {
            let unfinished = kind.unfinished();
            let items = kind.shut_down_now();
            kind.model().done(items.len().min(unfinished));
            items.into_iter().for_each(|item| kind.model().shut_out(item));
        } else {
            kind.shut_down();
        }
    }

    /// `true` is the channel, `false` the bounded queue.
    fn choose(
        &self,
        me: usize,
        get: Option<bool>,
        put: Option<bool>,
        limit: Option<Duration>,
        waits_for_event: bool,
    ) {
        let place = |is_channel| if is_channel { CHANNEL } else { ROOMY };
        let (get, put) = (get.map(place), put.map(place));
        let item = put.map(|_| self.items.make(0));
        let number = item.as_ref().map(Item::number);
        let offer = put
            .zip(number)
            .map(|(place, number)| (place, self.kinds[place].model().offered(number, 0, true)));
        let offered = OnDrop(|| {
            if let Some((place, number)) = offer {
                self.kinds[place].model().withdrawn(number, &self.items);
            }
        });
        // Dropped before that.
        let mut slot = item;
        let chosen = {
            let mut select = Select::new();
            select = match get {
                Some(CHANNEL) => select.get(&*self.channel, |got| Chosen::Got(CHANNEL, got.ok())),
                Some(_) => select.get(&*self.bounded, |got| Chosen::Got(ROOMY, got.ok())),
                None => select,
            };
            select = match put {
                Some(CHANNEL) => {
                    select.put(&*self.channel, &mut slot, |put| Chosen::Put(CHANNEL, put.is_ok()))
                }
                Some(_) => {
                    select.put(&*self.bounded, &mut slot, |put| Chosen::Put(ROOMY, put.is_ok()))
                }
                None => select,
            };
            if waits_for_event {
                select = select.wait(&self.event, || Chosen::Event);
            }
            if let Some(limit) = limit {
                select = select.after(limit, || Chosen::Nothing);
            }
            let waiting = Waiting { get, put, ..Waiting::default() };
            self.wait(me, waiting, limit, None, || select.run())
        };
        std::mem::forget(offered);
        match chosen {
            Ok(Chosen::Put(place, true)) => {
                self.stage.check(slot.is_none(), || "an item was put, and has come back".into());
                self.kinds[place].model().entered(number.expect("it was put"));
                return;
            }
            Ok(Chosen::Got(place, Some(item))) => self.kinds[place].model().got(item),
            Ok(Chosen::Got(place, None) | Chosen::Put(place, false)) => {
                self.stage.same("whether a queue is shut down", true, !self.kinds[place].is_open());
            }
            Ok(Chosen::Event | Chosen::Nothing) => {}
            Err(error) => self.stage.fault(format!("a select fails: {error}")),
        }
        if let Some((place, number)) = offer {
            self.kinds[place].model().refused(number);
            match slot.take() {
                Some(item) => item.come_back(number),
                None => self.stage.fault("an item was not put, and is gone".into()),
            }
        }
    }

    /// Nobody is about to run, so nothing is on its way.
    fn look_at_rest(&self, place: usize) {
        let kind = &self.kinds[place];
        let waiting = self.waiting.borrow();
        let count = |of: fn(&Waiting) -> Option<usize>| {
            waiting.iter().filter(|waiting| of(waiting) == Some(place)).count()
        };
        let what = |what: &str| format!("{what} of {kind:?}");
        let same = |text: &str, real, model| self.stage.same(&what(text), real, model);
        same("those who get", kind.getters(), count(|it| it.get));
        same("those who put", kind.putters(), count(|it| it.put));
        if place != CHANNEL {
            same("items", kind.free() + kind.putters(), kind.model().present());
        }
        same("unfinished items", kind.unfinished(), kind.model().unfinished(kind.free()));
        if kind.free() > 0 {
            same("those who peek", count(|it| it.peek), 0);
        }
        if kind.unfinished() == 0 {
            same("those who join", count(|it| it.join), 0);
        }
    }
}

enum Chosen {
    Got(usize, Option<Item>),
    Put(usize, bool),
    Event,
    Nothing,
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
