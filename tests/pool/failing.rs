//! A slot is free again, whatever becomes of whom it was for.

use greenhub::{Builder, Greenlet, Hub, Pool, joinall, sleep, spawn, with_timeout};

use crate::support::{Log, OnDrop, assert_nothing_left, bounded, fail, forever, log_unhandled};
use crate::support::{millis, panic_of, settle};

#[test]
fn after_a_panic() {
    bounded(|| {
        let (pool, unhandled) = (Pool::new(1), log_unhandled());
        for _ in 0..3 {
            pool.spawn(|| fail("boom"));
        }
        pool.join();
        assert_eq!(pool.free_count(), 1);
        settle();
        assert_eq!(unhandled.take(), ["boom", "boom", "boom"], "each is told, though a member");
    });
}

#[test]
fn when_the_error_hook_panics_too() {
    bounded(|| {
        let pool = Pool::new(1);
        Hub::current().set_error_hook(|_| fail("the hook"));
        pool.spawn(|| fail("boom"));
        pool.join();
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn after_a_kill_before_the_first_turn() {
    bounded(|| {
        let pool = Pool::new(1);
        let greenlet: Greenlet<()> = pool.spawn(|| panic!("it runs"));
        greenlet.kill();
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
        let greenlet: Greenlet<()> = pool.spawn(|| panic!("it runs"));
        pool.kill();
        assert!(greenlet.is_dead());
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

#[test]
fn when_there_is_no_stack() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        let hub = Hub::current();
        let size = hub.stack_size();
        hub.set_stack_size(1 << 40);
        let sink = log.clone();
        let captured = OnDrop(move || sink.note(()));
        panic_of(|| pool.spawn(move || drop(captured)));
        panic_of(|| pool.try_spawn(|| ()));
        panic_of(|| pool.apply_async(|| ()));
        assert!(Builder::new().create(|| ()).is_err());
        hub.set_stack_size(size);
        assert_eq!((log.len(), pool.len(), pool.free_count()), (1, 0, 1));
        assert_eq!(pool.spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn when_a_value_panics_as_it_is_dropped() {
    bounded(|| {
        let (pool, unhandled) = (Pool::new(1), log_unhandled());
        drop(pool.spawn(|| OnDrop(|| fail("dropped"))));
        pool.join();
        settle();
        assert_eq!((pool.free_count(), unhandled.take().len()), (1, 1));
    });
}

#[test]
fn when_who_spawns_unwinds_and_the_pool_is_full() {
    bounded(|| {
        let (pool, log) = (Pool::new(1), Log::new());
        let first = pool.spawn(forever);
        let (own, sink) = (pool.clone(), log.clone());
        let added = spawn(forever);
        let late = added.clone();
        let unwinds = spawn(move || {
            let _dropped = OnDrop(|| {
                let spawned = sink.clone();
                own.spawn(move || spawned.note("spawned"));
                let started = sink.clone();
                own.start(Builder::new().create(move || started.note("started")).unwrap());
                own.add(&late);
                assert!(own.try_spawn(|| ()).is_err());
                assert!(own.spawn_for(std::time::Duration::MAX, || ()).is_err());
                assert!(own.apply(|| ()).is_err());
                assert_eq!(own.wait_available(), 0);
            });
            fail("unwinding");
        });
        unwinds.wait();
        settle();
        assert!(log.take().is_empty(), "they wait for their slots");
        first.kill();
        settle();
        assert_eq!(log.take(), ["spawned", "started"]);
        assert!(pool.is_full(), "one was added");
        added.kill();
        pool.join();
        assert_eq!(pool.free_count(), 1);
        assert_nothing_left();
    });
}

/// What one of many does with the pool: some of it is cut short by its limit.
fn act(pool: &Pool, n: u64) {
    let body = move || match n % 3 {
        0 => fail("boom"),
        _ => sleep(millis(n % 4)),
    };
    let limit = millis(n % 6);
    match n % 5 {
        0 => drop(with_timeout(limit, || pool.spawn(body))),
        1 => drop(pool.spawn_for(limit, body)),
        2 => drop(with_timeout(limit, || pool.apply(body))),
        3 => drop(pool.try_start(Builder::new().create(body).unwrap())),
        _ => pool.apply_async(body).start_kill(),
    }
}

#[test]
fn whatever_becomes_of_many_who_spawn() {
    bounded(|| {
        let (pool, _unhandled) = (Pool::new(3), log_unhandled());
        let actors: Vec<_> = (0..600)
            .map(|n| {
                let pool = pool.clone();
                spawn(move || {
                    sleep(millis(n % 50));
                    act(&pool, n * 7919 % 1009);
                })
            })
            .collect();
        for actor in actors.iter().step_by(7) {
            sleep(millis(1));
            actor.start_kill();
        }
        joinall(&actors);
        pool.kill();
        assert_eq!((pool.len(), pool.free_count()), (0, 3));
        assert_nothing_left();
    });
}
