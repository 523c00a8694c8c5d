//! The end of a cluster.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use greenhub::cluster::SpawnErrorKind;
use greenhub::{Cluster, JoinError, sleep, spawn, yield_now};

use crate::support::{Drops, alone, bounded, cluster, millis, open_descriptors, threads, until};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn what_was_taken_may_end_within_the_limit() {
    bounded(|| {
        let cluster = cluster(2);
        let joins: Vec<_> = (0..200)
            .map(|n| {
                cluster
                    .spawn(move || {
                        sleep(millis(n % 5));
                        // What greenlets have spawned may end as well.
                        spawn(move || sleep(millis(n % 7)))
                            .join()
                            .map(|()| n)
                            .expect("it is not killed")
                    })
                    .unwrap()
            })
            .collect();
        assert_eq!(cluster.shutdown(LONG), Ok(()));
        for (n, join) in (0..).zip(joins) {
            assert!(join.is_finished());
            assert_eq!(join.join().unwrap(), n);
        }
    });
}

#[test]
fn children_that_outlive_their_parents_may_end_within_the_limit() {
    bounded(|| {
        let cluster = cluster(1);
        let (sender, receiver) = mpsc::channel();
        let parent = cluster.spawn(move || {
            drop(spawn(move || {
                sleep(millis(100));
                sender.send("done").unwrap();
            }));
        });
        parent.unwrap().join().unwrap();
        assert_eq!(cluster.shutdown(LONG), Ok(()));
        assert_eq!(receiver.try_recv(), Ok("done"));
    });
}

#[test]
fn after_the_limit_what_runs_is_killed_and_what_waits_never_starts() {
    bounded(|| {
        let cluster = cluster(2);
        let drops = Drops::default();
        let sleepers: Vec<_> = (0..20)
            .map(|_| {
                let (value, child) = (drops.value(), drops.value());
                let body = move || {
                    let _value = value;
                    drop(spawn(move || {
                        let _child = child;
                        sleep(Duration::MAX);
                    }));
                    sleep(Duration::MAX);
                };
                cluster.spawn(body).unwrap()
            })
            .collect();
        until(|| cluster.stats().queued == 0);
        assert_eq!(cluster.shutdown(millis(20)), Ok(()));
        assert_eq!(drops.count(), 40);
        assert!(sleepers.iter().all(|it| matches!(it.join(), Err(JoinError::Killed))));
    });
}

#[test]
fn a_destructor_that_panics_keeps_nobody_from_hearing_of_the_end() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad destructor");
        }
    }
    bounded(|| {
        let told = std::rc::Rc::new(std::cell::Cell::new(0));
        let own = std::rc::Rc::clone(&told);
        greenhub::Hub::current().set_error_hook(move |unhandled| {
            assert_eq!(unhandled.message(), Some("a bad destructor"));
            own.set(own.get() + 1);
        });
        let cluster = cluster(1);
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let computing = cluster
            .spawn(move || {
                begun.send(()).unwrap();
                wait.recv().unwrap();
            })
            .unwrap();
        has_begun.recv().unwrap();
        let bad = || {
            let bad = Bad;
            move || drop(bad)
        };
        let joins: Vec<_> = (0..3).map(|_| cluster.spawn(bad()).unwrap()).collect();
        assert_eq!(joins[0].kill(), Ok(()));
        assert_eq!(cluster.shutdown(millis(0)).unwrap_err().count, 1);
        assert!(joins.iter().all(|it| matches!(it.join(), Err(JoinError::Killed))));
        assert_eq!(told.get(), 3);
        go.send(()).unwrap();
        computing.wait().unwrap();
    });
}

#[test]
fn a_cluster_that_was_shut_down_takes_nothing_and_a_second_time_is_harmless() {
    bounded(|| {
        let cluster = cluster(2);
        let handle = cluster.handle();
        assert_eq!(cluster.shutdown(LONG), Ok(()));
        assert_eq!(cluster.shutdown(LONG), Ok(()));
        assert_eq!(cluster.shutdown(millis(0)), Ok(()));
        for error in [
            cluster.spawn(|| ()).err().map(|it| it.kind),
            handle.spawn_on(1, || ()).err().map(|it| it.kind),
            handle.spawn_least_busy(|| ()).err().map(|it| it.kind),
        ] {
            assert_eq!(error, Some(SpawnErrorKind::ShutDown));
        }
        assert!(matches!(handle.run_on_each(|| ()), Err(JoinError::Lost)));
        drop(cluster);
        assert!(handle.spawn(|| ()).is_err());
    });
}

#[test]
fn those_who_catch_the_kill_are_left_and_told_of_as_lost() {
    bounded(|| {
        let cluster = cluster(2);
        let stubborn = || -> () {
            loop {
                let _ = panic::catch_unwind(AssertUnwindSafe(|| sleep(Duration::MAX)));
            }
        };
        let joins: Vec<_> = (0..3).map(|n| cluster.spawn_on(n % 2, stubborn).unwrap()).collect();
        let meek = cluster.spawn(|| sleep(Duration::MAX)).unwrap();
        until(|| cluster.stats().hubs.iter().map(|hub| hub.running).sum::<usize>() == 4);
        cluster.run_on_each(|| ()).unwrap();
        assert_eq!(cluster.shutdown(millis(5)).unwrap_err().count, 3);
        assert!(joins.iter().all(|it| matches!(it.join(), Err(JoinError::Lost))));
        assert!(matches!(meek.join(), Err(JoinError::Killed)));
        assert_eq!(cluster.shutdown(LONG), Ok(()), "there is nothing left");
    });
}

