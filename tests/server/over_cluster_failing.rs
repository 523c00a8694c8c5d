//! Handlers that panic on a hub of a cluster, and listeners that fail.

use std::cell::RefCell;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::panic;
use std::sync::{Arc, Mutex, OnceLock};

use greenhub::cluster::{Builder, this_hub};
use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::server::{ClusterServer, Sharing};
use greenhub::{AnyGreenlet, Hub, add_spawn_hook, killall, spawn};

use crate::support::{
    SECOND, ask, assert_refused, assert_serves, bounded, cluster_of, echo, serving, until,
};

/// What error hooks of the hubs were told: which hub, of whom, and what.
type Told = Arc<Mutex<Vec<(usize, String, String)>>>;

#[test]
fn a_handler_that_panics_is_told_to_the_hook_of_its_hub() {
    bounded(|| {
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let told = Told::default();
            let sink = Arc::clone(&told);
            let cluster = Builder::new(2)
                .on_start(move |hub| {
                    let sink = Arc::clone(&sink);
                    Hub::current().set_error_hook(move |unhandled| {
                        let what = unhandled.message().unwrap_or("no text").to_owned();
                        sink.lock().unwrap().push((hub, unhandled.origin.to_owned(), what));
                    });
                })
                .build()
                .unwrap();
            let server =
                ClusterServer::bind(&cluster, "127.0.0.1:0", |mut stream: TcpStream, _| {
                    let mut first = [0];
                    stream.peek(&mut first)?;
                    if &first == b"!" {
                        // As a panic, without a message on standard error.
                        panic::resume_unwind(Box::new(format!("no luck on {:?}", this_hub())));
                    }
                    echo(&mut stream)
                });
            let server = server.sharing(sharing);
            server.start().unwrap();
            let address = server.local_addr().unwrap();
            let mut other = TcpStream::connect(address).unwrap();
            assert_eq!(ask(&mut other, b"a").unwrap(), b"a");
            let mut peers = Vec::new();
            for _ in 0..4 {
                let mut client = TcpStream::connect(address).unwrap();
                assert!(ask(&mut client, b"!").is_err(), "it is closed");
                peers.push(client.local_addr().unwrap().to_string());
            }
            assert_eq!(ask(&mut other, b"b").unwrap(), b"b");
            assert_serves(address);
            until(|| told.lock().unwrap().len() == 4);
            for (hub, who, what) in told.lock().unwrap().iter() {
                assert_eq!(*what, format!("no luck on Some({hub})"));
                assert!(peers.iter().any(|peer| who.contains(peer)), "{who}");
            }
            drop(other);
            until(|| server.stats().iter().all(|hub| hub.live == 0));
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn a_useless_listener_ends_serve_forever_over_a_cluster_with_its_error() {
    bounded(|| {
        let cluster = cluster_of(2);
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let listener = TcpListener::from(std::net::TcpListener::from(OwnedFd::from(socket)));
        let server = ClusterServer::new(&cluster, listener, |_, _| ());
        let error = server.serve_forever().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        assert!(!server.is_started() && !server.is_accepting());
        server.stop(SECOND).unwrap();
        assert!(server.stats().iter().all(|hub| hub.is_gone));
    });
}

#[test]
fn a_part_whose_greenlets_are_killed_leaves_its_connections_to_the_others() {
    thread_local!(static SPAWNED: RefCell<Vec<AnyGreenlet>> = const { RefCell::new(Vec::new()) });

    bounded(|| {
        for number in 0..2 {
            let cluster = Builder::new(2)
                .on_start(|_| {
                    add_spawn_hook(|it| SPAWNED.with_borrow_mut(|all| all.push(it.clone())));
                })
                .build()
                .unwrap();
            let (server, address) = serving(&cluster, |stream, _| echo(stream));
            let mut kept: Vec<_> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
            kept.iter_mut().for_each(|client| drop(ask(client, b"a").unwrap()));
            // The first of a hub leads its part, and the second accepts.
            let kill = move || SPAWNED.with_borrow(|all| all[number].clone());
            cluster.spawn_on(0, move || killall([&kill()])).unwrap().join().unwrap();
            until(|| server.stats()[0].is_gone);
            for client in &mut kept {
                assert_eq!(ask(client, b"b").unwrap(), b"b", "its handlers run on");
            }
            (0..4).for_each(|_| assert_serves(address));
            assert_eq!(server.stats()[1].taken, 5, "{:?}", server.stats());
            drop(kept);
            until(|| server.stats().iter().all(|hub| hub.live == 0));
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn an_error_hook_of_a_hub_may_stop_the_server_of_all() {
    bounded(|| {
        let own: Arc<OnceLock<ClusterServer>> = Arc::default();
        let found = Arc::clone(&own);
        let cluster = Builder::new(2)
            .on_start(move |_| {
                let found = Arc::clone(&found);
                Hub::current().set_error_hook(move |_| {
                    // In the handler that has panicked: it is not waited for.
                    found.get().unwrap().stop(SECOND).unwrap();
                });
            })
            .build()
            .unwrap();
        let (server, address) = serving(&cluster, |mut stream: TcpStream, _| {
            stream.read_exact(&mut [0])?;
            panic::resume_unwind(Box::new("no luck"));
            #[expect(unreachable_code)]
            Ok::<(), std::io::Error>(())
        });
        assert!(own.set(server.clone()).is_ok());
        let serving = server.clone();
        let forever = spawn(move || serving.serve_forever());
        let mut client = TcpStream::connect(address).unwrap();
        assert!(ask(&mut client, b"!").is_err());
        forever.join().unwrap().unwrap();
        assert_refused(address);
    });
}

#[test]
fn an_address_that_is_taken_is_an_error_of_the_start() {
    bounded(|| {
        let cluster = cluster_of(2);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for sharing in [Sharing::Dealt, Sharing::ReusePort] {
            let server = ClusterServer::bind(&cluster, address, |_, _| ()).sharing(sharing);
            let error = server.start().unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{sharing:?}");
            assert!(!server.is_started());
        }
    });
}
