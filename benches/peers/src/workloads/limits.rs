//! A limit is set and cancelled, while 10,000 others are pending.

use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use greenhub::queue::Queue;
use greenhub::with_timeout;
use may::sync::Semphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::peers::{Count, Local, OnEpoll, Smol, on_may, on_tokio, wake_self};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Workload, peers};

const PENDING: u64 = 10_000;

/// The limit that is cancelled.
const LIMIT: Duration = Duration::from_secs(60);

/// The limits that are pending: a hundred different ones.
fn far(n: u64) -> Duration {
    Duration::from_secs(3600 + n % 100)
}

pub(crate) fn workloads() -> Vec<Workload> {
    let source = include_str!("limits.rs");
    vec![
        Workload {
            name: "limit_value",
            what: "a limit around what is there at once; 10,000 other limits are pending",
            operation: "a limit",
            operations: 200_000,
            source,
            kind: Kind::Timed,
            // May and Boost.Fiber have no limit around a block of code.
            peers: peers![
                "greenhub": greenhub_value,
                "tokio": tokio_value,
                "smol": smol_value,
                "monoio": monoio_value,
                "Go": go_value by Go,
                "gevent": gevent_value by Gevent,
            ],
        },
        Workload {
            name: "limit_yield",
            what: "a limit around one yield; 10,000 other limits are pending",
            operation: "a limit and a yield",
            operations: 200_000,
            source,
            kind: Kind::Timed,
            peers: peers![
                "greenhub": greenhub_yield,
                "tokio": tokio_yield,
                "tokio, waking itself": tokio_yield_waking_itself,
                "smol": smol_yield,
                "monoio": monoio_yield,
                "Go": go_yield by Go,
                "gevent": gevent_yield by Gevent,
            ],
        },
        Workload {
            name: "limit_answer",
            what: "a limit for the answer of another; 10,000 other limits are pending",
            operation: "a question and its answer",
            operations: 100_000,
            source,
            kind: Kind::Timed,
            peers: peers![
                "greenhub": greenhub_answer,
                "greenhub, with_timeout": greenhub_answer_in_block,
                "tokio": tokio_answer,
                "may": may_answer,
                "smol": smol_answer,
                "monoio": monoio_answer,
                "Go": go_answer by Go,
                "Boost.Fiber": fiber_answer by Fiber,
                "gevent": gevent_answer by Gevent,
            ],
        },
    ]
}

/// Times `work` while greenlets wait in blocks with a limit.
fn on_greenhub_beside_pending(work: impl FnOnce() -> u64 + 'static, operations: u64) -> Duration {
    let waiting = Rc::new(Count::default());
    let others: Vec<_> = (0..PENDING)
        .map(|n| {
            let waiting = waiting.clone();
            greenhub::spawn(move || {
                with_timeout(far(n), || {
                    waiting.add_one();
                    greenhub::sleep(Duration::MAX);
                })
            })
        })
        .collect();
    let worker = greenhub::spawn(move || {
        assert_eq!(waiting.get(), PENDING);
        let start = Instant::now();
        assert_eq!(work(), operations);
        start.elapsed()
    });
    let spent = worker.join().expect("it does not panic");
    greenhub::killall(&others);
    spent
}

/// Has tasks wait with a limit.
async fn pend_on_tokio() -> Vec<JoinHandle<()>> {
    let waiting = Arc::new(Count::default());
    let others = (0..PENDING)
        .map(|n| {
            let waiting = waiting.clone();
            tokio::spawn(async move {
                waiting.add_one();
                let late = timeout(far(n), pending::<()>()).await;
                late.expect_err("nothing comes");
            })
        })
        .collect();
    while waiting.get() < PENDING {
        tokio::task::yield_now().await;
    }
    others
}

/// `with_timeout` around a closure that returns a number.
fn greenhub_value(operations: u64) -> Duration {
    let work = move || (0..operations).map(|_| with_timeout(LIMIT, || 1).expect("in time")).sum();
    on_greenhub_beside_pending(work, operations)
}

/// `time::timeout` around a future that is ready; tokio looks at it before it sets a timer, so none
/// is ever set.
fn tokio_value(operations: u64) -> Duration {
    on_tokio(async move {
        let _others = pend_on_tokio().await;
        let start = Instant::now();
        let mut done = 0;
        for _ in 0..operations {
            done += timeout(LIMIT, async { 1 }).await.expect("in time");
        }
        let spent = start.elapsed();
        assert_eq!(done, operations);
        spent
    })
}

/// `with_timeout` around `yield_now`, with nobody else ready.
fn greenhub_yield(operations: u64) -> Duration {
    let around_a_yield = || {
        greenhub::yield_now();
        1
    };
    let work = move || {
        (0..operations).map(|_| with_timeout(LIMIT, around_a_yield).expect("in time")).sum()
    };
    on_greenhub_beside_pending(work, operations)
}

