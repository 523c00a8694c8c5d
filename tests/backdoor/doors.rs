//! Who may come in.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as StdTcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::thread;

use greenhub::backdoor::Backdoor;
use greenhub::monkey::net::TcpStream;
use greenhub::{offload, sleep, spawn};
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_uid;

use crate::support::{Client, Door, LONG, alone, bounded, millis, until};

/// Nobody, by custom.
const STRANGER: u32 = 65_534;

const REFUSED: &str = "refused: this is for user 0, and you are 65534\n";

/// Whether this process may act for others; says so if not.
fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        eprintln!("skipped: only root can act as another user");
    }
    is_root
}

/// Calls `body` on a thread that runs for another user, while greenlets of this one go on.
fn as_stranger<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    offload(|| {
        thread::scope(|scope| {
            let run = || {
                set_thread_uid(Uid::from_raw(STRANGER)).unwrap();
                body()
            };
            scope.spawn(run).join().unwrap()
        })
    })
}

#[test]
fn another_user_cannot_open_the_file() {
    bounded(|| {
        if !is_root() {
            return;
        }
        let door = Door::open(Backdoor::new());
        let path = door.path();
        let error = as_stranger(move || StdUnixStream::connect(path).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(door.client().ask(""), "");
    });
}

#[test]
fn another_user_is_refused_on_a_unix_socket_whatever_its_mode() {
    bounded(|| {
        if !is_root() {
            return;
        }
        let door = Door::open(Backdoor::new());
        let path = door.path();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let victim = spawn(|| sleep(LONG));
        let order = format!("kill {}\n", victim.id());
        let told = as_stranger(move || {
            let mut stream = StdUnixStream::connect(path).unwrap();
            // It may have been refused already.
            let _ = stream.write_all(order.as_bytes());
            let mut told = String::new();
            stream.read_to_string(&mut told).map(|_| told)
        });
        // What was sent and not read may turn the end into an error.
        assert!(told.is_err() || told.is_ok_and(|told| told == REFUSED));
        sleep(millis(5));
        assert!(!victim.is_finished());
        victim.kill();
    });
}

#[test]
fn another_user_is_told_so_on_a_unix_socket() {
    bounded(|| {
        if !is_root() {
            return;
        }
        let door = Door::open(Backdoor::new());
        let path = door.path();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let told = as_stranger(move || {
            let mut told = String::new();
            StdUnixStream::connect(path).unwrap().read_to_string(&mut told).map(|_| told)
        });
        assert_eq!(told.unwrap(), REFUSED);
    });
}

#[test]
fn another_user_is_refused_over_tcp() {
    bounded(|| {
        if !is_root() {
            return;
        }
        let door = Backdoor::new().open_tcp("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        let told = as_stranger(move || {
            let mut told = String::new();
            StdTcpStream::connect(address).unwrap().read_to_string(&mut told).map(|_| told)
        });
        assert_eq!(told.unwrap(), REFUSED);
        let mut own = Client(TcpStream::connect(address).unwrap());
        assert!(own.answer().contains("try 'help'"));
    });
}

#[test]
fn whoever_sends_and_closes_at_once_is_not_taken_for_root() {
    bounded(|| {
        if !is_root() {
            return;
        }
        let door = Backdoor::new().open_tcp("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        let victim = spawn(|| sleep(LONG));
        let order = format!("kill {}\n", victim.id());
        as_stranger(move || {
            for _ in 0..3 {
                let mut stream = StdTcpStream::connect(address).unwrap();
                // It may have been refused already.
                let _ = stream.write_all(order.as_bytes());
            }
        });
        until(|| door.client_count() == 0);
        sleep(millis(5));
        assert!(!victim.is_finished());
        victim.kill();
    });
}

#[test]
fn root_may_come_in_to_another_users() {
    alone("doors::root_may_come_in_to_another_users", || {
        if !is_root() {
            return;
        }
        let (sender, receiver) = std::sync::mpsc::channel::<SocketAddr>();
        let root = thread::spawn(move || {
            let mut stream = StdTcpStream::connect(receiver.recv().unwrap()).unwrap();
            stream.write_all(b"quit\n").unwrap();
            let mut told = String::new();
            stream.read_to_string(&mut told).map(|_| told)
        });
        set_thread_uid(Uid::from_raw(STRANGER)).unwrap();
        let door = Backdoor::new().open_tcp("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        sender.send(address).unwrap();
        until(|| root.is_finished());
        assert!(root.join().unwrap().unwrap().contains("try 'help'"));
        let mut own = Client(TcpStream::connect(address).unwrap());
        assert!(own.answer().contains("try 'help'"), "one of the same user");
    });
}

#[test]
fn an_address_that_others_could_reach_is_refused() {
    bounded(|| {
        for address in ["0.0.0.0:0", "[::]:0", "[::ffff:127.0.0.1]:0", "192.0.2.1:0"] {
            let error = Backdoor::new().open_tcp(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{address}: {error}");
            let expected =
                format!("{address} is no loopback address: others could reach a backdoor there");
            assert_eq!(error.to_string(), expected);
        }
        let mixed: [SocketAddr; 2] = ["127.0.0.1:0", "0.0.0.0:0"].map(|it| it.parse().unwrap());
        assert!(Backdoor::new().open_tcp(&mixed[..]).is_err());
    });
}

#[test]
fn a_client_of_either_family_is_known() {
    bounded(|| {
        let door = Backdoor::new().open_tcp("127.0.0.1:0").unwrap();
        let port = door.local_addr().unwrap().port();
        let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{port}").parse().unwrap();
        match TcpStream::connect(mapped) {
            Ok(stream) => assert!(Client(stream).answer().contains("try 'help'")),
            Err(error) => eprintln!("skipped: no IPv6: {error}"),
        }
        match Backdoor::new().open_tcp("[::1]:0") {
            Ok(door) => {
                let stream = TcpStream::connect(door.local_addr().unwrap()).unwrap();
                assert!(Client(stream).answer().contains("try 'help'"));
            }
            Err(error) => eprintln!("skipped: no IPv6: {error}"),
        }
    });
}
