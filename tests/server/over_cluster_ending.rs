//! What a stop of a server over a cluster ends, and what it leaves; and the end of its cluster.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use greenhub::cluster::Builder;
use greenhub::monkey::net::TcpStream;
use greenhub::server::{ClusterServer, Sharing};
use greenhub::{Cluster, Hub, sleep, spawn, with_timeout, yield_now};

use crate::support::{
    Held, SECOND, alone, ask, assert_refused, assert_serves, bounded, cluster_of, echo, held,
    millis, serving, until,
};

/// What each hub of a cluster has, beside the descriptors and threads of the process.
fn held_by(cluster: &Cluster) -> (Held, usize, Vec<(usize, usize, usize)>) {
    let hubs = cluster.run_on_each(|| {
        let stats = Hub::current().stats();
        (stats.sources, stats.timers, stats.stacks_in_use)
    });
    let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
    (held(), threads, hubs.unwrap())
}

static READ: AtomicUsize = AtomicUsize::new(0);
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Answers requests of four bytes, each after a while, until it is over.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = [0; 4];
    while !IS_OVER.load(Ordering::SeqCst) {
        stream.read_exact(&mut request[..1])?;
        READ.fetch_add(1, Ordering::SeqCst);
        stream.read_exact(&mut request[1..])?;
        sleep(millis(1));
        stream.write_all(&request)?;
    }
    Ok(())
}

fn stop_under_load(cluster: &Cluster, sharing: Sharing) {
    READ.store(0, Ordering::SeqCst);
    IS_OVER.store(false, Ordering::SeqCst);
    let server = ClusterServer::bind(cluster, "127.0.0.1:0", |stream, _| answer(stream));
    let server = server.sharing(sharing);
    server.start().unwrap();
    let address = server.local_addr().unwrap();
    let client = |_| {
        spawn(move || {
            let mut answers = 0;
            let Ok(mut client) = TcpStream::connect(address) else { return 0 };
            while ask(&mut client, b"load").is_ok() {
                answers += 1;
            }
            answers
        })
    };
    let clients: Vec<_> = (0..200).map(client).collect();
    until(|| READ.load(Ordering::SeqCst) > 2000);
    // More keep coming while it stops.
    let late: Vec<_> = (0..50).map(client).collect();
    IS_OVER.store(true, Ordering::SeqCst);
    server.stop(SECOND * 30).unwrap();
    assert_refused(address);
    let answers = clients.iter().chain(&late).map(|client| client.join().unwrap()).sum::<usize>();
    assert_eq!(answers, READ.load(Ordering::SeqCst), "all that was read is answered");
    assert!(server.stats().iter().all(|hub| hub.live == 0), "{:?}", server.stats());
}

#[test]
fn a_stop_under_load_answers_what_was_read_and_leaves_nothing() {
    alone(
        "over_cluster_ending::a_stop_under_load_answers_what_was_read_and_leaves_nothing",
        || {
            let cluster = cluster_of(2);
            // What is made once is made before the count.
            stop_under_load(&cluster, Sharing::Dealt);
            sleep(millis(20));
            let before = held_by(&cluster);
            for sharing in [Sharing::Dealt, Sharing::ReusePort, Sharing::Dealt] {
                stop_under_load(&cluster, sharing);
            }
            sleep(millis(20));
            assert_eq!(held_by(&cluster), before);
        },
    );
}