#[test]
fn one_that_computes_is_told_of_and_its_thread_ends_when_it_waits() {
    bounded(|| {
        let cluster = cluster(2);
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let computing = cluster
            .spawn_on(0, move || {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                yield_now();
                7
            })
            .unwrap();
        has_begun.recv().unwrap();
        let behind = cluster.spawn_on(0, || ()).unwrap();
        assert_eq!(cluster.shutdown(millis(5)).unwrap_err().count, 1);
        assert!(!computing.is_finished());
        assert!(matches!(behind.join(), Err(JoinError::Killed)));
        go.send(()).unwrap();
        assert_eq!(cluster.shutdown(LONG), Ok(()));
        assert!(matches!(computing.join(), Err(JoinError::Killed) | Ok(7)));
    });
}

#[test]
fn a_shorter_second_limit_holds() {
    bounded(|| {
        let cluster = Arc::new(cluster(1));
        // It ends by itself never, and nobody joins it: only the limit ends it.
        let parent = cluster.spawn(|| drop(spawn(|| sleep(Duration::MAX)))).unwrap();
        parent.join().unwrap();
        let own = Arc::clone(&cluster);
        let patient = thread::spawn(move || own.shutdown(Duration::MAX));
        until(|| cluster.spawn(|| ()).is_err());
        assert_eq!(cluster.shutdown(millis(0)), Ok(()));
        assert_eq!(patient.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_shutdown_that_is_killed_ends_the_cluster_all_the_same() {
    bounded(|| {
        let cluster = std::rc::Rc::new(cluster(1));
        let sleeper = cluster.spawn(|| sleep(Duration::MAX)).unwrap();
        let own = std::rc::Rc::clone(&cluster);
        let shutting = spawn(move || own.shutdown(millis(50)));
        yield_now();
        shutting.kill();
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn other_greenlets_run_while_one_shuts_down() {
    bounded(|| {
        let cluster = cluster(1);
        let (sender, receiver) = mpsc::channel::<()>();
        let done = Arc::new(greenhub::sync::Event::new());
        let own = Arc::clone(&done);
        cluster.spawn(move || own.wait().map(|()| drop(sender))).unwrap();
        let setter = spawn(move || {
            sleep(millis(5));
            done.set();
        });
        assert_eq!(cluster.shutdown(LONG), Ok(()));
        setter.join().unwrap();
        assert!(receiver.recv().is_err());
    });
}

#[test]
fn a_greenlet_cannot_shut_down_its_own_cluster_but_may_drop_it() {
    bounded(|| {
        let cluster = Arc::new(cluster(2));
        let own = Arc::clone(&cluster);
        match cluster.spawn(move || own.shutdown(LONG)).unwrap().join() {
            Err(JoinError::Panicked(payload)) => {
                assert!(payload.downcast_ref::<&str>().unwrap().contains("wait for itself"));
            }
            other => panic!("{other:?}"),
        }
        let handle = cluster.handle();
        let (sender, receiver) = mpsc::channel();
        let own = Arc::clone(&cluster);
        let last = cluster
            .spawn(move || {
                let cluster: Arc<Cluster> = receiver.recv().unwrap();
                drop(own);
                drop(cluster);
                sleep(Duration::MAX);
            })
            .unwrap();
        sender.send(cluster).unwrap();
        assert!(matches!(last.join(), Err(JoinError::Killed)));
        assert!(handle.spawn(|| ()).is_err());
    });
}

#[test]
fn a_drop_kills_what_runs_also_while_the_owner_unwinds() {
    bounded(|| {
        let drops = Drops::default();
        for unwinds in [false, true] {
            let cluster = cluster(2);
            let value = drops.value();
            let sleeper = cluster
                .spawn(move || {
                    let _value = value;
                    sleep(Duration::MAX);
                })
                .unwrap();
            let end = panic::catch_unwind(AssertUnwindSafe(move || {
                let _cluster = cluster;
                if unwinds {
                    panic::resume_unwind(Box::new("out"));
                }
            }));
            assert_eq!(end.is_err(), unwinds);
            assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
        }
        until(|| drops.count() == 2);
    });
}

#[test]
fn clusters_leave_neither_threads_nor_descriptors() {
    alone("ending::clusters_leave_neither_threads_nor_descriptors", || {
        let round = || {
            let cluster = cluster(4);
            let joins: Vec<_> =
                (0..40).map(|n| cluster.spawn(move || sleep(millis(n % 3))).unwrap()).collect();
            let _forever = cluster.spawn(|| sleep(Duration::MAX)).unwrap();
            joins.iter().for_each(|join| join.join().unwrap());
            cluster.shutdown(millis(1)).unwrap();
        };
        round();
        let before = (open_descriptors(), threads());
        (0..20).for_each(|_| round());
        // The kernel counts a thread that was joined for a moment longer.
        until(|| (open_descriptors(), threads()) == before);
    });
}
