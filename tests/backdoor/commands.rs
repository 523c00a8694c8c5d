//! What each command tells and does.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenhub::backdoor::Backdoor;
use greenhub::{Builder, Hub, JoinError, sleep, spawn, yield_now};

use crate::support::{Door, LONG, OtherHub, bounded, millis, until};

/// The number of this thread's hub, as `ps` tells it.
fn hub(ps: &str) -> &str {
    let running = ps.lines().find(|line| line.contains(" running ")).expect("who serves runs");
    running.split('/').next().unwrap()
}

/// The fields of the row of the greenlet with this name.
#[track_caller]
fn row<'a>(ps: &'a str, name: &str) -> Vec<&'a str> {
    let rows = ps.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found = rows.filter(|row| row.get(3) == Some(&name));
    let row = found.next().unwrap_or_else(|| panic!("no {name} in {ps}"));
    assert_eq!(found.next(), None, "{ps}");
    row
}

#[test]
fn help_names_every_command() {
    bounded(|| {
        let door = Door::open(Backdoor::new().command("users", "who is in", |_| String::new()));
        let help = door.client().ask("help");
        let names: Vec<_> = help.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let all = ["help", "ps", "tree", "json", "stack", "stats", "kill", "quit", "users"];
        assert_eq!(names, all, "{help}");
        assert!(help.contains("who is in\n"), "{help}");
    });
}

#[test]
fn ps_has_a_line_for_each_greenlet_of_each_hub() {
    bounded(|| {
        let other = OtherHub::start("far", || {
            drop(Builder::new().name("distant").spawn(|| sleep(LONG)).unwrap());
        });
        let near = Builder::new().name("near").spawn(|| sleep(LONG)).unwrap();
        let door = Door::open(Backdoor::new());
        let ps = door.client().ask("ps");
        assert!(
            ps.starts_with("ID        SERIAL   STATE     NAME                 WAITS\n"),
            "{ps}"
        );
        let id = format!("{}/{}", hub(&ps), near.id());
        assert_eq!(row(&ps, "near"), [&id, "1", "parked", "near", "in", "a", "sleep"]);
        let distant = row(&ps, "distant");
        assert_eq!(distant[1..4], ["1", "parked", "distant"]);
        assert!(distant[0].ends_with("/1") && distant[0] != id, "{ps}");
        near.kill();
        other.end();
    });
}

