//! Spans of [`tracing`] that switch with greenlets (feature `tracing`).
//!
//! A subscriber keeps the spans that were entered by thread. Greenlets share a thread, so without more a span that is
//! entered over a wait is seen by whoever runs meanwhile. [`Switching`] is put around a subscriber, and mends that
//! for all spans, whoever enters them: a greenlet that lets others run leaves the spans it is in, as far as the
//! subscriber can see, and enters them again when it goes on. That is what an instrumented future does at
//! each `await`.
//!
//! ```
//! use greenhub::spans::Switching;
//! use std::time::Duration;
//! use tracing::{info, info_span};
//!
//! tracing::subscriber::set_global_default(Switching::new(tracing_subscriber::fmt().finish()))?;
//!
//! let workers: Vec<_> = (0..2)
//!     .map(|number| greenhub::spawn(move || {
//!         let _entered = info_span!("worker", number).entered();
//!         greenhub::sleep(Duration::from_millis(1));
//!         info!("awake"); // worker{number=0}: awake
//!     }))
//!     .collect();
//! greenhub::joinall(&workers);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What has to be known to rely on it:
//!
//! - **Each greenlet has its own spans,** main and raw ones as well. One that is spawned begins with none, as a
//!   thread of std and a task of tokio do: [`in_current_span`] takes the spawner's along.
//!   What the hub itself calls, such as [callbacks](crate::Hub::run_callback), is in none.
//! - **A kill, a panic and a limit** leave a span as any scope. A greenlet that has ended is in no span, even if
//!   it has forgotten a guard.
//! - **Another thread,** of [`offload`](crate::offload) or a [cluster](crate::cluster), has spans of its own.
//! - **Layers see it**: one that counts how often a span was entered counts each time that its greenlet went on. Times that a
//!   layer takes between entering and leaving are times in which the greenlet ran.
//! - **It has to be the outermost** of what is put around the subscriber, so that layers are within. A
//!   subscriber that is set for a part of a thread, by `with_default`, is the thread's and not a greenlet's: set one
//!   for the process, or for the whole of a thread.
//! - **What it costs.** A switch looks at nothing more than it did, until a `Switching` is made. From then on each
//!   slice of a greenlet costs some nanoseconds, and an exit and an enter for each span that it is in.
//! - **A subscriber that panics** when a span is left or entered by a switch is told of by the panic hook, and the hub goes on.

mod here;
mod switching;

pub use self::switching::Switching;

use ::tracing::Span;

/// Makes a body that runs in the span in which this is called: for one that is to be spawned.
///
/// Mirrors tracing's `Instrument::in_current_span`.
///
/// # Examples
///
/// ```
/// use greenhub::spans::in_current_span;
///
/// let request = tracing::info_span!("request");
/// let greenlet = request.in_scope(|| greenhub::spawn(in_current_span(|| 7)));
/// assert_eq!(greenlet.join()?, 7);
/// # Ok::<(), greenhub::JoinError>(())
/// ```
pub fn in_current_span<R>(body: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let span = Span::current();
    move || span.in_scope(body)
}
