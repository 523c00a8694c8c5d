//! Slots of pools: who waits for one, who gets it, and that none is lost.

use greenhub::{Builder, Greenlet, Group, Pool, PoolFull, current, sleep, spawn, with_timeout};

use crate::support::{Gauge, Log, assert_nothing_left, bounded, forever, millis, settle};

#[test]
fn a_pool_that_is_full_makes_spawn_wait() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        for n in 0..3 {
            let sink = log.clone();
            pool.spawn(move || {
                sleep(millis(1));
                sink.note(n);
            });
            assert_eq!((log.len(), pool.len()), (n, 1), "the one before has ended");
        }
        assert!(!pool.join_for(millis(0)));
        pool.join();
        assert_eq!(log.take(), [0, 1, 2]);
        assert_nothing_left();
    });
}

#[test]
fn never_do_more_run_than_there_are_slots() {
    bounded(|| {
        let (pool, gauge) = (Pool::new(7), Gauge::default());
        for n in 0..1000 {
            let gauge = gauge.clone();
            pool.spawn(move || {
                let _inside = gauge.enter();
                sleep(millis(n % 3));
            });
        }
        pool.join();
        assert_eq!((gauge.most(), gauge.now(), pool.free_count()), (7, 0, 7));
        assert_nothing_left();
    });
}

#[test]
fn a_pool_as_a_group_is_not_overfilled() {
    fn fill(group: &Group) -> Greenlet<()> {
        group.spawn(forever)
    }
    bounded(|| {
        let pool = Pool::new(1);
        let first = fill(&pool);
        assert!(with_timeout(millis(1), || fill(&pool)).is_err());
        assert_eq!((pool.len(), pool.size()), (1, 1));
        first.kill();
    });
}

#[test]
fn who_comes_first_is_served_first_and_not_overtaken() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        let first = pool.spawn(forever);
        let spawners: Vec<_> = (0..3)
            .map(|n| {
                let (pool, log) = (pool.clone(), log.clone());
                spawn(move || drop(pool.spawn(move || log.note(n))))
            })
            .collect();
        settle();
        first.kill();
        assert!(pool.try_spawn(|| ()).is_err(), "the slot is that of the first in the line");
        greenhub::joinall(&spawners);
        pool.join();
        assert_eq!(log.take(), [0, 1, 2]);
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn one_killed_while_it_waits_for_a_slot_leaves_no_trace() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        let first = pool.spawn(forever);
        let (own, sink) = (pool.clone(), log.clone());
        let killed = spawn(move || drop(own.spawn(move || sink.note("killed"))));
        let (own, sink) = (pool.clone(), log.clone());
        let next = spawn(move || drop(own.spawn(move || sink.note("next"))));
        settle();
        killed.kill();
        first.kill();
        next.wait();
        pool.join();
        assert_eq!(log.take(), ["next"]);
        assert_eq!((pool.free_count(), pool.len()), (1, 0));
        assert_nothing_left();
    });
}

#[test]
fn one_killed_after_it_was_handed_a_slot_passes_it_on() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(forever);
        let own = pool.clone();
        let killed = spawn(move || own.spawn(|| panic!("it runs")));
        settle();
        first.start_kill();
        while first.is_started() {
            greenhub::yield_now();
        }
        killed.kill();
        assert_eq!((pool.free_count(), pool.len()), (1, 0));
    });
}

#[test]
fn a_limit_around_a_spawn_ends_its_wait() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(forever);
        for _ in 0..10 {
            assert!(with_timeout(millis(1), || pool.spawn(|| panic!("it runs"))).is_err());
        }
        first.kill();
        assert_eq!((pool.free_count(), pool.len()), (1, 0));
        let in_time = with_timeout(millis(60_000), || pool.spawn(|| 7)).unwrap();
        assert_eq!(in_time.join().unwrap(), 7);
        assert_nothing_left();
    });
}

