//! Those who stand in one line, each with what it has brought along.

use super::bell::Bell;
use super::core;
use super::inbox::HubNumber;
use super::wait_queue::WaitQueue;
use super::waiter::Waker;
use crate::raw::holder::Holder;

/// One who stands in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Who {
    /// Waits for this alone.
    Waits(Waker),
    /// Takes it if it has not got something else by then.
    Chooses(Bell),
    /// Takes nothing, and is only told that its turn has come.
    Watches(Bell),
}

/// One whose turn it is, if it is still to be woken. It is out of the line.
///
/// It is filled in where it lies: handed from function to function, its pieces would be written one by
/// one and read at once, which processors are slow at.
#[derive(Default)]
#[must_use = "it has to be woken"]
pub(crate) struct Granted(Option<Unwoken>);

enum Unwoken {
    Waiter(Waker),
    Chooser(Bell),
}

impl Granted {
    /// To be called when the lock of the line is free again.
    #[inline(always)]
    pub(crate) fn wake(self) {
        if let Some(unwoken) = self.0 {
            unwoken.wake();
        }
    }
}

impl Unwoken {
    #[cold]
    fn wake(self) {
        match self {
            Unwoken::Waiter(waker) => {
                waker.wake();
            }
            Unwoken::Chooser(bell) => bell.wake(),
        }
    }
}

/// Those who wait for one thing, first come first, each with a `P`.
pub(crate) struct Waiters<P = ()> {
    line: WaitQueue<(Who, P)>,
    /// Those who cannot be granted anything any more, and have not left yet. Those whose thread has
    /// ended never do.
    aside: Vec<(Who, P)>,
    /// Who has waited here: one hub, or more than one thread has to do with it.
    hub: Option<HubNumber>,
    many: bool,
}

impl<P> Waiters<P> {
    pub(crate) const fn new() -> Self {
        Waiters { line: WaitQueue::new(), aside: Vec::new(), hub: None, many: false }
    }

    /// Takes one into the line; returns whether more threads than one have to do with it.
    #[inline]
    pub(crate) fn join(&mut self, waker: Waker, what: P) -> bool {
        self.note(Some(waker.hub()));
        self.line.push_with(|| (Who::Waits(waker), what));
        self.many
    }

    pub(crate) fn push(&mut self, who: Who, what: P) {
        self.note(this_hub());
        self.line.push((who, what));
    }

    /// Who is about to be granted something, as far as that is known before. Only of this hub.
    #[inline]
    pub(crate) fn next_holder(&self) -> Holder {
        match self.line.first() {
            None => Holder::NOBODY,
            Some((Who::Waits(waker), _)) if waker.is_of_this_hub() => waker.holder(),
            Some(_) => Holder::SOMEBODY,
        }
    }

    /// Takes out who has waited longest: it is granted.
    pub(crate) fn pop(&mut self) -> Option<(Granted, P)> {
        let mut granted = Granted::default();
        let what = self.pop_beside(None, &mut granted, true)?;
        Some((granted, what))
    }

    /// As [`pop`](Self::pop), but leaves alone who `me` is, where it waits in several lines. Who is
    /// granted is written to `granted`, unless it may be woken `at_once` and that can be done.
    #[inline(always)]
    pub(crate) fn pop_beside(
        &mut self,
        me: Option<&Bell>,
        granted: &mut Granted,
        at_once: bool,
    ) -> Option<P> {
        if self.line.is_empty() { None } else { self.pop_first(me, granted, at_once) }
    }

    #[inline]
    fn pop_first(&mut self, me: Option<&Bell>, granted: &mut Granted, at_once: bool) -> Option<P> {
        match *self.line.first()? {
            // The usual case: one of this hub, who waits for this alone. To wake it is to put it at the
            // end of a queue, and so may be done under the lock.
            (Who::Waits(waker), _) if at_once && waker.is_of_this_hub() => {
                self.note(Some(waker.hub()));
                let (_, what) = self.line.pop()?;
                waker.wake();
                Some(what)
            }
            _ => self.pop_some(me, granted),
        }
    }

    /// As [`pop`](Self::pop), if what the first has brought is what `may` allows.
    pub(crate) fn pop_if(&mut self, may: impl FnOnce(&P) -> bool) -> Option<(Granted, P)> {
        while let Some((Who::Waits(waker), _)) = self.line.first()
            && waker.is_orphaned()
        {
            self.line.pop();
        }
        if may(&self.line.first()?.1) { self.pop() } else { None }
    }

