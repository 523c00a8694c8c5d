//! Results, and who waits for them.

use std::sync::Arc;
use std::thread;

use greenhub::sync::{Event, WaitError};
use greenhub::{ClusterJoin, JoinError, Select, iwait, sleep, spawn, wait, with_timeout};

use crate::support::{Drops, bounded, cluster, millis};

#[test]
fn handles_and_clusters_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<greenhub::Cluster>();
    check::<greenhub::ClusterHandle>();
    check::<ClusterJoin<std::cell::Cell<u32>>>();
}

#[test]
fn a_result_is_joined_from_a_plain_thread_another_hub_and_the_same_hub() {
    bounded(|| {
        let cluster = cluster(2);
        let slow = || {
            sleep(millis(5));
            7
        };
        let join = cluster.spawn_on(0, slow).unwrap();
        assert_eq!(thread::spawn(move || join.join().unwrap()).join().unwrap(), 7);
        for other in [0, 1] {
            let join = cluster.spawn_on(0, slow).unwrap();
            let joiner = cluster.spawn_on(other, move || join.join().unwrap()).unwrap();
            assert_eq!(joiner.join().unwrap(), 7);
        }
    });
}

#[test]
fn who_joins_waits_alone() {
    bounded(|| {
        let cluster = cluster(1);
        let done = Arc::new(Event::new());
        let own = Arc::clone(&done);
        let join = cluster.spawn(move || own.wait()).unwrap();
        let ticker = spawn(move || {
            sleep(millis(5));
            done.set();
        });
        join.join().unwrap().unwrap();
        ticker.join().unwrap();
    });
}

#[test]
fn a_result_is_there_once_and_a_limit_leaves_it() {
    bounded(|| {
        let cluster = cluster(1);
        let go = Arc::new(Event::new());
        let own = Arc::clone(&go);
        let join = cluster
            .spawn(move || {
                own.wait().unwrap();
                7
            })
            .unwrap();
        assert!(matches!(join.join_for(millis(0)), Err(JoinError::TimedOut)));
        assert!(matches!(join.join_for(millis(2)), Err(JoinError::TimedOut)));
        assert_eq!(join.wait_for(millis(0)), Err(WaitError::TimedOut));
        assert!(with_timeout(millis(2), || join.wait()).is_err());
        assert!(!join.is_finished());
        go.set();
        assert_eq!(join.wait(), Ok(()));
        assert!(join.is_finished());
        assert_eq!(join.clone().join().unwrap(), 7);
        assert!(matches!(join.join(), Err(JoinError::Taken)));
    });
}

#[test]
fn the_panic_of_a_member_reaches_who_joins_and_nobody_else() {
    bounded(|| {
        let cluster = cluster(1);
        let neighbour = cluster.spawn(|| sleep(millis(5))).unwrap();
        let join = cluster.spawn(|| -> u32 { panic!("no such key") }).unwrap();
        match join.join() {
            Err(JoinError::Panicked(payload)) => {
                assert_eq!(payload.downcast_ref(), Some(&"no such key"));
            }
            other => panic!("{other:?}"),
        }
        neighbour.join().unwrap();
        assert_eq!(cluster.spawn(|| 7).unwrap().join().unwrap(), 7);
    });
}

#[test]
fn a_panic_that_nobody_joins_is_told_to_the_hook_of_who_had_the_last_handle() {
    bounded(|| {
        let cluster = cluster(1);
        let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let sink = std::rc::Rc::clone(&seen);
        greenhub::Hub::current().set_error_hook(move |unhandled| {
            let line = unhandled.made_at.map(|place| place.line());
            sink.borrow_mut().push((unhandled.message().unwrap().to_owned(), line));
        });
        let line = line!() + 1;
        let join = cluster.spawn(|| panic!("nobody listens")).unwrap();
        join.wait().unwrap();
        // The hub lets its own go a moment after it has told of the end.
        cluster.run_on_each(|| ()).unwrap();
        drop(join);
        assert_eq!(*seen.borrow(), [("nobody listens".to_owned(), Some(line))]);
    });
}

#[test]
fn a_greenlet_that_joins_itself_panics() {
    bounded(|| {
        let cluster = cluster(1);
        let (sender, receiver) = std::sync::mpsc::channel::<ClusterJoin<()>>();
        let join = cluster.spawn(move || {
            let own = receiver.recv().unwrap();
            own.join().unwrap();
        });
        let join = join.unwrap();
        sender.send(join.clone()).unwrap();
        match join.join() {
            Err(JoinError::Panicked(payload)) => {
                let text = payload.downcast_ref::<&str>().unwrap();
                assert!(text.contains("cannot join itself"), "{text}");
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn handles_are_waited_for_beside_others() {
    bounded(|| {
        let cluster = cluster(2);
        let never = Arc::new(Event::new());
        let own = Arc::clone(&never);
        let slow = cluster.spawn(move || own.wait()).unwrap();
        let slow_too = slow.clone();
        let fast = cluster.spawn(|| Ok(())).unwrap();
        let first = wait([&slow, &fast], None, Some(1));
        assert!(std::ptr::eq(first[0], &fast));
        let mut naps = Vec::new();
        for nap in [20, 1] {
            let body = move || {
                sleep(millis(nap));
                nap
            };
            naps.push(cluster.spawn(body).unwrap());
        }
        let order: Vec<u64> = iwait(&naps).map(|nap| nap.join().unwrap()).collect();
        assert_eq!(order.len(), 2);
        let setter = spawn(move || {
            sleep(millis(2));
            never.set();
        });
        Select::new().wait(&slow, || ()).run().unwrap();
        slow_too.join().unwrap().unwrap();
        setter.join().unwrap();
    });
}

#[test]
fn closures_and_results_are_dropped_once() {
    bounded(|| {
        let cluster = cluster(2);
        let (bodies, results) = (Drops::default(), Drops::default());
        let mut joins = Vec::new();
        for n in 0..300 {
            let (body, result) = (bodies.value(), results.value());
            let join = cluster.spawn(move || {
                drop(body);
                result
            });
            // Some results are taken, some dropped with the handle, some before they are there.
            match n % 3 {
                0 => drop(join.unwrap().join().unwrap()),
                1 => joins.push(join.unwrap()),
                _ => drop(join.unwrap()),
            }
        }
        joins.iter().for_each(|join| join.wait().unwrap());
        drop(joins);
        cluster.shutdown(millis(10_000)).unwrap();
        assert_eq!((bodies.count(), results.count()), (300, 300));
    });
}
