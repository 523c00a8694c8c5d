//! smol: a task for each connection.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::{Async, LocalExecutor, Timer};

use super::{Job, Lags, Peer, ROOM, Rank, TICK, Via, listen_nonblocking};

pub(crate) const PEER: Peer = Peer {
    name: "smol",
    settings: "LocalExecutor under block_on, Async sockets; a task for each connection",
    rank: Rank::Epoll,
    echoes: true,
    pages: false,
    via: Via::Here(serve),
};

fn serve(job: Job, lags: Lags) {
    let executor = LocalExecutor::new();
    let ended = smol::block_on(executor.run(accept(&executor, job, lags)));
    ended.expect("a connection");
}

async fn accept(executor: &LocalExecutor<'_>, job: Job, lags: Lags) -> io::Result<()> {
    if job == Job::Ticker {
        executor.spawn(tick(lags)).detach();
    }
    let listener = Async::<TcpListener>::new_nonblocking(listen_nonblocking())?;
    loop {
        let (stream, _) = listener.accept().await?;
        if job.room() == ROOM {
            executor.spawn(echo(stream, [0; ROOM])).detach();
        } else {
            executor.spawn(echo(stream, vec![0; job.room()])).detach();
        }
    }
}

async fn echo(mut stream: Async<TcpStream>, mut buffer: impl AsMut<[u8]>) -> io::Result<()> {
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
        Timer::after(TICK).await;
        lags.note(begin);
    }
}
