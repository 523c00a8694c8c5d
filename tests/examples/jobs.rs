//! `ported_jobs`: the original and its port print the same.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::ported::{VARIANTS, threads};
use crate::programs::{Dialog, Ended, PATIENCE, example, finish_with};

/// Runs these jobs to their end, in both variants, which must not differ; returns what they did.
#[track_caller]
fn both(arguments: &[&str], jobs: &str) -> Ended {
    let [on_std, ported] = VARIANTS
        .map(|options| finish_with(example("ported_jobs", options.iter().chain(arguments)), jobs));
    assert_eq!(on_std, ported);
    ported
}

#[test]
fn results_come_in_the_order_of_the_file_whoever_is_done_first() {
    let ended = both(
        &[],
        "# The first is the last to end.\n\n\
         slow: | sleep 0.3; echo slow\n  quick : | echo quick; echo oh >&2\n\
         both: slow quick | printf 'one\\ntwo'\nsilent:|\n",
    );
    let printed = "slow: ok\n  | slow\nquick: ok\n  | quick\n  ! oh\n\
        both: ok\n  | one\n  | two\nsilent: ok\n4 succeeded, 0 failed, 0 not run\n";
    assert_eq!(ended.printed(), printed);
}

#[test]
fn a_job_starts_when_what_it_needs_has_ended() {
    let file = std::env::temp_dir().join(format!("ported-jobs-{}", std::process::id()));
    let path = file.to_str().expect("a simple name");
    let jobs = format!(
        "last: middle | cat {path}; rm {path}\n\
         middle: first | echo middle >> {path}\nfirst: | sleep 0.1; echo first > {path}\n"
    );
    let printed = both(&[], &jobs).printed();
    assert!(printed.starts_with("last: ok\n  | first\n  | middle\n"), "{printed}");
}

#[test]
fn a_job_that_needs_one_that_failed_is_not_run() {
    let ended = both(
        &[],
        "worse: hopeless fine | echo never\nhopeless: bad | echo never\n\
         bad: fine | echo some; exit 3\nfine: | true\nkilled: | kill -9 $$\n\
         unknown: | no-such-program-at-all 2> /dev/null\n",
    );
    let printed = "worse: not run, without hopeless\nhopeless: not run, without bad\n\
        bad: exit code 3\n  | some\nfine: ok\nkilled: signal 9\nunknown: exit code 127\n\
        1 succeeded, 3 failed, 2 not run\n";
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (Some(1), printed, ""));
}

#[test]
fn no_more_jobs_run_at_once_than_are_allowed() {
    let directory = std::env::temp_dir().join(format!("ported-at-once-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let job = format!("mkdir {}/lock && sleep 0.02 && rmdir {0}/lock", directory.display());
    let jobs: String = (0..10).map(|number| format!("job{number}: | {job}\n")).collect();
    let printed = both(&["--at-once", "1"], &jobs).printed();
    fs::remove_dir_all(&directory).unwrap();
    assert!(printed.ends_with("\n10 succeeded, 0 failed, 0 not run\n"), "{printed}");
}

#[test]
fn jobs_that_are_allowed_at_once_run_at_once() {
    let directory = std::env::temp_dir().join(format!("ported-meet-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    // Each is the other's reader or writer: alone, none of them would end.
    let at = directory.display();
    let jobs = format!(
        "prepare: | rm -f {at}/pipe; mkfifo {at}/pipe\n\
         read: prepare | cat {at}/pipe\nwrite: prepare | echo met > {at}/pipe\n"
    );
    let printed = both(&["--at-once", "2"], &jobs).printed();
    fs::remove_dir_all(&directory).unwrap();
    assert!(printed.contains("read: ok\n  | met\nwrite: ok\n"), "{printed}");
}

#[test]
fn a_job_that_takes_too_long_is_killed_with_all_that_it_has_started() {
    let begun = Instant::now();
    let ended = both(
        &["--millis", "500"],
        "loop: | echo begun; sleep 600 & sleep 600\nleft: | sleep 600 & echo left\n\
         deaf: | trap '' TERM; echo deaf; while :; do sleep 1; done\nnext: loop | true\n",
    );
    assert!(begun.elapsed() < PATIENCE, "someone has waited for them");
    let printed = "loop: took too long\n  | begun\nleft: took too long\n  | left\n\
        deaf: took too long\n  | deaf\nnext: not run, without loop\n\
        0 succeeded, 3 failed, 1 not run\n";
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (Some(1), printed, ""));
}

#[test]
fn what_a_job_writes_beyond_the_limit_is_counted() {
    // Both pipes are filled far beyond what they hold, one after the other.
    let ended = both(
        &[],
        "much: | head -c 1000000 /dev/zero | tr '\\0' x >&2; head -c 3000000 /dev/zero | tr '\\0' y\n",
    );
    let printed = ended.printed();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[1], format!("  | {}", "y".repeat(65536)));
    assert_eq!(lines[2], format!("  | and {} bytes more", 3_000_000 - 65536));
    assert_eq!(lines[3], format!("  ! {}", "x".repeat(65536)));
    assert_eq!(lines[4], format!("  ! and {} bytes more", 1_000_000 - 65536));
}

#[test]
fn what_is_no_job_file_runs_nothing() {
    for (jobs, complaint) in [
        ("fine: | echo no\nbad", "line 2: no | in it\n"),
        ("bad | echo no", "line 1: no : before the |\n"),
        ("two words: | echo no", "line 1: a name is one word\n"),
        (": | echo no", "line 1: a name is one word\n"),
        ("a: | echo no\n#\na: | echo no", "line 3: there is another a\n"),
        ("a: b | echo no", "line 1: no job b\n"),
        ("a: a | echo no", "a waits for itself\n"),
        ("x: | echo no\na: b | echo no\nb: x c | echo no\nc: a | echo no", "a waits for itself\n"),
    ] {
        assert_eq!(both(&[], jobs).complained(2), complaint);
    }
    assert_eq!(both(&[], "").printed(), "0 succeeded, 0 failed, 0 not run\n");
    let complaint = both(&["/no such file"], "").complained(2);
    assert!(complaint.starts_with("cannot read the jobs: No such file"), "{complaint}");
    assert!(both(&["--gevent"], "").complained(2).starts_with("what is --gevent? usage: "));
    assert_eq!(both(&["--at-once", "0"], "").complained(2), "--at-once needs a number\n");
}

#[test]
fn the_ported_runner_runs_on_one_thread() {
    // Each result comes as soon as it is there; the jobs after the first are under way then.
    let file = std::env::temp_dir().join(format!("ported-thread-{}", std::process::id()));
    let jobs = "first: | true\na: first | sleep 1\nb: first | sleep 1\nc: first | sleep 1\n";
    fs::write(&file, jobs).unwrap();
    let path = file.to_str().expect("a simple name");
    let [on_std, ported] = VARIANTS.map(|options| {
        let arguments = [options, &["--at-once", "3", path]].concat();
        let dialog = Dialog::start(example("ported_jobs", arguments));
        assert_eq!(dialog.line(), "first: ok");
        thread::sleep(Duration::from_millis(300));
        let threads = threads(dialog.process_id());
        assert_eq!(dialog.line(), "a: ok");
        threads
    });
    fs::remove_file(&file).unwrap();
    // Main, three that take the jobs, and three for each job.
    assert_eq!((on_std, ported), (13, 1));
}
