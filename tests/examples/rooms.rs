//! `chat`, whose clients are told by queues.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::programs::{Server, run};

/// Someone who has been asked for a name and has given it.
struct Guest {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Guest {
    #[track_caller]
    fn arrive(server: &Server) -> Guest {
        let stream = server.connect();
        let mut guest = Guest { lines: BufReader::new(stream.try_clone().unwrap()), stream };
        guest.hears("* your name?");
        guest
    }

    #[track_caller]
    fn enter(server: &Server, name: &str, here: &str) -> Guest {
        let mut guest = Guest::arrive(server);
        guest.says(&format!("{name}\n"));
        guest.hears(&format!("* here: {here}"));
        guest
    }

    #[track_caller]
    fn says(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line comes");
        line.trim_end().to_owned()
    }

    #[track_caller]
    fn hears(&mut self, expected: &str) {
        assert_eq!(self.line(), expected);
    }

    /// That there is nothing more to hear, ever.
    #[track_caller]
    fn hears_the_end(&mut self) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("it ends by an end");
        assert_eq!(rest, "");
    }
}

#[test]
fn a_chat_tells_everyone_what_one_says() {
    let server = Server::start("chat", &[]);
    let mut ann = Guest::enter(&server, "ann", "ann");
    let mut bob = Guest::enter(&server, "bob", "ann, bob");
    ann.hears("* bob joins");
    let mut carol = Guest::enter(&server, "carol", "ann, bob, carol");
    for guest in [&mut ann, &mut bob] {
        guest.hears("* carol joins");
    }
    ann.says("hello\r\n");
    for guest in [&mut bob, &mut carol] {
        guest.hears("ann: hello");
    }
    bob.says("gr\u{fc}\u{df} dich\n\n");
    for guest in [&mut ann, &mut carol] {
        guest.hears("bob: gr\u{fc}\u{df} dich");
        guest.hears("bob:");
    }
    bob.says("/quit\nnobody hears this\n");
    bob.hears_the_end();
    for guest in [&mut ann, &mut carol] {
        guest.hears("* bob leaves");
    }
    carol.says("no line end");
    carol.stream.shutdown(Shutdown::Write).unwrap();
    carol.hears_the_end();
    for line in ["carol: no line end", "* carol leaves"] {
        ann.hears(line);
    }
    Guest::enter(&server, "bob", "ann, bob");
}

#[test]
fn a_chat_asks_again_for_a_name() {
    let server = Server::start("chat", &[]);
    let mut ann = Guest::enter(&server, "ann", "ann");
    let mut other = Guest::arrive(&server);
    let long = "x".repeat(21);
    for name in ["", "two words", &long, "\u{fc}", "\0", "/quit"] {
        other.says(&format!("{name}\n"));
        other.hears("* a name has 1 to 20 letters and digits; your name?");
    }
    other.says("ann\n");
    other.hears("* that name is taken; your name?");
    other.stream.write_all(b"\xff\xfe\n").unwrap();
    other.hears("* a name has 1 to 20 letters and digits; your name?");
    // Who never tells a name has never been here.
    drop(other);
    let mut bob = Guest::enter(&server, "bob", "ann, bob");
    ann.hears("* bob joins");
    bob.stream.write_all(b"\xffhm\n").unwrap();
    ann.hears("bob: \u{fffd}hm");
}

#[test]
fn a_chat_cuts_lines_that_are_too_long() {
    let server = Server::start("chat", &[]);
    let mut ann = Guest::enter(&server, "ann", "ann");
    let mut bob = Guest::enter(&server, "bob", "ann, bob");
    ann.hears("* bob joins");
    bob.says(&("x".repeat(1024) + "y\n"));
    ann.hears(&format!("bob: {}", "x".repeat(1024)));
    ann.hears("bob: y");
}

#[test]
fn a_chat_does_not_put_out_those_who_read_many_lines_at_once() {
    let server = Server::start("chat", &[]);
    let mut ann = Guest::enter(&server, "ann", "ann");
    let mut bob = Guest::enter(&server, "bob", "ann, bob");
    ann.hears("* bob joins");
    let lines: String = (0..1000).map(|n| format!("{n}\n")).collect();
    bob.says(&lines);
    for n in 0..1000 {
        ann.hears(&format!("bob: {n}"));
    }
}

#[test]
fn a_chat_puts_out_who_does_not_read_and_holds_up_nobody() {
    let server = Server::start("chat", &[]);
    let mut slow = Guest::enter(&server, "slow", "slow");
    let mut ann = Guest::enter(&server, "ann", "ann, slow");
    let mut bob = Guest::enter(&server, "bob", "ann, bob, slow");
    ann.hears("* bob joins");
    // Far more than the kernel holds for a connection; bob never has more than fifty to read.
    let lines = format!("{}\n", "x".repeat(1000)).repeat(50);
    let mut put_out = false;
    for _ in 0..400 {
        ann.says(&lines);
        for _ in 0..50 {
            let line = bob.line();
            if line == "* slow is put out" {
                assert!(!put_out, "twice");
                put_out = true;
                assert_eq!(bob.line().len(), 1005);
            } else {
                assert_eq!(line.len(), 1005);
            }
        }
    }
    assert!(put_out, "it has held 20 MB");
    ann.hears("* slow is put out");
    // Its name is free, and its connection ends, after what the kernel has kept for it.
    Guest::enter(&server, "slow", "ann, bob, slow");
    let ended = slow.lines.read_to_end(&mut Vec::new());
    assert!(!matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock), "{ended:?}");
}

#[test]
fn a_chat_tells_everyone_that_it_ends() {
    let server = Server::start("chat", &[]);
    let mut ann = Guest::enter(&server, "ann", "ann");
    let mut nameless = Guest::arrive(&server);
    assert_eq!(server.end().printed(), "");
    ann.hears("* the server ends");
    ann.hears_the_end();
    nameless.hears_the_end();
}

#[test]
fn a_chat_refuses_what_it_does_not_know() {
    for arguments in [vec!["--what"], vec!["127.0.0.1:0", "--what"]] {
        let complaint = run("chat", arguments).complained(2);
        assert_eq!(complaint, "what is --what? usage: chat [ADDR]\n");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = run("chat", [&*address]).complained(1);
    let expected = format!("cannot serve on {address}: Address already in use");
    assert!(complaint.starts_with(&expected), "{complaint}");
}