/// `time::timeout` around `task::yield_now`, which has the drivers looked at.
fn tokio_yield(operations: u64) -> Duration {
    tokio_yield_by(operations, tokio::task::yield_now)
}

/// `time::timeout` around a future that wakes its own task and is pending once.
fn tokio_yield_waking_itself(operations: u64) -> Duration {
    tokio_yield_by(operations, wake_self)
}

fn tokio_yield_by<Y: Future<Output = ()> + Send + 'static>(
    operations: u64,
    yield_now: fn() -> Y,
) -> Duration {
    on_tokio(async move {
        let _others = pend_on_tokio().await;
        let start = Instant::now();
        let mut done = 0;
        for _ in 0..operations {
            timeout(LIMIT, yield_now()).await.expect("in time");
            done += 1;
        }
        let spent = start.elapsed();
        assert_eq!(done, operations);
        spent
    })
}

/// two of `queue::Queue::bounded(1)`, and `get_for`, which has a limit of its own.
fn greenhub_answer(operations: u64) -> Duration {
    greenhub_answer_by(operations, |answers| answers.get_for(LIMIT).expect("in time"))
}

/// two of `queue::Queue::bounded(1)`, and `with_timeout` around `get`.
fn greenhub_answer_in_block(operations: u64) -> Duration {
    greenhub_answer_by(operations, |answers| {
        with_timeout(LIMIT, || answers.get()).expect("in time").expect("it is open")
    })
}

fn greenhub_answer_by(operations: u64, get: fn(&Queue<u64>) -> u64) -> Duration {
    let work = move || {
        let (questions, answers) = (Rc::new(Queue::bounded(1)), Rc::new(Queue::bounded(1)));
        let (hears, answering) = (questions.clone(), answers.clone());
        let partner = greenhub::spawn(move || {
            for question in hears.iter() {
                answering.put(question + 1).expect("it is open");
            }
        });
        let mut number = 0;
        for _ in 0..operations {
            questions.put(number).expect("it is open");
            number = get(&answers);
        }
        questions.shutdown();
        partner.join().expect("it has answered");
        number
    };
    on_greenhub_beside_pending(work, operations)
}

/// two of `sync::mpsc::channel(1)`, and `time::timeout` around `recv`.
fn tokio_answer(operations: u64) -> Duration {
    on_tokio(async move {
        let _others = pend_on_tokio().await;
        let (questions, mut hears) = tokio::sync::mpsc::channel::<u64>(1);
        let (answering, mut answers) = tokio::sync::mpsc::channel::<u64>(1);
        tokio::spawn(async move {
            while let Some(question) = hears.recv().await {
                answering.send(question + 1).await.expect("it is heard");
            }
        });
        let start = Instant::now();
        let mut number = 0;
        for _ in 0..operations {
            questions.send(number).await.expect("it is heard");
            let answer = timeout(LIMIT, answers.recv()).await;
            number = answer.expect("in time").expect("an answer");
        }
        let spent = start.elapsed();
        assert_eq!(number, operations);
        spent
    })
}

/// two of `sync::mpsc::channel`, and `recv_timeout`: may has limits for single waits only, none
/// for a block, and its faster channel has none at all. A second thread keeps its timers, on
/// another core if there is one, and is woken to drop those that are cancelled. The others that
/// are pending are in `coroutine::park_timeout`.
fn may_answer(operations: u64) -> Duration {
    on_may(move || {
        let waiting = Arc::new(Semphore::new(0));
        let others: Vec<_> = (0..PENDING)
            .map(|n| {
                let waiting = waiting.clone();
                may::go!(move || {
                    waiting.post();
                    may::coroutine::park_timeout(far(n));
                })
            })
            .collect();
        // Not by yields: while someone yields, may does not look at what was spawned.
        (0..PENDING).for_each(|_| waiting.wait());
        let (questions, hears) = may::sync::mpsc::channel::<u64>();
        let (answering, answers) = may::sync::mpsc::channel::<u64>();
        let partner = may::go!(move || {
            while let Ok(question) = hears.recv() {
                answering.send(question + 1).expect("it is heard");
            }
        });
        let start = Instant::now();
        let mut number = 0;
        for _ in 0..operations {
            questions.send(number).expect("it is heard");
            number = answers.recv_timeout(LIMIT).expect("in time");
        }
        let spent = start.elapsed();
        assert_eq!(number, operations);
        drop(questions);
        partner.join().expect("it has answered");
        for other in others {
            other.coroutine().unpark();
            other.join().expect("it does not panic");
        }
        spent
    })
}

/// Has tasks wait with a limit; they end when what is returned is dropped, or the executor.
async fn pend_on<L: Local>() -> Vec<impl Future<Output = ()>> {
    let waiting = Rc::new(Count::default());
    let others = (0..PENDING)
        .map(|n| {
            let waiting = waiting.clone();
            L::spawn(async move {
                waiting.add_one();
                assert!(L::within(far(n), pending::<()>()).await.is_none(), "nothing comes");
            })
        })
        .collect();
    while waiting.get() < PENDING {
        // Not by yields: monoio runs a task that wakes itself before all others.
        L::sleep(Duration::from_millis(1)).await;
    }
    others
}

