//! The examples that show one idea each.

use std::collections::HashMap;

use crate::programs::run;
use crate::short::NOTHING;

#[test]
fn timer_rings_unless_it_is_turned_off_in_time() {
    let printed = run("timer", NOTHING).printed();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "three alarms are set",
            "the second is turned off: true",
            "the first rings",
            "the third rings",
            "the third is turned off: false",
            "the third has rung long enough",
        ]
    );
}

#[test]
fn server_up_lets_all_clients_go_on_when_the_server_is_up() {
    let printed = run("server_up", NOTHING).printed();
    let (before, after) = printed.split_once("the server is up\n").expect("it comes up");
    assert!(before.lines().all(|line| line.ends_with("the server is not up yet")), "{printed}");
    let connected: Vec<_> = after
        .lines()
        .filter_map(|line| line.split_once(" connects at try "))
        .map(|(client, _)| client)
        .collect();
    assert_eq!(connected, ["client 1", "client 2", "client 3"], "{printed}");
}

#[test]
fn server_up_gives_up_after_four_tries() {
    let printed = run("server_up", ["60000"]).printed();
    for client in 1..=3 {
        let prefix = format!("client {client}");
        let lines: Vec<_> = printed.lines().filter(|line| line.starts_with(&prefix)).collect();
        let tries = (1..=4).map(|n| format!("{prefix}, try {n}: the server is not up yet"));
        let expected: Vec<_> = tries.chain([format!("{prefix} gives up")]).collect();
        assert_eq!(lines, expected);
    }
    assert!(!printed.contains("the server is up\n"), "{printed}");
}

#[test]
fn server_up_refuses_what_is_no_number() {
    let complaint = run("server_up", ["soon"]).complained(2);
    assert!(complaint.starts_with("soon is no number of milliseconds; usage: "), "{complaint}");
}

#[test]
fn five_in_the_room_never_lets_in_a_sixth() {
    let printed = run("five_in_the_room", NOTHING).printed();
    let mut lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.pop(), Some("all twelve were in, and never more than 5 at once"));
    let mut inside = 0;
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for line in lines {
        let (guest, rest) = line.split_once(": ").expect(line);
        inside = if guest.ends_with(" enters") { inside + 1 } else { inside - 1 };
        assert!((0..=5).contains(&inside), "{printed}");
        assert_eq!(rest, format!("{inside} in the room"));
        *seen.entry(guest).or_default() += 1;
    }
    for guest in 1..=12 {
        for what in ["enters", "leaves"] {
            assert_eq!(seen.get(&*format!("guest {guest} {what}")), Some(&1), "{printed}");
        }
    }
    assert_eq!(inside, 0);
}

#[test]
fn deadlock_is_reported_and_does_not_hang() {
    let ended = run("deadlock", ["order"]);
    assert_eq!(ended.code, Some(101), "{ended:?}");
    assert_eq!(ended.stdout, "romeo has one lock\njuliet has one lock\n");
    assert!(ended.stderr.contains("everything waits for ever: "), "{ended:?}");
    assert!(ended.stderr.contains("main waits for the end of greenlet"), "{ended:?}");
    for (number, name, other) in [(2, "romeo", "juliet"), (1, "juliet", "romeo")] {
        let line = format!(
            "'{name}' waits for a lock, held by greenlet {number} '{other}' (made at \
             examples/deadlock.rs:"
        );
        assert!(ended.stderr.contains(&line), "{ended:?}");
    }
    assert!(ended.stderr.contains("in a circle: greenlet 1 'romeo' waits for"), "{ended:?}");
}

#[test]
fn deadlock_is_reported_of_a_lock_that_is_taken_twice() {
    let ended = run("deadlock", ["twice"]);
    assert_eq!(ended.code, Some(101), "{ended:?}");
    assert_eq!(ended.stdout, "the outer function has the lock\n");
    assert!(ended.stderr.contains("main waits for a lock, held by main"), "{ended:?}");
}

