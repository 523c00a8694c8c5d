//! Making greenlets: what they are called, how much stack they have, when they start.

use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use super::packet::{Packet, Start, run_body};
use super::{Greenlet, Unstarted, hooks, local};
use crate::clock::Moment;
use crate::hub::core::{self, Core};
use crate::hub::watched;
use crate::raw::fiber::{Fiber, FiberRef, Reach, WaitKind, WaitingFor};
use crate::raw::thread;

/// Runs `body` as a greenlet of this thread's hub.
///
/// Returns at once: the greenlet runs when the current one waits or yields, after those that
/// were ready before it. Mirrors `gevent.spawn` and [`std::thread::spawn`]; unlike there, `body`
/// need not be `Send`.
///
/// # Panics
///
/// If there is no memory for its stack, with a sentence that names the limit.
/// [`Builder::spawn`] returns that as an error.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// let count = Rc::new(Cell::new(0));
/// let greenlets: Vec<_> = (0..1000)
///     .map(|_| {
///         let count = Rc::clone(&count);
///         greenhub::spawn(move || count.set(count.get() + 1))
///     })
///     .collect();
/// greenhub::joinall(&greenlets);
/// assert_eq!(count.get(), 1000);
/// ```
#[inline]
#[track_caller]
pub fn spawn<T: 'static>(body: impl FnOnce() -> T + 'static) -> Greenlet<T> {
    match launch(None, body, Location::caller()) {
        Ok(greenlet) => greenlet,
        Err(error) => panic!("{error}"),
    }
}

/// As [`spawn`], but the greenlet becomes ready only after `delay`.
///
/// Killing it before that cancels the delay. Mirrors `gevent.spawn_later`.
///
/// # Panics
///
/// As `spawn`.
#[track_caller]
pub fn spawn_later<T: 'static>(delay: Duration, body: impl FnOnce() -> T + 'static) -> Greenlet<T> {
    match launch(Some(delay), body, Location::caller()) {
        Ok(greenlet) => greenlet,
        Err(error) => panic!("{error}"),
    }
}

/// Settings for a greenlet. Mirrors [`std::thread::Builder`].
///
/// # Examples
///
/// ```
/// let parser = greenhub::Builder::new()
///     .name("parser")
///     .stack_size(1024 * 1024)
///     .spawn(|| greenhub::current().name())?;
/// assert_eq!(parser.join().unwrap().as_deref(), Some("parser"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder spawns nothing until it is told to"]
pub struct Builder {
    name: Option<String>,
    stack_bytes: Option<usize>,
    delay: Option<Duration>,
    background: bool,
}

impl Builder {
    /// A builder that spawns as [`spawn`] does.
    pub fn new() -> Self {
        Builder::default()
    }

    /// Names the greenlet, for reports and messages.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the size of its stack in bytes; it is rounded up to a power of two of at least
    /// 16 KiB. Without this it is the [hub's](crate::Hub::set_stack_size).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Has the greenlet become ready only after `delay`, as [`spawn_later`] does.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Has what the greenlet waits for keep nothing up: for one that serves the others, such as a
    /// ticker.
    ///
    /// While only such greenlets wait for a timer, the kernel or another thread, the hub
    /// [has run dry](crate::Hub::join), and main gets the report that everything waits for ever if
    /// it waits for something else than a time, even for one of them. One
    /// that is ready counts as any other. What it spawns is not in the background by that. Mirrors
    /// gevent's `ref=False`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let ticker = greenhub::Builder::new().background(true).spawn(|| {
    ///     loop {
    ///         greenhub::sleep(Duration::from_secs(1));
    ///     }
    /// })?;
    /// greenhub::Hub::current().join(); // does not wait for the ticker
    /// assert!(!ticker.is_finished());
    /// ticker.kill();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Runs `body` as a greenlet with these settings.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory) if there is no memory for its stack, with a
    /// sentence that names the limit; [`InvalidInput`](io::ErrorKind::InvalidInput) if the
    /// stack is to be larger than 2 GiB; any error of making the thread's first descriptors.
    /// `body` has been dropped then.
    #[track_caller]
    pub fn spawn<T: 'static>(self, body: impl FnOnce() -> T + 'static) -> io::Result<Greenlet<T>> {
        let delay = self.delay;
        let greenlet = self.make(body, Location::caller())?;
        make_ready(&greenlet, delay);
        Ok(greenlet)
    }

    /// Makes a greenlet with these settings, and does not start it.
    ///
    /// Mirrors `gevent.Greenlet(run)`.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// let unstarted = greenhub::Builder::new().name("late").create(|| 7)?;
    /// unstarted.greenlet().link(|greenlet| println!("{greenlet:?} has ended"));
    /// assert_eq!(unstarted.start().join().unwrap(), 7);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn create<T: 'static>(
        self,
        body: impl FnOnce() -> T + 'static,
    ) -> io::Result<Unstarted<T>> {
        let delay = self.delay;
        let greenlet = self.make(body, Location::caller())?;
        greenlet.fiber.data.ended.start.set(Start::NotAsked);
        Ok(Unstarted { greenlet, delay })
    }

    fn make<T: 'static>(
        self,
        body: impl FnOnce() -> T + 'static,
        made_at: &'static Location<'static>,
    ) -> io::Result<Greenlet<T>> {
        let greenlet = make(self.stack_bytes, self.name, body, made_at)?;
        if self.background {
            greenlet.any().set_background(true);
        }
        Ok(greenlet)
    }
}

