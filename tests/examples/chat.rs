//! `ported_chat`: no client can tell whether the original serves or its port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::ported::{VARIANTS, threads};
use crate::programs::{Server, connect, run};

#[test]
fn both_variants_say_the_same_to_the_same_clients() {
    for options in VARIANTS {
        let server = Server::start("ported_chat", options);
        assert_eq!(conversation(server.address), EXPECTED, "{options:?}");
    }
}

/// What each of the clients hears in [`conversation`], in the order in which they leave.
const EXPECTED: [&str; 4] = [
    // Bob.
    "* your name?\n* that name is taken; your name?\n* here: ann, bob\nann: hi bob\n",
    // Carol.
    "* your name?\n* a name has 1 to 20 letters and digits; your name?\n* here: ann, carol\n",
    // Dave.
    "* your name?\n* here: ann, dave\nann: grüß dich\n",
    // Ann.
    "* your name?\n* here: ann\n* bob joins\nbob: hi\nbob: all the best\n* bob leaves\n\
     * carol joins\n* carol leaves\n* dave joins\ndave: no line end\n* dave leaves\n",
];

/// Four clients come and go, each in a way of its own; returns what they heard.
fn conversation(address: SocketAddr) -> [String; 4] {
    let mut ann = Client::enter(address, &["ann"]);
    let mut bob = Client::enter(address, &["ann", "bob"]);
    ann.hear("* bob joins");
    bob.say("hi\n");
    ann.hear("bob: hi");
    ann.say("hi bob\r\n");
    bob.hear("ann: hi bob");
    bob.say("all the best\n");
    // A half-close, after which the server closes too.
    bob.stream.shutdown(Shutdown::Write).unwrap();
    let bob = bob.hear_the_end();
    ann.hear("* bob leaves");

    let carol = Client::enter(address, &["no, thanks", "carol"]);
    ann.hear("* carol joins");
    let carol = carol.close();
    ann.hear("* carol leaves");

    let mut dave = Client::enter(address, &["dave"]);
    ann.hear("* dave joins");
    ann.say("grüß dich\n");
    dave.hear("ann: grüß dich");
    dave.say("no line end");
    dave.stream.shutdown(Shutdown::Write).unwrap();
    let dave = dave.hear_the_end();
    ann.hear("* dave leaves");
    ann.stream.shutdown(Shutdown::Write).unwrap();
    [bob, carol, dave, ann.hear_the_end()]
}

#[test]
fn both_variants_know_the_same_commands() {
    for options in VARIANTS {
        let server = Server::start("ported_chat", options);
        assert_eq!(commands(server.address), COMMANDS_HEARD, "{options:?}");
    }
}

/// What Ann, Bob and Carol hear in [`commands`].
const COMMANDS_HEARD: [&str; 3] = [
    "* your name?\n* here: ann\n* bob joins\n* carol joins\n* here: ann, bob, carol\n\
     bob to you: only for you\ncarol: to all\n* bob leaves\n* here: ann, carol\n\
     * nobody is called bob\n* what is /me too? /who, /to NAME TEXT, or /quit\n\
     * what is /to carol? /who, /to NAME TEXT, or /quit\nann to you: a note\n* carol leaves\n\
     * goodbye\n",
    "* your name?\n* here: ann, bob\n* carol joins\nann to you:  two spaces\ncarol: to all\n\
     * goodbye\n",
    "* your name?\n* here: ann, bob, carol\nbob to you: hello\n* bob leaves\nann: bye\n\
     * goodbye\n",
];

/// Three clients who use every command, each when all before has been heard.
fn commands(address: SocketAddr) -> [String; 3] {
    let mut ann = Client::enter(address, &["ann"]);
    let mut bob = Client::enter(address, &["bob"]);
    ann.hear("* bob joins");
    let mut carol = Client::enter(address, &["carol"]);
    ann.hear("* carol joins");
    bob.hear("* carol joins");
    ann.say("/who\n");
    ann.hear("* here: ann, bob, carol");
    bob.say("/to ann only for you\n/to carol hello\n");
    ann.hear("bob to you: only for you");
    carol.hear("bob to you: hello");
    ann.say("/to bob  two spaces\n");
    bob.hear("ann to you:  two spaces");
    carol.say("to all\n");
    ann.hear("carol: to all");
    bob.hear("carol: to all");
    bob.say("/quit\n");
    let bob = bob.hear_the_end();
    ann.hear("* bob leaves");
    carol.hear("* bob leaves");
    ann.say("/who\n/to bob gone?\n/me too\n/to carol\n/to ann a note\nbye\n");
    ann.hear("ann to you: a note");
    carol.hear("ann: bye");
    carol.say("/quit\n");
    let carol = carol.hear_the_end();
    ann.hear("* carol leaves");
    ann.say("/quit\n");
    [ann.hear_the_end(), bob, carol]
}

#[test]
fn the_ported_chat_runs_on_one_thread() {
    let [on_std, ported] = VARIANTS.map(|options| {
        let server = Server::start("ported_chat", options);
        let _clients = ["ann", "bob", "carol"].map(|name| Client::enter(server.address, &[name]));
        threads(server.process_id())
    });
    assert_eq!((on_std, ported), (4, 1));
}

