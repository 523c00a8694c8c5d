//! What parent and child do not share.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use greenhub::cluster::SpawnErrorKind;
use greenhub::debug::{NoTrace, Recorder, Survey, trace_of};
use greenhub::io::Cooperative;
use greenhub::monkey::net::TcpStream;
use greenhub::signal::{SIGUSR1, Signals, on_signal};
use greenhub::sync::Lock;
use greenhub::{
    Cluster, Hub, JoinError, ThreadPool, joinall, offload, sleep, spawn, spawn_later, yield_now,
};
use rustix::process::Signal;

use crate::support::{alone, brief, in_child};

fn pair() -> (TcpStream, TcpStream) {
    let listener = greenhub::monkey::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn a_dump_in_the_child_is_of_its_hub_alone_and_what_the_parent_records_is_the_parents() {
    struct Counts(Arc<AtomicU32>);
    impl Write for Counts {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let name =
        "apart::a_dump_in_the_child_is_of_its_hub_alone_and_what_the_parent_records_is_the_parents";
    alone(name, || {
        let (end, ends) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let other = std::thread::spawn(move || {
            let _hub = Hub::current();
            begun.send(()).unwrap();
            assert!(ends.recv().is_err());
        });
        begins.recv().unwrap();
        let sleeper = spawn(|| sleep(Duration::MAX));
        yield_now();
        let writes = Arc::new(AtomicU32::new(0));
        let recorder = Recorder::new(Counts(Arc::clone(&writes)));
        let recording = recorder.record().unwrap();
        yield_now();
        let own = Arc::clone(&writes);
        let child = in_child(|| {
            let dump = Survey::new().traces(true).take();
            assert_eq!(dump.hubs.len(), 1, "{dump}");
            assert_eq!(dump.here().unwrap().greenlets.len(), 1, "{dump}");
            assert_eq!(trace_of(&sleeper.any()).unwrap_err(), NoTrace::NotParked);
            (0..1000).for_each(|_| yield_now());
            recording.stop().unwrap();
            drop(recorder);
            assert_eq!(own.load(Ordering::Relaxed), 0);
        });
        child.succeeds();
        drop(end);
        other.join().unwrap();
        sleeper.kill();
    });
}

#[test]
fn the_parents_greenlets_do_not_run_in_the_child() {
    alone("apart::the_parents_greenlets_do_not_run_in_the_child", || {
        let ran = Rc::new(Cell::new(0));
        let counts = |ran: &Rc<Cell<u32>>| {
            let ran = Rc::clone(ran);
            move || ran.set(ran.get() + 1)
        };
        let (mut client, mut server) = pair();
        let (sleeps, reads, works) = (counts(&ran), counts(&ran), counts(&ran));
        let mut greenlets = vec![
            spawn(move || {
                sleep(Duration::from_millis(30));
                sleeps();
            }),
            spawn(move || {
                server.read_exact(&mut [0]).unwrap();
                reads();
            }),
            spawn(move || {
                offload(|| std::thread::sleep(Duration::from_millis(30)));
                works();
            }),
            spawn_later(Duration::from_millis(30), counts(&ran)),
        ];
        yield_now();
        greenlets.push(spawn(counts(&ran)));
        let child = in_child(|| {
            client.write_all(b"x").unwrap();
            let stats = Hub::current().stats();
            assert_eq!((stats.ready, stats.timers, stats.sources), (0, 0, 0));
            for _ in 0..100 {
                yield_now();
            }
            spawn(|| sleep(Duration::from_millis(60))).join().unwrap();
            assert_eq!(ran.get(), 0);
        });
        child.succeeds();
        joinall(&greenlets);
        assert_eq!(ran.get(), 5);
    });
}

#[test]
fn to_join_a_greenlet_of_the_parent_is_reported() {
    alone("apart::to_join_a_greenlet_of_the_parent_is_reported", || {
        let greenlet = spawn(|| sleep(Duration::from_millis(50)));
        brief();
        in_child(|| {
            assert!(matches!(
                greenlet.join_for(Duration::from_millis(100)),
                Err(JoinError::TimedOut)
            ));
            let joins = std::panic::AssertUnwindSafe(|| greenlet.join());
            let report = std::panic::catch_unwind(joins).unwrap_err();
            let report = report.downcast_ref::<String>().unwrap();
            let said = "waits in the process from which this one was forked";
            assert!(report.contains(said), "{report}");
        })
        .succeeds();
        greenlet.join().unwrap();
    });
}

#[test]
fn a_lock_is_not_granted_to_one_who_is_not_there() {
    alone("apart::a_lock_is_not_granted_to_one_who_is_not_there", || {
        let lock = Rc::new(Lock::new());
        lock.acquire().unwrap();
        let waits = Rc::clone(&lock);
        let waiter = spawn(move || waits.acquire());
        yield_now();
        in_child(|| {
            lock.release().unwrap();
            assert!(lock.try_acquire(), "nobody else has it");
        })
        .succeeds();
        lock.release().unwrap();
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn what_a_child_does_with_a_socket_does_not_end_the_parents_wait() {
    alone("apart::what_a_child_does_with_a_socket_does_not_end_the_parents_wait", || {
        let (mut client, server) = pair();
        // A clone: such sockets are taken out of the kernel's interest before they are closed.
        let (_clone, server) = (server.try_clone().unwrap(), Rc::new(server));
        let reads = Rc::clone(&server);
        let reader = spawn(move || {
            let mut said = [0; 5];
            (&*reads).read_exact(&mut said).map(|()| said)
        });
        brief();
        let child = in_child(|| {
            server.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            assert!((&*server).read(&mut [0]).is_err(), "it is a source here as well");
            let clone = Cooperative::new(server.try_clone().unwrap()).unwrap();
            clone.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            assert!(clone.wait_readable().is_err());
            drop(clone);
        });
        child.succeeds();
        client.write_all(b"hello").unwrap();
        assert_eq!(&reader.join().unwrap().unwrap(), b"hello");
    });
}

#[test]
fn a_hub_of_another_thread_is_not_disturbed() {
    alone("apart::a_hub_of_another_thread_is_not_disturbed", || {
        let (mut here, there) = UnixStream::pair().unwrap();
        let there = Arc::new(Cooperative::new(there).unwrap());
        let theirs = Arc::clone(&there);
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let reads = Arc::clone(&theirs);
            let reader =
                spawn(move || reads.read_with(|mut socket: &UnixStream| socket.read(&mut [0; 8])));
            brief();
            ready.send(()).unwrap();
            reader.join().unwrap()
        });
        is_ready.recv().unwrap();
        let child = in_child(|| {
            // It is a source of the other thread's hub, whose epoll is the parent's.
            there.close_with(|_| Ok(())).unwrap();
            spawn(brief).join().unwrap();
        });
        child.succeeds();
        here.write_all(b"hello").unwrap();
        assert_eq!(thread.join().unwrap().unwrap(), 5);
    });
}

#[test]
fn a_pool_that_is_busy_is_empty_in_the_child() {
    alone("apart::a_pool_that_is_busy_is_empty_in_the_child", || {
        static DONE: AtomicU32 = AtomicU32::new(0);
        let busy: Vec<_> = (0..40)
            .map(|_| {
                spawn(|| {
                    offload(|| {
                        std::thread::sleep(Duration::from_millis(20));
                        DONE.fetch_add(1, Ordering::SeqCst);
                    });
                })
            })
            .collect();
        yield_now();
        let before = DONE.load(Ordering::SeqCst);
        in_child(|| {
            assert_eq!(offload(|| 7), 7);
            sleep(Duration::from_millis(100));
            assert!(DONE.load(Ordering::SeqCst) <= before + 16, "what was queued is not done");
        })
        .succeeds();
        joinall(&busy);
        assert_eq!(DONE.load(Ordering::SeqCst), 40);
    });
}

#[test]
fn signals_of_the_child_are_not_the_parents() {
    alone("apart::signals_of_the_child_are_not_the_parents", || {
        let calls = Rc::new(Cell::new(0));
        let counts = Rc::clone(&calls);
        let _guard = on_signal(SIGUSR1, move || counts.set(counts.get() + 1)).unwrap();
        let ends = in_child(|| sleep(Duration::from_secs(10)));
        let own = Signals::new([SIGUSR1]).unwrap();
        let (mut told, tells) = UnixStream::pair().unwrap();
        let handles = in_child(|| {
            assert!(own.wait_for(Duration::ZERO).is_err());
            let fresh = Signals::new([SIGUSR1]).unwrap();
            (&tells).write_all(b"x").unwrap();
            assert_eq!(fresh.wait().unwrap(), SIGUSR1);
        });
        ends.send(Signal::USR1);
        assert_eq!(ends.end().terminating_signal(), Some(SIGUSR1), "as by default");
        told.read_exact(&mut [0]).unwrap();
        handles.send(Signal::USR1);
        handles.succeeds();
        brief();
        assert_eq!(calls.get(), 0);
        rustix::process::kill_process(rustix::process::getpid(), Signal::USR1).unwrap();
        while calls.get() == 0 {
            brief();
        }
    });
}

#[test]
fn a_child_leaks_no_descriptor_of_the_parents_hub() {
    alone("apart::a_child_leaks_no_descriptor_of_the_parents_hub", || {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let _hub = Hub::current();
        drop(Signals::new([SIGUSR1]).unwrap());
        let before = open();
        // The bell of the signals is taken down in the child.
        in_child(|| assert_eq!(open(), before - 2)).succeeds();
        assert_eq!(open(), before);
    });
}

#[test]
fn a_pool_of_the_programs_has_threads_of_its_own_in_the_child() {
    let name = "apart::a_pool_of_the_programs_has_threads_of_its_own_in_the_child";
    alone(name, || {
        let pool = ThreadPool::new(2);
        assert_eq!(pool.apply(|| 6 * 7), 42);
        in_child(|| {
            assert_eq!(pool.apply(|| 6 * 8), 48);
            assert_eq!(pool.spawn(|| 7).result().unwrap(), 7);
        })
        .succeeds();
        assert_eq!(pool.apply(|| 6 * 7), 42);
    });
}

#[test]
fn what_a_cluster_of_the_parents_has_not_done_is_lost_in_the_child() {
    struct OfTheParent(u32);
    impl Drop for OfTheParent {
        fn drop(&mut self) {
            assert_eq!(self.0, std::process::id(), "it is dropped in the child");
        }
    }
    alone("apart::what_a_cluster_of_the_parents_has_not_done_is_lost_in_the_child", || {
        let cluster = Cluster::new(1).unwrap();
        let ended = cluster.spawn(|| 7).unwrap();
        ended.wait().unwrap();
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let running = cluster
            .spawn(move || {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                8
            })
            .unwrap();
        has_begun.recv().unwrap();
        let own = OfTheParent(std::process::id());
        let queued = cluster.spawn(move || drop(own)).unwrap();
        // So that its thread and this one have come to rest.
        brief();
        let mut all = Some((cluster, running, queued));
        in_child(|| {
            let (cluster, running, queued) = all.take().unwrap();
            // Another that lives, so that nothing is reported.
            let other = Cluster::new(1).unwrap();
            assert_eq!(ended.join().unwrap(), 7);
            assert!(matches!(running.join(), Err(JoinError::Lost)));
            assert!(greenhub::wait([&queued], None, None).len() == 1);
            queued.kill().unwrap();
            assert!(matches!(queued.join(), Err(JoinError::Lost)));
            drop((cluster, running, queued));
            assert_eq!(other.spawn(|| 9).unwrap().join().unwrap(), 9);
        })
        .succeeds();
        let (cluster, running, queued) = all.take().unwrap();
        go.send(()).unwrap();
        assert_eq!(running.join().unwrap(), 8);
        queued.join().unwrap();
        drop(cluster);
    });
}

#[test]
fn a_cluster_stays_with_the_parent_and_takes_nothing_in_the_child() {
    alone("apart::a_cluster_stays_with_the_parent_and_takes_nothing_in_the_child", || {
        let cluster = Cluster::new(2).unwrap();
        assert_eq!(cluster.run_on_each(|| 7).unwrap(), [7, 7]);
        // So that its threads have come to rest.
        brief();
        let mut own = Some(cluster);
        in_child(|| {
            let cluster = own.take().unwrap();
            assert_eq!(cluster.spawn(|| ()).unwrap_err().kind, SpawnErrorKind::Lost);
            assert!(cluster.stats().hubs.iter().all(|hub| hub.is_gone));
            cluster.shutdown(Duration::from_secs(20)).unwrap();
            drop(cluster);
        })
        .succeeds();
        assert_eq!(own.unwrap().run_on_each(|| 7).unwrap(), [7, 7]);
    });
}
