//! Names whose server is slow.
//!
//! This program has a `getaddrinfo` of its own, which std calls in the place of the C library's.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};
use std::io::ErrorKind;
use std::sync::{Condvar, Mutex};

use greenhub::monkey::fs;
use greenhub::monkey::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use crate::support::{Folder, Waiting, bounded};

/// Whether the server has answered.
static ANSWERED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn answer() {
    *ANSWERED.0.lock().unwrap() = true;
    ANSWERED.1.notify_all();
}

/// Waits for the server, in the OS thread that calls, and then knows no name.
///
/// To export it is unsafe, since it takes the place of the C library's: it has the same signature,
/// and an answer without addresses is one that every caller expects.
#[unsafe(no_mangle)]
extern "C" fn getaddrinfo(
    _node: *const c_char,
    _service: *const c_char,
    _hints: *const libc::addrinfo,
    _found: *mut *mut libc::addrinfo,
) -> c_int {
    drop(ANSWERED.1.wait_while(ANSWERED.0.lock().unwrap(), |answered| !*answered).unwrap());
    libc::EAI_NONAME
}

#[test]
fn names_that_are_slow_to_resolve_hold_up_neither_greenlets_nor_files() {
    bounded(|| {
        let mut waiting = Waiting::default();
        // More than there are threads for names, and each way to give one.
        for _ in 0..8 {
            waiting.add("a pair", || {
                let error = ("slow.test", 80).to_socket_addrs().unwrap_err();
                assert_ne!(error.kind(), ErrorKind::InvalidInput, "{error}");
            });
            waiting.add("a text", || assert!("slow.test:80".to_socket_addrs().is_err()));
        }
        waiting.add("String", || assert!("slow.test:80".to_owned().to_socket_addrs().is_err()));
        waiting.add("TcpStream::connect", || assert!(TcpStream::connect("slow.test:80").is_err()));
        waiting.add("TcpListener::bind", || assert!(TcpListener::bind("slow.test:80").is_err()));
        waiting.add("UdpSocket::bind", || assert!(UdpSocket::bind(("slow.test", 80)).is_err()));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        waiting.add("UdpSocket::connect", move || assert!(socket.connect("slow.test:80").is_err()));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        waiting.add("UdpSocket::send_to", move || {
            assert!(socket.send_to(b"x", "slow.test:80").is_err());
        });
        greenhub::yield_now();
        let folder = Folder::new();
        assert_eq!(fs::read(folder.file("file")).unwrap(), b"content");
        // Numbers need no server.
        assert_eq!("127.0.0.1:80".to_socket_addrs().unwrap().count(), 1);
        waiting.end_by(answer);
    });
}
