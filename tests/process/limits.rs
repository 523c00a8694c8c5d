//! Limits, signals and talks.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use greenhub::monkey::process::{Child, Command, Stdio, TimeoutExpired};
use greenhub::{sleep, spawn, with_timeout};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{bounded, is_there, kind, millis, ticks_beside};

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

const LONG: Duration = Duration::from_secs(50);

#[test]
fn a_wait_with_a_limit_tells_whether_the_child_has_ended() {
    bounded(|| {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (ticks, status) = ticks_beside(|| child.wait_for(millis(50)).unwrap());
        assert!(ticks > 5 && status.is_none(), "{ticks}");
        assert_eq!(child.wait_for(Duration::ZERO).unwrap(), None);
        child.kill().unwrap();
        let status = child.wait_for(LONG).unwrap().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        assert_eq!(child.wait_for(Duration::ZERO).unwrap(), Some(status));
        assert_eq!(child.wait_for(Duration::MAX).unwrap(), Some(status));
    });
}

#[test]
fn a_wait_with_a_limit_closes_what_the_child_reads_from() {
    bounded(|| {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(child.wait_for(LONG).unwrap().unwrap().success());
    });
}

#[test]
fn a_child_that_is_told_to_end_may_do_so_in_its_own_way() {
    bounded(|| {
        let mut child =
            sh("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done").spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        child.terminate().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7));
    });
}

#[test]
fn signals_are_sent_until_the_child_was_waited_for() {
    bounded(|| {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        child.send_signal(0).unwrap();
        assert_eq!(kind(child.send_signal(12345)), ErrorKind::InvalidInput);
        child.send_signal(libc::SIGRTMIN()).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGRTMIN()));
        child.send_signal(libc::SIGKILL).unwrap();
        child.send_signal(12345).unwrap();
        child.terminate().unwrap();
        child.kill().unwrap();
    });
}

#[test]
fn a_zombie_takes_signals_and_keeps_its_status() {
    bounded(|| {
        let mut child = sh("exit 4").spawn().unwrap();
        greenhub::wait([&child], None, None);
        child.terminate().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4));
    });
}

#[test]
fn an_output_with_a_limit_is_one_without_if_it_is_in_time() {
    bounded(|| {
        let output = sh("cat; echo out; echo err >&2; exit 3").output_for(LONG).unwrap();
        assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
        assert_eq!(output.status.code(), Some(3));
        let missing = Command::new("/no/such/program").output_for(LONG);
        assert_eq!(kind(missing), ErrorKind::NotFound);
    });
}

#[test]
fn an_output_that_is_late_has_what_was_written_and_its_child_is_killed() {
    bounded(|| {
        let error =
            sh("echo $$; printf BDFL >&2; exec sleep 60").output_for(millis(300)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "the command had not ended after 300ms");
        let expired: TimeoutExpired = error.downcast().unwrap();
        assert_eq!((expired.limit, &expired.output.stderr[..]), (millis(300), &b"BDFL"[..]));
        assert_eq!(expired.output.status.signal(), Some(libc::SIGKILL));
        let pid: u32 = String::from_utf8(expired.output.stdout).unwrap().trim().parse().unwrap();
        assert!(!is_there(pid), "it was waited for");
    });
}

#[test]
fn a_grandchild_that_holds_the_pipe_holds_up_nobody() {
    bounded(|| {
        let mut command = sh("sleep 60 & echo $!; exit 5");
        let error = command.output_for(millis(300)).unwrap_err();
        let expired: TimeoutExpired = error.downcast().unwrap();
        assert_eq!(expired.output.status.code(), Some(5), "the child itself had ended");
        let told = String::from_utf8(expired.output.stdout).unwrap();
        let grandchild = Pid::from_raw(told.trim().parse().unwrap()).unwrap();
        kill_process(grandchild, Signal::KILL).expect("the grandchild still runs");
    });
}

