//! What is left behind: nothing.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;

use greenhub::monkey::process::{Child, Command, Stdio};
use greenhub::{Greenlet, Hub, sleep, spawn, wait, with_timeout, yield_now};

use crate::support::{alone, bounded, is_there, millis, open_descriptors, test_name};

fn name(test: &str) -> String {
    test_name(module_path!(), test)
}

fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("60").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        sleep(millis(1));
    }
}

#[test]
fn children_leave_no_descriptor_and_no_source() {
    alone(&name("children_leave_no_descriptor_and_no_source"), || {
        let round = || {
            let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            child.wait().unwrap();
            Command::new("true").status().unwrap();
            Command::new("echo").output().unwrap();
            sleeper().output_for(millis(1)).unwrap_err();
            let child = Command::new("sleep").arg("0.01").spawn().unwrap();
            wait([&child], None, None);
        };
        round();
        let before = (open_descriptors(), Hub::current().stats().sources);
        (0..5).for_each(|_| round());
        assert_eq!((open_descriptors(), Hub::current().stats().sources), before);
    });
}

#[test]
fn a_killed_waiter_leaves_no_descriptor() {
    alone(&name("a_killed_waiter_leaves_no_descriptor"), || {
        yield_now();
        sleep(millis(1));
        let before = open_descriptors();
        let ways: [fn(Child); 3] = [
            |mut child| drop(child.wait()),
            |child| drop(child.wait_with_output()),
            |mut child| drop(child.stdout.take().unwrap().read(&mut [0])),
        ];
        for way in ways {
            let child = sleeper().spawn().unwrap();
            let pid = child.id() as i32;
            let waiter = spawn(move || way(child));
            sleep(millis(5));
            assert!(!waiter.is_finished());
            waiter.kill();
            assert_eq!((open_descriptors(), Hub::current().stats().sources), (before, 0));
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    });
}

#[test]
fn a_child_outlives_a_killed_waiter_that_does_not_own_it() {
    bounded(|| {
        let mut child = sleeper().spawn().unwrap();
        assert!(with_timeout(millis(10), || child.wait()).is_err());
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_killed_output_or_status_ends_its_child_and_leaves_no_zombie() {
    alone(&name("a_killed_output_or_status_ends_its_child_and_leaves_no_zombie"), || {
        let ways: [fn(&mut Command); 3] = [
            |command| drop(command.output()),
            |command| drop(command.status()),
            |command| drop(command.output_for(millis(60_000))),
        ];
        sleep(millis(1));
        let before = open_descriptors();
        for way in ways {
            let (mut told, tell) = std::io::pipe().unwrap();
            let waiter: Greenlet<()> = spawn(move || {
                let mut command = Command::new("sh");
                command.args(["-c", "echo $$ >&2; exec sleep 60"]).stderr(tell);
                way(&mut command);
            });
            yield_now();
            let mut line = [0; 16];
            let length = told.read(&mut line).unwrap();
            let pid: u32 = std::str::from_utf8(&line[..length]).unwrap().trim().parse().unwrap();
            sleep(millis(5));
            assert!(is_there(pid));
            waiter.kill();
            wait_until(|| !is_there(pid));
            drop(told);
            wait_until(|| open_descriptors() == before);
        }
        assert_eq!(Hub::current().stats().sources, 0);
    });
}

#[test]
fn a_destructor_may_kill_a_child_and_wait_for_it_while_the_greenlet_unwinds() {
    struct Owned(Child);

    impl Drop for Owned {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            assert_eq!(self.0.wait().unwrap().signal(), Some(libc::SIGKILL));
        }
    }

    bounded(|| {
        let child = sleeper().spawn().unwrap();
        let pid = child.id();
        let owner = spawn(move || {
            let owned = Owned(child);
            sleep(millis(60_000));
            drop(owned);
        });
        yield_now();
        owner.kill();
        assert!(!is_there(pid));
    });
}

#[test]
fn without_a_descriptor_to_spare_one_still_waits() {
    alone(&name("without_a_descriptor_to_spare_one_still_waits"), || {
        let mut child = Command::new("sh").args(["-c", "sleep 0.1; exit 4"]).spawn().unwrap();
        sleep(millis(1));
        let mut taken = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            taken.push(file);
        }
        assert_eq!(child.wait().unwrap().code(), Some(4));
    });
}
