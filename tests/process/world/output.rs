//! `output`, `status` and `wait_with_output`.

use std::io::{ErrorKind, Read, Write};

use super::common::sh;
use super::world::process::{Command, Output, Stdio};
use super::world::thread;
use crate::support::{bounded, kind};

#[test]
fn output_has_what_was_written_and_how_it_ended() {
    bounded(|| {
        let Output { status, stdout, stderr } =
            sh("echo out; echo err >&2; exit 3").output().unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!((&stdout[..], &stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    });
}

#[test]
fn both_pipes_full_stop_nobody() {
    bounded(|| {
        let script = "head -c 1000000 /dev/zero >&2; head -c 2000000 /dev/zero;\
                      head -c 500000 /dev/zero >&2";
        let output = sh(script).output().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (2_000_000, 1_500_000));
        assert!(output.status.success());
    });
}

#[test]
fn output_gives_the_child_nothing_to_read() {
    bounded(|| {
        let output = Command::new("cat").output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty());
    });
}

#[test]
fn output_closes_what_was_piped_to_the_child() {
    bounded(|| {
        let output = Command::new("cat").stdin(Stdio::piped()).output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty());
    });
}

#[test]
fn output_takes_only_what_is_piped() {
    bounded(|| {
        let output = sh("echo a; echo b >&2").stdout(Stdio::null()).output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b""[..], &b"b\n"[..]));
        let output = sh("echo a; echo b >&2").stderr(Stdio::null()).output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"a\n"[..], &b""[..]));
    });
}

#[test]
fn wait_with_output_takes_only_what_is_piped() {
    bounded(|| {
        let child = sh("echo a").stdout(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"a\n"[..], &b""[..]));
        let child = sh("echo b >&2").stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b""[..], &b"b\n"[..]));
        let output = Command::new("true").spawn().unwrap().wait_with_output().unwrap();
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
    });
}

#[test]
fn wait_with_output_closes_what_the_child_reads_from() {
    bounded(|| {
        let mut command = Command::new("cat");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"hello").unwrap();
        assert_eq!(child.wait_with_output().unwrap().stdout, b"hello");
    });
}

#[test]
fn wait_with_output_leaves_out_what_was_read_before() {
    bounded(|| {
        let mut child = sh("echo abcdef").stdout(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        assert_eq!(
            (&first, &child.wait_with_output().unwrap().stdout[..]),
            (b"abc", &b"def\n"[..])
        );
    });
}

#[test]
fn output_waits_for_everyone_who_has_the_pipe() {
    bounded(|| {
        let output = sh("(sleep 0.1; echo late) & echo early").output().unwrap();
        assert_eq!(output.stdout, b"early\nlate\n");
    });
}

#[test]
fn a_child_may_close_its_output_long_before_it_ends() {
    bounded(|| {
        let output = sh("echo a; exec >&- 2>&-; sleep 0.05; exit 9").output().unwrap();
        assert_eq!((&output.stdout[..], output.status.code()), (&b"a\n"[..], Some(9)));
    });
}

#[test]
fn a_megabyte_goes_through_a_child_and_back() {
    bounded(|| {
        let mut command = Command::new("cat");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let sent: Vec<u8> = (0..1 << 20).map(|n: u32| (n >> 5) as u8).collect();
        let expected = sent.clone();
        let writer = thread::spawn(move || stdin.write_all(&sent));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.stdout == expected && output.status.success());
    });
}

#[test]
fn status_inherits_and_output_captures() {
    bounded(|| {
        let script = "[ -p /dev/stdout ] && exit 1; exit 0";
        assert_eq!(sh(script).output().unwrap().status.code(), Some(1));
        assert_eq!(sh(script).stdout(Stdio::null()).status().unwrap().code(), Some(0));
    });
}

#[test]
fn status_of_a_program_that_is_not_there_is_an_error() {
    bounded(|| {
        assert_eq!(kind(Command::new("/no/such/program").status()), ErrorKind::NotFound);
    });
}
