//! map and imap.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use greenhub::{FutureError, ThreadPool, ThreadPoolExecutor};

use crate::support::{bounded, fail, millis, settle, unhandled};

#[test]
fn map_returns_results_in_the_order_of_the_items() {
    bounded(|| {
        let pool = ThreadPool::new(4);
        let nap = |n: u64| {
            thread::sleep(millis(n % 3));
            n * n
        };
        assert_eq!(pool.map(nap, 0..20), (0..20).map(|n| n * n).collect::<Vec<_>>());
        assert!(pool.map(nap, []).is_empty());
    });
}

#[test]
fn map_panics_with_the_first_panic_in_that_order() {
    bounded(|| {
        let told = unhandled();
        let pool = ThreadPool::new(4);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.map(
                |n: u64| match n {
                    1 => {
                        thread::sleep(millis(5));
                        fail("first")
                    }
                    3 => fail("second"),
                    n => n,
                },
                0..5,
            )
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"first"));
        settle(&pool);
        assert_eq!(*told.borrow(), ["a task of a pool: second"]);
    });
}

#[test]
fn imap_is_lazy_and_in_order() {
    bounded(|| {
        let pool = ThreadPool::new(2);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let items = (0..100).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let mut results = pool.imap(|n: u64| n + 1, items);
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert_eq!(results.next().unwrap().unwrap(), 1);
        assert_eq!(asked.load(Ordering::SeqCst), 3, "as many as the pool takes at once");
        let rest: Result<Vec<_>, _> = results.collect();
        assert_eq!(rest.unwrap(), (2..=100).collect::<Vec<_>>());
    });
}

#[test]
fn the_panic_of_one_item_is_that_items() {
    bounded(|| {
        let check = |n: u64| if n == 1 { fail("one") } else { n };
        let pool = ThreadPool::new(2);
        let executor = ThreadPoolExecutor::new(2);
        let walked: Vec<_> = pool.imap(check, 0..3).collect();
        let mapped: Vec<_> = executor.map(check, 0..3).unwrap().collect();
        for results in [walked, mapped] {
            assert!(matches!(&results[1], Err(FutureError::Panicked(_))));
            assert!(matches!((&results[0], &results[2]), (Ok(0), Ok(2))));
        }
    });
}
