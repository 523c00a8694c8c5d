//! Values that a greenlet shares with its descendants.

use std::rc::Rc;

use greenhub::greenlet::SpawnTree;
use greenhub::{Builder, sleep, spawn, spawn_later, yield_now};

use crate::support::{Log, OnDrop, bounded, millis};

#[derive(Debug, PartialEq)]
struct Id(u32);

fn id() -> Option<u32> {
    SpawnTree::current().get::<Id>().map(|id| id.0)
}

#[test]
fn descendants_share_a_tree_and_siblings_that_main_spawned_do_not() {
    bounded(|| {
        let roots = [1, 2].map(|n| {
            spawn(move || {
                let tree = SpawnTree::current();
                assert_eq!(tree.get::<Id>(), None);
                tree.set(Id(n));
                yield_now();
                let child = spawn(|| {
                    let grandchild = spawn(|| (id(), SpawnTree::current()));
                    (id(), grandchild.join().unwrap())
                });
                let (child_id, (grandchild_id, grandchild_tree)) = child.join().unwrap();
                assert_eq!((child_id, grandchild_id), (Some(n), Some(n)));
                assert_eq!(grandchild_tree, tree);
                tree
            })
        });
        let [first, second] = roots.map(|root| root.join().unwrap());
        assert_ne!(first, second);
        assert_ne!(first, SpawnTree::current());
    });
}

#[test]
fn what_a_descendant_sets_is_seen_by_all() {
    bounded(|| {
        let root = spawn(|| {
            let tree = SpawnTree::current();
            let brother = spawn(|| {
                sleep(millis(5));
                id()
            });
            spawn(|| drop(SpawnTree::current().set(Id(7)))).wait();
            assert_eq!(id(), Some(7));
            assert_eq!(tree.remove::<Id>().as_deref(), Some(&Id(7)));
            assert_eq!(id(), None);
            spawn(|| drop(SpawnTree::current().set(Id(8)))).wait();
            brother.join().unwrap()
        });
        assert_eq!(root.join().unwrap(), Some(8));
    });
}

#[test]
fn mains_tree_is_not_handed_on() {
    bounded(|| {
        SpawnTree::current().set(Id(1));
        assert_eq!(id(), Some(1));
        assert_eq!(spawn(id).join().unwrap(), None);
        assert_eq!(spawn(|| spawn(id).join().unwrap()).join().unwrap(), None);
    });
}

#[test]
fn there_is_one_value_of_each_type() {
    bounded(|| {
        let tree = SpawnTree::current();
        assert_eq!(tree.set(1u8), None);
        assert_eq!(tree.set("text"), None);
        assert_eq!(tree.set(2u8).as_deref(), Some(&1));
        assert_eq!(tree.get::<u8>().as_deref(), Some(&2));
        assert_eq!(*tree.get_or_insert_with(|| 9u8), 2);
        assert_eq!(*tree.get_or_insert_with(|| 9u16), 9);
        let nested = tree.get_or_insert_with(|| {
            SpawnTree::current().set(3u32);
            4u32
        });
        assert_eq!(*nested, 3, "the first to be there stays");
        assert_eq!(tree.remove::<u64>(), None);
        assert_eq!(format!("{tree:?}"), "SpawnTree { values: 4 }");
    });
}

#[test]
fn a_tree_outlives_its_root_and_its_values_end_with_the_last() {
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        let child = spawn(move || {
            SpawnTree::current().set(own.on_drop("dropped"));
            spawn(|| {
                sleep(millis(5));
                SpawnTree::current().get::<OnDrop>().is_some()
            })
        });
        let grandchild = child.join().unwrap();
        assert!(log.take().is_empty());
        assert!(grandchild.join().unwrap());
        assert_eq!(log.take(), ["dropped"]);
    });
}

#[test]
fn a_tree_that_was_not_asked_for_before_the_spawn_is_another() {
    bounded(|| {
        let (before, after) = spawn(|| {
            let before = spawn(|| {
                yield_now();
                id()
            });
            SpawnTree::current().set(Id(1));
            (before.join().unwrap(), spawn(id).join().unwrap())
        })
        .join()
        .unwrap();
        assert_eq!((before, after), (None, Some(1)));
    });
}

#[test]
fn greenlets_with_a_delay_and_those_that_are_made_first_are_in_the_tree() {
    bounded(|| {
        let root = spawn(|| {
            SpawnTree::current().set(Id(3));
            let made = Builder::new().create(id).unwrap();
            let later = spawn_later(millis(1), id);
            (made.start().join().unwrap(), later.join().unwrap())
        });
        assert_eq!(root.join().unwrap(), (Some(3), Some(3)));
    });
}

#[test]
fn a_value_may_use_the_tree_when_it_is_dropped() {
    struct Looks(Log);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.note(id().unwrap_or(0));
        }
    }
    bounded(|| {
        let log = Log::new();
        let own = log.clone();
        let root = spawn(move || {
            let tree = SpawnTree::current();
            tree.set(Id(5));
            tree.set(Rc::new(Looks(own.clone())));
            tree.set(Rc::new(Looks(own)));
        });
        root.wait();
        assert_eq!(log.take()[0], "5");
    });
}
