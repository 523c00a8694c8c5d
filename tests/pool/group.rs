//! Who is a member, and until when.

use greenhub::{Builder, Group, Pool, current, sleep, spawn};

use crate::support::{assert_nothing_left, bounded, forever, millis, settle};

#[test]
fn one_that_has_ended_is_no_member_in_that_moment() {
    bounded(|| {
        let group = Group::new();
        let greenlet = group.spawn(|| 7);
        assert!(group.contains(&greenlet) && !group.is_empty());
        assert_eq!(greenlet.join().unwrap(), 7);
        assert!(!group.contains(&greenlet) && group.is_empty());
    });
}

#[test]
fn a_member_is_one_as_seen_from_itself() {
    bounded(|| {
        let group = Group::new();
        let own = group.clone();
        let greenlet = group.spawn(move || own.contains(&current()));
        assert!(greenlet.join().unwrap());
        assert!(!group.contains(&current()), "main is not");
    });
}

#[test]
fn members_are_listed_in_the_order_in_which_they_came() {
    bounded(|| {
        let group = Group::new();
        let all: Vec<_> = (0..100).map(|_| group.spawn(forever).any()).collect();
        assert_eq!(group.members(), all);
        group.discard(&all[0]);
        let listed: Vec<_> = (&group).into_iter().collect();
        assert_eq!(listed, all[1..]);
        group.kill();
        all[0].kill();
    });
}

#[test]
fn greenlets_that_run_are_added_and_taken_out() {
    bounded(|| {
        let (one, two) = (spawn(forever), spawn(forever));
        let group: Group = [one.clone(), two.clone()].into_iter().collect();
        group.add(&one);
        group.add(&one.any());
        assert_eq!(group.len(), 2, "it is a member once");
        assert!(group.discard(&one) && !group.discard(&one));
        group.kill();
        assert!(two.is_dead() && one.is_started());
        group.add(&one);
        group.kill();
        assert!(one.is_dead());
        group.add(&one);
        assert!(group.is_empty(), "it has ended");
    });
}

#[test]
fn a_greenlet_may_be_in_several_groups() {
    bounded(|| {
        let (group, other) = (Group::new(), Group::new());
        let greenlet = group.spawn(forever);
        other.add(&greenlet);
        assert_eq!((group.len(), other.len()), (1, 1));
        other.kill();
        assert!(group.is_empty());
    });
}

#[test]
fn main_cannot_be_added() {
    bounded(|| {
        let (group, pool) = (Group::new(), Pool::new(1));
        crate::support::panic_of(|| group.add(&current()));
        crate::support::panic_of(|| pool.add(&current()));
        assert!(group.is_empty() && group.join_for(millis(0)));
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

#[test]
fn an_unstarted_one_is_a_member_from_its_start() {
    bounded(|| {
        let group = Group::new();
        let unstarted = Builder::new().create(|| 7).unwrap();
        assert!(!group.contains(unstarted.greenlet()));
        let greenlet = group.start(unstarted);
        assert!(group.contains(&greenlet));
        assert_eq!(greenlet.join().unwrap(), 7);
    });
}

#[test]
fn one_that_was_killed_before_its_start_does_not_stay() {
    bounded(|| {
        let group = Group::new();
        let unstarted = Builder::new().create(|| 7).unwrap();
        unstarted.greenlet().start_kill();
        group.start(unstarted);
        group.spawn(|| 7).start_kill();
        group.join();
        assert!(group.is_empty());
    });
}

#[test]
fn those_who_take_links_back_do_not_take_back_the_groups() {
    bounded(|| {
        let pool = Pool::new(1);
        let greenlet = pool.spawn(|| ());
        assert!(!greenlet.has_links());
        greenlet.unlink_all();
        // A number of another greenlet's link means nothing here.
        greenlet.unlink(spawn(|| ()).link(|_| ()));
        greenlet.wait();
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

#[test]
fn members_of_a_dropped_group_run_on() {
    bounded(|| {
        let pool = Pool::new(1);
        let greenlet = pool.spawn(|| {
            sleep(millis(2));
            7
        });
        drop(pool);
        assert_eq!(greenlet.join().unwrap(), 7);
        assert_nothing_left();
    });
}

#[test]
fn a_thousand_members_come_and_go() {
    bounded(|| {
        let group = Group::new();
        for n in 0..1000 {
            group.spawn(move || sleep(millis(n % 7)));
        }
        assert_eq!(group.len(), 1000);
        settle();
        group.join();
        assert_eq!(group.len(), 0);
        assert_nothing_left();
    });
}
