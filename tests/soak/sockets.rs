//! Sockets whose readers and writers are limited, killed, or lose the connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::monkey::os::unix::net::UnixStream;
use greenhub::{spawn, with_timeout};

use crate::random::Random;
use crate::world::World;

/// A listener of this hub and a greenlet that answers by what it is sent, until both are dropped.
pub(crate) struct Echo {
    pub(crate) address: std::net::SocketAddr,
    acceptor: greenhub::Greenlet<()>,
}

impl Echo {
    pub(crate) fn new() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let acceptor = spawn(move || {
            // An error is that of a connection that was reset before it was accepted.
            while let Ok((stream, _)) = listener.accept() {
                drop(spawn(move || echo(stream)));
            }
        });
        Echo { address, acceptor }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.acceptor.kill();
    }
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 2_048];
    let limit = Some(Duration::from_secs(2));
    stream.set_read_timeout(limit).and(stream.set_write_timeout(limit)).expect("limits");
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// A client, which may leave at any time. What comes back is what was sent.
pub(crate) fn talk(world: &World, address: std::net::SocketAddr, random: &mut Random) {
    let patience = Duration::from_millis(500);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, patience) else { return };
    stream.set_read_timeout(Some(patience)).expect("a limit");
    for round in 0..random.below(4) {
        let sent: Vec<u8> = (0..1 + random.below(3_000)).map(|at| (at ^ round) as u8).collect();
        let mut came = vec![0; sent.len()];
        if stream.write_all(&sent).and_then(|()| stream.read_exact(&mut came)).is_err() {
            return;
        }
        assert!(came == sent, "what came back is not what was sent");
        world.bytes.fetch_add(sent.len() as u64, Ordering::Relaxed);
    }
    if random.below(2) == 0 {
        // Gone with a reset, which finds the other end reading or writing.
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("to linger");
    }
}

/// Two ends of which one is closed, shut down, killed or limited while someone reads there.
pub(crate) fn lose(world: &World, random: &mut Random) {
    let Ok((near, far)) = UnixStream::pair() else { return };
    let (near, far) = (Rc::new(near), Rc::new(far));
    let reader = {
        let near = Rc::clone(&near);
        spawn(move || read_all(&near))
    };
    let sent = random.below(20_000);
    let data: Vec<u8> = (0..sent).map(|at| at as u8).collect();
    let limit = Duration::from_micros(random.below(2_000) as u64);
    let written = with_timeout(limit, || (&*far).write_all(&data));
    let is_whole = matches!(written, Ok(Ok(())));
    let how = random.below(5);
    match how {
        0 => far.shutdown(Shutdown::Write).expect("it is open"),
        1 => drop(near.shutdown(Shutdown::Both)),
        2 => reader.start_kill(),
        _ => {}
    }
    drop(far);
    if let Ok(read) = reader.join() {
        let count = read.expect("no error on a pair");
        assert!(count <= sent, "more came than was sent");
        // Nobody broke it off: all that was written has come.
        assert!(how == 1 || !is_whole || count == sent, "{count} of {sent} bytes came");
        world.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// How much came, which must be what was sent.
fn read_all(stream: &UnixStream) -> io::Result<usize> {
    let (mut stream, mut buffer, mut count) = (stream, [0; 700], 0_usize);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(count),
            Ok(more) => {
                let is_next = (count..).zip(&buffer[..more]).all(|(at, byte)| at as u8 == *byte);
                assert!(is_next, "bytes are lost, doubled or out of order");
                count += more;
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(count),
            Err(error) => return Err(error),
        }
    }
}
