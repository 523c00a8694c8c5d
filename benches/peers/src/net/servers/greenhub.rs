//! greenhub: a greenlet for each connection.

use std::io::{self, Read, Write};
use std::time::Instant;

use greenhub::monkey::net::{TcpListener, TcpStream};

use super::{Job, Lags, Peer, ROOM, Rank, TICK, Via, http, listen};

pub(crate) const PEER: Peer = Peer {
    name: "greenhub",
    settings: "monkey::net, a greenlet for each connection, stacks of the default size; pages by \
               httparse",
    rank: Rank::Ours,
    echoes: true,
    pages: true,
    via: Via::Here(serve),
};

fn serve(job: Job, lags: Lags) {
    let listener = TcpListener::from(listen());
    if job == Job::Ticker {
        greenhub::spawn(move || tick(&lags));
    }
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        // What a handler returns tells only that its client has gone.
        match job {
            Job::Page => drop(greenhub::spawn(move || pages(stream))),
            _ if job.room() == ROOM => drop(greenhub::spawn(move || echo(stream, [0; ROOM]))),
            _ => drop(greenhub::spawn(move || echo(stream, vec![0; job.room()]))),
        }
    }
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

fn pages(mut stream: TcpStream) -> io::Result<()> {
    let mut received = [0; http::LONGEST];
    let mut length = 0;
    let mut out = Vec::with_capacity(ROOM);
    loop {
        // A request that is too long leaves no room, and reads as an end.
        let more = stream.read(&mut received[length..])?;
        if more == 0 {
            return Ok(());
        }
        length += more;
        let used = http::answer(&received[..length], &mut out)?;
        received.copy_within(used..length, 0);
        length -= used;
        stream.write_all(&out)?;
        out.clear();
    }
}

fn tick(lags: &Lags) {
    loop {
        let begin = Instant::now();
        greenhub::sleep(TICK);
        lags.note(begin);
    }
}