#[test]
fn tree_and_json_tell_what_a_dump_does() {
    bounded(|| {
        let parent = spawn(|| {
            let child = Builder::new().name("child").spawn(|| sleep(LONG)).unwrap();
            child.wait();
        });
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        let tree = client.ask("tree");
        let line = format!("\n    greenlet {} waits for the end of greenlet ", parent.id());
        assert!(tree.contains(&line), "{tree}");
        assert!(
            tree.contains("\n      greenlet 3 'child' waits in a sleep, spawned at tests/"),
            "{tree}"
        );
        assert!(tree.contains("stack of 256 KiB"), "{tree}");
        let json = client.ask("json");
        assert!(json.starts_with(r#"{"limit":1,"hubs":[{"#) && json.lines().count() == 1, "{json}");
        assert!(json.contains(r#""name":"child""#), "{json}");
        Hub::current().end(millis(1000)).unwrap();
    });
}

#[inline(never)]
fn doze() {
    sleep(LONG);
    std::hint::black_box(());
}

#[test]
fn stack_tells_where_a_greenlet_stands_on_each_hub() {
    bounded(|| {
        let other = OtherHub::start("dozes", || {
            drop(Builder::new().name("dozer").spawn(doze).unwrap());
        });
        let here = spawn(doze);
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        let trace = client.ask(&format!("stack {}", here.id()));
        assert!(trace.contains("doze"), "{trace}");
        let ps = client.ask("ps");
        let trace = client.ask(&format!("stack {}", row(&ps, "dozer")[0]));
        assert!(trace.contains("doze"), "{trace}");
        let created = Builder::new().create(|| ()).unwrap();
        let none = client.ask(&format!("stack {}", created.greenlet().id()));
        assert_eq!(none, "there is no trace of it: it has not begun\n");
        here.kill();
        other.end();
    });
}

#[test]
fn stats_tell_what_each_hub_has_done() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let stats = door.client().ask("stats");
        let name = std::thread::current().name().unwrap().to_owned();
        let own = stats.split("hub ").find(|part| part.contains(&name)).expect("this hub");
        let made = own.lines().find(|line| line.starts_with("  made ")).expect("it tells");
        let made: u64 = made.trim_start_matches("  made").trim().parse().unwrap();
        assert_eq!(made, Hub::current().stats().made);
        assert_eq!(own.lines().count(), 15, "{own}");
    });
}

#[test]
fn kill_ends_a_greenlet_of_any_hub() {
    bounded(|| {
        let dropped = Arc::new(AtomicU32::new(0));
        struct Counts(Arc<AtomicU32>);
        impl Drop for Counts {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let counts = Counts(Arc::clone(&dropped));
        let other = OtherHub::start("victims", move || {
            let body = move || {
                let _counts = counts;
                sleep(LONG);
            };
            drop(Builder::new().name("victim").spawn(body).unwrap());
            sleep(millis(2));
        });
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        let near = Builder::new().name("near").spawn(|| sleep(LONG)).unwrap();
        let told = client.ask(&format!("kill {}", near.id()));
        assert_eq!(told, format!("told greenlet {} 'near' to end\n", near.id()));
        assert!(matches!(near.join(), Err(JoinError::Killed)));
        let ps = client.ask("ps");
        let id = row(&ps, "victim")[0];
        assert_eq!(client.ask(&format!("kill {id}")), "told greenlet 1 'victim' to end\n");
        until(|| dropped.load(Ordering::SeqCst) == 1);
        assert_eq!(client.ask(&format!("kill {id}")), "there is no greenlet 1\n");
        other.end();
    });
}

#[test]
fn kill_with_a_serial_spares_another_that_has_the_number() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        let first = spawn(|| ());
        let number = first.id();
        let serial = number;
        first.wait();
        let second = spawn(|| sleep(LONG));
        assert_eq!(second.id(), number, "the number is used again");
        let told = client.ask(&format!("kill {number} {serial}"));
        let own = serial + 1;
        assert_eq!(told, format!("greenlet {number} is another: its serial is {own}\n"));
        assert!(!second.is_finished());
        client.ask(&format!("kill {number} {own}"));
        second.wait();
    });
}

#[test]
fn main_is_not_killed() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        assert_eq!(client.ask("kill 0"), "it is main, or raw: those are not killed\n");
        sleep(millis(1));
    });
}

#[test]
fn what_makes_no_sense_is_told_and_the_talk_goes_on() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        for (line, answer) in [
            ("", ""),
            ("   ", ""),
            ("what", "there is no command 'what'; try 'help'\n"),
            ("w\x1b[1m", "there is no command 'w\\u{1b}[1m'; try 'help'\n"),
            ("PS", "there is no command 'PS'; try 'help'\n"),
            ("ps all", "usage: ps\n"),
            ("quit now", "usage: quit\n"),
            ("help me", "usage: help\n"),
            ("stack", "usage: stack ID\n"),
            ("stack 1 2", "usage: stack ID\n"),
            ("kill", "usage: kill ID [SERIAL]\n"),
            ("kill 1 2 3", "usage: kill ID [SERIAL]\n"),
            ("kill me", "'me' is no ID: it is a number, or HUB/NUMBER\n"),
            ("kill -1", "'-1' is no ID: it is a number, or HUB/NUMBER\n"),
            ("kill 1/2/3", "'1/2/3' is no ID: it is a number, or HUB/NUMBER\n"),
            ("kill 99999999999", "'99999999999' is no ID: it is a number, or HUB/NUMBER\n"),
            ("kill 3 x", "'x' is no serial\n"),
            ("kill 4000000000", "there is no greenlet 4000000000\n"),
            ("kill 4000000000/1", "there is no such hub\n"),
            ("stack 0/1", "there is no such hub\n"),
            ("stats\r", ""),
        ] {
            let told = client.ask(line);
            assert!(
                told == answer || line == "stats\r" && told.starts_with("hub "),
                "{line:?}: {told:?}"
            );
        }
        client.send(b"\xff\xfe\n");
        assert_eq!(client.answer(), "there is no command '\u{fffd}\u{fffd}'; try 'help'\n");
    });
}

