//! `backdoor`: a program that one can look into.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

use rustix::process::Signal;

use crate::programs::{Dialog, PATIENCE, example, is_installed, run};
use crate::sockets::Folder;

fn start(folder: &Folder) -> Dialog {
    let program = Dialog::start(example("backdoor", [folder.path()]));
    assert_eq!(program.line(), format!("look in at {}", folder.path()));
    program
}

fn connect(folder: &Folder) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(folder.path()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

#[test]
fn backdoor_tells_of_its_workers_and_ends_with_the_last() {
    let folder = Folder::new("looked-into");
    let program = start(&folder);
    let mut client = connect(&folder);
    client.get_ref().write_all(b"ps\nrounds\n").unwrap();
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cid"] {
        let line = client
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .find(|line| line.contains(&format!(" {name} ")));
        let line = line.expect("it is listed");
        assert!(line.contains(" parked ") && line.ends_with("in a sleep"), "{line}");
        ids.push(line.split(' ').next().unwrap().to_owned());
    }
    for id in &ids {
        client.get_ref().write_all(format!("kill {id}\n").as_bytes()).unwrap();
    }
    // Its end may come before it has read all.
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert_eq!(program.ended().printed(), "nobody is left\n");
    assert!(!std::fs::exists(folder.path()).unwrap());
}

#[test]
fn backdoor_is_talked_to_with_socat() {
    if !is_installed("socat", "-V") {
        return;
    }
    let folder = Folder::new("socat");
    let program = start(&folder);
    let mut socat = Command::new("socat");
    socat.args(["-", &folder.path()]);
    let mut client = Dialog::start(socat);
    assert!(client.line().contains("try 'help'"));
    client.input.write_all(b"rounds\nquit\n").unwrap();
    let line = client.line();
    let rounds = line.strip_prefix("> ").expect("it is an answer");
    rounds.parse::<u64>().expect("a number");
    drop(client);
    program.signal(Signal::TERM);
    assert_eq!(program.ended().printed(), "nobody is left\n");
}

#[test]
fn backdoor_tells_that_it_cannot_listen() {
    let complaint = run("backdoor", ["/nowhere/at/all"]).complained(1);
    assert!(complaint.starts_with("cannot listen at /nowhere/at/all: "), "{complaint}");
    assert_eq!(run("backdoor", [""; 0]).complained(2), "usage: backdoor PATH\n");
}
