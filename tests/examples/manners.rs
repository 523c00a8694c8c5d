//! Clients without manners, who disturb nobody: beside each one, another is served all the while.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::programs::{Server, connect};

/// So long may an answer take that has nothing to wait for, on a busy machine.
const PROMPT: Duration = Duration::from_secs(5);

/// Runs `misbehave` while a client of the same server gets its answers, before, during and after.
#[track_caller]
fn beside_another_client(misbehave: impl FnOnce(SocketAddr)) {
    let server = Server::start("echo_server", &[]);
    let stop = Arc::new(AtomicBool::new(false));
    let stream = server.connect();
    ask(&stream, 0);
    let asking = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::Relaxed) {
                ask(&stream, 1);
                thread::sleep(Duration::from_millis(1));
            }
            ask(&stream, 2);
        }
    });
    misbehave(server.address);
    stop.store(true, Ordering::Relaxed);
    asking.join().expect("the other client is served all the while");
    ask(&server.connect(), 3);
}

fn ask(mut stream: &TcpStream, number: u32) {
    stream.set_read_timeout(Some(PROMPT)).unwrap();
    let question = format!("question {number}\n");
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = vec![0; question.len()];
    stream.read_exact(&mut answer).expect("an answer comes promptly");
    assert_eq!(answer, question.as_bytes());
}

/// Closes by a reset, with whatever is under way lost.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[test]
fn a_reset_disturbs_nobody() {
    beside_another_client(|address| {
        for _ in 0..100 {
            reset(connect(address));
            let mut stream = connect(address);
            stream.write_all(b"you will never").unwrap();
            reset(stream);
        }
    });
}

#[test]
fn a_reset_during_a_large_answer_disturbs_nobody() {
    beside_another_client(|address| {
        let mut stream = connect(address);
        fill(&mut stream);
        reset(stream);
    });
}

#[test]
fn a_half_close_gets_all_its_data_back_and_then_the_end() {
    beside_another_client(|address| {
        let mut stream = connect(address);
        let sent: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        assert!(sent == received, "{} of {} bytes", received.len(), sent.len());
    });
}

#[test]
fn a_client_that_sends_and_closes_disturbs_nobody() {
    beside_another_client(|address| {
        for _ in 0..100 {
            connect(address).write_all(&[7; 5000]).unwrap();
        }
    });
}

#[test]
fn a_client_that_never_reads_disturbs_nobody() {
    beside_another_client(|address| {
        let mut stream = connect(address);
        fill(&mut stream);
        // The server waits to write to it now, and the other client is served.
        thread::sleep(Duration::from_millis(300));
    });
}

/// Writes without reading until the server takes no more.
fn fill(stream: &mut TcpStream) {
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let block = [1; 64 * 1024];
    // Far more than the kernel holds for both directions.
    for _ in 0..4096 {
        if let Err(error) = stream.write_all(&block) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
            return;
        }
    }
    panic!("the server reads on though nobody takes its answers");
}

#[test]
fn one_byte_at_a_time_comes_back_one_byte_at_a_time() {
    beside_another_client(|address| {
        let mut stream = connect(address);
        stream.set_nodelay(true).unwrap();
        for byte in 0..20 {
            stream.write_all(&[byte]).unwrap();
            let mut answer = [0xff];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, [byte]);
            thread::sleep(Duration::from_millis(50));
        }
    });
}

#[test]
fn a_client_that_says_nothing_disturbs_nobody() {
    beside_another_client(|address| {
        let silent: Vec<_> = (0..100).map(|_| connect(address)).collect();
        thread::sleep(Duration::from_millis(100));
        drop(silent);
    });
}
