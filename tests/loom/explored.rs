//! How a model is gone through.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::model::Builder;

/// Changes of thread that no thread asked for, in one order. More find no more in practice, and take
/// many times as long.
const PREEMPTIONS: usize = 3;

/// Runs `model` in every order, and says how many there were.
#[track_caller]
pub(crate) fn in_every_order(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(PREEMPTIONS));
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&orders);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let name = std::thread::current().name().unwrap_or("a model").to_owned();
    println!("{name}: {} orders", orders.load(Ordering::Relaxed));
}
