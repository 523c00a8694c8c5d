//! What these tests share.

#[path = "../support/bounded.rs"]
mod bounded;

use std::any::Any;
use std::time::Duration;

pub(crate) use self::bounded::bounded;

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The text that something panicked with.
pub(crate) fn text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
