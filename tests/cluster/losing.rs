//! A hub whose thread ends by a panic.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenhub::cluster::{Builder, ClusterStats, SpawnErrorKind, this_hub};
use greenhub::{Hub, JoinError, sleep, spawn};

use crate::support::{Drops, bounded, child, cluster, millis, until};

/// Has main of the current hub unwind from its wait.
fn end_main() {
    Hub::current().run_callback(|| greenhub::current().start_kill_with("main has ended"));
}

fn gone(stats: &ClusterStats) -> Vec<bool> {
    stats.hubs.iter().map(|hub| hub.is_gone).collect()
}

#[test]
fn what_a_hub_that_dies_has_not_done_is_lost_and_the_others_go_on() {
    bounded(|| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let cluster = Builder::new(2)
            .name("mortal")
            .on_start(move |_| {
                let sink = Arc::clone(&sink);
                Hub::current().set_error_hook(move |unhandled| {
                    let told = format!("{}: {}", unhandled.origin, unhandled.message().unwrap());
                    sink.lock().unwrap().push(told);
                });
            })
            .build()
            .unwrap();
        let drops = Drops::default();
        let value = drops.value();
        let running = cluster
            .spawn_on(0, move || {
                let _value = value;
                sleep(Duration::MAX);
            })
            .unwrap();
        until(|| cluster.stats().hubs[0].running == 1);
        // The greenlet that waits in its own hub is not forgotten either.
        let own = running.clone();
        let waiting = cluster.spawn_on(1, move || own.join()).unwrap();
        let ending = cluster.spawn_on(0, end_main).unwrap();
        ending.join().unwrap();
        assert!(matches!(running.join(), Err(JoinError::Lost)));
        assert!(matches!(waiting.join().unwrap(), Err(JoinError::Lost)));
        until(|| gone(&cluster.stats()) == [true, false]);
        assert_eq!(cluster.spawn_on(0, || ()).unwrap_err().kind, SpawnErrorKind::Lost);
        assert!(matches!(cluster.run_on_each(|| ()), Err(JoinError::Lost)));
        for _ in 0..100 {
            assert_eq!(cluster.spawn(this_hub).unwrap().join().unwrap(), Some(1));
            assert_eq!(cluster.spawn_least_busy(this_hub).unwrap().join().unwrap(), Some(1));
        }
        cluster.shutdown(millis(10_000)).unwrap();
        assert_eq!(drops.count(), 1, "its greenlets unwind");
        assert_eq!(*told.lock().unwrap(), ["hub 0 of cluster 'mortal': main has ended"]);
    });
}

#[test]
fn what_waits_for_a_hub_that_dies_is_lost_and_what_waits_for_any_is_not() {
    bounded(|| {
        let cluster = cluster(2);
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = std::sync::mpsc::channel();
        // Both hubs are held, so that all that comes has to wait.
        let other = cluster.spawn_on(1, move || wait.recv().unwrap()).unwrap();
        let (die, death) = std::sync::mpsc::channel::<()>();
        let dying = cluster
            .spawn_on(0, move || {
                Hub::current().set_error_hook(|_| ());
                begun.send(()).unwrap();
                death.recv().unwrap();
                end_main();
            })
            .unwrap();
        has_begun.recv().unwrap();
        let own = cluster.spawn_on(0, || ()).unwrap();
        let any: Vec<_> = (0..10).map(|_| cluster.spawn(this_hub).unwrap()).collect();
        die.send(()).unwrap();
        dying.join().unwrap();
        // The callback comes before main is asked to take anything, or just after one more.
        assert!(matches!(own.join(), Err(JoinError::Lost) | Ok(())));
        until(|| cluster.stats().hubs[0].is_gone);
        go.send(()).unwrap();
        other.join().unwrap();
        for join in any {
            assert!(matches!(join.join(), Ok(_) | Err(JoinError::Lost)));
        }
        assert_eq!(cluster.spawn(this_hub).unwrap().join().unwrap(), Some(1));
    });
}

#[test]
fn a_cluster_whose_hubs_are_all_dead_refuses_and_nobody_hangs() {
    bounded(|| {
        let cluster = cluster(1);
        cluster
            .spawn(|| {
                Hub::current().set_error_hook(|_| ());
                end_main();
            })
            .unwrap();
        let joins: Vec<_> = (0..100).map_while(|_| cluster.spawn(|| ()).ok()).collect();
        for join in joins {
            assert!(matches!(join.join(), Ok(()) | Err(JoinError::Lost)));
        }
        until(|| cluster.stats().hubs[0].is_gone);
        let error = cluster.spawn(|| 7).unwrap_err();
        assert_eq!((error.kind, (error.body)()), (SpawnErrorKind::Lost, 7));
        cluster.shutdown(millis(10_000)).unwrap();
    });
}

#[test]
fn a_start_hook_that_panics_is_the_end_of_its_hub() {
    bounded(|| {
        let cluster = Builder::new(2)
            .on_start(|hub| {
                Hub::current().set_error_hook(|_| ());
                assert!(hub != 0, "hub 0 cannot start");
            })
            .build()
            .unwrap();
        until(|| gone(&cluster.stats()) == [true, false]);
        assert_eq!(cluster.spawn(this_hub).unwrap().join().unwrap(), Some(1));
    });
}

#[test]
fn a_panic_that_a_callback_does_not_catch_is_told_and_the_hub_goes_on() {
    thread_local!(static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
    bounded(|| {
        let cluster = cluster(1);
        let told = cluster.spawn(|| {
            Hub::current().set_error_hook(|unhandled| {
                TOLD.with_borrow_mut(|told| told.push(unhandled.message().unwrap().to_owned()));
            });
            Hub::current().run_callback(|| panic!("a callback"));
            drop(spawn(|| panic!("a child")));
            sleep(millis(2));
            TOLD.take()
        });
        assert_eq!(told.unwrap().join().unwrap(), ["a callback", "a child"]);
        assert_eq!(gone(&cluster.stats()), [false]);
    });
}

#[test]
fn without_a_hook_standard_error_is_told_once() {
    let told = child("losing::without_a_hook_standard_error_is_told_once", || {
        let cluster = cluster(2);
        cluster.spawn_on(1, end_main).unwrap().join().unwrap();
        until(|| cluster.stats().hubs[1].is_gone);
    });
    if let Some((output, text)) = told {
        let line = "greenhub: hub 1 of cluster 'cluster' panicked: main has ended";
        assert!(output.status.success() && text.matches(line).count() == 1, "{text}");
    }
}
