//! A server whose connections are served on all hubs of a cluster.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use greenhub::cluster::this_hub;
use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::monkey::os::unix::net::{UnixListener, UnixStream};
use greenhub::server::{ClusterServer, Sharing, with_handshake};
use greenhub::{Cluster, sleep, spawn};

use crate::support::{
    SECOND, Scratch, ask, assert_refused, assert_serves, bounded, cluster_of, echo, millis,
    serving, until,
};

/// Clients that have been answered once, and stay.
fn clients(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let answered = |_| {
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
        client
    };
    (0..count).map(answered).collect()
}

fn live(server: &ClusterServer) -> Vec<usize> {
    server.stats().iter().map(|hub| hub.live).collect()
}

fn taken(server: &ClusterServer) -> Vec<u64> {
    server.stats().iter().map(|hub| hub.taken).collect()
}

#[test]
fn connections_that_stay_are_shared_evenly_also_when_they_are_few() {
    bounded(|| {
        for count in [2, 16, 64] {
            let cluster = cluster_of(2);
            let (server, address) = serving(&cluster, |stream, _| echo(stream));
            let clients = clients(address, count);
            let live = live(&server);
            assert_eq!(live.iter().sum::<usize>(), count, "{live:?}");
            assert!(live.iter().all(|live| live * 100 <= count * 60), "{live:?}");
            drop(clients);
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn connections_that_come_at_once_are_shared_evenly() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let connect = |_| spawn(move || TcpStream::connect(address).unwrap());
        let clients: Vec<_> = (0..64).map(connect).collect::<Vec<_>>();
        let mut clients: Vec<_> = clients.iter().map(|client| client.join().unwrap()).collect();
        for client in &mut clients {
            assert_eq!(ask(client, b"hello").unwrap(), b"hello");
        }
        let live = live(&server);
        assert!(live.iter().all(|live| live * 100 <= 64 * 60), "{live:?}");
        server.stop(Duration::ZERO).unwrap();
    });
}

#[test]
fn short_connections_are_shared_as_well() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        for _ in 0..40 {
            assert_serves(address);
            // A hub that has not seen yet that its client is gone would not get the next.
            until(|| live(&server) == [0, 0]);
        }
        assert_eq!(taken(&server), [20, 20]);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn when_clients_go_the_hub_that_has_fewer_gets_the_next() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |mut stream: TcpStream, _| {
            stream.write_all(&[this_hub().map_or(9, |hub| hub as u8)])?;
            echo(stream)
        });
        let connect = || {
            let mut client = TcpStream::connect(address).unwrap();
            let mut hub = [0];
            client.read_exact(&mut hub).unwrap();
            (hub[0], client)
        };
        let all: Vec<_> = (0..20).map(|_| connect()).collect();
        // Of hub 1 alone: what comes next goes there.
        let (gone, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|(hub, _)| *hub == 1);
        let count = gone.len();
        drop(gone);
        until(|| live(&server)[1] == 0);
        let next: Vec<_> = (0..count).map(|_| connect()).collect();
        assert!(next.iter().all(|(hub, _)| *hub == 1), "{:?}", server.stats());
        drop((kept, next));
        server.stop(SECOND).unwrap();
    });
}

thread_local!(static SERVED: Cell<u64> = const { Cell::new(0) });

#[test]
fn handlers_have_the_thread_locals_of_their_hub_however_it_is_shared() {
    bounded(|| {
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let cluster = cluster_of(3);
            let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| {
                SERVED.set(SERVED.get() + 1);
                echo(stream)
            });
            let server = server.sharing(sharing);
            server.start().unwrap();
            let clients = clients(server.local_addr().unwrap(), 100);
            assert_eq!(live(&server).iter().sum::<usize>(), 100);
            let served = cluster.run_on_each(|| SERVED.get()).unwrap();
            assert_eq!(served, taken(&server), "{sharing:?}");
            assert!(served.iter().all(|served| *served > 0), "{sharing:?}: {served:?}");
            drop(clients);
            until(|| live(&server).iter().sum::<usize>() == 0);
            server.stop(SECOND).unwrap();
            assert!(server.stats().iter().all(|hub| hub.is_gone));
        }
    });
}

