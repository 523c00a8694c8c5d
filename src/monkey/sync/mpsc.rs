//! [`std::sync::mpsc`], cooperative: channels between greenlets, and between threads.
//!
//! The errors are std's own. Items are received in the order in which they were sent, and who
//! waits longest is served first. A greenlet that is killed while it waits to receive takes nothing
//! with it; one that is killed while it waits to send drops what it would have sent.
//!
//! **While unwinding,** a greenlet cannot wait. What can be sent or received at once is; else
//! [`send`](SyncSender::send) and [`recv`](Receiver::recv) give the error that they give when
//! the other end is gone, and nobody will come.

pub use std::sync::mpsc::*;

mod receiver;
mod sender;

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

pub use self::receiver::{IntoIter, Iter, Receiver, TryIter};
pub use self::sender::{Sender, SyncSender};
use crate::queue::Queue;

/// A channel with room for any number of items. Mirrors [`std::sync::mpsc::channel`].
///
/// # Examples
///
/// ```
/// use greenhub::monkey as std;
/// use std::sync::mpsc;
/// use std::thread;
///
/// let (sender, receiver) = mpsc::channel();
/// for number in 1..=3 {
///     let sender = sender.clone();
///     thread::spawn(move || sender.send(number).unwrap());
/// }
/// drop(sender);
/// assert_eq!(receiver.iter().sum::<u32>(), 6);
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(Queue::new()));
    (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
}

/// A channel with room for `bound` items: who sends one more waits. Without any room, who sends
/// waits until its item is received. Mirrors [`std::sync::mpsc::sync_channel`].
///
/// # Examples
///
/// ```
/// use greenhub::monkey::sync::mpsc::{TrySendError, sync_channel};
///
/// let (sender, receiver) = sync_channel(1);
/// sender.send("first")?;
/// assert_eq!(sender.try_send("second"), Err(TrySendError::Full("second")));
/// assert_eq!(receiver.recv()?, "first");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(Queue::bounded(bound)));
    (SyncSender::new(Arc::clone(&shared)), Receiver::new(shared))
}

/// What both ends have. It is shut down by the last sender and by the receiver.
struct Shared<T> {
    queue: Queue<T>,
    senders: AtomicUsize,
}

impl<T> Shared<T> {
    fn new(queue: Queue<T>) -> Self {
        Shared { queue, senders: AtomicUsize::new(1) }
    }
}

// No item is in use while code of the program's runs.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}