#[test]
fn a_child_that_never_stops_writing_is_ended_by_the_limit() {
    bounded(|| {
        let mut command = Command::new("cat");
        let (ticks, error) =
            ticks_beside(|| command.arg("/dev/zero").output_for(millis(100)).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(ticks > 0, "{ticks}");
    });
}

#[test]
fn a_limit_of_zero_still_starts_and_ends_the_program() {
    bounded(|| {
        let error = sh("exec sleep 60").output_for(Duration::ZERO).unwrap_err();
        let expired: TimeoutExpired = error.downcast().unwrap();
        assert_eq!(expired.output.status.signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_talk_writes_and_reads_at_once() {
    bounded(|| {
        let input: Vec<u8> = (0..1 << 20).map(|n: u32| (n >> 5) as u8).collect();
        let talk = sh("tee /dev/stderr")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .communicate(input.clone());
        let output = talk.wait().unwrap();
        assert!(output.stdout == input && output.stderr == input && output.status.success());
    });
}

#[test]
fn a_talk_goes_on_after_a_limit_and_loses_nothing() {
    bounded(|| {
        let mut talk = sh("for n in 1 2 3 4 5 6; do echo $n; sleep 0.03; done; cat; exit 2")
            .spawn()
            .unwrap()
            .communicate("the end");
        let mut waits = 0;
        let mut seen = 0;
        let status = loop {
            waits += 1;
            let done = talk.wait_for(millis(10)).unwrap();
            assert!(talk.stdout().len() >= seen);
            seen = talk.stdout().len();
            if let Some(status) = done {
                break status;
            }
        };
        assert!(waits > 1);
        assert_eq!(status.code(), Some(2));
        assert_eq!(talk.stdout(), b"1\n2\n3\n4\n5\n6\nthe end");
        assert_eq!(talk.stderr(), b"");
        assert_eq!(talk.wait_for(Duration::ZERO).unwrap(), Some(status), "the same once more");
        assert_eq!(talk.wait().unwrap().stdout, b"1\n2\n3\n4\n5\n6\nthe end");
    });
}

#[test]
fn a_talk_that_a_block_around_it_ends_goes_on_as_well() {
    bounded(|| {
        let mut talk = sh("echo a; sleep 0.1; echo b").spawn().unwrap().communicate([]);
        let mut expired = 0;
        let status = loop {
            match with_timeout(millis(15), || talk.wait_for(LONG)) {
                Ok(status) => break status.unwrap().unwrap(),
                Err(_) => expired += 1,
            }
        };
        assert!(expired > 0 && status.success());
        assert_eq!(talk.stdout(), b"a\nb\n");
    });
}

#[test]
fn a_child_that_does_not_listen_is_no_error_of_a_talk() {
    bounded(|| {
        let talk = sh("echo deaf").spawn().unwrap().communicate(vec![0; 1 << 20]);
        assert_eq!(talk.wait().unwrap().stdout, b"deaf\n");
        let untold = Command::new("true").spawn().unwrap().communicate("not piped");
        assert!(untold.wait().unwrap().status.success());
    });
}

#[test]
fn a_talk_can_be_ended_from_its_middle() {
    bounded(|| {
        let mut talk = sh("cat; exec sleep 60").spawn().unwrap().communicate("heard");
        while talk.stdout().len() < 5 {
            assert_eq!(talk.wait_for(millis(5)).unwrap(), None);
        }
        talk.child().send_signal(libc::SIGCONT).unwrap();
        let output = talk.kill().unwrap();
        assert_eq!(
            (&output.stdout[..], output.status.signal()),
            (&b"heard"[..], Some(libc::SIGKILL))
        );
    });
}

#[test]
fn a_late_reader_of_a_killed_talk_gets_what_is_in_the_pipe() {
    bounded(|| {
        let child = sh("printf all; exec sleep 60").spawn().unwrap();
        sleep(millis(100));
        let output = spawn(move || child.communicate([]).kill().unwrap()).join().unwrap();
        assert_eq!(output.stdout, b"all");
    });
}

#[test]
fn a_child_of_std_is_taken_in_and_given_back() {
    bounded(|| {
        let mut command = std::process::Command::new("cat");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut child = Child::from(child);
        child.stdin.as_mut().unwrap().write_all(b"one").unwrap();
        let mut text = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut text).unwrap();
        assert_eq!(&text, b"one");
        let mut child = std::process::Child::from(child);
        child.stdin.as_mut().unwrap().write_all(b"two").unwrap();
        assert_eq!(child.wait_with_output().unwrap().stdout, b"two");
    });
}
