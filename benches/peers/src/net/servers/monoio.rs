//! monoio: a task for each connection, on each of its two drivers.

use std::io;
use std::time::Instant;

use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use super::{Job, Lags, Peer, Rank, TICK, Via, listen_nonblocking};

pub(crate) const PEERS: [Peer; 2] = [
    Peer {
        name: "monoio, epoll",
        settings: "LegacyDriver, with timers; a task for each connection, its buffer on the heap, \
                   as monoio's reads own it",
        rank: Rank::Epoll,
        echoes: true,
        pages: false,
        via: Via::Here(serve_by_epoll),
    },
    Peer {
        name: "monoio, io_uring",
        settings: "IoUringDriver with its 1,024 entries; apart from that as above",
        rank: Rank::Other,
        echoes: true,
        pages: false,
        via: Via::Here(serve_by_uring),
    },
];

fn serve_by_epoll(job: Job, lags: Lags) {
    let runtime = RuntimeBuilder::<LegacyDriver>::new().enable_timer().build();
    runtime.expect("it has its descriptors").block_on(accept(job, lags)).expect("a connection");
}

fn serve_by_uring(job: Job, lags: Lags) {
    let runtime = RuntimeBuilder::<IoUringDriver>::new().enable_timer().build();
    runtime.expect("the kernel has io_uring").block_on(accept(job, lags)).expect("a connection");
}

async fn accept(job: Job, lags: Lags) -> io::Result<()> {
    if job == Job::Ticker {
        monoio::spawn(tick(lags));
    }
    let listener = TcpListener::from_std(listen_nonblocking())?;
    loop {
        let (stream, _) = listener.accept().await?;
        monoio::spawn(echo(stream, Vec::with_capacity(job.room())));
    }
}

async fn echo(mut stream: TcpStream, mut buffer: Vec<u8>) -> io::Result<()> {
    loop {
        let (length, received) = stream.read(buffer).await;
        if length? == 0 {
            return Ok(());
        }
        let (written, sent) = stream.write_all(received).await;
        written?;
        buffer = sent;
    }
}

async fn tick(lags: Lags) {
    loop {
        let begin = Instant::now();
        monoio::time::sleep(TICK).await;
        lags.note(begin);
    }
}
