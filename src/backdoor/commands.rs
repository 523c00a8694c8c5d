//! What a client may ask for, and the answers.

use std::fmt::Write;

use super::asking::{self, Failure, Id};
use crate::debug::{Dump, GreenletDump, stats_by_name};
use crate::threadpool::offload;

/// The commands that every backdoor has: how each is written, and what it is for.
pub(super) const BUILT_IN: [(&str, &str); 8] = [
    ("help", "these commands"),
    ("ps", "all greenlets of all hubs, a line for each"),
    ("tree", "the same, each below the one that spawned it, with its stack"),
    ("json", "the same for programs"),
    ("stack ID", "where a greenlet stands; ID is a number, or HUB/NUMBER"),
    ("stats", "what each hub holds, and has done"),
    ("kill ID [SERIAL]", "has a greenlet end, if it still has that serial"),
    ("quit", "ends this connection"),
];

/// The answer to a built-in command, other than `help` and `quit`; `None` if there is no such one.
pub(super) fn answer(name: &str, arguments: &[&str]) -> Option<String> {
    let answer = match (name, arguments) {
        ("ps", []) => told(ps),
        ("tree", []) => told(Dump::to_string),
        ("json", []) => told(Dump::to_json),
        ("stats", []) => stats(&asking::census(false)),
        ("stack", [id]) => with_id(id, stack),
        ("kill", [id]) => with_id(id, |id| kill(id, None)),
        ("kill", [id, serial]) => match serial.parse() {
            Ok(serial) => with_id(id, |id| kill(id, Some(serial))),
            Err(_) => format!("'{}' is no serial", serial.escape_debug()),
        },
        _ => usage(name)?,
    };
    Some(answer)
}

fn usage(name: &str) -> Option<String> {
    let word = |usage: &str| usage.split(' ').next().map(str::to_owned);
    let built_in = BUILT_IN.iter().find(|(usage, _)| word(usage).as_deref() == Some(name))?;
    Some(format!("usage: {}", built_in.0))
}

/// All greenlets in words, by another thread: for many of them that takes long.
fn told(tell: fn(&Dump) -> String) -> String {
    let dump = asking::census(true);
    offload(move || tell(&dump))
}

fn ps(dump: &Dump) -> String {
    let mut text = line(["ID", "SERIAL", "STATE", "NAME", "WAITS"]);
    for hub in &dump.hubs {
        match &hub.seen {
            Some(seen) => seen.greenlets.iter().for_each(|it| text += &row(hub.number, it)),
            None => text += &busy(hub.number),
        }
    }
    text
}

fn row(hub: u32, greenlet: &GreenletDump) -> String {
    let id = format!("{hub}/{}", greenlet.id);
    let name = greenlet.name.as_deref().unwrap_or("-").escape_debug().to_string();
    let state = greenlet.state.as_str();
    let waits = greenlet.waits.as_deref().unwrap_or("-").replace(char::is_control, "?");
    line([&id, &greenlet.serial.to_string(), state, &name, &waits])
}

fn line([id, serial, state, name, waits]: [&str; 5]) -> String {
    format!("{id:<9} {serial:<8} {state:<9} {name:<20} {waits}\n")
}

fn busy(hub: u32) -> String {
    format!("hub {hub} is busy: it did not come round within a second\n")
}

fn stats(dump: &Dump) -> String {
    let mut text = String::new();
    for hub in &dump.hubs {
        let Some(seen) = &hub.seen else {
            text += &busy(hub.number);
            continue;
        };
        let thread = hub.thread.as_deref().unwrap_or("-").escape_debug();
        // Writing to a string does not fail.
        let _ = writeln!(text, "hub {} of thread '{thread}'", hub.number);
        for (name, value) in stats_by_name(&seen.stats) {
            let _ = writeln!(text, "  {name:<14} {value}");
        }
    }
    text
}

fn with_id(text: &str, f: impl FnOnce(Id) -> Result<String, Failure>) -> String {
    match parse(text) {
        Some(id) => f(id).unwrap_or_else(|failure| explain(&failure, id)),
        None => format!("'{}' is no ID: it is a number, or HUB/NUMBER", text.escape_debug()),
    }
}

fn parse(text: &str) -> Option<Id> {
    let (hub, number) = match text.split_once('/') {
        Some((hub, number)) => (Some(hub.parse().ok()?), number),
        None => (None, text),
    };
    Some(Id { hub, number: number.parse().ok()? })
}

fn stack(id: Id) -> Result<String, Failure> {
    let trace = asking::trace(id)?;
    // To look up the names takes long.
    Ok(offload(move || trace.to_string()))
}

fn kill(id: Id, serial: Option<u64>) -> Result<String, Failure> {
    let name = asking::kill(id, serial)?;
    Ok(format!("told {} to end", name.replace(char::is_control, "?")))
}

fn explain(failure: &Failure, id: Id) -> String {
    let number = id.number;
    match failure {
        Failure::NoHub => "there is no such hub".into(),
        Failure::Busy => "that hub is busy: it did not come round within a second".into(),
        Failure::NoGreenlet => format!("there is no greenlet {number}"),
        Failure::NoTrace(reason) => format!("there is no trace of it: {reason}"),
        Failure::Another(serial) => format!("greenlet {number} is another: its serial is {serial}"),
        Failure::NotSpawned => "it is main, or raw: those are not killed".into(),
    }
}
