//! `port_forward`, between clients and servers with whims.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use socket2::SockRef;

use crate::programs::{PATIENCE, Server, example, run};

fn forward_to(target: SocketAddr) -> Server {
    Server::start_as(example("port_forward", ["127.0.0.1:0", &target.to_string()]))
}

/// A client's end of a connection and the target's, with a forwarder in between.
struct Ends {
    forwarder: Server,
    client: TcpStream,
    target: TcpStream,
}

impl Ends {
    #[track_caller]
    fn new() -> Ends {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let forwarder = forward_to(listener.local_addr().unwrap());
        let client = forwarder.connect();
        let (target, _) = listener.accept().unwrap();
        target.set_read_timeout(Some(PATIENCE)).unwrap();
        target.set_write_timeout(Some(PATIENCE)).unwrap();
        Ends { forwarder, client, target }
    }
}

#[track_caller]
fn passes(mut from: &TcpStream, mut to: &TcpStream, message: &[u8]) {
    from.write_all(message).unwrap();
    let mut passed = vec![0; message.len()];
    to.read_exact(&mut passed).expect("it is passed on");
    assert_eq!(passed, message);
}

#[track_caller]
fn has_ended(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0]).expect("it ends, and not by an error"), 0);
}

#[test]
fn a_forwarder_passes_on_both_ways() {
    let Ends { client, target, forwarder: _forwarder } = Ends::new();
    for round in 0..100 {
        passes(&client, &target, format!("question {round}").as_bytes());
        passes(&target, &client, format!("answer {round}").as_bytes());
    }
}

#[test]
fn a_forwarder_passes_on_that_a_client_has_no_more_to_say() {
    let Ends { client, target, forwarder } = Ends::new();
    passes(&client, &target, b"all");
    client.shutdown(Shutdown::Write).unwrap();
    has_ended(&target);
    passes(&target, &client, b"an answer all the same");
    drop(target);
    has_ended(&client);
    assert_eq!(forwarder.end().printed(), "");
}

#[test]
fn a_forwarder_passes_on_that_a_target_has_no_more_to_say() {
    let Ends { client, target, forwarder: _forwarder } = Ends::new();
    target.shutdown(Shutdown::Write).unwrap();
    has_ended(&client);
    passes(&client, &target, b"a question all the same");
    drop(client);
    has_ended(&target);
}

#[test]
fn a_forwarder_ends_what_was_reset() {
    let Ends { client, mut target, forwarder: _forwarder } = Ends::new();
    passes(&client, &target, b"hello");
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    // By an end or a reset, but not by silence.
    let ended = target.read(&mut [0]);
    assert!(!matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock), "{ended:?}");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[test]
fn a_forwarder_loses_nothing_of_much_however_slow_the_other_side_is() {
    let Ends { client, target, forwarder: _forwarder } = Ends::new();
    let data: Vec<u8> = (0..=250).cycle().take(16 << 20).collect();
    let both = [(&client, &target), (&target, &client)];
    thread::scope(|scope| {
        for (mut from, mut to) in both {
            let data = &data;
            scope.spawn(move || {
                from.write_all(data).unwrap();
                from.shutdown(Shutdown::Write).unwrap();
            });
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(300));
                let mut passed = Vec::new();
                to.read_to_end(&mut passed).unwrap();
                assert!(passed == *data, "{} of {} bytes", passed.len(), data.len());
            });
        }
    });
}

#[test]
fn a_forwarder_serves_many_at_once() {
    let echo = Server::start("echo_server", &[]);
    let forwarder = forward_to(echo.address);
    let printed = run("many_clients", [forwarder.address.to_string(), "200".to_owned()]).printed();
    assert!(printed.starts_with("200 of 200 clients got 10 right answers each"), "{printed}");
}

#[test]
fn a_forwarder_leaves_a_client_whose_target_refuses_and_says_so() {
    // Nobody listens there any more.
    let target = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = example("port_forward", ["127.0.0.1:0", &target.to_string()]);
    command.stderr(Stdio::piped());
    let forwarder = Server::start_as(command);
    let mut lines = String::new();
    for _ in 0..2 {
        let client = forwarder.connect();
        has_ended(&client);
        let peer = client.local_addr().unwrap();
        lines += &format!("cannot reach {target} for {peer}: Connection refused (os error 111)\n");
    }
    let ended = forwarder.end();
    assert_eq!((ended.code, ended.stderr), (Some(0), lines));
}

#[test]
fn a_forwarder_lets_connections_end_when_it_is_told_to() {
    let Ends { client, target, forwarder } = Ends::new();
    forwarder.signal(Signal::TERM);
    until_refused(forwarder.address);
    passes(&client, &target, b"one more question");
    passes(&target, &client, b"one more answer");
    drop((client, target));
    assert_eq!(forwarder.ended().printed(), "");
}

#[test]
fn a_forwarder_ends_at_once_when_it_is_told_to_twice() {
    let Ends { client, target, forwarder } = Ends::new();
    let start = Instant::now();
    forwarder.signal(Signal::TERM);
    until_refused(forwarder.address);
    forwarder.signal(Signal::INT);
    assert_eq!(forwarder.ended().printed(), "");
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    has_ended(&client);
    has_ended(&target);
}

#[track_caller]
fn until_refused(address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "it takes no more connections");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_forwarder_refuses_what_it_does_not_understand() {
    for (arguments, complaint) in [
        (vec![], "LISTEN is missing"),
        (vec!["127.0.0.1:0"], "TARGET is missing"),
        (vec!["127.0.0.1", "127.0.0.1:1"], "127.0.0.1 is no host:port"),
        (vec!["127.0.0.1:0", "127.0.0.1:70000"], "127.0.0.1:70000 is no host:port"),
        (vec!["127.0.0.1:0", "127.0.0.1:1", "more"], "one argument too many, more"),
    ] {
        let expected = format!("{complaint}; usage: port_forward LISTEN TARGET\n");
        assert_eq!(run("port_forward", arguments).complained(2), expected);
    }
}

#[test]
fn a_forwarder_tells_that_it_cannot_serve() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = run("port_forward", [&*address, "127.0.0.1:1"]).complained(1);
    let expected = format!("cannot serve on {address}: Address already in use");
    assert!(complaint.starts_with(&expected), "{complaint}");
}
