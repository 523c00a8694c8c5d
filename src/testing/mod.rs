//! A hub under control, for tests: virtual time, an order by a seed, and sockets without a kernel.
//!
//! | for | use |
//! | --- | --- |
//! | sleeps and limits that pass at once, in order | [`Simulation::run`] |
//! | an order of those who are ready that a seed decides, and repeats | [`run`], [`Simulation::seed`] |
//! | many orders, and the seed of the one that fails | [`check`], [`Simulation::check`] |
//! | connections that are slow, split, cut or reset as the test wants | [`net`] |
//!
//! A simulation runs a closure as the main of a hub of its own, on a thread of its own; the caller's
//! thread waits. When the closure returns, what it has left running is killed.
//!
//! # Time
//!
//! The clock of a simulation stands while a greenlet is ready, and when none is, it is the moment of the
//! next deadline. So a day's sleep takes no time, and what is due at one moment is woken in the order
//! in which it was set. **Virtual are** all sleeps, limits, timers and deadlines of greenhub, also those in
//! [`monkey`](crate::monkey), and [`now`]. **Not virtual are** [`std::time::Instant`] and `SystemTime`, also
//! by their names in `monkey`, and whatever other threads do. The limits of a
//! [`Cluster`](crate::Cluster) are kept by its threads, by their clock: it is nothing for a simulation.
//!
//! While a greenlet waits for the kernel (a real socket, a child, a signal) or for another thread (a
//! file, [`offload`](crate::offload), a pool), or there is a [`Remote`](crate::hub::Remote), no time is
//! skipped: the hub really sleeps, until something comes or the next deadline has really passed. On
//! the clock of the simulation that shows only when a deadline is reached. Greenlets in the background
//! do not count.
//!
//! One who yields until a moment has passed is given it: after 100,000 switches at one moment the time is
//! that of the next deadline. If there is none, after ten million, main panics with that report
//! ([`Simulation::patience`]).
//!
//! # Order
//!
//! Without a seed it is the hub's: first come, first served. With one, any of those who are ready may be
//! next; still each runs in bounded time, since every eighth choice is who has been ready longest. In what
//! order waiters get a lock or an item stays as it is. The same seed gives the same order, as long as all
//! that decides is inside: no kernel, no other thread, no `Instant`, and no iteration over a `HashMap` of
//! std, whose order differs from run to run.
//!
//! # What waits for ever
//!
//! Main gets the report that it gets everywhere, but a simulation need not ask whether there are
//! other threads in the process, as there are beside every test. One that has not yet used what is waited
//! for, and will, has to be announced: hold a [`Remote`](crate::hub::Remote).
//!
//! # Examples
//!
//! An update that is lost if the other comes in between is found, and its seed is told:
//!
//! ```should_panic
//! use greenhub::{joinall, spawn, testing, yield_now};
//! use std::{cell::Cell, rc::Rc};
//!
//! testing::check(100, || {
//!     let count = Rc::new(Cell::new(0));
//!     let adders: Vec<_> = (0..2)
//!         .map(|_| {
//!             let count = Rc::clone(&count);
//!             spawn(move || {
//!                 let before = count.get();
//!                 yield_now();
//!                 count.set(before + 1);
//!             })
//!         })
//!         .collect();
//!     joinall(&adders);
//!     assert_eq!(count.get(), 2);
//! });
//! ```
//!
//! A day passes, and a limit that is shorter ends it:
//!
//! ```
//! use greenhub::{sleep, testing, with_timeout};
//! use std::time::Duration;
//!
//! let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
//! let told = testing::run(7, || {
//!     let late = with_timeout(hour, || sleep(day));
//!     sleep(day);
//!     (late.is_err(), testing::now())
//! });
//! assert_eq!(told, (true, day + hour));
//! ```

mod checking;
pub mod net;
mod simulation;

pub use self::checking::check;
pub use self::simulation::{Simulation, now, random_below, run, seed};
