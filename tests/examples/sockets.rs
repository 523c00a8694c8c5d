//! `unix_echo`, whose file comes and goes, and `udp_echo`.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;

use rustix::process::Signal;

use crate::programs::{Dialog, PATIENCE, Server, example, run};

/// A folder that no other test has, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let name = format!("greenhub-examples-{}-{name}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).unwrap();
        folder
    }

    pub(crate) fn path(&self) -> String {
        self.0.join("socket").to_str().expect("it is text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // An error says that a test has removed it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn serve(path: &str) -> Dialog {
    let dialog = Dialog::start(example("unix_echo", [path]));
    assert_eq!(dialog.line(), format!("listening on {path}"));
    dialog
}

#[track_caller]
fn gets_its_answer(path: &str) {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let sent: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
}

#[test]
fn unix_echo_answers_and_removes_its_file() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = Folder::new(&format!("answers-{}", signal.as_raw()));
        let server = serve(&folder.path());
        gets_its_answer(&folder.path());
        gets_its_answer(&folder.path());
        server.signal(signal);
        assert_eq!(server.ended().printed(), "");
        assert!(!fs::exists(folder.path()).unwrap());
    }
}

#[test]
fn unix_echo_replaces_the_socket_of_one_that_was_killed() {
    let folder = Folder::new("stale");
    let server = serve(&folder.path());
    server.signal(Signal::KILL);
    assert_eq!(server.ended().code, None);
    assert!(fs::exists(folder.path()).unwrap(), "nobody could remove it");
    let server = serve(&folder.path());
    gets_its_answer(&folder.path());
    server.signal(Signal::TERM);
    assert_eq!(server.ended().printed(), "");
    assert!(!fs::exists(folder.path()).unwrap());
}

#[test]
fn unix_echo_leaves_the_socket_of_another_server() {
    let folder = Folder::new("taken");
    let path = folder.path();
    let server = serve(&path);
    let complaint = run("unix_echo", [&path]).complained(1);
    assert_eq!(complaint, format!("cannot serve at {path}: another server is there\n"));
    gets_its_answer(&path);
    drop(server);

    // One that is replaced while it serves does not remove what has taken its place.
    let server = serve(&path);
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    server.signal(Signal::TERM);
    assert_eq!(server.ended().printed(), "");
    assert!(fs::exists(&path).unwrap());
}

#[test]
fn unix_echo_leaves_a_file_that_is_no_socket_of_its_kind() {
    let folder = Folder::new("file");
    let path = folder.path();
    let no_socket = format!("cannot serve at {path}: there is a file that is no socket\n");
    fs::write(&path, "precious").unwrap();
    assert_eq!(run("unix_echo", [&path]).complained(1), no_socket);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");

    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    assert_eq!(run("unix_echo", [&path]).complained(1), no_socket);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(run("unix_echo", [&path]).complained(1), no_socket);

    fs::remove_dir(&path).unwrap();
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    run("unix_echo", [&path]).complained(1);
    assert!(fs::exists(&path).unwrap());
}

#[test]
fn unix_echo_tells_that_it_cannot_serve() {
    for path in ["/nowhere/at/all", &"x".repeat(200)] {
        let complaint = run("unix_echo", [path]).complained(1);
        assert!(complaint.starts_with(&format!("cannot serve at {path}: ")), "{complaint}");
    }
    for arguments in [vec![], vec!["one", "two"]] {
        assert_eq!(run("unix_echo", arguments).complained(2), "usage: unix_echo PATH\n");
    }
}

#[test]
fn udp_echo_sends_each_datagram_back_to_its_sender() {
    let server = Server::start("udp_echo", &[]);
    let clients = [(); 10].map(|()| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    });
    let mut buffer = vec![0; 65_536];
    for (length, number) in [0, 1, 1472, 65_507].into_iter().zip(b'a'..) {
        let messages = (number..).zip(&clients).map(|(byte, client)| (client, vec![byte; length]));
        let messages: Vec<_> = messages.collect();
        for (client, message) in &messages {
            client.send_to(message, server.address).unwrap();
            // Of several that are so long, some are lost where there is no room for them.
            if length > 10_000 {
                break;
            }
        }
        for (client, message) in messages.iter().take(if length > 10_000 { 1 } else { 10 }) {
            let (received, sender) = client.recv_from(&mut buffer).expect("an answer comes");
            assert_eq!(sender, server.address);
            assert!(buffer[..received] == **message, "{received} of {length} bytes");
        }
    }
    assert_eq!(server.end().printed(), "");
}

#[test]
fn udp_echo_goes_on_when_a_sender_is_gone() {
    let server = Server::start("udp_echo", &[]);
    for _ in 0..100 {
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"bye", server.address).unwrap();
    }
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send_to(b"hello", server.address).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(client.recv(&mut buffer).expect("an answer comes"), 5);
    assert_eq!(&buffer[..5], b"hello");
}

#[test]
fn udp_echo_refuses_what_it_does_not_know() {
    for arguments in [vec!["--what"], vec!["127.0.0.1:0", "--what"]] {
        let complaint = run("udp_echo", arguments).complained(2);
        assert_eq!(complaint, "what is --what? usage: udp_echo [ADDR]\n");
    }
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = run("udp_echo", [&*address]).complained(1);
    let expected = format!("cannot serve on {address}: Address already in use");
    assert!(complaint.starts_with(&expected), "{complaint}");
}
