//! Spawning, joining, names and numbers.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use super::world::thread::{self, Builder};
use crate::support::{bounded, millis, text};

#[test]
fn a_thread_returns_its_value() {
    bounded(|| {
        let text = String::from("hello");
        assert_eq!(thread::spawn(move || text.len()).join().unwrap(), 5);
    });
}

#[test]
fn a_panic_is_returned_with_its_payload() {
    bounded(|| {
        let said = thread::spawn(|| panic!("said {}", "so")).join().unwrap_err();
        assert_eq!(text(&*said), "said so");
        let number = thread::spawn(|| panic::panic_any(7_u32)).join().unwrap_err();
        assert_eq!(number.downcast_ref::<u32>(), Some(&7));
    });
}

#[test]
fn a_thread_runs_on_without_its_handle() {
    bounded(|| {
        let ran = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ran);
        drop(thread::spawn(move || flag.store(true, Ordering::SeqCst)));
        while !ran.load(Ordering::SeqCst) {
            thread::sleep(millis(1));
        }
    });
}

#[test]
fn it_is_finished_when_it_has_returned() {
    bounded(|| {
        let go = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&go);
        let handle = thread::spawn(move || {
            while !flag.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        });
        thread::sleep(millis(2));
        assert!(!handle.is_finished());
        go.store(true, Ordering::SeqCst);
        while !handle.is_finished() {
            thread::sleep(millis(1));
        }
        handle.join().unwrap();
    });
}

#[test]
fn a_name_is_seen_from_inside_and_outside() {
    bounded(|| {
        let builder = Builder::new().name("worker 7".to_owned()).stack_size(64 * 1024);
        let handle = builder.spawn(|| thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(handle.thread().name(), Some("worker 7"));
        assert_eq!(handle.join().unwrap().as_deref(), Some("worker 7"));
    });
}

#[test]
fn without_a_name_there_is_none() {
    bounded(|| {
        let handle = thread::spawn(|| thread::current().name().is_none());
        assert_eq!(handle.thread().name(), None);
        assert!(handle.join().unwrap());
    });
}

#[test]
fn a_name_with_a_null_is_refused() {
    bounded(|| {
        let spawned = panic::catch_unwind(|| {
            let builder = Builder::new().name("a\0b".to_owned());
            builder.spawn(|| ()).map(|handle| handle.join()).is_ok()
        });
        let message = spawned.unwrap_err();
        assert!(text(&*message).contains("thread name may not contain interior null bytes"));
    });
}

#[test]
fn the_main_of_a_thread_has_that_threads_name() {
    bounded(|| {
        let expected = std::thread::current().name().map(str::to_owned);
        assert_eq!(thread::current().name(), expected.as_deref());
    });
}

#[test]
fn numbers_differ_and_stay() {
    bounded(|| {
        let here = thread::current().id();
        let handles: Vec<_> = (0..10).map(|_| thread::spawn(|| thread::current().id())).collect();
        let mut all = vec![here];
        for handle in handles {
            let outside = handle.thread().id();
            let inside = handle.join().unwrap();
            assert_eq!(outside, inside);
            assert!(!all.contains(&inside));
            all.push(inside);
        }
        assert_eq!(thread::current().id(), here);
        assert!(format!("{here:?}").starts_with("ThreadId("));
    });
}

#[test]
fn a_number_is_not_given_twice_even_after_the_end() {
    bounded(|| {
        let first = thread::spawn(|| thread::current().id()).join().unwrap();
        let second = thread::spawn(|| thread::current().id()).join().unwrap();
        assert_ne!(first, second);
    });
}

#[test]
fn a_handle_outlives_its_thread() {
    bounded(|| {
        let builder = Builder::new().name("gone".to_owned());
        let thread = builder.spawn(thread::current).unwrap().join().unwrap();
        assert_eq!(thread.name(), Some("gone"));
        thread.unpark();
        assert!(format!("{thread:?}").contains("gone"));
    });
}

#[test]
fn children_outlive_their_parent() {
    bounded(|| {
        let count = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&count);
        let child = thread::spawn(move || {
            thread::spawn(move || {
                thread::sleep(millis(5));
                theirs.fetch_add(1, Ordering::SeqCst);
            })
        });
        let grandchild = child.join().unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 0);
        grandchild.join().unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_sleep_is_not_shorter_than_asked() {
    bounded(|| {
        let start = Instant::now();
        thread::sleep(millis(10));
        assert!(start.elapsed() >= millis(10));
        thread::sleep(millis(0));
        #[allow(deprecated)]
        thread::sleep_ms(5);
        assert!(start.elapsed() >= millis(15));
    });
}

#[test]
fn sleeps_pass_side_by_side() {
    bounded(|| {
        let start = Instant::now();
        let sleepers: Vec<_> =
            (0..20).map(|_| thread::spawn(|| thread::sleep(millis(100)))).collect();
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
        assert!(start.elapsed() < millis(1_500));
    });
}

#[test]
fn a_destructor_knows_whether_its_own_thread_panics() {
    struct Asks(Arc<AtomicBool>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.store(thread::panicking(), Ordering::SeqCst);
        }
    }
    bounded(|| {
        let answer = Arc::new(AtomicBool::new(false));
        let asks = Asks(Arc::clone(&answer));
        let failed = thread::spawn(move || {
            let _asks = asks;
            panic!("on purpose");
        });
        assert!(failed.join().is_err());
        assert!(answer.load(Ordering::SeqCst) && !thread::panicking());
        drop(Asks(Arc::clone(&answer)));
        assert!(!answer.load(Ordering::SeqCst));
    });
}

#[test]
fn what_a_thread_captured_is_dropped_once() {
    bounded(|| {
        let item = Arc::new(());
        let theirs = Arc::clone(&item);
        thread::spawn(move || drop(theirs)).join().unwrap();
        let theirs = Arc::clone(&item);
        assert!(
            thread::spawn(move || {
                let _theirs = theirs;
                panic!("on purpose")
            })
            .join()
            .is_err()
        );
        assert_eq!(Arc::strong_count(&item), 1);
    });
}

#[test]
fn a_value_that_nobody_joins_is_dropped() {
    bounded(|| {
        let item = Arc::new(());
        let theirs = Arc::clone(&item);
        let handle = thread::spawn(move || theirs);
        while !handle.is_finished() {
            thread::sleep(millis(1));
        }
        drop(handle);
        assert_eq!(Arc::strong_count(&item), 1);
    });
}

#[test]
fn there_is_at_least_one_processor() {
    assert!(thread::available_parallelism().unwrap().get() >= 1);
}

#[test]
fn a_closure_and_its_result_may_be_larger_than_a_page() {
    bounded(|| {
        let much = [7u8; 5_000];
        let back = thread::spawn(move || much).join().unwrap();
        assert_eq!(back, much);
        thread::scope(|scope| {
            let back = scope.spawn(move || much).join().unwrap();
            assert_eq!(back, much);
        });
    });
}
