//! `echo_server` and its clients: `many_clients`, and programs that are not of this project.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::process::Command;

use crate::programs::{Dialog, Server, finish, is_installed, run};

#[test]
fn five_hundred_clients_get_their_answers() {
    let server = Server::start("echo_server", &[]);
    let printed = run("many_clients", [server.address.to_string(), "500".to_owned()]).printed();
    assert!(printed.starts_with("500 of 500 clients got 10 right answers each, in "), "{printed}");
}

#[test]
fn upper_greets_and_answers_in_capitals() {
    let server = Server::start("echo_server", &["--upper"]);
    let mut stream = server.connect();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("welcome!"));
    stream.write_all("grüß dich, 1 World\n".as_bytes()).unwrap();
    assert_eq!(lines.next().as_deref(), Some("GRüß DICH, 1 WORLD"));
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(lines.next(), None);
}

#[test]
fn data_comes_back_unchanged_without_upper() {
    let server = Server::start("echo_server", &[]);
    let mut stream = server.connect();
    let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut writer = stream.try_clone().unwrap();
    let data = sent.clone();
    let writing = std::thread::spawn(move || writer.write_all(&data));
    let mut received = vec![0; sent.len()];
    stream.read_exact(&mut received).unwrap();
    writing.join().unwrap().unwrap();
    assert!(sent == received, "every byte, in order");
}

#[test]
#[cfg(target_os = "linux")]
fn serving_takes_one_thread() {
    let server = Server::start("echo_server", &[]);
    let mut streams: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(b"hello").unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    assert_eq!(threads.map(str::trim), Some("1"), "{status}");
}

#[test]
fn echo_server_refuses_arguments_it_does_not_know() {
    let option = run("echo_server", ["--lower"]).complained(2);
    assert_eq!(option, "unknown option --lower; usage: echo_server [ADDR] [--upper]\n");
    let second = run("echo_server", ["127.0.0.1:0", "127.0.0.1:1"]).complained(2);
    assert!(second.starts_with("one address too many, 127.0.0.1:1; usage: "), "{second}");
}

#[test]
fn echo_server_tells_why_it_cannot_serve() {
    for address in ["nonsense", "127.0.0.1", "127.0.0.1:65536", "", "192.0.2.1:0"] {
        let complaint = run("echo_server", [address]).complained(1);
        assert!(complaint.starts_with(&format!("cannot serve on {address}: ")), "{complaint}");
    }
}

#[test]
fn echo_server_tells_that_its_port_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let complaint = run("echo_server", [address.to_string()]).complained(1);
    let in_use = std::io::Error::from(rustix::io::Errno::ADDRINUSE);
    assert_eq!(complaint, format!("cannot serve on {address}: {in_use}\n"));
}

#[test]
fn many_clients_refuses_arguments_it_does_not_understand() {
    let usage = "usage: many_clients ADDR [N]\n";
    let complaint = |arguments: &[&str]| run("many_clients", arguments).complained(2);
    assert_eq!(complaint(&[]), format!("ADDR is missing; {usage}"));
    assert_eq!(complaint(&["127.0.0.1:1", "0"]), format!("N is 0; {usage}"));
    assert!(complaint(&["127.0.0.1:1", "some"]).starts_with("N is some: "));
    assert!(complaint(&["127.0.0.1:1", "-5"]).starts_with("N is -5: "));
    assert_eq!(complaint(&["127.0.0.1:1", "5", "6"]), format!("one argument too many, 6; {usage}"));
}

#[test]
fn many_clients_tells_that_an_address_is_none() {
    let complaint = run("many_clients", ["nonsense", "5"]).complained(1);
    assert!(complaint.starts_with("cannot find nonsense: "), "{complaint}");
}

#[test]
fn many_clients_tells_that_nobody_listens() {
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = run("many_clients", [address.to_string(), "20".to_owned()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.starts_with("0 of 20 clients"), "{ended:?}");
    assert!(ended.stderr.contains(&format!("cannot connect to {address}: ")), "{ended:?}");
    assert!(ended.stderr.ends_with("and 15 more\n"), "{ended:?}");
}

#[test]
fn many_clients_tells_a_wrong_answer() {
    let server = Server::start("echo_server", &["--upper"]);
    let ended = run("many_clients", [server.address.to_string(), "1".to_owned()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("said \"hello 0 from client 0\\n\" and heard"), "{ended:?}");
}

#[test]
fn five_hundred_python_threads_get_their_answers() {
    if !is_installed("python3", "--version") {
        return;
    }
    let server = Server::start("echo_server", &[]);
    let mut python = Command::new("python3");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/echo_clients.py");
    python.arg(script).arg(server.address.ip().to_string());
    python.arg(server.address.port().to_string()).arg("500");
    assert_eq!(finish(python).printed(), "500 of 500 threads got their answers\n");
}

#[test]
fn netcat_gets_its_answer() {
    if is_installed("nc", "-h") {
        let server = Server::start("echo_server", &["--upper"]);
        let mut nc = Command::new("nc");
        nc.arg(server.address.ip().to_string()).arg(server.address.port().to_string());
        gets_its_answer(nc);
    }
}

#[test]
fn socat_gets_its_answer() {
    if is_installed("socat", "-V") {
        let server = Server::start("echo_server", &["--upper"]);
        let mut socat = Command::new("socat");
        socat.arg("-").arg(format!("TCP:{}", server.address));
        gets_its_answer(socat);
    }
}

#[track_caller]
fn gets_its_answer(client: Command) {
    let mut client = Dialog::start(client);
    assert_eq!(client.line(), "welcome!");
    client.input.write_all(b"hello\n").unwrap();
    assert_eq!(client.line(), "HELLO");
}
