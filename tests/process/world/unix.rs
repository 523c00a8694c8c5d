//! What only Unix systems have.
//!
//! # Why this file is unsafe
//!
//! `pre_exec` is: these closures make system calls and nothing else. So is it to say what happens
//! at a signal.
#![allow(unsafe_code)]

use std::io::{Error, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicU32, Ordering};

use super::common::sh;
use super::world::os::unix::process::CommandExt;
use super::world::process::{Command, Stdio};
use crate::support::{alone, bounded, kind, test_name};

fn told(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn arg0_is_the_name_the_program_is_told() {
    bounded(|| {
        let mut command = Command::new("sh");
        command.arg0("called").args(["-c", "echo $0"]);
        assert_eq!(told(&mut command), "called\n");
    });
}

#[test]
fn a_process_group_of_its_own_has_the_childs_number() {
    bounded(|| {
        let mut command = sh("set -- $(cat /proc/$$/stat); [ $5 = $$ ] && echo own");
        assert_eq!(told(command.process_group(0)), "own\n");
        assert_eq!(kind(sh("").process_group(-1).spawn()), ErrorKind::InvalidInput);
    });
}

#[test]
fn the_closure_runs_in_the_child_before_the_program() {
    bounded(|| {
        let mut command = sh("cat /proc/$$/stat | cut -d' ' -f6; echo $$");
        // SAFETY: it is one system call.
        unsafe { command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
        let told = told(&mut command);
        let [session, own] = told.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{told}")
        };
        assert_eq!(session, own);
    });
}

#[test]
fn an_error_of_the_closure_is_that_of_spawn() {
    bounded(|| {
        let mut command = sh("echo never");
        // SAFETY: it makes an error of a number.
        unsafe { command.pre_exec(|| Err(Error::from_raw_os_error(libc::ENOTTY))) };
        let error = command.stdout(Stdio::piped()).spawn().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
    });
}

#[test]
fn closures_run_in_order_until_one_fails() {
    bounded(|| {
        let mut command = sh("true");
        // SAFETY: they make errors of numbers.
        unsafe {
            command.pre_exec(|| Ok(()));
            command.pre_exec(|| Err(Error::from_raw_os_error(libc::EDOM)));
            command.pre_exec(|| Err(Error::from_raw_os_error(libc::EBUSY)));
        }
        assert_eq!(command.status().unwrap_err().raw_os_error(), Some(libc::EDOM));
    });
}

#[test]
fn a_user_or_group_that_one_may_not_be_is_refused() {
    bounded(|| {
        let is_root = rustix::process::geteuid().is_root();
        let user = sh("id -u").uid(12345).output();
        let group = sh("id -g").gid(12345).output();
        if is_root {
            assert_eq!(user.unwrap().stdout, b"12345\n");
            assert_eq!(group.unwrap().stdout, b"12345\n");
        } else {
            assert_eq!(kind(user), ErrorKind::PermissionDenied);
            assert_eq!(kind(group), ErrorKind::PermissionDenied);
        }
        let nobody = u32::MAX;
        assert_eq!(sh("true").uid(nobody).spawn().unwrap_err().raw_os_error(), Some(libc::EINVAL));
    });
}

#[test]
fn exec_returns_only_an_error() {
    // Alone, because it has reset what the process does at a broken pipe.
    alone(&test_name(module_path!(), "exec_returns_only_an_error"), || {
        assert_eq!(Command::new("/no/such/program").exec().kind(), ErrorKind::NotFound);
        assert_eq!(Command::new("a\0b").exec().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn exec_becomes_the_program() {
    const MARK: &str = "GREENHUB_TEST_EXEC";
    if std::env::var_os(MARK).is_some() {
        let error = Command::new("sh").args(["-c", "exit 42"]).exec();
        panic!("{error}");
    }
    bounded(|| {
        let name = test_name(module_path!(), "exec_becomes_the_program");
        let status = Command::new(std::env::current_exe().unwrap())
            .args([&name, "--exact", "--test-threads=1"])
            .env(MARK, "1")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(42));
    });
}

#[test]
fn a_stopped_child_has_not_ended() {
    bounded(|| {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        std::thread::sleep(crate::support::millis(10));
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_process_that_ignores_its_children_gets_no_status() {
    let name = test_name(module_path!(), "a_process_that_ignores_its_children_gets_no_status");
    alone(&name, || {
        // SAFETY: the signal is ignored, so that no handler runs.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let mut child = sh("sleep 0.05; exit 3").spawn().unwrap();
        assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(libc::ECHILD));
        let output = sh("echo told").output();
        assert_eq!(output.unwrap_err().raw_os_error(), Some(libc::ECHILD));
    });
}

#[test]
fn a_handler_for_the_end_of_children_is_left_alone() {
    static ENDED: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(_: libc::c_int) {
        ENDED.fetch_add(1, Ordering::SeqCst);
    }

    let name = test_name(module_path!(), "a_handler_for_the_end_of_children_is_left_alone");
    alone(&name, || {
        let handler = count as extern "C" fn(libc::c_int);
        // SAFETY: the handler only counts.
        unsafe { libc::signal(libc::SIGCHLD, handler as libc::sighandler_t) };
        for code in 1..=3 {
            let status = sh(&format!("sleep 0.02; exit {code}")).status().unwrap();
            assert_eq!(status.code(), Some(code));
        }
        assert_eq!(ENDED.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn what_is_open_here_is_closed_in_a_child() {
    let name = test_name(module_path!(), "what_is_open_here_is_closed_in_a_child");
    alone(&name, || {
        let open_there = || told(Command::new("ls").arg("/proc/self/fd"));
        // Some are inherited from whoever runs the tests.
        let before = open_there();
        let (_reader, _writer) = super::world::io::pipe().unwrap();
        let mut other = Command::new("sleep").arg("60").stdin(Stdio::piped()).spawn().unwrap();
        super::world::thread::sleep(crate::support::millis(1));
        assert_eq!(other.try_wait().unwrap(), None);
        assert_eq!(open_there(), before);
        other.kill().unwrap();
        other.wait().unwrap();
    });
}