static DELAY: WaitKind = WaitKind { text: "for its start", numbered: false, reach: Reach::Inside };

#[inline]
fn launch<T: 'static>(
    delay: Option<Duration>,
    body: impl FnOnce() -> T + 'static,
    made_at: &'static Location<'static>,
) -> io::Result<Greenlet<T>> {
    let greenlet = make(None, None, body, made_at)?;
    make_ready(&greenlet, delay);
    Ok(greenlet)
}

/// As [`Builder::spawn`], but spawn hooks are not told, and nobody joins it.
pub(super) fn launch_unseen(
    body: impl FnOnce() + 'static,
    made_at: &'static Location<'static>,
) -> io::Result<()> {
    let greenlet = make(None, None, body, made_at)?;
    core::with(|core| core.make_ready(FiberRef::from(Rc::clone(&greenlet.fiber))));
    Ok(())
}

/// Starts a greenlet that was only made, unless it has been killed.
pub(super) fn begin<T: 'static>(greenlet: &Greenlet<T>, delay: Option<Duration>) {
    if let Start::NotAsked = greenlet.fiber.data.ended.start.replace(Start::Asked) {
        make_ready(greenlet, delay);
    }
}

/// As [`begin`], but it is the next to run.
pub(super) fn begin_next<T: 'static>(greenlet: &Greenlet<T>) {
    if let Start::NotAsked = greenlet.fiber.data.ended.start.replace(Start::Asked) {
        core::with(|core| core.make_next(FiberRef::from(Rc::clone(&greenlet.fiber))));
        hooks::tell(|| greenlet.any());
    }
}

#[inline(always)]
pub(super) fn make<T: 'static>(
    stack_bytes: Option<usize>,
    name: Option<String>,
    body: impl FnOnce() -> T + 'static,
    made_at: &'static Location<'static>,
) -> io::Result<Greenlet<T>> {
    core::make()?;
    let inherited = local::inherited();
    let fiber = thread::with(|thread| {
        let reserved = thread.stacks.reserve(stack_bytes)?;
        let fiber = Fiber::new(thread, Packet::new, made_at);
        let own = Rc::clone(&fiber);
        fiber.start(reserved, move || run_body(own, body));
        Ok::<_, io::Error>(fiber)
    })?;
    if let Some(name) = name {
        *fiber.head.name.borrow_mut() = Some(name.into_boxed_str());
        watched::renamed(&fiber.head);
    }
    if let Some(inherited) = inherited {
        fiber.head.extra_or_default().locals.replace(inherited);
    }
    Ok(Greenlet { fiber })
}

#[inline(always)]
pub(super) fn make_ready<T: 'static>(greenlet: &Greenlet<T>, delay: Option<Duration>) {
    core::with(|core| match delay {
        None => core.make_ready(FiberRef::from(Rc::clone(&greenlet.fiber))),
        Some(delay) => start_later(core, &greenlet.fiber, delay),
    });
    hooks::tell(|| greenlet.any());
}

/// The greenlet waits for its start as others wait in the middle, so a kill ends that too.
fn start_later<T>(core: &Core, fiber: &Fiber<Packet<T>>, delay: Duration) {
    let deadline = Moment::after(delay);
    let wait = core.begin_wait(&fiber.head, WaitingFor::new(&DELAY, 0));
    if deadline != Moment::NEVER {
        let timer = core.set_timer(deadline, fiber.head.id.get(), wait);
        fiber.data.ended.start.set(Start::Later(timer));
    }
}
