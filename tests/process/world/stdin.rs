//! Standard input, in processes of their own.

use std::fs;
use std::io::{BufRead, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Stdio;

use super::world::io::{self, IsTerminal};
use crate::support::{fed, kind, slowly, test_name, with_input};

fn name(test: &str) -> String {
    test_name(module_path!(), test)
}

#[test]
fn lines_are_read_one_by_one() {
    fed(&name("lines_are_read_one_by_one"), slowly(&[b"one\ntw", b"o\n\nlast"]), || {
        let mut line = String::from("kept ");
        assert_eq!(io::stdin().read_line(&mut line).unwrap(), 4);
        assert_eq!(line, "kept one\n");
        let rest: Vec<String> = io::stdin().lines().map(Result::unwrap).collect();
        assert_eq!(rest, ["two", "", "last"]);
        assert_eq!(io::stdin().read_line(&mut line).unwrap(), 0);
        assert_eq!(io::stdin().lines().count(), 0);
    });
}

#[test]
fn what_was_read_ahead_is_for_the_next_reader() {
    fed(&name("what_was_read_ahead_is_for_the_next_reader"), slowly(&[b"ab\ncdefgh"]), || {
        let mut line = String::new();
        io::stdin().read_line(&mut line).unwrap();
        assert_eq!(line, "ab\n");
        let mut lock = io::stdin().lock();
        assert_eq!(lock.fill_buf().unwrap(), b"cdefgh");
        lock.consume(1);
        let mut two = [0; 2];
        lock.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"de");
        drop(lock);
        let mut rest = String::new();
        (&io::stdin()).read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "fgh");
    });
}

#[test]
fn all_of_it_is_read_in_pieces_or_at_once() {
    let all: Vec<u8> = (0..300_000).map(|n: u32| (n >> 4) as u8 | 1).collect();
    let pieces: Vec<&[u8]> = all.chunks(100_000).collect();
    fed(&name("all_of_it_is_read_in_pieces_or_at_once"), slowly(&pieces), || {
        let mut stdin = io::stdin();
        let mut first = vec![0; 150_000];
        stdin.read_exact(&mut first).unwrap();
        let mut rest = Vec::new();
        assert_eq!(stdin.read_to_end(&mut rest).unwrap(), 150_000);
        first.extend(rest);
        assert!(first.iter().zip(0u32..).all(|(&byte, n)| byte == (n >> 4) as u8 | 1));
        assert_eq!(kind(stdin.read_exact(&mut [0; 1])), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn pieces_end_with_whatever_byte_one_asks_for() {
    fed(
        &name("pieces_end_with_whatever_byte_one_asks_for"),
        slowly(&[b"a,b", b"c,", b"d"]),
        || {
            let mut lock = io::stdin().lock();
            let mut bytes = b"kept ".to_vec();
            assert_eq!(lock.read_until(b',', &mut bytes).unwrap(), 2);
            assert_eq!(lock.skip_until(b',').unwrap(), 3);
            assert_eq!(lock.read_until(b',', &mut bytes).unwrap(), 1);
            assert_eq!(lock.read_until(b',', &mut bytes).unwrap(), 0);
            assert_eq!(bytes, b"kept a,d");
            assert_eq!(lock.split(b',').count(), 0);
        },
    );
}

#[test]
fn reads_without_room_wait_for_nothing() {
    fed(&name("reads_without_room_wait_for_nothing"), slowly(&[b"abc"]), || {
        assert_eq!(io::stdin().read(&mut []).unwrap(), 0);
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut slices = [io::IoSliceMut::new(&mut first), io::IoSliceMut::new(&mut second)];
        assert_eq!(io::stdin().read_vectored(&mut slices).unwrap(), 3);
        assert_eq!((&first, &second), (b"ab", b"c\0"));
    });
}

#[test]
fn no_input_is_the_end() {
    with_input(
        &name("no_input_is_the_end"),
        Stdio::null(),
        |_| (),
        || {
            assert_eq!(io::stdin().read(&mut [0; 4]).unwrap(), 0);
            assert_eq!(io::read_to_string(io::stdin()).unwrap(), "");
            assert!(!io::stdin().is_terminal() && !io::stdin().lock().is_terminal());
        },
    );
}

#[test]
fn a_file_can_be_standard_input() {
    let file = fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE-MIT")).unwrap();
    with_input(
        &name("a_file_can_be_standard_input"),
        file.into(),
        |_| (),
        || {
            let text = io::read_to_string(io::stdin()).unwrap();
            assert_eq!(text, fs::read_to_string("LICENSE-MIT").unwrap());
            assert_eq!(io::stdin().read(&mut [0; 4]).unwrap(), 0);
        },
    );
}

#[test]
fn a_directory_cannot_be_read() {
    let directory = fs::File::open("/").unwrap();
    with_input(
        &name("a_directory_cannot_be_read"),
        directory.into(),
        |_| (),
        || {
            assert_eq!(kind(io::stdin().read(&mut [0; 4])), ErrorKind::IsADirectory);
        },
    );
}

#[test]
fn a_socket_can_be_standard_input() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let write = |_: &mut Option<std::process::ChildStdin>| {
        use std::io::Write;
        std::thread::sleep(crate::support::millis(30));
        (&ours).write_all(b"by a socket").unwrap();
        ours.shutdown(std::net::Shutdown::Both).unwrap();
    };
    let theirs = std::os::fd::OwnedFd::from(theirs);
    with_input(&name("a_socket_can_be_standard_input"), theirs.into(), write, || {
        assert_eq!(io::read_to_string(io::stdin()).unwrap(), "by a socket");
    });
}

#[test]
fn text_that_is_not_utf8_is_invalid_data() {
    fed(&name("text_that_is_not_utf8_is_invalid_data"), slowly(&[b"a\xff\nb\n"]), || {
        let mut line = String::from("kept");
        assert_eq!(kind(io::stdin().read_line(&mut line)), ErrorKind::InvalidData);
        assert_eq!(line, "kept");
        io::stdin().read_line(&mut line).unwrap();
        assert_eq!(line, "keptb\n");
    });
}

#[test]
fn it_is_descriptor_0_and_keeps_its_mode() {
    fed(&name("it_is_descriptor_0_and_keeps_its_mode"), slowly(&[b"a", b"b"]), || {
        assert_eq!((io::stdin().as_raw_fd(), io::stdin().lock().as_fd().as_raw_fd()), (0, 0));
        let before = rustix::fs::fcntl_getfl(io::stdin()).unwrap();
        assert_eq!(io::read_to_string(io::stdin()).unwrap(), "ab");
        assert_eq!(rustix::fs::fcntl_getfl(io::stdin()).unwrap(), before);
        assert_eq!(
            format!("{:?} {:?}", io::stdin(), io::stdin().lock()),
            "Stdin { .. } StdinLock { .. }"
        );
    });
}

#[test]
fn a_panic_with_the_lock_leaves_it_usable() {
    fed(&name("a_panic_with_the_lock_leaves_it_usable"), slowly(&[b"one\ntwo\n"]), || {
        let caught = std::panic::catch_unwind(|| {
            let mut lock = io::stdin().lock();
            lock.read_line(&mut String::new()).unwrap();
            panic!("with the lock");
        });
        assert!(caught.is_err());
        let mut line = String::new();
        io::stdin().read_line(&mut line).unwrap();
        assert_eq!(line, "two\n");
    });
}
