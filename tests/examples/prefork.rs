//! `prefork_hello`, and its replacement.

use std::io::{BufRead, BufReader, Write};

use rustix::process::{Pid, Signal, kill_process};

use crate::programs::{Dialog, connect, example, run};

#[test]
fn prefork_hello_says_bye_when_it_is_replaced_and_ends_when_it_is_told() {
    let dialog = Dialog::start(example("prefork_hello", ["127.0.0.1:0", "1"]));
    let line = dialog.line();
    let told = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(", process "));
    let (address, process) = told.unwrap_or_else(|| panic!("{line}"));
    assert_eq!(process, dialog.process_id().to_string());
    let address = address.parse().unwrap();
    let mut stream = connect(address);
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    stream.write_all(b"world\n").unwrap();
    let answer = lines.next().unwrap();
    let old = answer.strip_prefix("hello world from process ").unwrap().to_owned();

    let parent = Pid::from_raw(dialog.process_id().cast_signed()).unwrap();
    kill_process(parent, Signal::HUP).unwrap();
    let last = loop {
        stream.write_all(b"you\n").unwrap();
        let answer = lines.next().unwrap();
        if let Some(last) = answer.strip_suffix(", bye") {
            break last.to_owned();
        }
    };
    assert_eq!(last, format!("hello you from process {old}"));
    assert_eq!(lines.next(), None);

    let mut stream = connect(address);
    stream.write_all(b"world\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = BufReader::new(stream).lines().next().unwrap().unwrap();
    assert_ne!(answer, format!("hello world from process {old}"));
    kill_process(parent, Signal::TERM).unwrap();
    assert_eq!(dialog.ended().code, Some(0));
}

#[test]
fn prefork_hello_refuses_what_is_no_number_of_workers() {
    for arguments in [["127.0.0.1:0", "0"], ["127.0.0.1:0", "two"]] {
        let complaint = run("prefork_hello", arguments).complained(2);
        assert_eq!(complaint, "usage: prefork_hello [ADDR] [WORKERS]\n");
    }
}
