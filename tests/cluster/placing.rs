//! Which hub runs what.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use greenhub::cluster::{ClusterHandle, SpawnErrorKind, this_hub};
use greenhub::sync::Event;
use greenhub::{sleep, yield_now};

use crate::support::{bounded, cluster, millis, until};

#[test]
fn a_body_runs_as_a_greenlet_of_a_thread_of_the_cluster() {
    bounded(|| {
        let cluster = cluster(2);
        let here = thread::current().id();
        let body = || (thread::current().id(), greenhub::current().is_main());
        let (there, is_main) = cluster.spawn(body).unwrap().join().unwrap();
        assert!(there != here && !is_main);
        assert!(this_hub().is_none() && ClusterHandle::current().is_none());
    });
}

#[test]
fn what_holds_its_thread_is_shared_by_all_hubs() {
    bounded(|| {
        let cluster = cluster(4);
        // It is passed only when each hub stands at it: the OS threads are blocked there.
        let barrier = Arc::new(Barrier::new(4));
        let joins: Vec<_> = (0..4)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                let body = move || {
                    barrier.wait();
                    this_hub().unwrap()
                };
                cluster.spawn(body).unwrap()
            })
            .collect();
        let hubs: HashSet<usize> = joins.iter().map(|join| join.join().unwrap()).collect();
        assert_eq!(hubs, HashSet::from([0, 1, 2, 3]));
    });
}

#[test]
fn a_hub_that_computes_does_not_hold_up_what_has_not_started() {
    bounded(|| {
        let cluster = cluster(2);
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let computing = cluster.spawn(move || {
            begun.send(this_hub().unwrap()).unwrap();
            wait.recv().unwrap();
        });
        let computing = computing.unwrap();
        let busy = has_begun.recv().unwrap();
        for _ in 0..1_000 {
            let hub = cluster.spawn(this_hub).unwrap().join().unwrap().unwrap();
            assert_ne!(hub, busy);
        }
        // Many at once go the same way.
        let joins: Vec<_> = (0..1_000).map(|_| cluster.spawn(this_hub).unwrap()).collect();
        assert!(joins.iter().all(|join| join.join().unwrap() != Some(busy)));
        assert!(!computing.is_finished());
        go.send(()).unwrap();
        computing.join().unwrap();
    });
}

#[test]
fn what_waits_behind_a_hub_that_computes_is_taken_by_the_one_that_is_free_first() {
    bounded(|| {
        let cluster = cluster(2);
        let (begun, has_begun) = mpsc::channel();
        let mut gates = Vec::new();
        for _ in 0..2 {
            let (go, wait) = mpsc::channel::<()>();
            let begun = begun.clone();
            let body = move || {
                begun.send(this_hub().unwrap()).unwrap();
                wait.recv().unwrap();
            };
            cluster.spawn(body).unwrap();
            gates.push((has_begun.recv().unwrap(), go));
        }
        let joins: Vec<_> = (0..100).map(|_| cluster.spawn(this_hub).unwrap()).collect();
        assert_eq!(cluster.stats().queued, 100);
        let (free, go) = gates.pop().unwrap();
        go.send(()).unwrap();
        for join in joins {
            assert_eq!(join.join().unwrap(), Some(free));
        }
        let (_, go) = gates.pop().unwrap();
        go.send(()).unwrap();
    });
}

#[test]
fn what_comes_while_a_socket_wakes_a_hub_does_not_wait_behind_what_that_computes() {
    bounded(|| {
        let cluster = cluster(2);
        let (mut here, there) = UnixStream::pair().unwrap();
        let (go, wait) = mpsc::channel::<()>();
        let computing = cluster.spawn_on(0, move || {
            let (mut there, mut byte) =
                (greenhub::monkey::os::unix::net::UnixStream::from(there), [0]);
            while there.read(&mut byte).unwrap() == 1 {
                wait.recv().unwrap();
            }
        });
        let computing = computing.unwrap();
        for _ in 0..50 {
            // Both hubs have come to sleep.
            thread::sleep(millis(5));
            here.write_all(b"!").unwrap();
            let started = cluster.spawn(|| ()).unwrap().join_for(millis(10_000));
            go.send(()).unwrap();
            started.expect("it starts beside the one that computes");
        }
        drop(here);
        computing.join().unwrap();
    });
}

#[test]
fn what_has_started_never_moves() {
    bounded(|| {
        let cluster = cluster(3);
        let joins: Vec<_> = (0..300)
            .map(|_| {
                let body = || {
                    let thread = thread::current().id();
                    (0..20).all(|n| {
                        if n % 5 == 0 {
                            sleep(millis(1))
                        } else {
                            yield_now()
                        }
                        thread::current().id() == thread
                    })
                };
                cluster.spawn(body).unwrap()
            })
            .collect();
        assert!(joins.iter().all(|join| join.join().unwrap()));
    });
}

