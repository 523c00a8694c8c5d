//! Servers for datagrams.

use std::cell::RefCell;
use std::io;
use std::panic;
use std::rc::Rc;

use greenhub::monkey::net::UdpSocket;
use greenhub::monkey::os::unix::net::UnixDatagram;
use greenhub::server::DatagramServer;
use greenhub::{Pool, sleep};

use crate::support::{SECOND, Scratch, bounded, millis, told, until};

fn client() -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(SECOND * 30)).unwrap();
    client
}

fn receive(client: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 16];
    let (length, _) = client.recv_from(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

#[test]
fn datagrams_are_answered_paused_and_answered() {
    bounded(|| {
        let server = DatagramServer::bind("127.0.0.1:0", |server, data, sender| {
            server.send_to(&data, &sender)
        });
        let error = server.send_to(b"x", &"127.0.0.1:9".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        server.start().unwrap();
        let (client, address) = (client(), server.local_addr().unwrap());
        for data in [&b""[..], b"hello", &[7; 60_000]] {
            client.send_to(data, address).unwrap();
            assert_eq!(receive(&client), data);
        }
        server.stop_accepting();
        client.send_to(b"wait", address).unwrap();
        client.set_read_timeout(Some(millis(10))).unwrap();
        assert!(client.recv_from(&mut [0; 8]).is_err());
        client.set_read_timeout(Some(SECOND * 30)).unwrap();
        server.start_accepting().unwrap();
        assert_eq!(receive(&client), b"wait");
        server.stop(SECOND).unwrap();
        assert!(server.local_addr().is_err());
        UdpSocket::bind(address).unwrap();
    });
}

#[test]
fn handlers_can_answer_until_the_end_of_a_stop() {
    bounded(|| {
        let server = DatagramServer::bind("127.0.0.1:0", |server, data, sender| {
            sleep(millis(30));
            server.send_to(&data, &sender)
        });
        server.start().unwrap();
        let client = self::client();
        client.send_to(b"late", server.local_addr().unwrap()).unwrap();
        while server.handler_count() == 0 {
            sleep(millis(1));
        }
        server.stop(SECOND * 30).unwrap();
        assert_eq!(receive(&client), b"late");
    });
}

#[test]
fn a_pool_limits_the_handlers_of_datagrams() {
    bounded(|| {
        let pool = Pool::new(2);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = DatagramServer::new(socket, |server: &DatagramServer, _, sender| {
            let count = u8::try_from(server.handler_count()).unwrap();
            sleep(millis(2));
            server.send_to(&[count], &sender)
        })
        .pool(&pool);
        server.start().unwrap();
        let client = self::client();
        for _ in 0..10 {
            client.send_to(b"x", server.local_addr().unwrap()).unwrap();
        }
        for _ in 0..10 {
            assert!((1..=2).contains(&receive(&client)[0]));
        }
        server.stop(SECOND).unwrap();
        assert_eq!(server.start().unwrap_err().kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn a_handler_of_a_datagram_that_panics_is_told_by_its_sender() {
    bounded(|| {
        let told = told();
        let server = DatagramServer::bind("127.0.0.1:0", |server, data, sender| {
            if data == b"!" {
                panic::resume_unwind(Box::new("no luck"));
            }
            server.send_to(&data, &sender)
        });
        server.start().unwrap();
        let client = self::client();
        client.send_to(b"!", server.local_addr().unwrap()).unwrap();
        client.send_to(b"on", server.local_addr().unwrap()).unwrap();
        assert_eq!(receive(&client), b"on");
        let told = told.take();
        let sender = client.local_addr().unwrap().to_string();
        assert!(told.len() == 1 && told[0].0.contains(&sender), "{told:?}");
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_peer_that_is_gone_holds_up_nobody() {
    bounded(|| {
        let server = DatagramServer::bind("127.0.0.1:0", |server, data, sender| {
            server.send_to(&data, &sender)
        });
        server.start().unwrap();
        let address = server.local_addr().unwrap();
        for _ in 0..20 {
            client().send_to(b"and away", address).unwrap();
        }
        sleep(millis(5));
        let client = self::client();
        client.send_to(b"here", address).unwrap();
        assert_eq!(receive(&client), b"here");
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn datagrams_come_whole_however_long_they_are() {
    bounded(|| {
        let lengths: Rc<RefCell<Vec<usize>>> = Rc::default();
        let seen = Rc::clone(&lengths);
        let path = Scratch::new();
        let unix = DatagramServer::bind_unix(path.path(), move |_, data, _| {
            assert!(data.iter().all(|byte| *byte == 7));
            seen.borrow_mut().push(data.len());
        });
        unix.start().unwrap();
        let client = UnixDatagram::unbound().unwrap();
        for length in [0, 1, 65_536, 65_537, 150_000] {
            client.send_to(&vec![7; length], path.path()).unwrap();
        }
        until(|| lengths.borrow().len() == 5);
        assert_eq!(lengths.take(), [0, 1, 65_536, 65_537, 150_000]);
        unix.stop(SECOND).unwrap();

        let seen = Rc::clone(&lengths);
        let udp = DatagramServer::bind("127.0.0.1:0", move |_, data, _| {
            seen.borrow_mut().push(data.len());
        });
        udp.start().unwrap();
        let client = self::client();
        for length in [0, 65_507] {
            client.send_to(&vec![7; length], udp.local_addr().unwrap()).unwrap();
        }
        until(|| lengths.borrow().len() == 2);
        assert_eq!(lengths.take(), [0, 65_507]);
        udp.stop(SECOND).unwrap();
    });
}

#[test]
fn datagrams_on_unix_sockets_are_served_as_well() {
    bounded(|| {
        let (here, there) = (Scratch::new(), Scratch::new());
        let server = DatagramServer::bind_unix(here.path(), |server, data, sender| {
            server.send_to(&data, &sender)
        });
        server.start().unwrap();
        let client = UnixDatagram::bind(there.path()).unwrap();
        client.send_to(b"unix", here.path()).unwrap();
        let mut buffer = [0; 16];
        let (length, _) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"unix");
        server.stop(SECOND).unwrap();
    });
}
