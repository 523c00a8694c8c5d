//! tokio: a task for each connection.

use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Job, Lags, Peer, ROOM, Rank, TICK, Via, listen_nonblocking};

pub(crate) const PEER: Peer = Peer {
    name: "tokio",
    settings: "the current-thread runtime, with its drivers; a task for each connection, spawned \
               from a task",
    rank: Rank::Epoll,
    echoes: true,
    pages: false,
    via: Via::Here(serve),
};

fn serve(job: Job, lags: Lags) {
    on_runtime(async move {
        if job == Job::Ticker {
            tokio::spawn(tick(lags));
        }
        let listener = TcpListener::from_std(listen_nonblocking())?;
        loop {
            let (stream, _) = listener.accept().await?;
            if job.room() == ROOM {
                tokio::spawn(echo(stream, [0; ROOM]));
            } else {
                tokio::spawn(echo(stream, vec![0; job.room()]));
            }
        }
    });
}

/// Runs the acceptor as a task: the future of `block_on` itself takes a slower way.
pub(super) fn on_runtime(accept: impl Future<Output = io::Result<()>> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("there are descriptors left");
    let accepting = runtime.spawn(accept);
    runtime.block_on(accepting).expect("it does not panic").expect("a connection");
}

async fn echo(mut stream: TcpStream, mut buffer: impl AsMut<[u8]>) -> io::Result<()> {
    let buffer = buffer.as_mut();
    loop {
        let length = stream.read(buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

async fn tick(lags: Lags) {
    loop {
        let begin = Instant::now();
        tokio::time::sleep(TICK).await;
        lags.note(begin);
    }
}
