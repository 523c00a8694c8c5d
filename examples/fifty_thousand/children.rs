//! What the other processes do.
//!
//! They are told something by a line on their standard input, and tell something by a line on
//! their standard output. At the end of their input they end, whatever they do: whoever has started
//! them is there no more.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use greenhub::monkey::io::stdin;
use greenhub::monkey::net::TcpStream;
use greenhub::server::StreamServer;
use greenhub::sync::{Event, Semaphore};
use greenhub::{Builder, Cluster, sleep, spawn};

/// A server that is silent for so long has failed its client.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many greenlets of a process connect at a time: were it all, the kernel would have no room for those
/// whom the server has not accepted yet, and turn some away.
static TURNS: Semaphore = Semaphore::new(500);

/// Calls `told` at each line of input, and ends the process after the last.
fn listen(told: impl Fn() + 'static) {
    spawn(move || {
        stdin().lines().map_while(Result::ok).for_each(|_| told());
        process::exit(0)
    });
}

/// A server that sends back whatever comes.
pub(crate) fn serve() -> Result<(), Box<dyn Error>> {
    listen(|| {});
    let handle = |stream, _peer| send_back(&stream);
    let server = StreamServer::bind("127.0.0.1:0", handle);
    server.start()?;
    println!("{}", server.local_addr()?);
    Ok(server.serve_forever()?)
}

fn send_back(mut stream: &TcpStream) -> io::Result<()> {
    let mut message = [0; 64];
    loop {
        match stream.read(&mut message)? {
            0 => return Ok(()),
            length => stream.write_all(&message[..length])?,
        }
    }
}

/// So many threads with so many greenlets each, every one of which holds a connection.
pub(crate) fn hold(address: &str, threads: &str, greenlets: &str) -> Result<(), Box<dyn Error>> {
    let (server, threads, greenlets) = (address.parse()?, threads.parse()?, greenlets.parse()?);
    let meeting = Arc::new(Meeting::of(threads * greenlets));
    let told = Arc::clone(&meeting);
    listen(move || told.may_go_on.set());
    let cluster = Cluster::new(threads)?;
    let mut hubs = Vec::new();
    for hub in 0..threads {
        let meeting = Arc::clone(&meeting);
        hubs.push(cluster.spawn_on(hub, move || meet(&meeting, server, greenlets))?);
    }
    meeting.all_are_here.wait()?;
    let reason = meeting.failure.get().map(|failure| format!(" {failure}"));
    println!("{}{}", meeting.reached.load(Ordering::SeqCst), reason.unwrap_or_default());

    let mut answered = 0;
    for hub in hubs {
        answered += hub.join()?;
    }
    println!("{answered}");
    // The end of the input ends this process.
    sleep(Duration::MAX);
    Ok(())
}

/// What the greenlets of a process wait for, on all its hubs.
struct Meeting {
    /// How many have neither reached the server nor failed.
    awaited: AtomicUsize,
    reached: AtomicUsize,
    all_are_here: Event,
    may_go_on: Event,
    /// Why one has failed.
    failure: OnceLock<String>,
}

impl Meeting {
    fn of(count: usize) -> Meeting {
        Meeting {
            awaited: AtomicUsize::new(count),
            reached: AtomicUsize::new(0),
            all_are_here: Event::new(),
            may_go_on: Event::new(),
            failure: OnceLock::new(),
        }
    }

    fn arrive<T>(&self, reached: io::Result<T>) -> Option<T> {
        let reached = reached.map_err(|error| self.failure.get_or_init(|| error.to_string())).ok();
        self.reached.fetch_add(usize::from(reached.is_some()), Ordering::SeqCst);
        if self.awaited.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.all_are_here.set();
        }
        reached
    }
}

/// What each hub does; returns how many of its greenlets have got their second answer.
fn meet(meeting: &Arc<Meeting>, server: SocketAddr, greenlets: usize) -> usize {
    let mut clients = Vec::with_capacity(greenlets);
    for number in 0..greenlets {
        let own = Arc::clone(meeting);
        let client = Builder::new().spawn(move || {
            let stream = own.arrive(reach(server, number))?;
            own.may_go_on.wait().ok()?;
            talk(&stream, number).ok()
        });
        match client {
            Ok(client) => clients.push(client),
            Err(error) => drop(meeting.arrive::<()>(Err(error))),
        }
    }
    clients.iter().filter(|client| matches!(client.join(), Ok(Some(())))).count()
}

fn reach(server: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let _turn = TURNS.permit().map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    talk(&stream, number)?;
    Ok(stream)
}

fn talk(mut stream: &TcpStream, number: usize) -> io::Result<()> {
    let message = format!("hello from {number}\n");
    stream.write_all(message.as_bytes())?;
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer)?;
    match answer == message.as_bytes() {
        true => Ok(()),
        false => Err(io::Error::other("the answer is not what was said")),
    }
}
