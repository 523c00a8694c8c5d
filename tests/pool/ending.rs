//! Waiting for groups, and killing them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenhub::{Exit, Group, JoinError, Pool, current, sleep, spawn, with_timeout, yield_now};

use crate::support::{Log, OnDrop, assert_nothing_left, bounded, fail, forever, log_unhandled};
use crate::support::{millis, panic_of, settle};

#[test]
fn join_waits_until_there_are_no_members() {
    bounded(|| {
        let group = Group::new();
        group.join();
        for n in [3, 1, 2] {
            group.spawn(move || sleep(millis(n)));
        }
        assert!(!group.join_for(millis(0)), "a limit of zero only looks");
        group.join();
        assert!(group.is_empty() && group.join_for(millis(0)));
    });
}

#[test]
fn join_waits_for_members_that_come_meanwhile() {
    bounded(|| {
        let (group, done) = (Group::new(), Rc::new(Cell::new(false)));
        let (own, end) = (group.clone(), Rc::clone(&done));
        group.spawn(move || {
            sleep(millis(1));
            own.spawn(move || {
                sleep(millis(1));
                end.set(true);
            });
        });
        group.join();
        assert!(done.get());
    });
}

#[test]
fn a_join_that_is_cut_short_leaves_nothing() {
    bounded(|| {
        let group = Group::new();
        let member = group.spawn(forever);
        assert!(!group.join_for(millis(1)));
        assert!(with_timeout(millis(1), || group.join()).is_err());
        let own = group.clone();
        let joiner = spawn(move || own.join());
        settle();
        joiner.kill();
        member.kill();
        group.join();
        assert_nothing_left();
    });
}

#[test]
fn a_member_cannot_join_its_group() {
    bounded(|| {
        let group = Group::new();
        let own = group.clone();
        let member = group.spawn(move || {
            panic_of(|| own.join());
            panic_of(|| own.join_for(millis(1)));
        });
        member.join().unwrap();
    });
}

#[test]
fn panics_are_told_once_also_of_members_that_ended_before() {
    bounded(|| {
        let unhandled = log_unhandled();
        let group = Group::new();
        assert!(group.join_raise_error().is_ok());
        let first = group.spawn(|| fail("first"));
        first.wait();
        group.spawn(|| fail("second"));
        group.spawn(|| ());
        group.spawn(forever).kill();
        let error = group.join_raise_error().unwrap_err();
        assert_eq!(error.count(), 2);
        assert!(error.first().starts_with(&format!("<greenlet {}", first.id())), "{error}");
        assert!(group.join_raise_error().is_ok(), "it was told");
        // The group has not taken them.
        assert!(matches!(first.join(), Err(JoinError::Panicked(_))));
        assert_eq!(unhandled.take(), ["second"]);
    });
}

#[test]
fn kill_ends_all_and_waits_for_their_destructors() {
    bounded(|| {
        let (group, log) = (Group::new(), Log::new());
        for n in 0..3 {
            let log = log.clone();
            group.spawn(move || {
                let _dropped = OnDrop(|| log.note(n));
                forever();
            });
        }
        settle();
        group.kill();
        assert!(group.is_empty());
        assert_eq!(log.take(), [0, 1, 2], "in the order in which they came");
        assert_nothing_left();
    });
}

#[test]
fn start_kill_does_not_wait() {
    bounded(|| {
        let group = Group::new();
        let members = [group.spawn(forever), group.spawn(forever)];
        settle();
        group.start_kill();
        assert_eq!(group.len(), 2, "they end when it is their turn");
        settle();
        assert!(group.is_empty() && members.iter().all(|member| member.is_dead()));
    });
}

/// A member that catches its kill and sleeps on, for each time it is told.
fn refuses(group: &Group, told: &Log<()>) -> greenhub::Greenlet<()> {
    let told = told.clone();
    let member = group.spawn(move || {
        while !panic_of(forever).is::<&str>() {
            told.note(());
        }
    });
    settle();
    member
}

