//! What a cluster's builder sets.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::thread;

use greenhub::cluster::{Builder, this_hub};
use greenhub::{Cluster, Hub, sleep};

use crate::support::{alone, bounded, millis, open_descriptors, threads, until};

#[test]
fn a_cluster_has_at_least_one_hub_and_a_name_that_threads_can_have() {
    assert_eq!(Cluster::new(0).unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = Builder::new(1).name("a\0b").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(Cluster::new(3).unwrap().hubs(), 3);
}

#[test]
fn threads_are_called_by_the_cluster() {
    bounded(|| {
        let cluster = Builder::new(2).name("herd").build().unwrap();
        let names = cluster.run_on_each(|| thread::current().name().unwrap().to_owned());
        assert_eq!(names.unwrap(), ["herd-0", "herd-1"]);
    });
}

#[test]
fn the_start_hook_runs_first_in_each_thread_and_may_wait() {
    bounded(|| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let cluster = Builder::new(3)
            .on_start(move |hub| {
                sleep(millis(2));
                assert_eq!(this_hub(), Some(hub));
                sink.lock().unwrap().push(hub);
            })
            .build()
            .unwrap();
        cluster.run_on_each(|| ()).unwrap();
        let mut seen = seen.lock().unwrap().clone();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    });
}

#[test]
fn the_stack_size_is_that_of_each_hub() {
    bounded(|| {
        let cluster = Builder::new(2).stack_size(64 * 1024).build().unwrap();
        let sizes = cluster.run_on_each(|| Hub::current().stack_size()).unwrap();
        assert_eq!(sizes, [64 * 1024; 2]);
    });
}

#[test]
fn a_cluster_that_gets_no_descriptors_is_an_error_and_leaves_nothing() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let name = "settings::a_cluster_that_gets_no_descriptors_is_an_error_and_leaves_nothing";
    alone(name, || {
        let _hub = Hub::current();
        let before = (open_descriptors(), threads());
        let limit = getrlimit(Resource::Nofile);
        let few = Rlimit { current: Some(before.0 as u64 + 3), ..limit };
        setrlimit(Resource::Nofile, few).unwrap();
        let error = Cluster::new(20).unwrap_err();
        setrlimit(Resource::Nofile, limit).unwrap();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        until(|| (open_descriptors(), threads()) == before);
        assert_eq!(Cluster::new(2).unwrap().run_on_each(|| 7).unwrap(), [7, 7]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn pinned_threads_keep_to_one_processor_each() {
    use rustix::thread::{CpuSet, sched_getaffinity};
    fn allowed() -> Vec<usize> {
        let set = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect()
    }
    bounded(|| {
        let all = allowed();
        // One more than there are, so that the last goes round.
        let hubs = all.len() + 1;
        let cluster = Builder::new(hubs).pinned(true).build().unwrap();
        let own = cluster.run_on_each(allowed).unwrap();
        for (hub, own) in own.iter().enumerate() {
            assert_eq!(*own, [all[hub % all.len()]]);
        }
        assert_eq!(allowed(), all, "the builder's own thread is as it was");
        let cluster = Cluster::new(2).unwrap();
        assert!(cluster.run_on_each(allowed).unwrap().iter().all(|own| *own == all));
    });
}
