//! `fifty_thousand`, with fewer.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::programs::{Dialog, PATIENCE, example, finish, run};

const NAME: &str = "fifty_thousand";

fn with(processes: &str, threads: &str, greenlets: &str) -> Command {
    example(NAME, ["--processes", processes, "--threads", threads, "--greenlets", greenlets])
}

#[test]
fn fifty_thousand_counts_those_who_hold_a_connection() {
    let printed = finish(with("2", "2", "10")).printed();
    let lines: Vec<_> = printed.lines().collect();
    let [reached, all, clients, time] = lines[..] else { panic!("{printed}") };
    let expected = "2 processes x 2 threads x 10 greenlets: 40 hold a connection that has answered";
    assert_eq!(reached, expected);
    assert!(all.starts_with("memory: ") && all.ends_with(" MiB) in 5 processes"), "{all}");
    let each =
        clients.rsplit(", ").next().and_then(|it| it.strip_suffix(" bytes for each greenlet"));
    assert!(each.and_then(|each| each.parse().ok()).is_some_and(|each: u64| each > 0), "{clients}");
    let ends = [" s until all were there, ", " s until all had answered again"];
    assert!(time.starts_with("time: ") && time.contains(ends[0]) && time.ends_with(ends[1]));
}

#[test]
fn fifty_thousand_tells_why_there_are_too_few() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    let inner = with("1", "1", "100");
    command.arg(inner.get_program()).args(inner.get_args());
    let ended = finish(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("only "), "{ended:?}");
    assert!(ended.stderr.contains(" of 100: Too many open files"), "{ended:?}");
}

/// A line of input never comes: whoever has started them has ended.
#[test]
fn fifty_thousand_has_children_that_end_with_their_parent() {
    let served = finish(example(NAME, ["serve"]));
    assert_eq!((served.code, &*served.stderr), (Some(0), ""), "{served:?}");
    // It never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    assert_eq!(finish(example(NAME, ["hold", &address, "2", "10"])).printed(), "");
}

#[test]
fn fifty_thousand_leaves_no_orphans_when_it_is_killed() {
    // It prints nothing before all are there, which takes a while.
    let dialog = Dialog::start({
        let mut command = with("3", "4", "2000");
        command.stderr(Stdio::null());
        command
    });
    let id = dialog.process_id();
    let mut children = Vec::new();
    until("it starts its children", || {
        // Only some kernels tell.
        let Ok(list) = fs::read_to_string(format!("/proc/{id}/task/{id}/children")) else {
            return true;
        };
        children = list.split_whitespace().map(str::to_owned).collect();
        children.len() >= 4
    });
    dialog.signal(Signal::KILL);
    assert_eq!(dialog.ended().code, None);
    until("its children end", || children.iter().all(|child| has_ended(child)));
}

fn has_ended(process: &str) -> bool {
    // One that nobody has asked for how it ended is still listed, without threads that run.
    fs::read_to_string(format!("/proc/{process}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn fifty_thousand_refuses_what_it_does_not_know() {
    for (arguments, complaint) in [
        (vec!["--what"], "what is --what?"),
        (vec!["5"], "what is 5?"),
        (vec!["--threads"], "--threads has no number"),
        (vec!["--threads", "2", "--greenlets"], "--greenlets has no number"),
        (vec!["--processes", "0"], "--processes 0 is no number from 1 to 100000"),
        (vec!["--greenlets", "-1"], "--greenlets -1 is no number from 1 to 100000"),
    ] {
        let usage = "fifty_thousand [--processes P] [--threads T] [--greenlets G]";
        let expected = format!("{complaint}; usage: {usage}\n");
        assert_eq!(run(NAME, arguments).complained(2), expected);
    }
}
