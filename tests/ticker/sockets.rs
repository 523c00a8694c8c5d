//! Calls of `net`.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use greenhub::monkey::net::{TcpListener, TcpStream, UdpSocket};
use greenhub::monkey::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use socket2::{Domain, Socket, Type};

use crate::support::{Folder, Waiting, bounded, millis, ticks_beside, until_ticked_beside};

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn reads_of_a_silent_connection() {
    bounded(|| {
        let mut waiting = Waiting::default();
        let mut peers = Vec::new();
        let mut reader = || {
            let (peer, reader) = pair();
            peers.push(peer);
            reader
        };
        let mut stream = reader();
        waiting.add("read", move || assert_eq!(stream.read(&mut [0; 4]).unwrap(), 1));
        let stream = reader();
        waiting.add("peek", move || assert_eq!(stream.peek(&mut [0; 4]).unwrap(), 1));
        let mut stream = reader();
        waiting.add("read_vectored", move || {
            let mut bytes = [0; 4];
            assert_eq!(stream.read_vectored(&mut [IoSliceMut::new(&mut bytes)]).unwrap(), 1);
        });
        let mut stream = reader();
        waiting.add("read_to_end", move || {
            assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 1);
        });
        let mut stream = reader();
        stream.set_read_timeout(Some(millis(30_000))).unwrap();
        waiting.add("a read with a limit", move || stream.read_exact(&mut [0]).unwrap());
        waiting.end_by(|| peers.into_iter().for_each(|mut peer| peer.write_all(b"x").unwrap()));
    });
}

#[test]
fn writes_to_a_deaf_connection() {
    bounded(|| {
        let mut waiting = Waiting::default();
        let much = Rc::new(vec![7; 16 << 20]);
        let ((mut one, first), (mut two, second)) = (pair(), pair());
        let bytes = Rc::clone(&much);
        waiting.add("write_all", move || assert!(one.write_all(&bytes).is_err()));
        let bytes = Rc::clone(&much);
        waiting.add(
            "write_vectored",
            move || {
                while two.write_vectored(&[IoSlice::new(&bytes)]).is_ok() {}
            },
        );
        waiting.end_by(|| drop((first, second)));
    });
}

#[test]
fn listeners_to_whom_nobody_connects() {
    bounded(|| {
        let folder = Folder::new();
        let mut waiting = Waiting::default();
        let (one, two) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = [one.local_addr().unwrap(), two.local_addr().unwrap()];
        waiting.add("accept", move || drop(one.accept().unwrap()));
        waiting.add("incoming", move || drop(two.incoming().next().unwrap().unwrap()));
        let path = folder.at("socket");
        let unix = UnixListener::bind(&path).unwrap();
        waiting.add("incoming of Unix", move || drop(unix.incoming().next().unwrap().unwrap()));
        waiting.end_by(|| {
            addresses.iter().for_each(|address| drop(TcpStream::connect(address).unwrap()));
            UnixStream::connect(&path).unwrap();
        });
    });
}

#[test]
fn receivers_of_datagrams_that_do_not_come() {
    bounded(|| {
        let mut waiting = Waiting::default();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut addresses = Vec::new();
        let mut receiver = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            addresses.push(socket.local_addr().unwrap());
            socket.connect(sender.local_addr().unwrap()).unwrap();
            socket
        };
        let socket = receiver();
        waiting.add("recv", move || assert_eq!(socket.recv(&mut [0; 4]).unwrap(), 1));
        let socket = receiver();
        waiting.add("recv_from", move || assert_eq!(socket.recv_from(&mut [0; 4]).unwrap().0, 1));
        let socket = receiver();
        waiting.add("peek", move || assert_eq!(socket.peek(&mut [0; 4]).unwrap(), 1));
        let socket = receiver();
        waiting.add("peek_from", move || assert_eq!(socket.peek_from(&mut [0; 4]).unwrap().0, 1));
        let (far, near) = UnixDatagram::pair().unwrap();
        waiting.add("recv_from of Unix", move || {
            assert_eq!(near.recv_from(&mut [0; 4]).unwrap().0, 1);
        });
        waiting.end_by(|| {
            for address in addresses {
                sender.send_to(b"x", address).unwrap();
            }
            far.send(b"x").unwrap();
        });
    });
}

/// A listener that has no room, and the connections that fill it: whoever connects waits.
fn full_listener() -> (Socket, Vec<Socket>, SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let fillers = (0..4)
        .map(|_| {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            filler.set_nonblocking(true).unwrap();
            // In progress: the first are taken in, the others wait.
            let _ = filler.connect(&address.into());
            filler
        })
        .collect();
    (listener, fillers, address)
}

#[test]
fn connecting_to_a_listener_without_room() {
    bounded(|| {
        let (listener, fillers, address) = full_listener();
        let late = || TcpStream::connect_timeout(&address, millis(300)).unwrap_err();
        assert_eq!(ticks_beside(|| (), late).kind(), ErrorKind::TimedOut);
        let make_room = move || {
            drop(fillers);
            listener.set_nonblocking(true).unwrap();
            while listener.accept().is_ok() {}
            listener
        };
        // The kernel asks again after a second.
        let kept = Rc::new(std::cell::Cell::new(None));
        let keeps = Rc::clone(&kept);
        ticks_beside(move || keeps.set(Some(make_room())), || TcpStream::connect(address).unwrap());
    });
}

#[test]
fn connections_that_never_have_to_wait() {
    bounded(|| {
        let (mut client, mut server) = pair();
        until_ticked_beside(|| {
            client.write_all(b"ping").unwrap();
            server.read_exact(&mut [0; 4]).unwrap();
        });
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        until_ticked_beside(|| {
            socket.send(b"ping").unwrap();
            socket.recv(&mut [0; 4]).unwrap();
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        until_ticked_beside(|| {
            TcpStream::connect(address).unwrap();
            listener.accept().unwrap();
        });
        client.set_nonblocking(true).unwrap();
        until_ticked_beside(|| {
            assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        });
    });
}
