//! `echo_server` and its clients: `many_clients`, and programs that are not of this project.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::programs::{Dialog, PATIENCE, Server, finish, is_installed, run};

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
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.process_id())).unwrap();
    let names =
        tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap());
    let mut names: Vec<_> = names.collect();
    // In debug builds there is a monitor, of whose name the kernel keeps so much.
    names.retain(|name| name != "greenhub-monito\n");
    names.sort();
    // The second one waits for signals only.
    assert_eq!(names, ["echo_server\n", "greenhub-signal\n"]);
}

#[test]
fn echo_server_refuses_arguments_it_does_not_know() {
    let complaint = |arguments: &[&str]| {
        let complaint = run("echo_server", arguments).complained(2);
        let (what, usage) = complaint.split_once("; usage: ").expect("it tells its usage");
        assert_eq!(
            usage,
            "echo_server [ADDR] [--upper] [--hubs N] [--processes P] [--max N] [--tls CERT KEY]\n"
        );
        what.to_owned()
    };
    assert_eq!(complaint(&["--lower"]), "unknown option --lower");
    assert_eq!(complaint(&["127.0.0.1:0", "127.0.0.1:1"]), "one address too many, 127.0.0.1:1");
    assert_eq!(complaint(&["--hubs"]), "--hubs has no number");
    assert_eq!(complaint(&["--hubs", "0"]), "--hubs 0 is no number above zero");
    assert_eq!(complaint(&["--hubs", "1001"]), "--hubs 1001 is more than 1000");
    assert_eq!(complaint(&["--processes", "-1"]), "--processes -1 is no number above zero");
    assert_eq!(complaint(&["--max", "many"]), "--max many is no number above zero");
    assert_eq!(complaint(&["--tls", "cert.pem"]), "--tls needs two files, CERT and KEY");
}

#[test]
fn several_hubs_get_equally_many_connections() {
    let server = Server::start("echo_server", &["--hubs", "2"]);
    let mut streams: Vec<_> = (0..16).map(|_| server.connect()).collect();
    streams.iter_mut().for_each(echoes);
    drop(streams);
    assert_eq!(server.end().printed(), "hub 0: 8 connections, hub 1: 8 connections\n");
}

#[test]
fn with_max_others_wait_until_one_has_gone() {
    for options in [["--max", "1", "--hubs", "1"], ["--max", "1", "--hubs", "2"]] {
        let server = Server::start("echo_server", &options);
        let hubs = options[3].parse().unwrap();
        let mut served: Vec<_> = (0..hubs).map(|_| server.connect()).collect();
        served.iter_mut().for_each(echoes);
        let mut waits = server.connect();
        waits.write_all(b"late").unwrap();
        waits.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(waits.read(&mut [0; 4]).is_err(), "there is no room for it");
        drop(served);
        waits.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = [0; 4];
        waits.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"late");
    }
}

#[test]
fn a_signal_lets_conversations_end() {
    let server = Server::start("echo_server", &[]);
    let mut stream = server.connect();
    echoes(&mut stream);
    server.signal(Signal::TERM);
    echoes(&mut stream);
    drop(stream);
    assert_eq!(server.ended().printed(), "");
}

#[test]
#[cfg(target_os = "linux")]
fn several_processes_serve_and_a_dead_one_is_replaced() {
    let server = Server::start("echo_server", &["--processes", "2", "--hubs", "2"]);
    echoes(&mut server.connect());
    let workers = until_some(|| Some(children_of(&server)).filter(|workers| workers.len() == 2));
    kill_process(Pid::from_raw(workers[0]).unwrap(), Signal::KILL).unwrap();
    until_some(|| {
        let now = children_of(&server);
        (now.len() == 2 && !now.contains(&workers[0])).then_some(())
    });
    (0..8).for_each(|_| echoes(&mut server.connect()));
    assert_eq!(server.end().code, Some(0));
}

/// The processes that it has started and that live.
#[cfg(target_os = "linux")]
fn children_of(server: &Server) -> Vec<i32> {
    let id = server.process_id();
    let path = format!("/proc/{id}/task/{id}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

#[cfg(target_os = "linux")]
#[track_caller]
fn until_some<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "it has not come about in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"hello").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");
}

#[test]
#[cfg(feature = "tls")]
fn it_speaks_tls_by_two_files() {
    use greenhub::tls::TlsConnector;

    let folder = std::env::temp_dir().join(format!("greenhub-echo-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = ["--tls", chain.to_str().unwrap(), key.to_str().unwrap()];
    for hubs in ["1", "2"] {
        let server = Server::start("echo_server", &[&files[..], &["--hubs", hubs]].concat());
        let connector = TlsConnector::from_roots(&chain).unwrap();
        let wire = greenhub::monkey::net::TcpStream::connect(server.address).unwrap();
        let mut stream = connector.handshake("localhost", wire).unwrap();
        stream.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    }
    let missing = folder.join("missing.pem");
    let missing = missing.to_str().unwrap();
    let complaint = run("echo_server", ["127.0.0.1:0", "--tls", missing, missing]).complained(1);
    assert!(complaint.contains(missing), "{complaint}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
#[cfg(not(feature = "tls"))]
fn without_the_feature_it_tells_how_to_get_tls() {
    let complaint = run("echo_server", ["127.0.0.1:0", "--tls", "chain", "key"]).complained(1);
    assert!(complaint.ends_with("build it with --features tls\n"), "{complaint}");
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
