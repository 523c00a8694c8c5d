//! While one greenlet waits for a child or a pipe, the others go on.

use std::io::{Read, Write};
use std::time::Duration;

use greenhub::monkey::io::{pipe, stdin};
use greenhub::monkey::process::{Command, Stdio};
use greenhub::{Hub, sleep, spawn, with_timeout};

use crate::support::{alone, bounded, fed, millis, slowly, test_name, ticks_beside};

const ENOUGH: u32 = 5;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_ticker_goes_on_beside_a_wait() {
    bounded(|| {
        let mut child = sh("sleep 0.2; exit 3").spawn().unwrap();
        let (ticks, status) = ticks_beside(|| child.wait().unwrap());
        assert!(ticks > ENOUGH && status.code() == Some(3), "{ticks} {status}");
        let (ticks, status) = ticks_beside(|| sh("sleep 0.2").status().unwrap());
        assert!(ticks > ENOUGH && status.success(), "{ticks} {status}");
    });
}

#[test]
fn a_ticker_goes_on_beside_output() {
    bounded(|| {
        let script = "for n in 1 2 3 4; do echo $n; echo $n >&2; sleep 0.05; done";
        let (ticks, output) = ticks_beside(|| sh(script).output().unwrap());
        assert!(ticks > ENOUGH, "{ticks}");
        assert_eq!(
            (output.stdout, output.stderr),
            (b"1\n2\n3\n4\n".to_vec(), b"1\n2\n3\n4\n".to_vec())
        );
    });
}

#[test]
fn a_ticker_goes_on_beside_a_full_pipe_to_a_child() {
    bounded(|| {
        let mut child = sh("sleep 0.2; cat >/dev/null").stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let (ticks, ()) = ticks_beside(|| stdin.write_all(&vec![0; 1 << 20]).unwrap());
        assert!(ticks > ENOUGH, "{ticks}");
        drop(stdin);
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_ticker_goes_on_beside_a_silent_child() {
    bounded(|| {
        let mut child = sh("sleep 0.2; echo a; echo b >&2")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut text = String::new();
        let mut stdout = child.stdout.take().unwrap();
        let (ticks, _) = ticks_beside(|| stdout.read_to_string(&mut text).unwrap());
        assert!(ticks > ENOUGH && text == "a\n", "{ticks} {text}");
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\nb\n");
        child.wait().unwrap();
    });
}

#[test]
fn a_ticker_goes_on_beside_an_empty_and_a_full_pipe() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let writes = spawn(move || {
            sleep(millis(50));
            writer.write_all(&vec![7; 1 << 20]).unwrap();
        });
        let (ticks, bytes) = ticks_beside(|| {
            reader.read_exact(&mut [0]).unwrap();
            sleep(millis(20));
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
            rest.len()
        });
        assert!(ticks > ENOUGH && bytes == (1 << 20) - 1, "{ticks} {bytes}");
        writes.join().unwrap();
    });
}

#[test]
fn a_ticker_goes_on_beside_standard_input() {
    let name = test_name(module_path!(), "a_ticker_goes_on_beside_standard_input");
    fed(&name, slowly(&[b"", b"", b"on", b"", b"e\n", b"", b"", b"two"]), || {
        let mut line = String::new();
        let (ticks, _) = ticks_beside(|| stdin().read_line(&mut line).unwrap());
        assert!(ticks > ENOUGH && line == "one\n", "{ticks} {line}");
        let (ticks, _) = ticks_beside(|| stdin().read_line(&mut line).unwrap());
        assert!(ticks > ENOUGH && line == "one\ntwo", "{ticks} {line}");
        assert_eq!(Hub::current().stats().sources, 0, "it is a source only while someone waits");
    });
}

#[test]
fn two_hundred_children_at_once() {
    let name = test_name(module_path!(), "two_hundred_children_at_once");
    alone(&name, || {
        let script = |n| format!("sleep 0.1; echo {n}; exit 5");
        let asked: Vec<_> =
            (0..200).map(|n| spawn(move || sh(&script(n)).output().unwrap())).collect();
        for (n, output) in asked.into_iter().enumerate() {
            let output = output.join().unwrap();
            assert_eq!(output.status.code(), Some(5));
            assert_eq!(output.stdout, format!("{n}\n").into_bytes());
        }
    });
}

#[test]
fn a_child_that_never_stops_writing_starves_nobody() {
    bounded(|| {
        let mut child = sh("exec cat /dev/zero").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reads = spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()).unwrap());
        let (ticks, ()) = ticks_beside(|| sleep(millis(100)));
        assert!(ticks > ENOUGH, "{ticks}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(reads.join().unwrap() > 0);
    });
}

#[test]
fn a_loop_of_try_wait_starves_nobody() {
    bounded(|| {
        let mut child = sh("sleep 0.1").spawn().unwrap();
        let (ticks, ()) = ticks_beside(|| while child.try_wait().unwrap().is_none() {});
        assert!(ticks > ENOUGH, "{ticks}");
    });
}

#[test]
fn a_clone_that_a_child_has_makes_no_pipe_block() {
    bounded(|| {
        let (mut reader, writer) = pipe().unwrap();
        let mut child =
            sh("sleep 0.1; exec echo told").stdout(writer.try_clone().unwrap()).spawn().unwrap();
        let mut writer = writer;
        let mut text = [0; 5];
        let (ticks, ()) = ticks_beside(|| reader.read_exact(&mut text).unwrap());
        assert!(ticks > ENOUGH && &text == b"told\n", "{ticks} {text:?}");
        child.wait().unwrap();
        let full = with_timeout(millis(30), || writer.write_all(&vec![0; 1 << 20]));
        assert!(full.is_err(), "it waits, and is not held up by the full pipe");
    });
}

#[test]
fn children_are_waited_for_in_any_thread() {
    bounded(|| {
        let child = sh("sleep 0.05; exit 8").stdout(Stdio::piped()).spawn().unwrap();
        let other = std::thread::spawn(move || {
            let mut child = child;
            let (ticks, status) = ticks_beside(|| child.wait().unwrap());
            (ticks, status.code())
        });
        sleep(Duration::from_millis(1));
        let (ticks, code) = other.join().unwrap();
        assert!(ticks > 0 && code == Some(8), "{ticks} {code:?}");
    });
}