#[test]
fn a_line_that_is_too_long_is_read_to_its_end_and_the_next_is_answered() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        client.send(&[b'x'; 1 << 20]);
        client.send(b"\nquit\n");
        assert_eq!(client.rest().unwrap(), "a line has at most 1024 bytes\n> ");
    });
}

#[test]
fn quit_ends_that_talk_alone() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let (mut one, mut other) = (door.client(), door.client());
        one.send(b"quit\nkill 0\n");
        assert_eq!(one.rest().unwrap(), "");
        assert_eq!(other.ask("kill 0"), "it is main, or raw: those are not killed\n");
        until(|| door.server.client_count() == 1);
    });
}

#[test]
fn the_last_line_needs_no_end() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        client.send(b"kill 0");
        client.0.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(client.rest().unwrap(), "it is main, or raw: those are not killed\n> ");
    });
}

#[test]
fn a_program_adds_commands_which_may_wait_and_hold_up_nobody() {
    bounded(|| {
        let asked = Rc::new(Cell::new(0));
        let own = Rc::clone(&asked);
        let door = Door::open(Backdoor::new().banner("a shop; try 'help'").command(
            "wait",
            "waits",
            move |words| {
                own.set(own.get() + 1);
                sleep(millis(20));
                words.join("+")
            },
        ));
        let mut clients: Vec<_> = (0..10).map(|_| door.client()).collect();
        for client in &mut clients {
            client.send(b"wait a b\n");
        }
        until(|| asked.get() == 10);
        assert_eq!(door.client().ask("kill 0"), "it is main, or raw: those are not killed\n");
        for client in &mut clients {
            assert_eq!(client.answer(), "a+b\n");
        }
    });
}

#[test]
fn a_command_that_panics_ends_its_talk_and_is_told_to_the_error_hook() {
    bounded(|| {
        let told = Rc::new(RefCell::new(Vec::new()));
        let own = Rc::clone(&told);
        Hub::current().set_error_hook(move |unhandled| {
            own.borrow_mut().push(unhandled.message().unwrap_or("no text").to_owned());
        });
        let door = Door::open(Backdoor::new().command("boom", "", |_| panic!("broken")));
        let (mut one, mut other) = (door.client(), door.client());
        one.send(b"boom\n");
        assert_eq!(one.rest().unwrap(), "");
        assert_eq!(other.ask("what"), "there is no command 'what'; try 'help'\n");
        assert_eq!(*told.borrow(), ["broken"]);
    });
}

#[test]
fn a_command_must_be_one_word_and_new() {
    for (name, complaint) in [
        ("two words", "a command is one word"),
        ("", "a command is one word"),
        ("kill", "there is a command \"kill\" already"),
        ("mine", "there is a command \"mine\" already"),
    ] {
        let add = || {
            Backdoor::new()
                .command("mine", "", |_| String::new())
                .command(name, "", |_| String::new())
        };
        let payload = std::panic::catch_unwind(add).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains(complaint), "{message}");
    }
}

#[test]
fn many_greenlets_are_told_in_parts_and_others_run_between() {
    const COUNT: usize = 10_000;
    bounded(|| {
        for _ in 0..COUNT {
            drop(spawn(|| sleep(LONG)));
        }
        sleep(millis(1));
        let door = Door::open(Backdoor::new());
        let mut client = door.client();
        let turns = Rc::new(Cell::new(0));
        let own = Rc::clone(&turns);
        let other = spawn(move || {
            loop {
                own.set(own.get() + 1);
                yield_now();
            }
        });
        for (command, per_greenlet) in [("ps", 1), ("tree", 1)] {
            turns.set(0);
            client.0.write_all(format!("{command}\n").as_bytes()).unwrap();
            let text = client.answer();
            let lines = text.lines().filter(|line| line.contains("in a sleep")).count();
            assert!(lines >= COUNT * per_greenlet, "{lines} lines of {command}");
            assert!(turns.get() > COUNT / 256, "{} turns beside {command}", turns.get());
        }
        other.kill();
        Hub::current().end(millis(10_000)).unwrap();
    });
}
