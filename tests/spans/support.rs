//! What these tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use greenhub::spans::Switching;
use tracing::field::{Field, Visit};
use tracing::span::Id;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use self::alone::alone;
use self::bounded::bounded;

/// Longer than any test may take.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a subscriber has seen of one thread.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What was noted since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The events of that, each with the spans that it was in.
    pub(crate) fn events(&self) -> Vec<String> {
        self.take().into_iter().filter(|line| !line.starts_with(['+', '-'])).collect()
    }
}

/// Notes `outer/inner: event`, `+span` and `-span`.
struct Notes(Seen);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Notes {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let scope = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let names: Vec<_> = scope.map(|span| span.name()).collect();
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.note(format!("{}: {}", names.join("/"), message.0));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.note(format!("+{}", context.span(id).unwrap().name()));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.note(format!("-{}", context.span(id).unwrap().name()));
    }
}

/// Has this thread's spans and events noted until the guard is dropped.
pub(crate) fn noting() -> (Seen, DefaultGuard) {
    let seen = Seen::default();
    let subscriber = tracing_subscriber::registry().with(Notes(seen.clone()));
    let guard = tracing::subscriber::set_default(Switching::new(subscriber));
    (seen, guard)
}

/// Runs `body` with what is seen of its thread.
#[track_caller]
pub(crate) fn noted(body: impl FnOnce(&Seen) + Send + 'static) {
    bounded(|| {
        let (seen, _guard) = noting();
        body(&seen);
    });
}