#[test]
fn deadlock_is_cured() {
    let order = run("deadlock", ["order", "--cure"]).printed();
    let lines: Vec<_> = order.lines().collect();
    assert_eq!(
        lines,
        ["romeo has one lock", "romeo has both", "juliet has one lock", "juliet has both", "done"]
    );
    let twice = run("deadlock", ["twice", "--cure"]).printed();
    let lines: Vec<_> = twice.lines().collect();
    assert_eq!(
        lines,
        ["the outer function has the lock", "the inner function has it as well", "done"]
    );
}

#[test]
fn deadlock_tells_how_to_call_it() {
    for arguments in [vec![], vec!["thrice"], vec!["order", "cure"]] {
        let complaint = run("deadlock", &arguments).complained(2);
        assert_eq!(complaint, "usage: deadlock order|twice [--cure]\n");
    }
}

#[test]
fn ticket_sale_sells_three_tickets_to_three_buyers() {
    let printed = run("ticket_sale", NOTHING).printed();
    let happy = (1..=3).map(|n| format!("buyer {n} has ticket {n}"));
    let unhappy = (4..=10).map(|n| format!("buyer {n}: sold out"));
    let all = ["3 tickets were sold, of 3".to_owned()];
    let expected: Vec<_> = happy.chain(unhappy).chain(all).collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn ticket_sale_without_its_lock_sells_too_many() {
    let ended = run("ticket_sale", ["--unlocked"]);
    assert_eq!((ended.code, &*ended.stderr), (Some(1), ""), "{ended:?}");
    assert!(ended.stdout.ends_with("buyer 10 has ticket 10\n10 tickets were sold, of 3\n"));
    let complaint = run("ticket_sale", ["--locked"]).complained(2);
    assert_eq!(complaint, "what is --locked? usage: ticket_sale [--unlocked]\n");
}

#[test]
fn pages_are_shown_as_they_arrive() {
    let printed = run("pages", NOTHING).printed();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "four pages are on their way",
            "b.html is here: 200 letters",
            "d.html is lost: no such page",
            "c.html is here: 300 letters",
            "a.html is here: 100 letters",
        ]
    );
}

#[test]
fn fibonacci_skips_and_begins_anew_as_it_is_told() {
    let printed = run("fibonacci", NOTHING).printed();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "the first ten: 0 1 1 2 3 5 8 13 21 34",
            "five skipped: 610",
            "from the start: 0 1 1",
            "the last of all 94: 12200160415121876738",
        ]
    );
}

#[test]
fn producer_consumer_hands_over_every_loaf_once_and_never_more_than_three_wait() {
    let printed = run("producer_consumer", NOTHING).printed();
    let position = |line: &str| printed.lines().position(|printed| printed == line);
    let mut last = 0;
    for loaf in 1..=10 {
        let baked = position(&format!("loaf {loaf} is baked"));
        let takers = ["ann", "bob"].map(|guest| position(&format!("{guest} takes loaf {loaf}")));
        assert!(baked.is_some(), "{loaf}: {printed}");
        let [taken] = takers.into_iter().flatten().collect::<Vec<_>>()[..] else {
            panic!("loaf {loaf} is not taken once: {printed}")
        };
        assert!(taken > last, "loaf {loaf} is taken after those before it: {printed}");
        last = taken;
    }
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 24, "{printed}");
    assert_eq!(lines[23], "10 loaves were eaten, and never more than 3 lay on the board");
    let mut leaving = [lines[21], lines[22]];
    leaving.sort_unstable();
    assert_eq!(leaving, ["ann has had enough", "bob has had enough"]);
    assert!(lines[..21].contains(&"the baker goes home"), "{printed}");
}

#[test]
fn queue_orders_are_three() {
    let printed = run("queue_orders", NOTHING).printed();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "first in, first out: 3 wash, 1 fetch water, 4 sleep, 2 cook",
            "last in, first out: 2 cook, 4 sleep, 1 fetch water, 3 wash",
            "the least first: 1 fetch water, 2 cook, 3 wash, 4 sleep",
        ]
    );
}
