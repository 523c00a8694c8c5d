//! A server without descriptors, in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use greenhub::monkey::io::stdin;
use greenhub::server::StreamServer;
use greenhub::{Hub, sleep};

use crate::support::{SECOND, alone, ask, bounded, echo, echo_server, millis, told, until};

const MARK: &str = "GREENHUB_TEST_STARVED";
const NAME: &str = "starved::without_descriptors_it_waits_and_recovers_and_loses_no_connection";

/// Serves with few descriptors until its standard input ends.
fn starve() {
    bounded(|| {
        let few = rustix::process::Rlimit { current: Some(256), maximum: Some(256) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
        server.start().unwrap();
        println!("serves {}", server.local_addr().unwrap());
        stdin().read_to_end(&mut Vec::new()).unwrap();
        server.stop(Duration::ZERO).unwrap();
        println!("served");
    });
}

struct Starving {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Starving {
    fn begin() -> Starving {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--test-threads=1", "--nocapture"])
            .env(MARK, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it has not begun");
            if let Some((_, address)) = line.split_once("serves ") {
                break address.trim().parse().unwrap();
            }
        };
        Starving { child, output, address }
    }

    /// The processor time that it has used.
    fn used(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// Ends it; returns what it said on standard error.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        let mut complaints = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        assert!(self.child.wait().unwrap().success() && said.contains("served"), "{complaints}");
        complaints
    }
}

/// Moves those that have been answered.
fn answered(served: &mut Vec<TcpStream>, waiting: &mut Vec<TcpStream>) {
    let is_answered = |client: &mut TcpStream| match client.read(&mut [0; 16]) {
        Ok(length) => {
            assert_ne!(length, 0, "the server closed it");
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    };
    served.extend(waiting.extract_if(.., is_answered));
}

#[test]
fn without_descriptors_it_waits_and_recovers_and_loses_no_connection() {
    if std::env::var_os(MARK).is_some() { starve() } else { bounded(watch_one_starve) }
}

fn watch_one_starve() {
    let starving = Starving::begin();
    let clients: Vec<_> = (0..400)
        .map(|_| {
            let mut client = TcpStream::connect(starving.address).unwrap();
            client.write_all(b"x").unwrap();
            client.set_nonblocking(true).unwrap();
            client
        })
        .collect();
    let (mut served, mut waiting) = (Vec::new(), clients);
    while served.len() < 200 {
        std::thread::sleep(Duration::from_millis(200));
        answered(&mut served, &mut waiting);
    }
    std::thread::sleep(SECOND);
    answered(&mut served, &mut waiting);
    assert!(served.len() < 256, "{} are served", served.len());

    let (begin, before) = (Instant::now(), starving.used());
    std::thread::sleep(SECOND * 2);
    let share = (starving.used() - before).as_secs_f64() / begin.elapsed().as_secs_f64();
    assert!(share < 0.05, "it spins: {share:.3} of a processor");

    let deadline = Instant::now() + SECOND * 50;
    while !waiting.is_empty() {
        assert!(Instant::now() < deadline, "{} are never served", waiting.len());
        for client in &mut served {
            client.set_nonblocking(false).unwrap();
            assert_eq!(ask(client, b"on").unwrap(), b"on", "an established connection");
        }
        served.drain(..served.len().min(100));
        std::thread::sleep(Duration::from_millis(1200));
        answered(&mut served, &mut waiting);
    }
    drop(served);
    let said = starving.end();
    let complaints = said.lines().filter(|line| line.contains("cannot accept")).count();
    assert_eq!(complaints, 1, "one line for one incident: {said}");
}

/// Bytes of the stacks that there is no room for; what else needs memory, needs less.
const HUGE: usize = 256 << 20;

fn room_for_memory(room: Option<u64>) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::As).maximum;
    let used = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = text.split(' ').next().unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    };
    let current = room.map(|room| used() + room).or(maximum);
    setrlimit(Resource::As, Rlimit { current, maximum }).unwrap();
}

#[test]
fn without_memory_for_stacks_accepted_connections_wait() {
    alone("starved::without_memory_for_stacks_accepted_connections_wait", || {
        let told = told();
        let (server, address) = echo_server();
        for (pause, size) in [(true, HUGE), (false, HUGE * 2)] {
            // Another size, as stacks are used again.
            Hub::current().set_stack_size(size);
            room_for_memory(Some(HUGE as u64 / 2));
            let mut client = greenhub::monkey::net::TcpStream::connect(address).unwrap();
            client.write_all(b"x").unwrap();
            sleep(millis(50));
            assert_eq!(server.handler_count(), 0);
            if pause {
                server.stop_accepting();
            }
            room_for_memory(None);
            if pause {
                server.start_accepting().unwrap();
            }
            let mut answer = [0];
            client.read_exact(&mut answer).unwrap();
            drop(client);
            until(|| server.handler_count() == 0);
        }
        let told = told.take();
        assert!(told.iter().all(|(_, what)| what.contains("cannot accept for now")), "{told:?}");
        assert_eq!(told.len(), 2, "each acceptor begins anew: {told:?}");
        server.stop(SECOND).unwrap();
    });
}