    #[cold]
    fn pop_some(&mut self, me: Option<&Bell>, granted: &mut Granted) -> Option<P> {
        self.note(this_hub());
        // So many, so that one that is put back is not looked at again.
        for _ in 0..self.line.len() {
            let (who, what) = self.line.pop()?;
            match who {
                Who::Waits(waker) if !waker.is_orphaned() => {
                    self.note(Some(waker.hub()));
                    granted.0 = Some(Unwoken::Waiter(waker));
                    return Some(what);
                }
                Who::Watches(bell) => bell.ring(),
                Who::Chooses(bell) if me.is_some_and(|me| me.is_beside(&bell)) => {
                    self.line.push((Who::Chooses(bell), what));
                }
                Who::Chooses(bell) if !bell.is_orphaned() && bell.claim() => {
                    granted.0 = Some(Unwoken::Chooser(bell));
                    return Some(what);
                }
                // It was rung already, perhaps for this, and comes to see.
                Who::Chooses(bell) if !bell.is_orphaned() => {
                    self.aside.push((Who::Chooses(bell), what));
                }
                // Its thread has ended. What is dropped here would be dropped under a lock.
                Who::Waits(_) | Who::Chooses(_) if size_of::<P>() > 0 => {
                    self.aside.push((who, what));
                }
                Who::Waits(_) | Who::Chooses(_) => {}
            }
        }
        None
    }

    /// Whether more than so many, without `me`, could be granted something.
    #[inline]
    pub(crate) fn has_more(&self, count: usize, me: Option<&Bell>) -> bool {
        !self.line.is_empty() && self.has_more_takers(count, me)
    }

    fn has_more_takers(&self, count: usize, me: Option<&Bell>) -> bool {
        self.line.len() > count && self.takers(me).nth(count).is_some()
    }

    /// What the one has brought before whom so many others could be granted something.
    pub(crate) fn nth(&self, place: usize) -> Option<&P> {
        self.takers(None).nth(place)
    }

    /// How many could be granted something.
    pub(crate) fn count(&self) -> usize {
        self.takers(None).count()
    }

    fn takers(&self, me: Option<&Bell>) -> impl Iterator<Item = &P> {
        let takes = move |who: &Who| match who {
            Who::Waits(waker) => !waker.is_orphaned(),
            Who::Chooses(bell) => !me.is_some_and(|me| me.is_beside(bell)) && bell.can_be_claimed(),
            Who::Watches(_) => false,
        };
        self.line.iter().filter(move |(who, _)| takes(who)).map(|(_, what)| what)
    }

    /// Takes out one who was not granted anything; `None` if it was, or was never here.
    pub(crate) fn remove(&mut self, who: &Who) -> Option<P> {
        let in_line = self.line.remove_first(|(other, _)| other == who);
        let found = in_line.or_else(|| {
            let place = self.aside.iter().position(|(other, _)| other == who)?;
            Some(self.aside.swap_remove(place))
        });
        found.map(|(_, what)| what)
    }

    /// Has everyone look for themselves, without granting them anything.
    pub(crate) fn alarm(&mut self) {
        self.note(this_hub());
        for (who, _) in self.line.iter() {
            match who {
                Who::Waits(waker) => {
                    waker.wake();
                }
                Who::Chooses(bell) | Who::Watches(bell) => bell.ring(),
            }
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Remembers who has to do with this; `None` is a thread without a hub.
    #[inline]
    fn note(&mut self, hub: Option<HubNumber>) {
        if hub.is_none() || self.hub.is_some() && self.hub != hub {
            self.many = true;
        }
        self.hub = self.hub.or(hub);
    }
}

impl Waiters {
    /// Takes out everyone: all are granted.
    pub(crate) fn take(&mut self) -> All {
        if !self.line.is_empty() {
            self.note(this_hub());
        }
        All(std::mem::take(&mut self.line))
    }
}

/// Everyone whose turn it is.
#[derive(Default)]
#[must_use = "they have to be woken"]
pub(crate) struct All(WaitQueue<(Who, ())>);

impl All {
    pub(crate) const fn nobody() -> All {
        All(WaitQueue::new())
    }

    /// Wakes them, in order.
    #[inline(always)]
    pub(crate) fn wake(self) {
        if self.0.is_empty() {
            // Mostly known at compile time, and then nothing is left of this.
            self.0.forget_empty();
        } else {
            self.wake_each();
        }
    }

    #[inline(never)]
    fn wake_each(mut self) {
        while let Some((who, ())) = self.0.pop() {
            match who {
                Who::Waits(waker) => {
                    waker.wake();
                }
                Who::Chooses(bell) | Who::Watches(bell) => bell.ring(),
            }
        }
    }
}

fn this_hub() -> Option<HubNumber> {
    core::try_with(|core| core.number())
}
