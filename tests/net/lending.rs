//! Work that is lent to other threads, and files, which are the usual such work.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use greenhub::monkey::fs::File;
use greenhub::{Exit, Greenlet, JoinError, joinall, offload, sleep, spawn, yield_now};

use crate::support::{Scratch, bounded};

const SLOW: Duration = Duration::from_millis(60);

/// Counts how often the hub came round until the greenlet has ended.
fn ticks_until_the_end_of<T: 'static>(greenlet: &Greenlet<T>) -> u32 {
    let mut ticks = 0;
    while !greenlet.is_finished() {
        sleep(Duration::from_millis(1));
        ticks += 1;
    }
    ticks
}

#[test]
fn the_value_comes_back_from_another_thread() {
    bounded(|| {
        let (value, id) = offload(|| ("value".to_owned(), thread::current().id()));
        assert_eq!(value, "value");
        assert_ne!(id, thread::current().id());
    });
}

#[test]
fn the_work_may_borrow_from_the_greenlets_frame() {
    bounded(|| {
        let greenlets: Vec<_> = (0..50u64)
            .map(|number| {
                spawn(move || {
                    let input = vec![number; 1000];
                    let mut output = [0; 1000];
                    offload(|| {
                        thread::sleep(Duration::from_millis(1));
                        output.copy_from_slice(&input);
                    });
                    output.iter().sum::<u64>() == number * 1000
                })
            })
            .collect();
        assert!(greenlets.iter().all(|greenlet| greenlet.join().unwrap()));
    });
}

#[test]
fn a_panic_of_the_work_is_the_greenlets() {
    bounded(|| {
        let caught = catch_unwind(|| offload(|| std::panic::resume_unwind(Box::new(7))));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&7));
        let greenlet = spawn(|| offload(|| std::panic::resume_unwind(Box::new("text"))));
        let Err(JoinError::Panicked(payload)) = greenlet.join() else { panic!("it panicked") };
        assert_eq!(payload.downcast_ref(), Some(&"text"));
        assert_eq!(offload(|| 1), 1);
    });
}

#[test]
fn a_ticker_goes_on_beside_slow_work() {
    bounded(|| {
        let slow = spawn(|| offload(|| thread::sleep(SLOW)));
        assert!(ticks_until_the_end_of(&slow) > 5);
    });
}