#[test]
fn a_certain_hub_runs_what_it_is_given_in_order() {
    bounded(|| {
        let cluster = cluster(3);
        let (sender, receiver) = mpsc::channel();
        let joins: Vec<_> = (0..300)
            .map(|n| {
                let sender = sender.clone();
                let hub = n % 3;
                let body = move || {
                    assert_eq!(this_hub(), Some(hub));
                    sender.send(n).unwrap();
                };
                cluster.spawn_on(hub, body).unwrap()
            })
            .collect();
        joins.iter().for_each(|join| join.join().unwrap());
        drop(sender);
        let all: Vec<usize> = receiver.into_iter().collect();
        for hub in 0..3 {
            let own: Vec<usize> = all.iter().copied().filter(|n| n % 3 == hub).collect();
            assert!(own.is_sorted() && own.len() == 100, "{own:?}");
        }
    });
}

#[test]
fn a_hub_that_the_cluster_has_not_is_refused_with_the_body() {
    bounded(|| {
        let cluster = cluster(1);
        let error = cluster.spawn_on(1, || 7).unwrap_err();
        assert_eq!(error.kind, SpawnErrorKind::NoSuchHub);
        assert_eq!(error.to_string(), "the cluster has no hub of this number");
        assert_eq!((error.body)(), 7);
    });
}

#[test]
fn the_least_busy_hub_is_the_one_that_runs_the_fewest() {
    bounded(|| {
        let cluster = cluster(3);
        let done = Arc::new(Event::new());
        let long = || {
            let done = Arc::clone(&done);
            move || done.wait().unwrap()
        };
        for hub in [0, 0, 2] {
            cluster.spawn_on(hub, long()).unwrap();
        }
        let mut joins = Vec::new();
        for _ in 0..6 {
            joins.push(cluster.spawn_least_busy(long()).unwrap());
        }
        // Also what has not been taken yet is counted.
        let loads = |stats: &greenhub::cluster::ClusterStats| -> Vec<usize> {
            stats.hubs.iter().map(|hub| hub.running + hub.queued).collect()
        };
        assert_eq!(loads(&cluster.stats()), [3, 3, 3]);
        until(|| cluster.stats().hubs.iter().all(|hub| hub.running == 3));
        done.set();
        joins.iter().for_each(|join| join.join().unwrap());
        until(|| loads(&cluster.stats()) == [0, 0, 0]);
    });
}

#[test]
fn greenlets_of_the_cluster_spawn_in_it_and_join() {
    bounded(|| {
        let cluster = cluster(2);
        fn sum(from: u64, to: u64) -> u64 {
            if to - from < 4 {
                return (from..to).sum();
            }
            let middle = from.midpoint(to);
            let cluster = ClusterHandle::current().expect("a thread of a cluster");
            let left = cluster.spawn(move || sum(from, middle)).unwrap();
            let right = cluster.spawn_least_busy(move || sum(middle, to)).unwrap();
            left.join().unwrap() + right.join().unwrap()
        }
        assert_eq!(cluster.spawn(|| sum(0, 1_000)).unwrap().join().unwrap(), 499_500);
    });
}

#[test]
fn a_hundred_thousand_from_several_threads_all_run_once() {
    const EACH: u64 = if cfg!(debug_assertions) { 5_000 } else { 25_000 };
    bounded(|| {
        let cluster = cluster(3);
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let cluster = cluster.handle();
                thread::spawn(move || {
                    let joins: Vec<_> = (0..EACH)
                        .map(|n| cluster.spawn(move || thread * EACH + n).unwrap())
                        .collect();
                    joins.iter().map(|join| join.join().unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        let all: Vec<u64> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
        assert!(all.into_iter().eq(0..4 * EACH));
        let stats = cluster.stats();
        assert_eq!((stats.queued, stats.hubs.iter().map(|hub| hub.running).sum()), (0, 0));
    });
}

#[test]
fn each_hub_runs_what_is_for_each_and_has_values_of_its_own() {
    use std::cell::Cell;
    thread_local!(static OWN: Cell<usize> = const { Cell::new(0) });
    bounded(|| {
        let cluster = cluster(3);
        cluster.run_on_each(|| OWN.set(10 + this_hub().unwrap())).unwrap();
        assert_eq!(cluster.run_on_each(|| OWN.get()).unwrap(), [10, 11, 12]);
        assert_eq!(OWN.get(), 0);
    });
}
