//! TLS, while all goes well.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::ops::DerefMut;
use std::rc::Rc;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{sleep, spawn};
use rustls::{ConnectionCommon, SideData};

use crate::support::{
    TlsClient, TlsServer, alone, bounded, millis, noise, os_threads, pair, ticks_beside,
    tls_client, tls_pair, tls_server,
};

/// Answers each line with its number and itself.
fn answer_lines(stream: TlsServer) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut number) = (String::new(), 0);
    while stream.read_line(&mut line)? > 0 {
        number += 1;
        write!(stream.get_mut(), "{number} {line}")?;
        line.clear();
    }
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()
}

fn talk(client: usize, stream: TlsClient) {
    let mut stream = BufReader::new(stream);
    for number in 1..=3 {
        writeln!(stream.get_mut(), "client {client}").unwrap();
        let mut answer = String::new();
        stream.read_line(&mut answer).unwrap();
        assert_eq!(answer, format!("{number} client {client}\n"));
        sleep(millis(1));
    }
    let stream = stream.get_mut();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    assert_eq!(stream.read(&mut [0; 4]).unwrap(), 0);
}

const CLIENTS: usize = 100;

#[test]
fn a_hundred_connections_are_served_at_once_by_one_os_thread() {
    alone("tls::a_hundred_connections_are_served_at_once_by_one_os_thread", || {
        let before = os_threads();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || {
            let accepted = (0..CLIENTS).map(|_| listener.accept().unwrap().0);
            // All are there before the first is served.
            let accepted: Vec<_> = accepted.collect();
            let serve = |wire| spawn(move || answer_lines(tls_server(wire)).unwrap());
            let servants: Vec<_> = accepted.into_iter().map(serve).collect();
            servants.iter().for_each(|servant| servant.join().unwrap());
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                spawn(move || {
                    let wire = TcpStream::connect(address).unwrap();
                    talk(client, tls_client(wire, "localhost"));
                })
            })
            .collect();
        let (ticks, ()) = ticks_beside(|| clients.iter().for_each(|it| it.join().unwrap()));
        server.join().unwrap();
        assert!(ticks > 0);
        assert_eq!(os_threads(), before);
    });
}

/// One half of a connection whose handshake is done, as a program without `async` splits it: both
/// share the session, which is never kept over a wait.
struct Half<C> {
    session: Rc<RefCell<C>>,
    wire: TcpStream,
}

fn halves<C, D>(session: C, wire: TcpStream) -> (Half<C>, Half<C>)
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    let session = Rc::new(RefCell::new(session));
    let clone = wire.try_clone().unwrap();
    (Half { session: Rc::clone(&session), wire }, Half { session, wire: clone })
}

impl<C, D> Read for Half<C>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut records = [0; 16 * 1024];
        loop {
            match self.session.borrow_mut().reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                answer => return answer,
            }
            let length = self.wire.read(&mut records)?;
            let mut session = self.session.borrow_mut();
            let mut rest = &records[..length];
            loop {
                session.read_tls(&mut rest)?;
                session.process_new_packets().map_err(io::Error::other)?;
                if rest.is_empty() {
                    break;
                }
            }
        }
    }
}

impl<C, D> Write for Half<C>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let length = self.session.borrow_mut().writer().write(buf)?;
        self.flush()?;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut records = Vec::new();
        let mut session = self.session.borrow_mut();
        while session.wants_write() {
            session.write_tls(&mut records)?;
        }
        drop(session);
        self.wire.write_all(&records)
    }
}

const LARGE: usize = 4 << 20;

/// Sends noise while it receives some; returns what came.
fn exchange<C, D>(session: C, wire: TcpStream, seed: u32) -> Vec<u8>
where
    C: DerefMut<Target = ConnectionCommon<D>> + 'static,
    D: SideData + 'static,
{
    let (mut reading, mut writing) = halves(session, wire);
    let writer = spawn(move || writing.write_all(&noise(LARGE, seed)).unwrap());
    let mut received = vec![0; LARGE];
    reading.read_exact(&mut received).unwrap();
    writer.join().unwrap();
    received
}

#[test]
fn large_transfers_go_both_ways_of_one_connection_at_once() {
    bounded(|| {
        let (mut client, mut server) = tls_pair();
        let shaking = spawn(move || {
            server.conn.complete_io(&mut server.sock).unwrap();
            server
        });
        client.conn.complete_io(&mut client.sock).unwrap();
        let server = shaking.join().unwrap();
        let there = spawn(move || exchange(server.conn, server.sock, 1));
        let (ticks, received) = ticks_beside(|| exchange(client.conn, client.sock, 2));
        assert!(received == noise(LARGE, 1));
        assert!(there.join().unwrap() == noise(LARGE, 2));
        assert!(ticks > 0);
    });
}

#[test]
fn a_large_transfer_is_echoed_piece_by_piece() {
    bounded(|| {
        let (client, mut server) = tls_pair();
        let sender = spawn(move || {
            let (mut client, mut received) = (client, Vec::new());
            for piece in noise(LARGE, 3).chunks(100_000) {
                client.write_all(piece).unwrap();
                let mut echo = vec![0; piece.len()];
                client.read_exact(&mut echo).unwrap();
                received.extend(echo);
            }
            client.conn.send_close_notify();
            client.flush().unwrap();
            received
        });
        let mut piece = [0; 5000];
        loop {
            match server.read(&mut piece).unwrap() {
                0 => break,
                length => server.write_all(&piece[..length]).unwrap(),
            }
        }
        assert!(sender.join().unwrap() == noise(LARGE, 3));
    });
}

#[test]
fn the_other_way_stays_open_after_one_was_closed() {
    bounded(|| {
        let (mut client, mut server) = tls_pair();
        let servant = spawn(move || {
            let mut asked = String::new();
            server.read_to_string(&mut asked).unwrap();
            sleep(millis(10));
            write!(server, "you said {asked}").unwrap();
            server.conn.send_close_notify();
            server.flush().unwrap();
        });
        client.write_all(b"all of it").unwrap();
        client.conn.send_close_notify();
        client.flush().unwrap();
        client.sock.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "you said all of it");
        servant.join().unwrap();
    });
}

/// Hands on what comes, a byte at a time.
fn trickle(mut from: TcpStream, mut to: TcpStream) {
    let mut byte = [0];
    while from.read(&mut byte).unwrap() > 0 {
        to.write_all(&byte).unwrap();
        if byte[0] % 16 == 0 {
            sleep(millis(1));
        }
    }
    to.shutdown(Shutdown::Write).unwrap();
}

#[test]
fn a_handshake_that_comes_byte_by_byte_is_done_beside_a_ticker() {
    bounded(|| {
        let ((client, near), (far, server)) = (pair(), pair());
        let (back, forth) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let between = [spawn(move || trickle(near, far)), spawn(move || trickle(forth, back))];
        let servant = spawn(move || answer_lines(tls_server(server)));
        let client = tls_client(client, "localhost");
        let (ticks, ()) = ticks_beside(|| talk(1, client));
        assert!(ticks > 5, "{ticks}");
        servant.join().unwrap().unwrap();
        between.iter().for_each(|it| it.join().unwrap());
    });
}