#[test]
fn after_the_limit_handlers_on_all_hubs_are_killed() {
    bounded(|| {
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let cluster = cluster_of(2);
            let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
            let server = server.sharing(sharing);
            server.start().unwrap();
            let address = server.local_addr().unwrap();
            let mut clients: Vec<_> =
                (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
            for client in &mut clients {
                assert_eq!(ask(client, b"a").unwrap(), b"a");
            }
            let begin = Instant::now();
            server.stop(millis(30)).unwrap();
            assert!(begin.elapsed() >= millis(30), "they do not end by themselves");
            assert!(server.stats().iter().all(|hub| hub.live == 0));
            for mut client in clients {
                assert!(matches!(client.read(&mut [0; 4]), Ok(0) | Err(_)));
            }
            assert_refused(address);
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn a_second_stop_over_a_cluster_may_be_harder() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let mut clients: Vec<_> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
        clients.iter_mut().for_each(|client| drop(ask(client, b"a").unwrap()));
        let stopping = server.clone();
        let patient = spawn(move || stopping.stop(Duration::MAX));
        until(|| !server.is_started());
        until(|| TcpStream::connect(address).is_err());
        for client in &mut clients {
            assert_eq!(ask(client, b"b").unwrap(), b"b", "it goes on meanwhile");
        }
        server.stop(Duration::ZERO).unwrap();
        for mut client in clients {
            assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        }
        patient.join().unwrap().unwrap();
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_server_over_a_cluster_that_was_never_started_can_be_stopped() {
    bounded(|| {
        let cluster = cluster_of(1);
        let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |_, _| ());
        server.stop_accepting();
        assert_eq!(server.start_accepting().unwrap_err().kind(), io::ErrorKind::NotConnected);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn one_that_catches_what_ends_it_on_a_hub_is_told() {
    bounded(|| {
        static RELEASED: AtomicBool = AtomicBool::new(false);
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |_, _| {
            while !RELEASED.load(Ordering::SeqCst) {
                let _ = catch_unwind(AssertUnwindSafe(|| sleep(millis(10))));
            }
        });
        let _clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        until(|| server.stats().iter().map(|hub| hub.live).sum::<usize>() == 3);
        assert_eq!(server.stop(Duration::ZERO).unwrap_err().count, 3);
        RELEASED.store(true, Ordering::SeqCst);
        until(|| server.stats().iter().all(|hub| hub.live == 0));
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_hub_that_computes_is_told_of_by_a_stop_and_stops_later() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let mut clients: Vec<_> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
        clients.iter_mut().for_each(|client| drop(ask(client, b"a").unwrap()));
        let release = Arc::new(AtomicBool::new(false));
        let released = Arc::clone(&release);
        let deaf = cluster.spawn_on(0, move || {
            while !released.load(Ordering::SeqCst) {
                std::thread::sleep(millis(1));
            }
        });
        until(|| cluster.stats().hubs[0].queued == 0);
        assert_eq!(server.stop(Duration::ZERO).unwrap_err().count, 1);
        assert_refused(address);
        release.store(true, Ordering::SeqCst);
        deaf.unwrap().join().unwrap();
        server.stop(SECOND).unwrap();
        for mut client in clients {
            assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        }
    });
}

#[test]
fn a_handler_on_a_hub_may_stop_its_server() {
    bounded(|| {
        let cluster = cluster_of(2);
        let own: Arc<OnceLock<ClusterServer>> = Arc::default();
        let found = Arc::clone(&own);
        let (server, address) = serving(&cluster, move |mut stream: TcpStream, _| {
            let mut order = [0];
            stream.read_exact(&mut order)?;
            found.get().unwrap().stop(millis(10)).unwrap();
            stream.write_all(b"stopped")
        });
        assert!(own.set(server.clone()).is_ok());
        let mut others: Vec<_> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"!").unwrap();
        // It may have stopped by now, and is not to start anew.
        until(|| !server.is_started());
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "stopped", "it goes on itself");
        for other in &mut others {
            assert_eq!(other.read(&mut [0; 4]).unwrap(), 0, "the others do not");
        }
        assert_refused(address);
    });
}

#[test]
fn handlers_on_all_hubs_that_stop_their_server_do_not_wait_for_each_other() {
    bounded(|| {
        let cluster = cluster_of(2);
        let own: Arc<OnceLock<ClusterServer>> = Arc::default();
        let found = Arc::clone(&own);
        let (server, address) = serving(&cluster, move |mut stream: TcpStream, _| {
            let mut order = [0];
            stream.read_exact(&mut order)?;
            found.get().unwrap().stop(Duration::MAX).unwrap();
            stream.write_all(b"stopped")
        });
        assert!(own.set(server.clone()).is_ok());
        let mut clients: Vec<_> = (0..6).map(|_| TcpStream::connect(address).unwrap()).collect();
        until(|| server.stats().iter().map(|hub| hub.live).sum::<usize>() == 6);
        // Some come when the stop of the first has long begun to wait for them.
        let (early, late) = clients.split_at_mut(3);
        early.iter_mut().for_each(|client| client.write_all(b"!").unwrap());
        until(|| !server.is_started());
        sleep(millis(20));
        late.iter_mut().for_each(|client| client.write_all(b"!").unwrap());
        for client in &mut clients {
            let mut said = String::new();
            client.read_to_string(&mut said).unwrap();
            assert_eq!(said, "stopped");
        }
        server.stop(Duration::MAX).unwrap();
    });
}

#[test]
fn a_handler_on_a_hub_that_was_unwound_out_of_its_stop_is_ended_by_a_harder_one() {
    bounded(|| {
        let cluster = cluster_of(1);
        let own: Arc<OnceLock<ClusterServer>> = Arc::default();
        let found = Arc::clone(&own);
        let (server, address) = serving(&cluster, move |mut stream: TcpStream, _| {
            let mut order = [0];
            stream.read_exact(&mut order)?;
            if order == *b"!" {
                let stop = || found.get().unwrap().stop(Duration::MAX);
                assert!(with_timeout(millis(20), stop).is_err(), "it waits for the others");
            }
            stream.write_all(&order)?;
            echo(stream)
        });
        assert!(own.set(server.clone()).is_ok());
        let mut other = TcpStream::connect(address).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut other, b"a").unwrap(), b"a");
        assert_eq!(ask(&mut client, b"!").unwrap(), b"!");
        assert_eq!(ask(&mut client, b"b").unwrap(), b"b", "it goes on");
        server.stop(Duration::ZERO).unwrap();
        assert_eq!(server.stats()[0].live, 0);
        for mut client in [client, other] {
            assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        }
    });
}

#[test]
fn pauses_over_a_cluster_lose_no_client() {
    bounded(|| {
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let cluster = cluster_of(2);
            let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
            let server = server.sharing(sharing);
            server.start().unwrap();
            let address = server.local_addr().unwrap();
            server.stop_accepting();
            server.stop_accepting();
            assert!(server.is_started() && !server.is_accepting());
            let mut early = TcpStream::connect(address).unwrap();
            early.write_all(b"early").unwrap();
            sleep(millis(20));
            assert_eq!(server.stats().iter().map(|hub| hub.taken).sum::<u64>(), 0);
            server.start_accepting().unwrap();
            assert!(server.is_accepting());
            let mut answer = [0; 5];
            early.read_exact(&mut answer).unwrap();

            let flipping = server.clone();
            let flipper = spawn(move || {
                for round in 0u64.. {
                    flipping.stop_accepting();
                    sleep(Duration::from_micros(round % 7 * 50));
                    flipping.start_accepting().unwrap();
                    sleep(Duration::from_micros(round % 5 * 50));
                }
            });
            let client = |n: u64| {
                spawn(move || {
                    sleep(Duration::from_micros(n * 100));
                    let mut client = TcpStream::connect(address).unwrap();
                    ask(&mut client, b"hello").unwrap()
                })
            };
            let clients: Vec<_> = (0..300).map(client).collect();
            for client in clients {
                assert_eq!(client.join().unwrap(), b"hello");
            }
            flipper.kill();
            drop(early);
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn whoever_serves_over_a_cluster_and_is_ended_stops_the_server() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        assert!(with_timeout(millis(10), || server.serve_forever()).is_err());
        assert!(!server.is_started());
        until(|| server.stats().iter().all(|hub| hub.is_gone));
        assert_refused(address);

        server.start().unwrap();
        let address = server.local_addr().unwrap();
        let own = server.clone();
        let forever = spawn(move || own.serve_forever());
        yield_now();
        assert_serves(address);
        forever.kill();
        until(|| server.stats().iter().all(|hub| hub.is_gone));
        assert_refused(address);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_stop_over_a_cluster_that_is_ended_itself_ends_it_all_the_same() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        assert!(with_timeout(millis(10), || server.stop(millis(200))).is_err());
        until(|| TcpStream::connect(address).is_err());
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        server.stop(SECOND).unwrap();
    });
}

/// Stops its server when it is dropped.
struct StopAtEnd(ClusterServer);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        // While it unwinds, nobody waits for the handlers.
        let _ = self.0.stop(millis(10));
    }
}