#[test]
fn a_client_that_resets_is_said_to_leave() {
    for options in VARIANTS {
        let server = Server::start("ported_chat", options);
        let mut ann = Client::enter(server.address, &["ann"]);
        let bob = Client::enter(server.address, &["bob"]);
        ann.hear("* bob joins");
        SockRef::from(&bob.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(bob);
        ann.hear("* bob leaves");
    }
}

#[test]
fn a_client_that_leaves_without_a_name_is_not_missed() {
    for options in VARIANTS {
        let server = Server::start("ported_chat", options);
        drop(server.connect());
        let half = server.connect();
        half.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        (&half).read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "* your name?\n");
        let ann = Client::enter(server.address, &["ann"]);
        assert_eq!(ann.heard, "* your name?\n* here: ann\n");
    }
}

#[test]
fn a_client_that_never_reads_stops_a_lone_talker_only_for_a_while() {
    VARIANTS.into_iter().for_each(|options| sleepy_is_put_out(options, &["bob"]));
}

#[test]
fn a_client_that_never_reads_stops_two_talkers_only_for_a_while() {
    VARIANTS.into_iter().for_each(|options| sleepy_is_put_out(options, &["bob", "cem"]));
}

#[track_caller]
fn sleepy_is_put_out(options: &[&str], talkers: &[&str]) {
    let server = Server::start("ported_chat", options);
    let mut ann = Client::enter(server.address, &["ann"]);
    let _sleepy = Client::enter(server.address, &["sleepy"]);
    let talkers: Vec<_> =
        talkers.iter().map(|name| (*name, Client::enter(server.address, &[name]))).collect();
    let mut expected = vec!["* sleepy leaves".to_owned()];
    let mut talking = Vec::new();
    for (name, client) in talkers {
        expected.push(format!("{name}: done"));
        talking.push(thread::spawn(move || client.talk_much()));
    }
    ann.hear_all(expected);
    for talker in talking {
        talker.join().expect("nobody else is put out");
    }
    let mut dana = Client::enter(server.address, &["dana"]);
    ann.say("still here\n");
    dana.hear("ann: still here");
}

#[test]
fn ported_chat_tells_bad_arguments() {
    assert!(
        run("ported_chat", ["--gevent"]).complained(2).starts_with("what is --gevent? usage: ")
    );
    assert!(run("ported_chat", ["a:1", "b:2"]).complained(2).starts_with("what is b:2? usage: "));
    for options in VARIANTS {
        let complaint = run("ported_chat", options.iter().chain(&["nonsense"])).complained(1);
        assert!(complaint.starts_with("cannot serve on nonsense: "), "{complaint}");
    }
}

#[test]
fn both_variants_tell_that_their_port_is_in_use() {
    let first = Server::start("ported_chat", &[]);
    let address = first.address.to_string();
    let complaints = VARIANTS
        .map(|options| run("ported_chat", options.iter().chain(&[&*address])).complained(1));
    assert_eq!(complaints[0], complaints[1]);
    assert!(complaints[0].starts_with(&format!("cannot serve on {address}: ")), "{complaints:?}");
}

struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    heard: String,
}

impl Client {
    /// Connects and offers these names, of which the last is taken on.
    #[track_caller]
    fn enter(address: SocketAddr, names: &[&str]) -> Client {
        let stream = connect(address);
        let reader = BufReader::new(stream.try_clone().unwrap());
        let mut client = Client { stream, reader, heard: String::new() };
        for name in names {
            assert!(client.next_line().ends_with("your name?\n"));
            client.say(&format!("{name}\n"));
        }
        assert!(client.next_line().starts_with("* here: "));
        client
    }

    #[track_caller]
    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Listens until it hears this line.
    #[track_caller]
    fn hear(&mut self, line: &str) {
        while self.next_line().trim_end() != line {}
    }

    /// Listens until it has heard each of these lines, in whatever order.
    #[track_caller]
    fn hear_all(&mut self, mut missing: Vec<String>) {
        while !missing.is_empty() {
            let heard = self.next_line();
            missing.retain(|line| heard.trim_end() != *line);
        }
    }

    /// Says more than the kernel holds for one who does not read, and reads what others say.
    fn talk_much(mut self) {
        let mut reader = self.reader.get_ref().try_clone().unwrap();
        let reading = thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        let line = "x".repeat(1000) + "\n";
        for _ in 0..15_000 {
            self.stream.write_all(line.as_bytes()).unwrap();
        }
        self.stream.write_all(b"done\n").unwrap();
        self.stream.shutdown(Shutdown::Write).unwrap();
        reading.join().unwrap().expect("the server closes");
    }

    #[track_caller]
    fn next_line(&mut self) -> String {
        let mut line = String::new();
        let length = self.reader.read_line(&mut line).expect("the server says something");
        assert_ne!(length, 0, "the server closed");
        self.heard.push_str(&line);
        line
    }

    /// All that it has heard. Whatever comes now is refused.
    fn close(self) -> String {
        self.heard
    }

    /// All that it has heard, when the server has closed.
    #[track_caller]
    fn hear_the_end(mut self) -> String {
        self.reader.read_to_string(&mut self.heard).expect("the server closes");
        self.heard
    }
}