#[test]
fn kill_throws_at_each_once_and_those_that_refuse_stay() {
    bounded(|| {
        let (group, told) = (Group::new(), Log::new());
        let member = refuses(&group, &told);
        group.spawn(forever);
        assert!(!group.kill_for(millis(5)));
        assert!(!group.kill_for(millis(0)));
        group.start_kill();
        group.start_killone(&member);
        settle();
        assert_eq!((group.members(), told.len()), (vec![member.any()], 1));
        member.start_kill_with("enough");
        assert!(group.kill_for(millis(60_000)));
    });
}

#[test]
fn one_that_comes_while_others_are_killed_is_killed() {
    bounded(|| {
        let group = Group::new();
        let own = group.clone();
        group.spawn(move || {
            let payload = panic_of(forever);
            own.spawn(forever);
            std::panic::resume_unwind(payload);
        });
        settle();
        group.kill();
        assert!(group.is_empty());
    });
}

#[test]
fn members_end_with_the_payload_that_they_were_killed_with() {
    bounded(|| {
        let group = Group::new();
        let members = [group.spawn(forever), group.spawn(forever)];
        group.kill_with("stop");
        for member in members {
            match member.join() {
                Err(JoinError::Panicked(payload)) => assert!(payload.is::<&str>()),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn a_member_that_kills_its_group_ends_last_by_itself() {
    bounded(|| {
        let group = Group::new();
        let own = group.clone();
        let (killer, other) = (group.spawn(move || own.kill()), group.spawn(forever));
        group.join();
        assert!(matches!(killer.join(), Err(JoinError::Killed)));
        assert!(other.is_dead());
    });
}

#[test]
fn killone_ends_one_member_and_no_stranger() {
    bounded(|| {
        let group = Group::new();
        let (one, two, stranger) = (group.spawn(forever), group.spawn(forever), spawn(forever));
        settle();
        group.killone(&one);
        assert!(one.is_dead() && two.is_started());
        assert!(group.killone_for(&two, millis(60_000)) && group.is_empty());
        group.killone(&stranger);
        assert!(group.killone_for(&stranger, millis(1)) && stranger.is_started());
        stranger.kill();
    });
}

#[test]
fn killone_of_one_that_refuses_waits_until_the_limit() {
    bounded(|| {
        let (group, told) = (Group::new(), Log::new());
        let member = refuses(&group, &told);
        assert!(!group.killone_for(&member, millis(1)));
        assert!(!group.killone_for(&member, millis(1)));
        assert_eq!(told.len(), 1);
        member.kill_with("enough");
    });
}

#[test]
fn who_unwinds_kills_and_joins_without_waiting() {
    bounded(|| {
        let group = Group::new();
        let member = group.spawn(forever);
        let own = group.clone();
        let unwinds = spawn(move || {
            let _dropped = OnDrop(|| {
                own.join();
                assert!(!own.join_for(millis(60_000)));
                own.kill();
                own.killone(&member);
            });
            fail("unwinding");
        });
        assert!(matches!(unwinds.join(), Err(JoinError::Panicked(_))));
        group.join();
    });
}

#[test]
fn a_kill_that_is_cut_short_has_told_all() {
    bounded(|| {
        let (pool, told) = (Pool::new(3), Log::new());
        let member = refuses(&pool, &told);
        let other = pool.spawn(forever);
        assert!(with_timeout(millis(2), || pool.kill()).is_err());
        assert!(other.is_dead());
        assert_eq!((pool.len(), told.len(), pool.free_count()), (1, 1, 2));
        member.kill_with("enough");
        assert_eq!(pool.free_count(), 3);
    });
}

#[test]
fn one_may_go_on_after_its_kill_and_spawn_and_end() {
    bounded(|| {
        let group = Group::new();
        let member = group.spawn(|| {
            let caught = catch_unwind(AssertUnwindSafe(forever)).unwrap_err();
            yield_now();
            caught.is::<Exit>() && current().is_started()
        });
        settle();
        group.kill();
        assert!(member.join().unwrap());
    });
}
