//! What wakes from other threads cost.

use std::sync::{Arc, mpsc};

use greenhub::cluster::Builder;
use greenhub::sync::Event;

use crate::support::{alone, bounded, cluster, millis, until};

/// How often each thread of a cluster has gone to sleep in the kernel, by its name.
fn sleeps() -> Vec<(String, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
        let name = field("Name:\t")?.to_owned();
        Some((name, field("voluntary_ctxt_switches:\t")?.to_owned()))
    });
    let mut own: Vec<_> = tasks.filter(|(name, _)| name.starts_with("silent-")).collect();
    own.sort();
    own
}

#[test]
fn a_cluster_that_has_nothing_to_do_sleeps() {
    alone("waking::a_cluster_that_has_nothing_to_do_sleeps", || {
        let cluster = Builder::new(3).name("silent").build().unwrap();
        cluster.run_on_each(|| ()).unwrap();
        // Until the hubs have looked a second time whether there is another thread.
        greenhub::sleep(millis(500));
        let before = sleeps();
        assert_eq!(before.len(), 3);
        greenhub::sleep(millis(500));
        assert_eq!(sleeps(), before);
    });
}

const MANY: usize = 10_000;

#[test]
fn a_hub_that_is_awake_is_not_written_to_however_much_comes() {
    bounded(|| {
        let cluster = cluster(1);
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        cluster
            .spawn(move || {
                begun.send(()).unwrap();
                wait.recv().unwrap();
            })
            .unwrap();
        has_begun.recv().unwrap();
        let before = cluster.stats().hubs[0].alarms;
        let joins: Vec<_> = (0..MANY).map(|_| cluster.spawn(|| ()).unwrap()).collect();
        assert_eq!(cluster.stats().hubs[0].alarms, before);
        go.send(()).unwrap();
        joins.iter().for_each(|join| join.join().unwrap());
    });
}

#[test]
fn many_wakes_of_a_hub_that_sleeps_are_one_write() {
    bounded(|| {
        let cluster = cluster(2);
        let events: Arc<Vec<Event>> = Arc::new((0..MANY).map(|_| Event::new()).collect());
        let joins: Vec<_> = (0..MANY)
            .map(|n| {
                let events = Arc::clone(&events);
                cluster.spawn_on(0, move || events[n].wait().unwrap()).unwrap()
            })
            .collect();
        // All have begun, and the hub has nothing to do but to wait.
        until(|| cluster.stats().hubs[0].queued == 0);
        cluster.spawn_on(0, || ()).unwrap().join().unwrap();
        greenhub::sleep(millis(50));
        let before = cluster.stats().hubs[0].alarms;
        // While it is held right after its waking, all others come in one batch.
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        cluster
            .spawn_on(0, move || {
                begun.send(()).unwrap();
                wait.recv().unwrap();
            })
            .unwrap();
        has_begun.recv().unwrap();
        let woken = cluster.stats().hubs[0].alarms;
        // None at all if the machine was so busy that the hub had not come to sleep.
        assert!(woken <= before + 1, "{before} and then {woken}");
        events.iter().for_each(Event::set);
        assert_eq!(cluster.stats().hubs[0].alarms, woken);
        go.send(()).unwrap();
        joins.iter().for_each(|join| join.join().unwrap());
    });
}
