//! How many echoes a second does a server on one thread give?
//!
//! The servers are greenhub's, a greenlet for each connection, and as the floor one that is
//! written by hand on epoll: a table of buffers, and a loop that waits, reads and writes. Each
//! runs on a thread of its own. The load comes from this thread, the same for both: on each
//! connection one message of 64 bytes, and the next when its echo is there.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

const MESSAGE: [u8; 64] = [b'x'; 64];

/// Starts a server for as long as the process runs; returns where it listens.
fn start(server: fn(TcpListener)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || server(listener));
    address
}

fn greenhub_server(listener: TcpListener) {
    let listener = greenhub::monkey::net::TcpListener::from(listener);
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        greenhub::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..length]).is_err() {
                    return;
                }
            }
        });
    }
}

/// The floor: level-triggered, one wait for many events, one read and one write for each.
fn epoll_server(listener: TcpListener) {
    const LISTENER: u64 = u64::MAX;
    let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN).expect("room");
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    let mut buffer = [0; 1024];
    loop {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None).expect("events");
        for event in &events {
            let key = event.data.u64();
            if key == LISTENER {
                let (stream, _) = listener.accept().expect("a connection");
                stream.set_nonblocking(true).expect("its mode");
                let key = EventData::new_u64(connections.len() as u64);
                epoll::add(&epoll, &stream, key, EventFlags::IN).expect("room");
                connections.push(Some(stream));
                continue;
            }
            let connection = &mut connections[usize::try_from(key).expect("an index")];
            let Some(stream) = connection else { continue };
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => stream.write_all(&buffer[..length]).expect("room for it"),
                _ => *connection = None,
            }
        }
    }
}

/// A load of so many connections.
struct Load {
    connections: Vec<TcpStream>,
    epoll: std::os::fd::OwnedFd,
}

impl Load {
    fn new(address: SocketAddr, count: usize) -> Load {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
        let connections: Vec<TcpStream> = (0..count)
            .map(|index| {
                let stream = TcpStream::connect(address).expect("a connection");
                stream.set_nodelay(true).expect("an option");
                stream.set_nonblocking(true).expect("its mode");
                let key = EventData::new_u64(index as u64);
                epoll::add(&epoll, stream.as_fd(), key, EventFlags::IN).expect("room");
                stream
            })
            .collect();
        Load { connections, epoll }
    }

    /// Time for `requests` echoes, spread over the connections.
    fn run(&mut self, requests: u64) -> Duration {
        let begin = Instant::now();
        let (mut sent, mut received) = (0, 0);
        for connection in &mut self.connections {
            if sent < requests {
                connection.write_all(&MESSAGE).expect("room for it");
                sent += 1;
            }
        }
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        let mut buffer = [0; 128];
        while received < requests {
            events.clear();
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None)
                .expect("events");
            for event in &events {
                let connection =
                    &mut self.connections[usize::try_from(event.data.u64()).expect("an index")];
                let length = connection.read(&mut buffer).expect("an echo");
                assert_eq!(&buffer[..length], &MESSAGE, "the whole echo, and nothing else");
                received += 1;
                if sent < requests {
                    connection.write_all(&MESSAGE).expect("room for it");
                    sent += 1;
                }
            }
        }
        begin.elapsed()
    }
}

type Server = (&'static str, fn(TcpListener));

const SERVERS: [Server; 2] =
    [("greenhub", greenhub_server), ("floor: epoll by hand", epoll_server)];

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("echo");
    group.throughput(Throughput::Elements(1));
    group.measurement_time(Duration::from_secs(4));
    for count in [1, 64, 1000] {
        for (name, server) in SERVERS {
            let mut load = Load::new(start(server), count);
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter_custom(|requests| load.run(requests));
            });
        }
    }
    group.finish();
}

criterion_group!(group, benches);

fn main() {
    group();
    let addresses = SERVERS.map(|(_, server)| start(server));
    // One connection waits for each of its echoes, so it does fewer in the time.
    for (count, requests) in [(1, 5_000), (64, 50_000), (1000, 50_000)] {
        let [mut ours, mut floor] = addresses.map(|address| Load::new(address, count));
        support::side_by_side(
            &format!("echo, {count} connections"),
            || support::each(ours.run(requests), requests),
            "epoll by hand",
            || support::each(floor.run(requests), requests),
        );
    }
    Criterion::default().configure_from_args().final_summary();
}