#[test]
fn a_full_pool_gives_back_what_it_did_not_take() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.try_spawn(forever).unwrap();
        let PoolFull(f) = pool.try_spawn(|| 7).unwrap_err();
        let PoolFull(f) = pool.spawn_for(millis(1), f).unwrap_err();
        let PoolFull(f) = pool.spawn_for(millis(0), f).unwrap_err();
        let error = pool.try_start(Builder::new().create(f).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "the pool is full");
        let PoolFull(unstarted) = pool.start_for(millis(1), error.0).unwrap_err();
        assert!(!unstarted.greenlet().is_dead());
        first.start_kill();
        let greenlet = pool.start_for(millis(60_000), unstarted).unwrap();
        assert_eq!(greenlet.join().unwrap(), 7);
        assert_eq!(pool.spawn_for(millis(0), || 8).unwrap().join().unwrap(), 8);
    });
}

#[test]
fn start_waits_for_a_slot_and_what_is_killed_there_never_starts() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(forever);
        let unstarted = Builder::new().create(|| panic!("it runs")).unwrap();
        let late: Greenlet<()> = unstarted.greenlet().clone();
        assert!(with_timeout(millis(1), || pool.start(unstarted)).is_err());
        assert!(late.is_dead() && pool.len() == 1);
        spawn(move || {
            sleep(millis(1));
            first.kill();
        });
        let unstarted = Builder::new().create(|| 7).unwrap();
        assert_eq!(pool.start(unstarted).join().unwrap(), 7);
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn add_waits_for_a_slot_while_the_greenlet_runs_on() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(|| sleep(millis(5)));
        let added = spawn(forever);
        assert!(with_timeout(millis(1), || pool.add(&added)).is_err());
        assert!(!pool.contains(&added));
        pool.add(&added);
        pool.add(&added);
        assert!(first.is_dead() && pool.contains(&added) && pool.is_full());
        added.kill();
        assert_eq!(pool.free_count(), 1);
        // One that ends while it is waited for.
        let first = pool.spawn(|| sleep(millis(5)));
        pool.add(&spawn(|| ()));
        assert!(first.is_dead());
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

#[test]
fn discard_frees_the_slot_at_once() {
    bounded(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(forever);
        assert!(pool.discard(&first));
        assert_eq!(pool.free_count(), 1);
        assert_eq!(pool.spawn(|| 7).join().unwrap(), 7);
        first.kill();
        assert_eq!(pool.free_count(), 1, "it is freed once");
    });
}

#[test]
fn a_pool_of_size_zero_is_always_full() {
    bounded(|| {
        let pool = Pool::new(0);
        assert!(pool.is_full() && pool.is_empty() && pool.size() == 0);
        assert!(pool.try_spawn(|| ()).is_err());
        assert_eq!(pool.wait_available_for(millis(1)), 0);
        assert!(with_timeout(millis(1), || pool.wait_available()).is_err());
        assert!(with_timeout(millis(1), || pool.spawn(|| ())).is_err());
        pool.join();
        pool.kill();
        let queued = pool.apply_async(|| ());
        settle();
        queued.kill();
        assert_nothing_left();
    });
}

#[test]
fn room_is_waited_for_and_left() {
    bounded(|| {
        let pool = Pool::new(2);
        assert_eq!(pool.wait_available(), 2);
        let both = [pool.spawn(forever), pool.spawn(forever)];
        assert_eq!(pool.wait_available_for(millis(1)), 0);
        let own = pool.clone();
        let waiter = spawn(move || own.wait_available());
        settle();
        both[0].kill();
        assert_eq!(waiter.join().unwrap(), 1);
        assert_eq!(pool.wait_available_for(millis(0)), 1);
        both[1].kill();
    });
}

#[test]
fn a_member_may_spawn_in_its_own_pool() {
    bounded(|| {
        let (pool, log) = (Pool::new(2), Log::new());
        let (own, sink) = (pool.clone(), log.clone());
        pool.spawn(move || {
            for n in 0..3 {
                let sink = sink.clone();
                own.spawn(move || sink.note(n));
            }
            assert!(own.contains(&current()));
        });
        pool.join();
        assert_eq!(log.take(), [0, 1, 2]);
    });
}
