//! Where the panics of tasks come out.

use std::process::Command;
use std::thread;

use greenhub::{Future, FutureError, ThreadPool, sleep};

use crate::support::{Door, bounded, fail, millis, settle, unhandled};

#[test]
fn a_panic_comes_out_at_the_result_with_its_payload_and_nowhere_else() {
    bounded(|| {
        let told = unhandled();
        let pool = ThreadPool::new(1);
        let future = pool.spawn(|| std::panic::resume_unwind(Box::new(42_u64)));
        let result: Result<(), _> = future.result();
        let Err(FutureError::Panicked(payload)) = result else { panic!("{result:?}") };
        assert_eq!(payload.downcast_ref(), Some(&42_u64));
        assert!(matches!(future.result(), Err(FutureError::Taken)));
        drop(future);
        settle(&pool);
        assert!(told.borrow().is_empty());
        assert_eq!(pool.apply(|| 7), 7, "the thread goes on");
        assert_eq!(pool.size(), 1);
    });
}

#[test]
fn a_panic_that_nobody_takes_is_told_once_to_the_hub_that_gave_the_task() {
    bounded(|| {
        let told = unhandled();
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let task = door.task();
        drop(pool.spawn(move || {
            task();
            fail::<()>("never asked")
        }));
        door.open();
        settle(&pool);
        assert_eq!(*told.borrow(), ["a task of a pool: never asked"]);
        let late = pool.spawn(|| fail::<()>("asked too late"));
        let clone = late.clone();
        late.wait().unwrap();
        drop(late);
        sleep(millis(2));
        assert_eq!(told.borrow().len(), 1, "someone could still ask");
        drop(clone);
        assert_eq!(told.take()[1], "a task of a pool: asked too late");
        sleep(millis(2));
        assert!(told.borrow().is_empty());
    });
}

#[test]
fn it_is_told_even_if_the_last_handle_is_dropped_elsewhere() {
    bounded(|| {
        let told = unhandled();
        let pool = ThreadPool::new(1);
        let future: Future<()> = pool.spawn(|| fail("far away"));
        future.wait().unwrap();
        thread::spawn(move || drop(future)).join().unwrap();
        sleep(millis(2));
        assert_eq!(*told.borrow(), ["a task of a pool: far away"]);
    });
}

#[test]
fn without_a_hub_that_gave_it_a_panic_is_told_to_standard_error() {
    const CHILD: &str = "GREENHUB_TEST_UNTOLD";
    if std::env::var_os(CHILD).is_some() {
        // One from a thread without a hub, and one whose hub has ended.
        for with_hub in [false, true] {
            let giver = thread::spawn(move || {
                if with_hub {
                    sleep(millis(1));
                }
                let pool = ThreadPool::new(1);
                let (go, wait) = std::sync::mpsc::channel::<()>();
                drop(pool.spawn(move || {
                    let _ = wait.recv();
                    fail::<()>(if with_hub { "its hub has ended" } else { "it had no hub" })
                }));
                (pool, go)
            });
            let (pool, go) = giver.join().unwrap();
            drop(go);
            pool.join().unwrap();
        }
        return;
    }
    let this = "panics::without_a_hub_that_gave_it_a_panic_is_told_to_standard_error";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([this, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    for what in ["it had no hub", "its hub has ended"] {
        let lines = errors.lines().filter(|line| line.contains(what));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), 1, "{errors}");
        assert!(lines[0].contains("a task of a pool, spawned at tests/threadpool/panics.rs"));
    }
}

#[test]
fn a_result_whose_destructor_panics_on_the_thread_of_the_pool_is_told() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            fail("dropped badly")
        }
    }
    bounded(|| {
        let told = unhandled();
        let pool = ThreadPool::new(1);
        let door = Door::default();
        let task = door.task();
        drop(pool.spawn(move || {
            task();
            Bomb
        }));
        door.open();
        settle(&pool);
        assert_eq!(*told.borrow(), ["the result of a task of a pool: dropped badly"]);
        let bomb = Bomb;
        pool.set_maxsize(0).unwrap();
        let queued = pool.spawn(move || drop(bomb));
        assert!(queued.cancel(), "nor does a closure's reach who cancels it");
        assert_eq!(told.borrow()[1], "a cancelled task of a pool: dropped badly");
        assert!(pool.is_empty());
    });
}
