//! A chat server: what one client says, all the others hear.
//!
//! ```text
//! cargo run --example chat -- [ADDR]
//! ```
//!
//! It listens on ADDR (127.0.0.1:7002 unless given; port 0 lets the kernel choose) and prints
//! `listening on ADDR`. It asks each client for a name; then each line that the client sends goes to
//! the others. `/quit` leaves. Try it with two or three `nc 127.0.0.1 7002`.
//!
//! Two greenlets serve a client. One reads its lines, and puts them into the queues of the others;
//! the other takes what is in the client's own queue, and writes it. A queue has room for a hundred
//! lines. **A client whose queue is full is put out:** it does not read, and nobody waits for it.
//!
//! `SIGTERM` and `SIGINT` end it: everyone is told, and has a second to take that.
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot serve on ADDR.

#[path = "support/ending.rs"]
mod ending;
#[path = "support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::queue::Queue;
use greenhub::server::StreamServer;
use greenhub::{scope, yield_now};

/// So many lines may wait for a client.
const ROOM: usize = 100;

/// A client that takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everyone has so long when the program is to end.
const GRACE: Duration = Duration::from_secs(1);

/// What is longer comes in pieces.
const LONGEST_LINE: u64 = 1024;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7002".to_owned());
    let more = arguments.next();
    if let Some(unknown) = more.or(address.starts_with('-').then(|| address.clone())) {
        eprintln!("what is {unknown}? usage: chat [ADDR]");
        return ExitCode::from(2);
    }
    support::raise_descriptor_limit();
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal ends it.
fn serve(address: &str) -> io::Result<()> {
    let room = Rc::new(Room::default());
    let own = Rc::clone(&room);
    // A client that vanishes ends its own conversation only.
    let server =
        StreamServer::bind(address.to_owned(), move |stream, _| converse(Rc::new(stream), &own));
    server.start()?;
    let stopped = server.clone();
    ending::when_told(GRACE, move |limit| {
        stopped.stop_accepting();
        room.close();
        stopped.stop(limit)
    })?;
    println!("listening on {}", server.local_addr()?);
    server.serve_forever()
}

fn converse(stream: Rc<TcpStream>, room: &Room) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    // A line is not to wait until the client has confirmed the one before.
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(&*stream);
    let mut question = "* your name?\n";
    let (name, client) = loop {
        (&*stream).write_all(question.as_bytes())?;
        let Some(name) = next_line(&mut lines)? else { return Ok(()) };
        match room.enter(&name, &stream) {
            Ok(client) => break (name, client),
            Err(complaint) => question = complaint,
        }
    };
    scope(|scope| {
        scope.spawn(|| client.write_what_comes());
        // An error is the end as well.
        while let Ok(Some(line)) = next_line(&mut lines)
            && line != "/quit"
            && !client.queue.is_shut_down()
        {
            room.tell(&format!("{name}: {line}\n"), Some(&name));
            // Whoever sends many lines at once lets the others take them one by one.
            yield_now();
        }
        room.leave(&name, &client);
    });
    Ok(())
}

/// A line without its end; `None` where nothing more comes.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

/// Those who are here, by their names.
#[derive(Default)]
struct Room {
    clients: RefCell<BTreeMap<String, Rc<Client>>>,
}

struct Client {
    stream: Rc<TcpStream>,
    /// What it is still to be told.
    queue: Queue<Rc<str>>,
}

impl Room {
    fn enter(&self, name: &str, stream: &Rc<TcpStream>) -> Result<Rc<Client>, &'static str> {
        if !(1..=20).contains(&name.len()) || !name.bytes().all(|it| it.is_ascii_alphanumeric()) {
            return Err("* a name has 1 to 20 letters and digits; your name?\n");
        }
        if self.clients.borrow().contains_key(name) {
            return Err("* that name is taken; your name?\n");
        }
        let client = Client { stream: Rc::clone(stream), queue: Queue::bounded(ROOM) };
        let client = Rc::new(client);
        self.clients.borrow_mut().insert(name.to_owned(), Rc::clone(&client));
        let names: Vec<_> = self.clients.borrow().keys().cloned().collect();
        self.tell(&format!("* {name} joins\n"), Some(name));
        client.tell(&format!("* here: {}\n", names.join(", ")).into());
        Ok(client)
    }

    /// Tells everyone but `except`, and waits for nobody: who has no room for it is put out.
    fn tell(&self, line: &str, except: Option<&str>) {
        let line: Rc<str> = line.into();
        let mut slow = Vec::new();
        for (name, client) in &*self.clients.borrow() {
            if Some(&**name) != except && !client.tell(&line) {
                slow.push((name.clone(), Rc::clone(client)));
            }
        }
        for (name, client) in &slow {
            client.put_out();
            if self.remove(name, client) {
                self.tell(&format!("* {name} is put out\n"), None);
            }
        }
    }

    fn leave(&self, name: &str, client: &Rc<Client>) {
        if self.remove(name, client) {
            self.tell(&format!("* {name} leaves\n"), None);
        }
        // What is in the queue is still written.
        client.queue.shutdown();
    }

    /// `false` if it was put out before, and someone else may have its name.
    fn remove(&self, name: &str, client: &Rc<Client>) -> bool {
        let mut clients = self.clients.borrow_mut();
        let is_here = clients.get(name).is_some_and(|here| Rc::ptr_eq(here, client));
        is_here && clients.remove(name).is_some()
    }

    /// Tells everyone that this is the end, and hears nobody any more.
    fn close(&self) {
        self.tell("* the server ends\n", None);
        for client in std::mem::take(&mut *self.clients.borrow_mut()).values() {
            // An error says that the client has left.
            let _ = client.stream.shutdown(Shutdown::Read);
        }
    }
}

impl Client {
    /// `false` if there is no room for it.
    fn tell(&self, line: &Rc<str>) -> bool {
        self.queue.try_put(Rc::clone(line)).is_ok()
    }

    fn write_what_comes(&self) {
        for line in self.queue.iter() {
            if (&*self.stream).write_all(line.as_bytes()).is_err() {
                return self.put_out();
            }
        }
    }

    /// Ends its connection, and with it both of its greenlets.
    fn put_out(&self) {
        self.queue.shutdown_now();
        // An error says that the client has left.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
