//! A subscriber around another.
//!
//! # Why this file is unsafe
//!
//! A subscriber tells where a part of it lies by `downcast_raw`, which is unsafe to implement. It is passed on, or
//! layers that look for each other by that would not be found.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::sync::Arc;

use ::tracing::level_filters::LevelFilter;
use ::tracing::span::{Attributes, Id, Record};
use ::tracing::subscriber::Interest;
use ::tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_core::span::Current;

use super::here;

/// A subscriber whose spans switch with greenlets; see the [module](super).
///
/// Everything is passed on to the subscriber within.
///
/// # Examples
///
/// ```
/// use greenhub::spans::Switching;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(tracing_subscriber::fmt::layer());
/// tracing::subscriber::set_global_default(Switching::new(subscriber))?;
/// # Ok::<(), tracing::subscriber::SetGlobalDefaultError>(())
/// ```
#[derive(Debug)]
pub struct Switching<S> {
    inner: Arc<S>,
}

impl<S: Subscriber + Send + Sync> Switching<S> {
    /// Has the spans of `subscriber` switch.
    pub fn new(subscriber: S) -> Switching<S> {
        here::prepare();
        Switching { inner: Arc::new(subscriber) }
    }
}

impl<S: Subscriber + Send + Sync> Subscriber for Switching<S> {
    fn enter(&self, span: &Id) {
        self.inner.enter(span);
        here::entered(Arc::clone(&self.inner) as _, span.clone());
    }

    fn exit(&self, span: &Id) {
        if here::left(span) {
            self.inner.exit(span);
        }
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.inner.on_register_dispatch(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.inner.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.inner.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.inner.record_follows_from(span, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.inner.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.inner.try_close(id)
    }

    fn current_span(&self) -> Current {
        self.inner.current_span()
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some((&raw const *self).cast());
        }
        // SAFETY: the caller reads what this returns only as a value of the type `id`, and only as long as it
        // borrows `self`; so it does with what the inner one returns, which is part of `self`.
        unsafe { self.inner.downcast_raw(id) }
    }
}
