//! smol and monoio: executors of one thread, whose tasks need not be `Send`.

use std::cell::Cell;
use std::future::Future;
use std::task::{Poll, Waker};
use std::time::Duration;

use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};
use smol::{LocalExecutor, Timer};

/// What both can do, so that much of their work is written once.
pub(crate) trait Local: 'static {
    /// Runs a task, and those that it spawns. It is spawned itself, as with tokio.
    fn run<T: 'static>(task: impl Future<Output = T> + 'static) -> T;

    /// The task is ended when what is returned is dropped, or may be.
    fn spawn<T: 'static>(
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static;

    fn sleep(limit: Duration) -> impl Future<Output = ()> + 'static;

    fn within<T>(limit: Duration, task: impl Future<Output = T>)
    -> impl Future<Output = Option<T>>;
}

/// smol's `LocalExecutor` in `smol::block_on`, which looks at its reactor as the calling thread
/// finds the time, or has a second thread do it while that is busy.
pub(crate) struct Smol;

thread_local!(static EXECUTOR: LocalExecutor<'static> = const { LocalExecutor::new() });

impl Local for Smol {
    fn run<T: 'static>(task: impl Future<Output = T> + 'static) -> T {
        EXECUTOR.with(|executor| {
            let running = executor.spawn(task);
            smol::block_on(executor.run(running))
        })
    }

    fn spawn<T: 'static>(
        task: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        EXECUTOR.with(|executor| executor.spawn(task))
    }

    async fn sleep(limit: Duration) {
        Timer::after(limit).await;
    }

    fn within<T>(
        limit: Duration,
        task: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>> {
        let late = async move {
            Timer::after(limit).await;
            None
        };
        smol::future::or(async move { Some(task.await) }, late)
    }
}

/// monoio on epoll, with its timers.
pub(crate) struct OnEpoll;

/// monoio on io_uring, with its timers, and else as it comes.
pub(crate) struct OnUring;

macro_rules! monoio {
    ($name:ident, $driver:ident) => {
        impl Local for $name {
            fn run<T: 'static>(task: impl Future<Output = T> + 'static) -> T {
                let runtime = RuntimeBuilder::<$driver>::new().enable_timer().build();
                let mut runtime = runtime.expect("the kernel has it");
                runtime.block_on(async { monoio::spawn(task).await })
            }

            fn spawn<T: 'static>(
                task: impl Future<Output = T> + 'static,
            ) -> impl Future<Output = T> + 'static {
                monoio::spawn(task)
            }

            fn sleep(limit: Duration) -> impl Future<Output = ()> + 'static {
                monoio::time::sleep(limit)
            }

            async fn within<T>(limit: Duration, task: impl Future<Output = T>) -> Option<T> {
                monoio::time::timeout(limit, task).await.ok()
            }
        }
    };
}

monoio!(OnEpoll, LegacyDriver);
monoio!(OnUring, IoUringDriver);

thread_local!(static NEXT: Cell<Option<Waker>> = const { Cell::new(None) });

/// A yield for monoio, where a task that wakes itself is the next to run, so that those who do are
/// not in turns. Here each wakes the one that has yielded before it.
///
/// All must yield equally often, at least two of them, and each call [`leave`] at its end.
pub(crate) async fn pass() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        if let Some(waker) = NEXT.replace(Some(context.waker().clone())) {
            waker.wake();
        }
        Poll::Pending
    })
    .await;
}

/// Wakes the one that has yielded last, if nobody has yet.
pub(crate) fn leave() {
    if let Some(waker) = NEXT.take() {
        waker.wake();
    }
}