#[test]
fn a_stop_over_a_cluster_by_one_who_unwinds_ends_everything_a_little_later() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let stopping = StopAtEnd(server.clone());
        let sleeper = spawn(move || {
            let _stopping = stopping;
            sleep(Duration::MAX);
        });
        yield_now();
        sleeper.kill();
        assert!(!server.is_started());
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        until(|| server.stats().iter().all(|hub| hub.is_gone));
        assert_refused(address);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn the_end_of_the_cluster_is_the_end_of_its_server() {
    let name = "over_cluster_ending::the_end_of_the_cluster_is_the_end_of_its_server";
    alone(name, || {
        for sharing in [Sharing::Dealt, Sharing::Dealt, Sharing::ReusePort] {
            let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
            let before = threads();
            let cluster = cluster_of(2);
            let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
            let server = server.sharing(sharing);
            server.start().unwrap();
            let address = server.local_addr().unwrap();
            let own = server.clone();
            let forever = spawn(move || own.serve_forever());
            let mut clients: Vec<_> =
                (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
            clients.iter_mut().for_each(|client| drop(ask(client, b"a").unwrap()));
            cluster.shutdown(millis(30)).unwrap();
            let error = forever.join().unwrap().unwrap_err();
            assert!(error.to_string().contains("ended") || error.to_string().contains("killed"));
            assert!(!server.is_started());
            for mut client in clients {
                assert!(matches!(client.read(&mut [0; 4]), Ok(0) | Err(_)));
            }
            assert_refused(address);
            server.stop(SECOND).unwrap();
            until(|| threads() == before);
        }
    });
}

#[test]
fn a_cluster_that_ends_under_load_leaves_no_client_without_an_end() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let client = |_| {
            spawn(move || {
                // Each is answered, closed or refused: nobody waits for ever.
                while let Ok(mut client) = TcpStream::connect(address) {
                    if ask(&mut client, b"load").is_err() {
                        return;
                    }
                }
            })
        };
        let clients: Vec<_> = (0..50).map(client).collect();
        until(|| server.stats().iter().map(|hub| hub.taken).sum::<u64>() > 500);
        cluster.shutdown(Duration::ZERO).unwrap();
        clients.iter().for_each(|client| client.join().unwrap());
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_hub_that_is_lost_leaves_its_connections_to_the_others() {
    bounded(|| {
        let cluster = Builder::new(2)
            .on_start(|hub| {
                if hub == 0 {
                    // As a panic, without a message on standard error.
                    Hub::current().set_error_hook(|_| ());
                    sleep(millis(50));
                    std::panic::resume_unwind(Box::new("no luck"));
                }
            })
            .build()
            .unwrap();
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let mut clients: Vec<_> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
        for client in &mut clients {
            assert_eq!(ask(client, b"hello").unwrap(), b"hello");
        }
        until(|| server.stats()[0].is_gone);
        assert_serves(address);
        assert_eq!(server.stats()[1].taken, 11, "{:?}", server.stats());
        drop(clients);
        server.stop(SECOND).unwrap();
    });
}