#[test]
fn a_kill_waits_for_the_work_and_takes_effect_at_the_next_wait() {
    bounded(|| {
        static DONE: AtomicBool = AtomicBool::new(false);
        let after = Rc::new(Cell::new(0));
        let steps = Rc::clone(&after);
        let greenlet = spawn(move || {
            offload(|| {
                thread::sleep(SLOW);
                DONE.store(true, Ordering::SeqCst);
            });
            steps.set(1);
            sleep(Duration::from_millis(1));
            steps.set(2);
        });
        yield_now();
        greenlet.kill();
        assert!(DONE.load(Ordering::SeqCst));
        assert_eq!(after.get(), 1);
        assert!(matches!(greenlet.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn a_kill_and_then_more_work_ends_at_the_first_wait_that_can_be_left() {
    bounded(|| {
        let count = Rc::new(Cell::new(0));
        let counting = Rc::clone(&count);
        let greenlet = spawn(move || {
            loop {
                offload(|| thread::sleep(Duration::from_millis(5)));
                counting.set(counting.get() + 1);
                if counting.get() == 3 {
                    yield_now();
                }
            }
        });
        yield_now();
        greenlet.kill();
        assert_eq!(count.get(), 3);
    });
}

#[test]
fn a_hundred_works_at_once_use_a_bounded_number_of_threads() {
    bounded(|| {
        static SEEN: Mutex<Option<HashSet<thread::ThreadId>>> = Mutex::new(None);
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        let greenlets: Vec<_> = (0..100)
            .map(|number| {
                spawn(move || {
                    offload(|| {
                        assert!(RUNNING.fetch_add(1, Ordering::SeqCst) < 16);
                        let id = thread::current().id();
                        SEEN.lock().unwrap().get_or_insert_default().insert(id);
                        thread::sleep(Duration::from_millis(2));
                        RUNNING.fetch_sub(1, Ordering::SeqCst);
                        number
                    })
                })
            })
            .collect();
        for (number, greenlet) in greenlets.iter().enumerate() {
            assert_eq!(greenlet.join().unwrap(), number);
        }
        let seen = SEEN.lock().unwrap().as_ref().unwrap().len();
        assert!((2..=16).contains(&seen), "{seen}");
    });
}

#[test]
fn what_was_lent_is_dropped_when_the_work_is_done() {
    bounded(|| {
        let (captured, result) = (Arc::new(()), Arc::new(()));
        let (lent, returned) = (Arc::clone(&captured), Arc::clone(&result));
        let answer = offload(move || {
            let _lent = lent;
            returned
        });
        assert_eq!(Arc::strong_count(&captured), 1);
        drop(answer);
        assert_eq!(Arc::strong_count(&result), 1);
    });
}

struct OffloadsInDrop(Rc<Cell<Option<i32>>>);

impl Drop for OffloadsInDrop {
    fn drop(&mut self) {
        let value = 6;
        self.0.set(Some(offload(|| value * 7)));
    }
}

#[test]
fn a_destructor_of_a_greenlet_that_unwinds_may_offload() {
    bounded(|| {
        let seen = Rc::new(Cell::new(None));
        let killed = OffloadsInDrop(Rc::clone(&seen));
        let greenlet = spawn(move || {
            let _killed = killed;
            sleep(Duration::from_secs(3600));
        });
        yield_now();
        greenlet.kill();
        assert_eq!(seen.take(), Some(42));
        let panicking = OffloadsInDrop(Rc::clone(&seen));
        let greenlet = spawn(move || {
            let _panicking = panicking;
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        greenlet.wait();
        assert!(matches!(greenlet.join(), Err(JoinError::Panicked(_))));
        assert_eq!(seen.take(), Some(42));
    });
}

#[test]
fn a_greenlet_that_swallows_its_kill_can_offload_again() {
    bounded(|| {
        let greenlet = spawn(|| {
            let caught = catch_unwind(AssertUnwindSafe(|| sleep(Duration::from_secs(3600))));
            assert!(caught.unwrap_err().is::<Exit>());
            offload(|| 5)
        });
        yield_now();
        greenlet.kill();
        assert_eq!(greenlet.join().unwrap(), 5);
    });
}

#[test]
fn lent_work_may_have_a_hub_of_its_own() {
    bounded(|| {
        let sum = offload(|| {
            let parts: Vec<_> = (1..=10)
                .map(|part| {
                    spawn(move || {
                        sleep(Duration::from_millis(1));
                        part
                    })
                })
                .collect();
            parts.iter().map(|part| part.join().unwrap()).sum::<i32>()
        });
        assert_eq!(sum, 55);
    });
}

#[test]
fn files_are_written_and_read_beside_a_ticker() {
    bounded(|| {
        let path = Scratch::new();
        let content: Vec<u8> = (0..4 << 20).map(|n: u32| (n >> 7) as u8).collect();
        let expected = content.clone();
        let copier = spawn(move || {
            let mut file = File::create_new(&path).unwrap();
            for piece in content.chunks(100_000) {
                file.write_all(piece).unwrap();
            }
            file.sync_all().unwrap();
            drop(file);
            let mut file = File::open(&path).unwrap();
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            assert_eq!(file.stream_position().unwrap(), 4 << 20);
            read
        });
        assert!(ticks_until_the_end_of(&copier) > 0);
        assert!(copier.join().unwrap() == expected);
    });
}

#[test]
fn many_greenlets_use_files_at_once() {
    bounded(|| {
        let greenlets: Vec<_> = (0..100u8)
            .map(|number| {
                spawn(move || {
                    let path = Scratch::new();
                    greenhub::monkey::fs::write(&path, vec![number; 10_000]).unwrap();
                    let read = greenhub::monkey::fs::read(&path).unwrap();
                    assert!(read == vec![number; 10_000]);
                })
            })
            .collect();
        joinall(&greenlets);
        assert!(greenlets.iter().all(|greenlet| greenlet.join().is_ok()));
    });
}
