//! Servers without descriptors, in processes of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use greenhub::monkey::io::stdin;
use greenhub::server::{ClusterServer, Sharing, StreamServer};
use greenhub::{Hub, sleep};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{
    SECOND, alone, ask, bounded_by, cluster_of, echo, echo_server, millis, told, until,
};

const MARK: &str = "GREENHUB_TEST_STARVED";

/// Serves with few descriptors until its standard input ends.
fn starve() {
    bounded_by(LIMIT, || {
        few_descriptors();
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
        server.start().unwrap();
        println!("serves {}", server.local_addr().unwrap());
        stdin().read_to_end(&mut Vec::new()).unwrap();
        server.stop(Duration::ZERO).unwrap();
        println!("served");
    });
}

/// As [`starve`], on two hubs.
fn starve_over_a_cluster(sharing: Sharing) {
    bounded_by(LIMIT, move || {
        few_descriptors();
        // So that this thread's hub has its descriptors, before clients have taken all.
        sleep(millis(1));
        let cluster = cluster_of(2);
        let server = ClusterServer::bind(&cluster, "127.0.0.1:0", |stream, _| echo(stream));
        let server = server.sharing(sharing);
        server.start().unwrap();
        println!("serves {}", server.local_addr().unwrap());
        stdin().read_to_end(&mut Vec::new()).unwrap();
        server.stop(Duration::ZERO).unwrap();
        println!("served");
    });
}

/// Each of them is starved for many seconds.
const LIMIT: Duration = Duration::from_secs(100);

fn few_descriptors() {
    let few = Rlimit { current: Some(256), maximum: Some(256) };
    setrlimit(Resource::Nofile, few).unwrap();
}

struct Starving {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Starving {
    fn begin(name: &str) -> Starving {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--test-threads=1", "--nocapture"])
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

/// A test that fails says what the server had to say.
impl Drop for Starving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.child.kill();
            let mut said = String::new();
            if let Some(mut stderr) = self.child.stderr.take() {
                let _ = stderr.read_to_string(&mut said);
            }
            eprintln!("the server ({:?}) has said: {said}", self.child.wait());
        }
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
    if std::env::var_os(MARK).is_some() {
        starve()
    } else {
        let name = "starved::without_descriptors_it_waits_and_recovers_and_loses_no_connection";
        bounded_by(LIMIT, || watch_one_starve(name, 400, 1));
    }
}

#[test]
fn without_descriptors_a_server_over_a_cluster_waits_and_recovers() {
    if std::env::var_os(MARK).is_some() {
        starve_over_a_cluster(Sharing::Dealt)
    } else {
        let name = "starved::without_descriptors_a_server_over_a_cluster_waits_and_recovers";
        bounded_by(LIMIT, || watch_one_starve(name, 1000, 1));
    }
}

#[test]
fn without_descriptors_hubs_with_listeners_of_their_own_wait_and_recover() {
    if std::env::var_os(MARK).is_some() {
        starve_over_a_cluster(Sharing::ReusePort)
    } else {
        let name = "starved::without_descriptors_hubs_with_listeners_of_their_own_wait_and_recover";
        bounded_by(LIMIT, || watch_one_starve(name, 1000, 2));
    }
}

/// Has so many clients try at once; each of so many that accept may complain once.
fn watch_one_starve(name: &str, clients: usize, acceptors: usize) {
    let starving = Starving::begin(name);
    let clients: Vec<_> = (0..clients)
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
        served.drain(..served.len().min(150));
        std::thread::sleep(Duration::from_millis(1200));
        answered(&mut served, &mut waiting);
    }
    drop(served);
    let said = starving.end();
    let complaints = said.lines().filter(|line| line.contains("cannot accept")).count();
    assert!((1..=acceptors).contains(&complaints), "one line for one incident: {said}");
}

/// Bytes of the stacks that there is no room for; what else needs memory, needs less.
const HUGE: usize = 256 << 20;

fn room_for_memory(room: Option<u64>) {
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

#[test]
fn an_error_hook_may_stop_the_server_that_it_is_told_of() {
    alone("starved::an_error_hook_may_stop_the_server_that_it_is_told_of", || {
        let (server, address) = echo_server();
        let mut client = greenhub::monkey::net::TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let stopping = server.clone();
        Hub::current().set_error_hook(move |unhandled| {
            assert!(unhandled.message().unwrap().contains("cannot accept for now"));
            stopping.stop(millis(20)).unwrap();
        });
        let serving = server.clone();
        let forever = greenhub::spawn(move || serving.serve_forever());
        let late =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // The number that the next descriptor would have is one too many.
        let next = std::os::fd::AsRawFd::as_raw_fd(&late.try_clone().unwrap());
        setrlimit(Resource::Nofile, Rlimit { current: Some(next as u64), maximum }).unwrap();
        late.connect(&address.into()).unwrap();
        forever.join().unwrap().unwrap();
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
        assert!(!server.is_started() && !server.is_accepting());
        assert_eq!(server.handler_count(), 0, "the stop has come to its end");
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        crate::support::assert_refused(address);
        server.start().unwrap();
        crate::support::assert_serves(server.local_addr().unwrap());
        server.stop(SECOND).unwrap();
    });
}