/// `future::or` of the value and a `Timer`, which is never looked at, and so never set.
fn smol_value(operations: u64) -> Duration {
    local_by::<Smol, _>(operations, || std::future::ready(()))
}

/// `time::timeout` around a future that is ready; `LegacyDriver`.
fn monoio_value(operations: u64) -> Duration {
    local_by::<OnEpoll, _>(operations, || std::future::ready(()))
}

/// `future::or` of `future::yield_now` and a `Timer`.
fn smol_yield(operations: u64) -> Duration {
    local_by::<Smol, _>(operations, smol::future::yield_now)
}

/// `time::timeout` around a future that wakes its own task and is pending once; `LegacyDriver`.
fn monoio_yield(operations: u64) -> Duration {
    local_by::<OnEpoll, _>(operations, wake_self)
}

fn local_by<L: Local, W: Future<Output = ()> + 'static>(
    operations: u64,
    what: fn() -> W,
) -> Duration {
    L::run(async move {
        let _others = pend_on::<L>().await;
        let start = Instant::now();
        let mut done = 0;
        for _ in 0..operations {
            L::within(LIMIT, what()).await.expect("in time");
            done += 1;
        }
        let spent = start.elapsed();
        assert_eq!(done, operations);
        spent
    })
}

/// Two of `channel::bounded(1)`, and `future::or` of `recv` and a `Timer`.
fn smol_answer(operations: u64) -> Duration {
    Smol::run(async move {
        let _others = pend_on::<Smol>().await;
        let (questions, hears) = smol::channel::bounded::<u64>(1);
        let (answering, answers) = smol::channel::bounded::<u64>(1);
        let partner = Smol::spawn(async move {
            while let Ok(question) = hears.recv().await {
                answering.send(question + 1).await.expect("it is heard");
            }
        });
        let start = Instant::now();
        let mut number = 0;
        for _ in 0..operations {
            questions.send(number).await.expect("it is heard");
            let answer = Smol::within(LIMIT, answers.recv()).await;
            number = answer.expect("in time").expect("an answer");
        }
        let spent = start.elapsed();
        drop(questions);
        partner.await;
        assert_eq!(number, operations);
        spent
    })
}

/// Two of `local_sync::mpsc::bounded::channel(1)`, and `time::timeout` around `recv`.
fn monoio_answer(operations: u64) -> Duration {
    OnEpoll::run(async move {
        let _others = pend_on::<OnEpoll>().await;
        let (questions, mut hears) = local_sync::mpsc::bounded::channel::<u64>(1);
        let (answering, mut answers) = local_sync::mpsc::bounded::channel::<u64>(1);
        let partner = OnEpoll::spawn(async move {
            while let Some(question) = hears.recv().await {
                answering.send(question + 1).await.expect("it is heard");
            }
        });
        let start = Instant::now();
        let mut number = 0;
        for _ in 0..operations {
            questions.send(number).await.expect("it is heard");
            let answer = OnEpoll::within(LIMIT, answers.recv()).await;
            number = answer.expect("in time").expect("an answer");
        }
        let spent = start.elapsed();
        drop(questions);
        partner.await;
        assert_eq!(number, operations);
        spent
    })
}

/// `context.WithTimeout` around a call, and its cancel; 10,000 goroutines sleep. GOMAXPROCS is 1.
fn go_value(operations: u64) -> Figures {
    Program::Go.run("limit_value", &[operations, PENDING])
}

/// `context.WithTimeout` around `runtime.Gosched`, and its cancel. GOMAXPROCS is 1.
fn go_yield(operations: u64) -> Figures {
    Program::Go.run("limit_yield", &[operations, PENDING])
}

/// Two channels of one, and `select` of the answer and one `time.Timer` that is set again.
/// GOMAXPROCS is 1.
fn go_answer(operations: u64) -> Figures {
    Program::Go.run("limit_answer", &[operations, PENDING])
}

/// Two of `buffered_channel(2)`, which have room for one, and `pop_wait_for`.
fn fiber_answer(operations: u64) -> Figures {
    Program::Fiber.run("limit_answer", &[operations, PENDING])
}

/// `gevent.Timeout` around a call, with a tenth of the operations.
fn gevent_value(operations: u64) -> Figures {
    Program::Gevent.run("limit_value", &[operations / 10, PENDING])
}

/// `gevent.Timeout` around `gevent.sleep(0)`, with a tenth of the operations.
fn gevent_yield(operations: u64) -> Figures {
    Program::Gevent.run("limit_yield", &[operations / 10, PENDING])
}

/// Two of `gevent.queue.Queue(1)`, and `get(timeout=60)`, with a tenth of the operations.
fn gevent_answer(operations: u64) -> Figures {
    Program::Gevent.run("limit_answer", &[operations / 10, PENDING])
}
