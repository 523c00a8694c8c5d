//! What is left behind by very many: nothing.

use std::io::{Read, Write};

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{Greenlet, Hub, spawn};

use crate::support::{alone, open_descriptors};

const MANY: usize = if cfg!(debug_assertions) { 5_000 } else { 100_000 };
const AT_ONCE: usize = 50;

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Connections that come, echo and go, each end in a greenlet of its own.
fn churn(listener: &TcpListener, count: usize) {
    let address = listener.local_addr().unwrap();
    for _ in 0..count / AT_ONCE {
        let clients: Vec<Greenlet<()>> = (0..AT_ONCE)
            .map(|number| {
                spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    // A reset at the end leaves no port behind that waits for a minute.
                    socket2::SockRef::from(&stream)
                        .set_linger(Some(std::time::Duration::ZERO))
                        .unwrap();
                    let message = [number as u8; 100];
                    stream.write_all(&message).unwrap();
                    let mut answer = [0; 100];
                    stream.read_exact(&mut answer).unwrap();
                    assert_eq!(answer, message);
                    if number % 2 == 0 {
                        stream.close().unwrap();
                    }
                })
            })
            .collect();
        let servers: Vec<Greenlet<()>> = (0..AT_ONCE)
            .map(|_| {
                let (mut stream, _) = listener.accept().unwrap();
                spawn(move || {
                    let mut buffer = [0; 100];
                    stream.read_exact(&mut buffer).unwrap();
                    stream.write_all(&buffer).unwrap();
                    // The end, or a reset: both do.
                    let _ = stream.read(&mut buffer);
                })
            })
            .collect();
        for greenlet in clients.into_iter().chain(servers) {
            greenlet.join().unwrap();
        }
    }
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    alone("leaving::connections_that_come_and_go_leave_nothing_behind", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        churn(&listener, MANY / 10);
        let stats = Hub::current().stats();
        let (open, resident) = (open_descriptors(), resident_kib());
        churn(&listener, MANY);
        let now = Hub::current().stats();
        assert_eq!(open_descriptors(), open);
        assert_eq!((now.sources, now.stacks_in_use), (stats.sources, stats.stacks_in_use));
        assert_eq!((now.timers, now.ready), (0, 0));
        let grown = resident_kib().saturating_sub(resident);
        assert!(grown < 2048, "{grown} KiB more than the {resident} before");
    });
}
