//! Standard input, among several greenlets.

use std::io::{BufRead, Read};
use std::rc::Rc;

use greenhub::monkey::io::{IsTerminal, Stdin, StdinLock, stdin};
use greenhub::{Greenlet, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, fed, millis, slowly, test_name, ticks_beside, with_input};

fn name(test: &str) -> String {
    test_name(module_path!(), test)
}

fn line() -> String {
    let mut line = String::new();
    stdin().read_line(&mut line).unwrap();
    line
}

#[test]
fn greenlets_get_a_line_each_in_the_order_in_which_they_came() {
    let test = name("greenlets_get_a_line_each_in_the_order_in_which_they_came");
    fed(&test, slowly(&[b"on", b"e\ntwo", b"\nthree\n"]), || {
        let readers: Vec<Greenlet<String>> = (0..3).map(|_| spawn(line)).collect();
        let lines: Vec<String> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert_eq!(lines, ["one\n", "two\n", "three\n"]);
    });
}

#[test]
fn a_greenlet_that_is_killed_while_it_reads_leaves_the_input_to_the_next() {
    let test = name("a_greenlet_that_is_killed_while_it_reads_leaves_the_input_to_the_next");
    fed(&test, slowly(&[b"", b"", b"for the next\n"]), || {
        let first = spawn(line);
        let second = spawn(line);
        yield_now();
        first.kill();
        assert!(with_timeout(millis(1), line).is_err());
        assert_eq!(second.join().unwrap(), "for the next\n");
        assert_eq!(line(), "");
    });
}

#[test]
fn a_limit_or_a_kill_in_the_middle_of_a_line_loses_nothing() {
    let test = name("a_limit_or_a_kill_in_the_middle_of_a_line_loses_nothing");
    fed(&test, slowly(&[b"", b"o", b"n", b"e\nt", b"wo", b"\nthe", b" rest"]), || {
        let (mut lines, mut expired) = (Vec::new(), 0);
        while lines.len() < 2 {
            match with_timeout(millis(5), line) {
                Ok(line) => lines.push(line),
                Err(_) => expired += 1,
            }
        }
        assert!(expired > 0, "{expired}");
        assert_eq!(lines, ["one\n", "two\n"]);
        let killed = spawn(|| std::io::read_to_string(stdin()).unwrap());
        sleep(millis(10));
        killed.kill();
        assert_eq!(std::io::read_to_string(stdin()).unwrap(), "the rest");
    });
}

#[test]
fn who_has_the_lock_reads_alone() {
    fed(&name("who_has_the_lock_reads_alone"), slowly(&[b"one\ntwo\nthree\n"]), || {
        let mut lock: StdinLock<'static> = stdin().lock();
        let other = spawn(line);
        let mut mine = String::new();
        lock.read_line(&mut mine).unwrap();
        sleep(millis(5));
        assert!(!other.is_finished());
        lock.read_line(&mut mine).unwrap();
        drop(lock);
        assert_eq!((mine.as_str(), other.join().unwrap().as_str()), ("one\ntwo\n", "three\n"));
    });
}

#[test]
fn who_unwinds_reads_what_is_there_and_waits_for_nobody() {
    struct Reads(Rc<std::cell::RefCell<Vec<std::io::Result<usize>>>>);

    impl Drop for Reads {
        fn drop(&mut self) {
            self.0.borrow_mut().push(stdin().read(&mut [0; 1]));
        }
    }

    let test = name("who_unwinds_reads_what_is_there_and_waits_for_nobody");
    fed(&test, slowly(&[b"ab"]), || {
        let answers = Rc::default();
        let unwinds = |answers: &Rc<_>| {
            let reads = Reads(Rc::clone(answers));
            spawn(move || {
                let _reads = reads;
                panic!("with a destructor that reads");
            })
            .join()
            .unwrap_err();
        };
        let mut lock = stdin().lock();
        lock.fill_buf().unwrap();
        unwinds(&answers);
        drop(lock);
        unwinds(&answers);
        let answers = answers.take();
        assert!(answers[0].is_err() && *answers[1].as_ref().unwrap() == 1, "{answers:?}");
    });
}

/// Both sides of a terminal of our own.
fn terminal() -> (std::fs::File, std::fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let path = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = std::fs::File::options().read(true).write(true).open(path).unwrap();
    (ours.into(), theirs)
}

#[test]
fn a_terminal_is_read_line_by_line_beside_a_ticker() {
    use std::io::Write;
    let test = name("a_terminal_is_read_line_by_line_beside_a_ticker");
    let (mut ours, theirs) = terminal();
    let types = move |_: &mut Option<std::process::ChildStdin>| {
        for piece in ["on", "e\ntwo\n", "three\n", "\x04"] {
            std::thread::sleep(millis(50));
            ours.write_all(piece.as_bytes()).unwrap();
        }
        std::mem::forget(ours);
    };
    with_input(&test, theirs.into(), types, || {
        assert!(stdin().is_terminal());
        let (ticks, lines) =
            ticks_beside(|| Stdin::lines(stdin()).map(Result::unwrap).collect::<Vec<_>>());
        assert_eq!(lines, ["one", "two", "three"]);
        assert!(ticks > 5, "{ticks}");
    });
}

#[test]
fn whatever_has_a_descriptor_tells_whether_it_is_a_terminal() {
    bounded(|| {
        let (ours, theirs) = terminal();
        assert!(theirs.is_terminal());
        drop(ours);
        let (reader, _writer) = greenhub::monkey::io::pipe().unwrap();
        assert!(!reader.is_terminal());
    });
}
