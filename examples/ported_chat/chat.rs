// A chat server: what one client says, all the others hear.
//
// It asks each client for a name of 1 to 20 letters and digits. Then every line that the client
// sends goes to the others, with the name before it; but `/to NAME TEXT` goes to that one only,
// `/who` asks who is here, and `/quit` leaves. A client may leave in any other way: by closing
// its side, by a reset, or by not reading for so long that it is put out.
//
// A thread serves each client: it reads what the client says and writes it to the others. A lock
// is held only to look or to copy, never while the thread waits for the network.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// A client that takes nothing for so long is put out.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who would leave more bytes than this for a client waits until it has taken some.
const LONGEST_OUTBOX: usize = 64 * 1024;
/// What is longer comes in pieces.
const LONGEST_LINE: u64 = 1024;

/// Serves until the process is ended; returns only if it cannot begin.
pub(crate) fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let room = Arc::new(Room::default());
    for stream in listener.incoming() {
        let room = Arc::clone(&room);
        let served = stream.and_then(|stream| {
            // Its result is dropped: a client that vanishes ends its own conversation only.
            thread::Builder::new().spawn(move || converse(stream, &room))
        });
        if let Err(error) = served {
            eprintln!("cannot accept: {error}");
            // Whatever has run out may be there again soon.
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

fn converse(stream: TcpStream, room: &Room) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let Some(client) = enter(&stream, &mut lines, room)? else {
        return Ok(());
    };
    while let Ok(Some(line)) = next_line(&mut lines) {
        if line == "/quit" {
            client.send("* goodbye\n");
            break;
        }
        hear(&client, &line, room);
    }
    tell(&room.leave(&client), &format!("* {} leaves\n", client.name));
    Ok(())
}

/// Does what a line asks for, which may be to pass it on.
fn hear(client: &Arc<Client>, line: &str, room: &Room) {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (command, rest.split_once(' ')) {
        ("/who", None) if rest.is_empty() => client.send(&room.everyone()),
        ("/to", Some((name, text))) => match room.named(name) {
            Some(other) => other.send(&format!("{} to you: {text}\n", client.name)),
            None => client.send(&format!("* nobody is called {name}\n")),
        },
        _ if line.starts_with('/') => {
            client.send(&format!("* what is {line}? /who, /to NAME TEXT, or /quit\n"));
        }
        _ => tell(&room.others(client), &format!("{}: {line}\n", client.name)),
    }
}

/// Asks for a name until it can be had; `None` if the client leaves before.
fn enter(
    mut stream: &TcpStream,
    lines: &mut BufReader<TcpStream>,
    room: &Room,
) -> io::Result<Option<Arc<Client>>> {
    stream.write_all(b"* your name?\n")?;
    while let Some(name) = next_line(lines)? {
        if !(1..=20).contains(&name.len()) || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            stream.write_all(b"* a name has 1 to 20 letters and digits; your name?\n")?;
        } else if let Some((client, others)) = room.enter(name, stream.try_clone()?) {
            client.send(&here(others.iter().chain([&client])));
            tell(&others, &format!("* {} joins\n", client.name));
            return Ok(Some(client));
        } else {
            stream.write_all(b"* that name is taken; your name?\n")?;
        }
    }
    Ok(None)
}

/// What the client says next, without its line end; `None` at the end.
fn next_line(lines: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    lines.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    let text = String::from_utf8_lossy(&line);
    Ok((!line.is_empty()).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn here<'a>(clients: impl Iterator<Item = &'a Arc<Client>>) -> String {
    let names: Vec<_> = clients.map(|client| &*client.name).collect();
    format!("* here: {}\n", names.join(", "))
}

fn tell(clients: &[Arc<Client>], line: &str) {
    clients.iter().for_each(|client| client.send(line));
}

/// Everyone who has a name. What it returns are copies: nobody waits while the room is locked.
#[derive(Default)]
struct Room {
    clients: Mutex<Vec<Arc<Client>>>,
}

impl Room {
    /// Adds a client; returns it and who was here before. `None` if its name is taken.
    fn enter(&self, name: String, stream: TcpStream) -> Option<(Arc<Client>, Vec<Arc<Client>>)> {
        let mut clients = lock(&self.clients);
        if clients.iter().any(|client| client.name == name) {
            return None;
        }
        let others = clients.clone();
        let client = Arc::new(Client { name, stream, outbox: Mutex::default() });
        clients.push(Arc::clone(&client));
        Some((client, others))
    }

    /// Removes a client; returns who is left.
    fn leave(&self, client: &Arc<Client>) -> Vec<Arc<Client>> {
        let mut clients = lock(&self.clients);
        clients.retain(|other| !Arc::ptr_eq(other, client));
        clients.clone()
    }

    fn others(&self, client: &Arc<Client>) -> Vec<Arc<Client>> {
        let clients = lock(&self.clients);
        clients.iter().filter(|other| !Arc::ptr_eq(other, client)).cloned().collect()
    }

    fn named(&self, name: &str) -> Option<Arc<Client>> {
        lock(&self.clients).iter().find(|client| client.name == name).cloned()
    }

    /// Their names, in the order in which they came.
    fn everyone(&self) -> String {
        here(lock(&self.clients).iter())
    }
}

/// A client, as the others see it.
struct Client {
    name: String,
    stream: TcpStream,
    outbox: Mutex<Outbox>,
}

/// What a client is still to be sent.
#[derive(Default)]
struct Outbox {
    text: String,
    /// One thread writes at a time, so that lines stay whole. Whoever comes in the meantime leaves
    /// its line here and goes on.
    has_writer: bool,
}

impl Client {
    fn send(&self, line: &str) {
        self.await_room();
        if !self.post(line) {
            return;
        }
        while let Some(text) = self.next_text() {
            if (&self.stream).write_all(text.as_bytes()).is_err() {
                // Nobody becomes the writer after this: the client is gone.
                return self.put_out();
            }
        }
    }

    /// Waits until the outbox has room for a line.
    fn await_room(&self) {
        let deadline = Instant::now() + PATIENCE;
        while lock(&self.outbox).text.len() > LONGEST_OUTBOX {
            if Instant::now() > deadline {
                return self.put_out();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Leaves a line in the outbox; returns whether the caller is now the one to write it.
    fn post(&self, line: &str) -> bool {
        let mut outbox = lock(&self.outbox);
        outbox.text.push_str(line);
        !std::mem::replace(&mut outbox.has_writer, true)
    }

    /// Takes what is to be written; `None`, and the caller is the writer no more, if that is all.
    fn next_text(&self) -> Option<String> {
        let mut outbox = lock(&self.outbox);
        outbox.has_writer = !outbox.text.is_empty();
        outbox.has_writer.then(|| std::mem::take(&mut outbox.text))
    }

    /// Ends its connection; the thread that reads from it sees the end and says goodbye.
    fn put_out(&self) {
        lock(&self.outbox).text.clear();
        // An error says that it has ended already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this lock")
}
