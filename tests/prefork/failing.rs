//! Workers that do not start, or do not stay.
#![allow(unsafe_code)]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::driver::{Client, Program, command, send, start};

/// A copy of this program may be replaced by another, or removed.
pub(crate) fn a_reload_starts_what_is_in_the_programs_file_by_then() {
    let (copy, next) = (Mark::new("copy"), Mark::new("next"));
    fs::copy(std::env::current_exe().unwrap(), &copy.0).unwrap();
    fs::copy(&copy.0, &next.0).unwrap();
    let mut copied = Command::new(&copy.0);
    copied.args(["program", "serve", "workers=2"]);
    let program = Program::start(copied);
    program.all_ready(2, 0);
    fs::rename(&next.0, &copy.0).unwrap();
    program.signal(Signal::HUP);
    program.all_ready(2, 1);
    let exe = format!("/proc/{}/exe", program.ready(0, 2));
    assert_eq!(fs::read_link(exe).unwrap(), copy.0);
    copy.lift();
    program.signal(Signal::HUP);
    let told = program.line("NotStarted");
    assert!(told.contains("index: 0") && told.contains("No such file"), "{told}");
    Client::of(program.address(), program.ready(0, 2));
    program.stop();
}

/// A file that tells workers to fail, as long as it is there.
struct Mark(PathBuf);

impl Mark {
    fn new(name: &str) -> Mark {
        let name = format!("greenhub-prefork-{}-{name}", std::process::id());
        let mark = Mark(std::env::temp_dir().join(name));
        mark.lift();
        mark
    }

    fn option(&self, key: &str) -> String {
        format!("{key}={}", self.0.display())
    }

    fn set(&self) {
        fs::write(&self.0, "").unwrap();
    }

    fn lift(&self) {
        // There may be none.
        let _ = fs::remove_file(&self.0);
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.lift();
    }
}

pub(crate) fn a_worker_that_dies_at_the_start_is_tried_again_at_growing_intervals() {
    let mark = Mark::new("growing");
    let program = start("serve", &["workers=2", &mark.option("fail")]);
    program.all_ready(2, 0);
    mark.set();
    send(program.ready(0, 1), Signal::KILL);
    // The first is started by itself, and then 10, 20, 40 ms after its death, and so on.
    let moments = program.moments("started 0", 8);
    let intervals: Vec<_> = moments.windows(2).skip(1).map(|it| it[1] - it[0]).collect();
    for (interval, pause) in intervals.iter().zip([10, 20, 40, 80, 160, 320]) {
        // The first death may have been a soon one as well: it is the next pause then.
        assert!(*interval >= Duration::from_millis(pause), "{intervals:?}");
    }
    mark.lift();
    program.ready(0, 2);
    let told = program.lines();
    let told = told.iter().filter(|it| it.contains("Starting exit status: 3")).count();
    assert!(told >= 6, "{told} were told of");
    program.stop();
}

pub(crate) fn if_no_worker_ever_gets_ready_the_parent_gives_up() {
    let mark = Mark::new("never");
    mark.set();
    let mut program = start("serve", &["workers=2", &mark.option("fail")]);
    assert_eq!(program.end().code(), Some(1));
    let error = program.line("error Other:");
    assert!(error.starts_with("no worker gets ready"), "{error}");
    assert!(error.ends_with("5 times: exit status: 3"), "{error}");
    program.leaves_nobody();
}

pub(crate) fn if_no_worker_can_be_started_the_parent_gives_up() {
    let copy = Mark::new("gone");
    fs::copy(std::env::current_exe().unwrap(), &copy.0).unwrap();
    let mut removing = Command::new(&copy.0);
    removing.args(["program", "serve", "workers=3", "gone=1"]);
    let mut program = Program::start(removing);
    assert_eq!(program.end().code(), Some(1), "{:#?}", program.lines());
    let error = program.line("error Other:");
    // The kernel names a file so that is not there any more.
    let file = format!("5 times: {} (deleted): No such file", copy.0.display());
    assert!(error.contains(&file), "{error}");
    let lines = program.all_lines();
    let tries = lines.iter().filter(|line| line.starts_with("NotStarted { index: 0"));
    assert_eq!(tries.count(), 5, "{lines:#?}");
}

pub(crate) fn deaths_are_told_once_on_standard_error() {
    let mark = Mark::new("told");
    let program = start("serve", &["workers=1", "silent=1", &mark.option("fail")]);
    let mut client = Client::connect(program.address()).unwrap();
    let (answer, _) = client.ask("pid").unwrap();
    let worker = answer.split(' ').next().unwrap();
    // Old enough for its death to be an incident by itself.
    std::thread::sleep(Duration::from_millis(1100));
    mark.set();
    send(worker.parse().unwrap(), Signal::KILL);
    // So many workers fail at the start meanwhile.
    program.moments("inherited", 6);
    mark.lift();
    let mut client = Client::connect(program.address()).unwrap();
    client.ask("pid").unwrap();
    let complaints = program.lines().into_iter().filter(|line| line.starts_with("stderr"));
    let complaints: Vec<_> = complaints.collect();
    let [first, second] = &complaints[..] else { panic!("{complaints:#?}") };
    let died = "has died: signal: 9 (SIGKILL)";
    assert_eq!(*first, format!("stderr: greenhub: worker 0 (process {worker}) {died}"));
    assert!(second.ends_with("has died: exit status: 3"), "{second}");
    drop(client);
    program.stop();
}

pub(crate) fn deaths_that_the_kernel_does_not_tell_of_are_seen_all_the_same() {
    let mut ignoring = command("serve", &["workers=2"]);
    // Children of who ignores this signal leave no status behind.
    // SAFETY: `signal` may be called there.
    unsafe {
        ignoring.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        })
    };
    let program = Program::start(ignoring);
    program.all_ready(2, 0);
    let victim = program.ready(0, 1);
    send(victim, Signal::KILL);
    program.ready(0, 2);
    assert_eq!(program.line(&format!("ended 0 {victim}")), "Ready ?");
    program.stop();
}

pub(crate) fn a_worker_that_does_not_get_ready_is_killed_and_tried_again() {
    let mark = Mark::new("hang");
    let options = ["workers=1", "start_limit=300", &mark.option("hang")];
    mark.set();
    let program = start("serve", &options);
    program.line("overdue 0");
    mark.lift();
    program.ready(0, 1);
    program.stop();
}

pub(crate) fn a_worker_that_gets_ready_while_the_parent_is_busy_is_not_killed() {
    let program = start("serve", &["workers=1", "start_limit=500", "busy=1000"]);
    program.ready(0, 1);
    let overdue = program.lines().into_iter().find(|line| line.starts_with("overdue"));
    assert_eq!(overdue, None, "it was ready in time");
    program.stop();
}

pub(crate) fn a_reload_that_cannot_start_leaves_the_old_workers_to_serve() {
    let mark = Mark::new("reload");
    let program = start("serve", &["workers=2", &mark.option("fail")]);
    program.all_ready(2, 0);
    mark.set();
    program.signal(Signal::HUP);
    program.moments("ended 0", 4);
    for index in 0..2 {
        Client::of(program.address(), program.ready(index, 1));
    }
    let lines = program.lines();
    let lost = lines.iter().filter(|it| it.starts_with("ending") || it.starts_with("started 1"));
    assert_eq!(lost.count(), 1, "{lines:#?}");
    mark.lift();
    program.all_ready(2, 1);
    program.stop();
}
