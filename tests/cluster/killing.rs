//! Killing greenlets of a cluster, and those who wait for them.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::time::Duration;

use greenhub::cluster::this_hub;
use greenhub::sync::WaitError;
use greenhub::{ClusterJoin, JoinError, sleep, spawn, yield_now};

use crate::support::{Drops, bounded, cluster, millis, until};

#[test]
fn a_kill_unwinds_it_in_its_own_thread() {
    struct Note(mpsc::Sender<Option<usize>>);
    impl Drop for Note {
        fn drop(&mut self) {
            self.0.send(this_hub()).unwrap();
        }
    }
    bounded(|| {
        let cluster = cluster(2);
        let (sender, receiver) = mpsc::channel();
        let sleeper = cluster
            .spawn_on(1, move || {
                let _note = Note(sender);
                sleep(Duration::MAX);
            })
            .unwrap();
        until(|| cluster.stats().hubs[1].running == 1);
        cluster.run_on_each(|| ()).unwrap();
        assert_eq!(sleeper.kill(), Ok(()));
        assert_eq!(receiver.recv(), Ok(Some(1)));
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)), "it stays so");
        assert_eq!(sleeper.kill(), Ok(()), "again it does nothing");
        assert_eq!(cluster.stats().hubs[1].running, 0);
    });
}

#[test]
fn one_that_has_not_started_never_runs_and_its_closure_is_dropped_at_once() {
    bounded(|| {
        let cluster = cluster(1);
        let (go, wait) = mpsc::channel::<()>();
        let computing = cluster.spawn(move || wait.recv().unwrap()).unwrap();
        let drops = Drops::default();
        let value = drops.value();
        let queued = cluster
            .spawn(move || {
                let _value = value;
                unreachable!("it was killed before");
            })
            .unwrap();
        assert_eq!(queued.kill(), Ok(()));
        assert_eq!(drops.count(), 1);
        assert!(matches!(queued.join(), Err::<(), _>(JoinError::Killed)));
        go.send(()).unwrap();
        computing.join().unwrap();
        assert_eq!(cluster.spawn(|| 7).unwrap().join().unwrap(), 7);
    });
}

#[test]
fn a_kill_and_a_limit_reach_one_who_ends_others_where_their_destructors_wait() {
    struct Waits;
    impl Drop for Waits {
        fn drop(&mut self) {
            greenhub::sleep(millis(60_000));
        }
    }
    bounded(|| {
        greenhub::Hub::current().set_error_hook(|unhandled| panic!("told of {unhandled:?}"));
        let cluster = cluster(1);
        let (go, wait) = mpsc::channel::<()>();
        let computing = cluster.spawn(move || wait.recv().unwrap()).unwrap();
        let waiting = || {
            let waits = Waits;
            cluster.spawn(move || drop(waits)).unwrap()
        };
        let (first, second, third, last) =
            (waiting(), waiting(), waiting(), cluster.spawn(|| ()).unwrap());
        let limited = greenhub::with_timeout(millis(20), || first.start_kill());
        assert!(limited.is_err() && first.is_finished());
        let killer = greenhub::spawn(move || second.start_kill());
        greenhub::yield_now();
        assert!(killer.kill_for(millis(30_000)));
        // One who ends many is killed in the middle, and the others are told all the same.
        let ends = greenhub::with_timeout(millis(20), || cluster.shutdown(millis(0)));
        assert!(ends.is_err() && third.is_finished());
        assert!(matches!(last.join(), Err(JoinError::Killed)));
        go.send(()).unwrap();
        computing.wait().unwrap();
    });
}

#[test]
fn kills_come_from_other_hubs_and_from_the_same() {
    bounded(|| {
        let cluster = cluster(2);
        for killer in [0, 1] {
            let sleeper = cluster.spawn_on(0, || sleep(Duration::MAX)).unwrap();
            let victim = sleeper.clone();
            let kill = cluster.spawn_on(killer, move || {
                yield_now();
                victim.kill()
            });
            assert_eq!(kill.unwrap().join().unwrap(), Ok(()));
            assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
        }
    });
}

#[test]
fn a_greenlet_that_kills_itself_unwinds_at_once() {
    bounded(|| {
        let cluster = cluster(1);
        let (sender, receiver) = mpsc::channel::<ClusterJoin<()>>();
        let join = cluster
            .spawn(move || {
                let _ = receiver.recv().unwrap().kill();
                unreachable!("it has unwound");
            })
            .unwrap();
        sender.send(join.clone()).unwrap();
        assert!(matches!(join.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn one_that_catches_its_kill_lives_on_and_the_limit_tells() {
    bounded(|| {
        let cluster = cluster(1);
        let stubborn = cluster
            .spawn(|| {
                let slept = panic::catch_unwind(AssertUnwindSafe(|| sleep(Duration::MAX)));
                sleep(millis(20));
                slept.is_err()
            })
            .unwrap();
        until(|| cluster.stats().hubs[0].running == 1);
        cluster.run_on_each(|| ()).unwrap();
        assert_eq!(stubborn.kill_for(millis(1)), Err(WaitError::TimedOut));
        assert!(stubborn.join().unwrap());
    });
}

#[test]
fn a_joiner_that_is_killed_leaves_the_other_joiners_what_they_wait_for() {
    bounded(|| {
        let cluster = cluster(1);
        let join = cluster
            .spawn(|| {
                sleep(millis(20));
                7
            })
            .unwrap();
        let own = join.clone();
        let killed = spawn(move || own.join().map(|_| unreachable!("it was killed")));
        yield_now();
        killed.kill();
        assert_eq!(join.join().unwrap(), 7);
    });
}

#[test]
fn many_that_are_killed_before_their_start_are_passed_over() {
    bounded(|| {
        let cluster = cluster(1);
        let (go, wait) = mpsc::channel::<()>();
        let computing = cluster.spawn(move || wait.recv().unwrap()).unwrap();
        let queued: Vec<_> = (0..1_000).map(|_| cluster.spawn(|| ()).unwrap()).collect();
        let last = cluster.spawn(|| 7).unwrap();
        queued.iter().for_each(ClusterJoin::start_kill);
        assert!(queued.iter().all(|it| matches!(it.join(), Err(JoinError::Killed))));
        go.send(()).unwrap();
        computing.join().unwrap();
        assert_eq!(last.join().unwrap(), 7);
        cluster.shutdown(millis(10_000)).unwrap();
    });
}

#[test]
fn kills_of_many_in_every_state_leave_nothing_behind() {
    bounded(|| {
        let cluster = cluster(2);
        let drops = Drops::default();
        let joins: Vec<_> = (0..2_000_u64)
            .map(|n| {
                let value = drops.value();
                let body = move || {
                    let _value = value;
                    (0..n % 4).for_each(|_| yield_now());
                    sleep(millis(n % 3));
                };
                cluster.spawn(body).unwrap()
            })
            .collect();
        for (n, join) in joins.iter().enumerate() {
            if n % 2 == 0 {
                join.start_kill();
            }
            if n % 64 == 0 {
                yield_now();
            }
        }
        for join in &joins {
            assert!(matches!(join.join(), Ok(()) | Err(JoinError::Killed)));
        }
        cluster.shutdown(millis(10_000)).unwrap();
        assert_eq!(drops.count(), 2_000);
    });
}