#[test]
fn a_unix_server_answers_on_all_hubs() {
    bounded(|| {
        let (scratch, cluster) = (Scratch::new(), cluster_of(2));
        let server = ClusterServer::bind_unix(&cluster, scratch.path(), |stream, _| echo(stream));
        server.start().unwrap();
        let mut clients: Vec<_> =
            (0..16).map(|_| UnixStream::connect(scratch.path()).unwrap()).collect();
        for client in &mut clients {
            assert_eq!(ask(client, b"hello").unwrap(), b"hello");
        }
        assert!(server.stats().iter().all(|hub| hub.live <= 9), "{:?}", server.stats());
        assert_eq!(server.local_addr().unwrap().as_pathname(), Some(scratch.path()));
        drop(clients);
        server.stop(SECOND).unwrap();
        assert!(UnixStream::connect(scratch.path()).is_err());
    });
}

#[test]
fn a_listener_that_was_given_has_its_first_clients_before_the_start() {
    bounded(|| {
        let cluster = cluster_of(2);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = ClusterServer::new(&cluster, listener, |stream: TcpStream, _| echo(stream));
        let address = server.local_addr().unwrap();
        let mut early = TcpStream::connect(address).unwrap();
        assert!(!server.is_started() && !server.is_accepting());
        server.start().unwrap();
        assert!(server.is_started() && server.is_accepting());
        assert_eq!(ask(&mut early, b"early").unwrap(), b"early");
        drop(early);
        server.stop(SECOND).unwrap();
        assert_eq!(server.start().unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert!(server.local_addr().is_err());
    });
}

#[test]
fn settings_that_cannot_be_are_refused() {
    bounded(|| {
        let cluster = cluster_of(1);
        let bound = || ClusterServer::bind(&cluster, "127.0.0.1:0", |_, _| ());
        let given =
            || ClusterServer::new(&cluster, TcpListener::bind("127.0.0.1:0").unwrap(), |_, _| ());
        let scratch = Scratch::new();
        let unix: ClusterServer<UnixListener> =
            ClusterServer::bind_unix(&cluster, scratch.path(), |_, _| ());
        let refused = [
            bound().connections_per_hub(0).start(),
            bound().idle_limit(Duration::ZERO).start(),
            bound().back_off(SECOND, millis(1)).start(),
            given().backlog(7).start(),
            given().sharing(Sharing::ReusePort).start(),
            unix.sharing(Sharing::ReusePort).start(),
        ];
        for (number, refused) in refused.into_iter().enumerate() {
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{number}");
        }
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let server = bound().sharing(sharing).backlog(7);
            server.start().unwrap();
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn a_hub_that_computes_leaves_new_connections_to_the_others() {
    bounded(|| {
        let cluster = cluster_of(2);
        let (server, address) = serving(&cluster, |stream, _| echo(stream));
        let kept = clients(address, 4);
        let (begun, go_on) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (has_begun, may_go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        let deaf = cluster.spawn_on(0, move || {
            has_begun.store(true, Ordering::SeqCst);
            while !may_go_on.load(Ordering::SeqCst) {
                std::thread::sleep(millis(1));
            }
        });
        until(|| begun.load(Ordering::SeqCst));
        let others = clients(address, 12);
        assert_eq!(live(&server), [2, 14]);
        go_on.store(true, Ordering::SeqCst);
        deaf.unwrap().join().unwrap();
        // It counts again when it has come round.
        cluster.spawn_on(0, || sleep(millis(1))).unwrap().join().unwrap();
        let more = clients(address, 8);
        until(|| live(&server).iter().sum::<usize>() == 24);
        let live = live(&server);
        assert!(live[0] >= 8, "{live:?}");
        drop((kept, others, more));
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn no_hub_gets_more_than_its_cap_because_another_computes() {
    bounded(|| {
        let cluster = cluster_of(2);
        let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
        let server = server.connections_per_hub(4);
        server.start().unwrap();
        let address = server.local_addr().unwrap();
        let go_on = Arc::new(AtomicBool::new(false));
        let may_go_on = Arc::clone(&go_on);
        let deaf = cluster.spawn_on(0, move || {
            while !may_go_on.load(Ordering::SeqCst) {
                std::thread::sleep(millis(1));
            }
        });
        until(|| cluster.stats().hubs[0].queued == 0);
        let mut first = clients(address, 4);
        let mut late: Vec<_> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
        late.iter_mut().for_each(|client| client.write_all(b"late!").unwrap());
        // Longer than a hub is waited for.
        sleep(millis(300));
        assert_eq!(live(&server), [4, 4], "what waits for the deaf one counts");
        first.truncate(2);
        let mut answered = 0;
        while answered < 2 {
            for client in &mut late {
                client.set_read_timeout(Some(millis(5))).unwrap();
                answered += usize::from(client.read_exact(&mut [0; 5]).is_ok());
            }
        }
        assert!(live(&server).iter().all(|live| *live <= 4), "{:?}", server.stats());
        go_on.store(true, Ordering::SeqCst);
        deaf.unwrap().join().unwrap();
        drop((first, late));
        drop(clients(address, 8));
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn while_all_hubs_are_full_clients_wait_in_the_kernel() {
    bounded(|| {
        for (hubs, sharing) in [(2, Sharing::Dealt), (1, Sharing::ReusePort)] {
            let cluster = cluster_of(hubs);
            let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
            let server = server.connections_per_hub(2).sharing(sharing);
            server.start().unwrap();
            let address = server.local_addr().unwrap();
            let mut first = clients(address, hubs * 2);
            assert_eq!(live(&server), vec![2; hubs]);
            let mut late: Vec<_> = (0..6).map(|_| TcpStream::connect(address).unwrap()).collect();
            for client in &mut late {
                client.write_all(b"late").unwrap();
                client.set_read_timeout(Some(millis(20))).unwrap();
            }
            let error = late[0].read(&mut [0; 4]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            assert_eq!(taken(&server), vec![2; hubs]);
            for mut client in late {
                drop(first.pop());
                client.set_read_timeout(None).unwrap();
                let mut answer = [0; 4];
                client.read_exact(&mut answer).unwrap();
                assert_eq!(&answer, b"late");
                first.insert(0, client);
                assert!(live(&server).iter().all(|live| *live <= 2));
            }
            drop(first);
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn a_handshake_comes_before_a_handler_of_a_cluster_too() {
    bounded(|| {
        let cluster = cluster_of(2);
        let shake = |mut stream: TcpStream| -> io::Result<TcpStream> {
            let mut first = [0];
            stream.read_exact(&mut first)?;
            if &first == b"+" { Ok(stream) } else { Err(io::ErrorKind::InvalidData.into()) }
        };
        let handle = with_handshake(millis(200), shake, |stream, _| echo(stream));
        let (server, address) = serving(&cluster, handle);
        let mut slow = TcpStream::connect(address).unwrap();
        for _ in 0..4 {
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(b"+").unwrap();
            assert_eq!(ask(&mut client, b"in").unwrap(), b"in");
        }
        assert_eq!(slow.read(&mut [0; 4]).unwrap(), 0);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_connection_that_is_idle_is_ended_on_each_hub() {
    bounded(|| {
        let cluster = cluster_of(2);
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
            let server = server.idle_limit(millis(20)).sharing(sharing);
            server.start().unwrap();
            for mut client in clients(server.local_addr().unwrap(), 4) {
                assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
            }
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn it_may_be_used_from_plain_threads_and_started_again() {
    bounded(|| {
        let cluster = cluster_of(2);
        let count = Arc::new(AtomicUsize::new(0));
        let served = Arc::clone(&count);
        let server = ClusterServer::bind(&cluster, "127.0.0.1:0", move |stream, _| {
            served.fetch_add(1, Ordering::SeqCst);
            echo(stream)
        });
        for round in 1..=3 {
            let own = server.clone();
            let thread = std::thread::spawn(move || {
                let serving = own.clone();
                let forever = std::thread::spawn(move || serving.serve_forever());
                while !own.is_started() {
                    std::thread::yield_now();
                }
                own.start().unwrap();
                let mut client = std::net::TcpStream::connect(own.local_addr().unwrap()).unwrap();
                assert_eq!(ask(&mut client, b"hello").unwrap(), b"hello");
                drop(client);
                let address = own.local_addr().unwrap();
                own.stop(SECOND).unwrap();
                forever.join().unwrap().unwrap();
                address
            });
            assert_refused(thread.join().unwrap());
            assert_eq!(count.load(Ordering::SeqCst), round);
        }
    });
}

#[test]
fn a_cluster_that_was_shut_down_serves_nothing() {
    bounded(|| {
        let cluster = Cluster::new(2).unwrap();
        let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |_, _| ());
        cluster.shutdown(SECOND).unwrap();
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let error = server.clone().sharing(sharing).start().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotConnected);
            assert!(!server.is_started() && server.local_addr().is_err());
        }
        server.stop(SECOND).unwrap();
    });
}
