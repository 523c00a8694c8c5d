//! may: a coroutine for each connection, and its own small HTTP server.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use may::net::{TcpListener, TcpStream};
use may_minihttp::{HttpServer, HttpService, Request, Response};

use super::{Job, Lags, Peer, ROOM, Rank, TICK, Via, http, prepare, tell};

pub(crate) const PEERS: [Peer; 2] = [
    Peer {
        name: "may",
        settings: "one worker, not pinned by may; a coroutine for each connection, stacks of the \
                   default 32 KiB; 100 stacks made in advance instead of 1,000, so that \
                   those of connections count in memory; a second thread keeps its timers",
        rank: Rank::Epoll,
        echoes: true,
        pages: false,
        via: Via::Here(serve),
    },
    Peer {
        name: "may_minihttp",
        settings: "may_minihttp's HttpServer, on may as above",
        rank: Rank::Epoll,
        echoes: false,
        pages: true,
        via: Via::Here(serve_pages),
    },
];

fn configure() {
    may::config().set_workers(1).set_pool_capacity(100).set_worker_pin(false);
}

fn serve(job: Job, lags: Lags) {
    configure();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    prepare(listener.inner());
    tell(listener.inner());
    if job == Job::Ticker {
        may::go!(move || tick(&lags));
    }
    let accepting = may::go!(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            if job.room() == ROOM {
                may::go!(move || echo(stream, [0; ROOM]));
            } else {
                may::go!(move || echo(stream, vec![0; job.room()]));
            }
        }
    });
    accepting.join().expect("it does not panic");
}

fn echo(mut stream: TcpStream, mut buffer: impl AsMut<[u8]>) -> io::Result<()> {
    let buffer = buffer.as_mut();
    loop {
        let length = stream.read(buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}

fn tick(lags: &Lags) {
    loop {
        let begin = Instant::now();
        may::coroutine::sleep(TICK);
        lags.note(begin);
    }
}

#[derive(Clone)]
struct Page;

impl HttpService for Page {
    fn call(&mut self, _request: Request, response: &mut Response) -> io::Result<()> {
        response.header("Content-Type: text/plain").body(http::BODY);
        Ok(())
    }
}

/// It binds its listener itself and does not tell the port, so it is given one that was free.
fn serve_pages(_job: Job, _lags: Lags) {
    configure();
    let address = free_address().expect("a port is free");
    let serving = HttpServer(Page).start(address).expect("the port is still free");
    println!("listening on {address}");
    serving.join().expect("it does not panic");
}

fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}
