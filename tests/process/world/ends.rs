//! How a child ends, and who is told.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::common::{sh, write_until_it_fails};
use super::world::process::{self, Command, ExitStatus, Stdio};
use super::world::thread;
use crate::support::{bounded, kind};

#[test]
fn the_exit_code_is_the_childs() {
    bounded(|| {
        assert_eq!(sh("exit 10").status().unwrap().code(), Some(10));
        assert_eq!(sh("exit 255").spawn().unwrap().wait().unwrap().code(), Some(255));
        let status = Command::new("true").status().unwrap();
        assert!(status.success());
        assert_eq!((status.code(), status.signal()), (Some(0), None));
        let status = Command::new("false").status().unwrap();
        assert!(!status.success());
        assert_eq!(status.to_string(), "exit status: 1");
    });
}

#[test]
fn a_child_that_a_signal_ends_has_no_code() {
    bounded(|| {
        let status = sh("kill -TERM $$; sleep 60").status().unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(libc::SIGTERM)));
        assert!(!status.success() && !status.core_dumped());
        assert_eq!(status.to_string(), "signal: 15 (SIGTERM)");
    });
}

#[test]
fn kill_ends_a_child_by_sigkill() {
    bounded(|| {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn to_kill_a_child_that_has_ended_is_no_error() {
    bounded(|| {
        let mut child = sh("exit 4").spawn().unwrap();
        thread::sleep(Duration::from_millis(30));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4), "the zombie keeps its status");
        child.kill().unwrap();
        child.kill().unwrap();
    });
}

#[test]
fn every_wait_gives_the_same_status() {
    bounded(|| {
        let mut child = sh("exit 6").spawn().unwrap();
        let first = child.wait().unwrap();
        assert_eq!(first.code(), Some(6));
        assert_eq!(child.wait().unwrap(), first);
        assert_eq!(child.try_wait().unwrap(), Some(first));
        assert_eq!(child.wait_with_output().unwrap().status, first);
    });
}

#[test]
fn try_wait_tells_nothing_while_the_child_runs() {
    bounded(|| {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        assert!(child.stdin.is_some(), "it does not close what the child reads from");
        drop(child.stdin.take());
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        assert!(status.success());
        assert_eq!(child.try_wait().unwrap(), Some(status));
        assert_eq!(child.wait().unwrap(), status);
    });
}

#[test]
fn a_loop_of_try_wait_ends() {
    bounded(|| {
        let mut child = Command::new("true").spawn().unwrap();
        while child.try_wait().unwrap().is_none() {}
    });
}

#[test]
fn wait_closes_what_the_child_reads_from() {
    bounded(|| {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(child.wait().unwrap().success());
        assert!(child.stdin.is_none());
    });
}

#[test]
fn a_child_whose_status_someone_else_took_is_an_error() {
    bounded(|| {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = rustix::process::Pid::from_raw(child.id() as i32);
        rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
        let error = child.wait().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECHILD));
        assert_eq!(child.try_wait().unwrap_err().raw_os_error(), Some(libc::ECHILD));
    });
}

#[test]
fn each_child_has_its_own_status() {
    bounded(|| {
        let mut children: Vec<_> = (0..20)
            .map(|n| sh(&format!("sleep 0.0{}; exit {n}", n % 4)).spawn().unwrap())
            .collect();
        children.reverse();
        for (n, child) in children.iter_mut().rev().enumerate() {
            assert_eq!(child.wait().unwrap().code(), Some(n as i32));
        }
    });
}

#[test]
fn a_child_that_is_dropped_runs_on() {
    bounded(|| {
        let mut command = sh("sleep 0.05; echo done");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        drop(child);
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        assert_eq!(text, "done\n");
    });
}

#[test]
fn a_child_that_does_not_read_breaks_the_pipe() {
    bounded(|| {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        child.wait().unwrap();
        assert_eq!(write_until_it_fails(&mut stdin), ErrorKind::BrokenPipe);
        assert_eq!(kind(stdin.write_all(&[0; 1 << 20])), ErrorKind::BrokenPipe);
        assert_eq!(stdin.write(b"").unwrap(), 0);
    });
}

#[test]
fn a_child_that_ends_while_one_writes_breaks_the_pipe() {
    bounded(|| {
        let mut child = sh("sleep 0.05").stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        assert_eq!(kind(stdin.write_all(&vec![0; 1 << 20])), ErrorKind::BrokenPipe);
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn statuses_compare_and_convert_as_std_has_it() {
    assert_eq!(ExitStatus::default().code(), Some(0));
    assert_eq!(ExitStatus::from_raw(3 << 8).code(), Some(3));
    assert_eq!(ExitStatus::from_raw(9).signal(), Some(9));
    assert_ne!(process::ExitCode::SUCCESS, process::ExitCode::FAILURE);
    assert_eq!(process::id(), std::process::id());
}

#[test]
fn the_childs_number_is_its_own() {
    bounded(|| {
        let mut child = sh("echo $$").stdout(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        assert_ne!(id, process::id());
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text.trim(), id.to_string());
        child.wait().unwrap();
        assert_eq!(child.id(), id);
    });
}
