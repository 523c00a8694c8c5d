//! WebSockets, while all goes well.

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{sleep, spawn};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};
use tungstenite::{Error, Message, WebSocket, accept, accept_hdr, client};

use crate::support::{
    alone, bounded, millis, noise, os_threads, pair, ticks_beside, tls_client, tls_pair,
};

const URL: &str = "ws://localhost/talk";

/// Both ends of a connection, after the handshake.
pub(crate) fn connected() -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let (near, far) = pair();
    let accepting = spawn(move || accept(far).unwrap());
    let (here, _) = client(URL, near).unwrap();
    (here, accepting.join().unwrap())
}

/// Sends back every text and all data, until the other says goodbye.
fn echo(mut socket: WebSocket<TcpStream>) {
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).unwrap(),
            // Pongs and the answer to a goodbye are sent by the next read.
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

fn talk(number: usize, mut socket: WebSocket<TcpStream>) {
    for message in [
        Message::text(format!("client {number}")),
        Message::binary(noise(70_000, 1)),
        Message::text(""),
        Message::binary(vec![]),
    ] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
        sleep(millis(1));
    }
    socket.send(Message::Ping("there?".into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong("there?".into()));
    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(goodbye.clone())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Close(Some(goodbye)));
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
}

const CLIENTS: usize = 100;

#[test]
fn a_hundred_clients_talk_at_once_on_one_os_thread() {
    alone("websocket::a_hundred_clients_talk_at_once_on_one_os_thread", || {
        let before = os_threads();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || {
            let servants: Vec<_> = (0..CLIENTS)
                .map(|_| listener.accept().unwrap().0)
                .map(|stream| spawn(move || echo(accept(stream).unwrap())))
                .collect();
            servants.iter().for_each(|servant| servant.join().unwrap());
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                spawn(move || {
                    let stream = TcpStream::connect(address).unwrap();
                    talk(number, client(URL, stream).unwrap().0);
                })
            })
            .collect();
        let (ticks, ()) = ticks_beside(|| clients.iter().for_each(|it| it.join().unwrap()));
        server.join().unwrap();
        assert!(ticks > 0);
        assert_eq!(os_threads(), before);
    });
}

#[test]
fn a_server_sees_the_request_of_the_handshake() {
    bounded(|| {
        let (near, far) = pair();
        let accepting = spawn(move || {
            let mut path = String::new();
            #[allow(clippy::result_large_err)] // tungstenite's own type
            let look = |request: &Request, response: Response| {
                path = request.uri().path().to_owned();
                Ok(response)
            };
            accept_hdr(far, look).unwrap();
            path
        });
        let (_, response) = client(URL, near).unwrap();
        assert_eq!(response.status().as_u16(), 101);
        assert_eq!(accepting.join().unwrap(), "/talk");
    });
}

const LARGE: usize = 8 << 20;

/// Sends a large message while it receives one; returns that.
fn exchange(mut socket: WebSocket<TcpStream>, role: Role, seed: u32) -> Message {
    let wire = socket.get_ref().try_clone().unwrap();
    let writer = spawn(move || {
        let mut socket = WebSocket::from_raw_socket(wire, role, None);
        socket.send(Message::binary(noise(LARGE, seed))).unwrap();
    });
    let message = socket.read().unwrap();
    writer.join().unwrap();
    message
}

#[test]
fn large_messages_go_both_ways_of_one_connection_at_once() {
    bounded(|| {
        let (here, there) = connected();
        let there = spawn(move || exchange(there, Role::Server, 1));
        let (ticks, received) = ticks_beside(|| exchange(here, Role::Client, 2));
        assert!(ticks > 0);
        assert!(received == Message::binary(noise(LARGE, 1)));
        assert!(there.join().unwrap() == Message::binary(noise(LARGE, 2)));
    });
}

#[test]
fn a_web_socket_goes_through_tls() {
    bounded(|| {
        let (near, far) = tls_pair();
        let server = spawn(move || {
            let mut socket = accept(far).unwrap();
            let message = socket.read().unwrap();
            socket.send(message).unwrap();
        });
        let (mut socket, _) = client("wss://localhost/", near).unwrap();
        socket.send(Message::text("secret")).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("secret"));
        server.join().unwrap();
    });
}

#[test]
fn a_server_without_tls_is_no_server_with_it() {
    bounded(|| {
        let (near, far) = pair();
        let plain = spawn(move || accept(far).is_err());
        assert!(client("wss://localhost/", tls_client(near, "localhost")).is_err());
        assert!(plain.join().unwrap());
    });
}
