//! Generators.

use greenhub::raw::{Generator, Yielder, generator};

use crate::support::{Log, bounded, message, panic_of};

fn count_up(yielder: &Yielder<u32>) {
    for n in 0.. {
        yielder.give(n);
    }
}

#[test]
fn a_generator_gives_what_its_body_gives() {
    bounded(|| {
        for _ in 0..3 {
            let twice = generator::<_, (), _, _>(|yielder| {
                for n in 0..5 {
                    yielder.give(n);
                    yielder.give(n);
                }
            });
            assert_eq!(twice.collect::<Vec<u32>>(), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        }
    });
}

#[test]
fn a_body_gives_from_any_depth_of_calls() {
    fn walk(yielder: &Yielder<u32>, depth: u32) {
        if depth > 0 {
            walk(yielder, depth - 1);
            yielder.give(depth);
        }
    }
    bounded(|| {
        let depths: Vec<u32> = generator(|yielder| walk(yielder, 200)).collect();
        assert_eq!(depths, (1..=200).collect::<Vec<u32>>());
    });
}

#[test]
fn generators_nest() {
    fn count(depth: u32) -> Generator<u32> {
        generator(move |yielder| {
            yielder.give(depth);
            if depth > 0 {
                for n in count(depth - 1) {
                    yielder.give(n);
                }
            }
        })
    }
    bounded(|| assert_eq!(count(20).collect::<Vec<_>>(), (0..=20).rev().collect::<Vec<_>>()));
}

#[test]
fn what_is_sent_is_the_answer_of_the_give() {
    bounded(|| {
        let mut echo: Generator<String, &str> = generator(|yielder| {
            let mut answer = None;
            loop {
                answer = yielder.give(format!("{answer:?}"));
                if answer == Some("end") {
                    return;
                }
            }
        });
        assert_eq!(echo.next().unwrap(), "None");
        assert_eq!(echo.send("a").unwrap(), "Some(\"a\")");
        assert_eq!(echo.next().unwrap(), "None");
        assert_eq!(echo.send("end"), None);
    });
}

#[test]
fn a_value_sent_before_the_first_next_is_a_mistake_that_is_told() {
    bounded(|| {
        let mut never: Generator<u32, u32> = generator(|_| ());
        let payload = panic_of(|| never.send(1));
        assert!(message(&*payload).contains("before its first `next`"));
    });
}

#[test]
fn the_result_is_there_once_and_only_after_the_end() {
    bounded(|| {
        let mut one: Generator<u32, (), &str> = generator(|yielder| {
            yielder.give(1);
            "result"
        });
        assert_eq!((one.next(), one.take_result()), (Some(1), None));
        assert_eq!((one.next(), one.take_result()), (None, Some("result")));
        assert_eq!(one.take_result(), None);
    });
}

#[test]
fn an_ended_generator_stays_ended() {
    bounded(|| {
        let mut empty: Generator<u32> = generator(|_| ());
        assert_eq!((empty.next(), empty.next(), empty.send(())), (None, None, None));
    });
}

#[test]
fn a_panic_of_the_body_goes_to_whoever_asked() {
    bounded(|| {
        let mut bad: Generator<u32> = generator(|yielder| {
            yielder.give(1);
            panic!("in the body");
        });
        assert_eq!(bad.next(), Some(1));
        assert_eq!(message(&*panic_of(|| bad.next())), "in the body");
        assert_eq!(bad.next(), None);
    });
}

#[test]
fn dropping_it_early_unwinds_the_body_once() {
    bounded(|| {
        let log = Log::new();
        let guard = log.on_drop("unwound");
        let mut endless: Generator<u32> = generator(move |yielder| {
            let _guard = guard;
            count_up(yielder);
        });
        assert_eq!(endless.next(), Some(0));
        drop(endless);
        assert_eq!(log.take(), ["unwound"]);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn two_greenlets_may_take_turns_in_advancing_one() {
    use std::cell::RefCell;
    use std::rc::Rc;
    bounded(|| {
        let shared: Rc<RefCell<Generator<u32>>> = Rc::new(RefCell::new(generator(count_up)));
        let take_three = || {
            let shared = Rc::clone(&shared);
            greenhub::spawn(move || {
                let next = || {
                    let item = shared.borrow_mut().next().unwrap();
                    greenhub::yield_now();
                    item
                };
                [next(), next(), next()]
            })
        };
        let (a, b) = (take_three(), take_three());
        assert_eq!((a.join().unwrap(), b.join().unwrap()), ([0, 2, 4], [1, 3, 5]));
    });
}

#[test]
fn dropping_nested_generators_early_unwinds_them_all() {
    fn nest(depth: u32, log: &Log) -> Generator<u32> {
        let (guard, log) = (log.on_drop(depth), log.clone());
        generator(move |yielder| {
            let _guard = guard;
            if depth > 0 {
                for n in nest(depth - 1, &log) {
                    yielder.give(n);
                }
            }
            yielder.give(depth);
        })
    }
    bounded(|| {
        let log = Log::new();
        let mut outer = nest(30, &log);
        assert_eq!(outer.next(), Some(0));
        drop(outer);
        assert_eq!(log.take(), (0..=30).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_generator_does_not_keep_the_greenlet_alive_that_asked_it() {
    use greenhub::raw::{self, Greenlet};
    bounded(|| {
        let log = Log::new();
        let (guard, main) = (log.on_drop("asker"), raw::main());
        let mut endless: Generator<u32> = generator(count_up);
        let asker = Greenlet::new(move |()| {
            let _guard = guard;
            endless.next();
            main.takes::<Generator<u32>>().switch::<()>(endless).unwrap();
        });
        let mut endless: Generator<u32> = asker.switch(()).unwrap();
        drop(asker);
        assert_eq!(log.take(), ["asker"]);
        assert_eq!(endless.next(), Some(1));
    });
}
