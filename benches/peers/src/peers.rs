//! How each peer is started, where that takes more than a call.

mod floor;
mod local;

use std::future::Future;
use std::pin::Pin;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::runtime::{Builder, Runtime};

pub(crate) use self::floor::Floor;
pub(crate) use self::local::{Local, OnEpoll, OnUring, Smol, leave, pass};

/// Runs a task, and those that it spawns, on tokio's current-thread runtime.
///
/// It has the drivers of a program with sockets and timers, as greenhub's hub has, and defaults
/// apart from that. The task is spawned: the future of `block_on` itself takes a slower way.
/// `LocalSet` is left out, which costs time, and is needed only for what is not `Send`.
pub(crate) fn on_tokio<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = runtime();
    let running = runtime.spawn(task);
    runtime.block_on(running).expect("it does not panic")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("there are descriptors left")
}

/// A yield of tokio's by hand.
///
/// [`tokio::task::yield_now`] puts the task back when the drivers have been looked at, which is a
/// system call if nothing else is ready. Here the task puts itself back.
pub(crate) fn wake_self() -> impl Future<Output = ()> {
    struct WakeSelf(bool);

    impl Future for WakeSelf {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }

    WakeSelf(false)
}

/// Runs a coroutine, and those that it spawns, on may's one worker. The calling thread sleeps.
///
/// As many stacks are kept for reuse as the largest of the workloads that are only timed has.
pub(crate) fn on_may<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    on_may_with_stacks(10_100, body)
}

/// The same with so many stacks, which may makes before all else; the first call in a process tells
/// it for all that follow.
///
/// Stacks have 32 KiB, the default, which is enough for all that runs here. Two other settings are
/// not the default: the number of stacks that are kept, since beyond 1,000 it would map memory, and
/// the worker is not pinned, as no other peer is.
pub(crate) fn on_may_with_stacks<T: Send + 'static>(
    stacks: usize,
    body: impl FnOnce() -> T + Send + 'static,
) -> T {
    static CONFIGURED: Once = Once::new();
    CONFIGURED.call_once(|| {
        may::config().set_workers(1).set_pool_capacity(stacks).set_worker_pin(false);
    });
    may::go!(body).join().expect("it does not panic")
}

/// Counts on one thread. It is atomic only because the types of some peers ask for that, and costs
/// no more than a plain number.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    pub(crate) fn add_one(&self) {
        self.set(self.get() + 1);
    }
}
