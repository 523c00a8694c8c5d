// A file server: what is under a directory, over HTTP/1.1.
//
// A thread serves each connection, one request after the other, for as long as the client wants
// more. It knows GET and HEAD, parts of files, and listings of directories; it refuses all that is
// not under its directory, also behind symbolic links. A client that is too slow is put out, and
// one too many is told to come back later. A log, if there is one, has a line for each answer.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// So long may a client take for its next request, and between two pieces of an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// No request line and headers may be longer, together.
const LONGEST_HEAD: usize = 8 * 1024;
/// A body that comes with a request is skipped, but not a longer one.
const LONGEST_BODY: u64 = 64 * 1024;

const USAGE: &str = "usage: ported_files [--std] [--log FILE] [--clients N] ROOT [ADDR]";

pub(crate) fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    let settings = match Settings::parse(arguments) {
        Ok(settings) => settings,
        Err(complaint) => {
            eprintln!("{complaint}; {USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve {} on {}: {error}", settings.root.display(), settings.address);
            ExitCode::FAILURE
        }
    }
}

/// What the arguments say.
struct Settings {
    root: PathBuf,
    address: String,
    log: Option<PathBuf>,
    /// How many at once.
    clients: usize,
}

impl Settings {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
        let (mut log, mut clients, mut places) = (None, 1000, Vec::new());
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--log" => log = Some(arguments.next().ok_or("--log needs a file")?.into()),
                "--clients" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    clients = number.ok_or("--clients needs a number")?;
                }
                _ if argument.starts_with('-') || places.len() == 2 => {
                    return Err(format!("what is {argument}?"));
                }
                _ => places.push(argument),
            }
        }
        let mut places = places.into_iter();
        let root = places.next().ok_or("ROOT is missing")?.into();
        let address = places.next().unwrap_or_else(|| "127.0.0.1:7002".to_owned());
        Ok(Settings { root, address, log, clients })
    }
}

/// Serves until the process is ended; returns only if it cannot begin.
fn serve(settings: &Settings) -> io::Result<()> {
    let server = Arc::new(Server::new(settings)?);
    let listener = TcpListener::bind(&settings.address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let served = stream.and_then(|stream| {
            let server = Arc::clone(&server);
            // Its result is dropped: a client that vanishes ends its own conversation only.
            thread::Builder::new().spawn(move || server.admit(&stream))
        });
        if let Err(error) = served {
            eprintln!("cannot accept: {error}");
            // Whatever has run out may be there again soon.
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

struct Server {
    root: PathBuf,
    log: Mutex<Option<File>>,
    clients: AtomicUsize,
    most_clients: usize,
}

impl Server {
    fn new(settings: &Settings) -> io::Result<Server> {
        let root = fs::canonicalize(&settings.root)?;
        // Tells now that it is no directory, or not to be read.
        fs::read_dir(&root)?;
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        let log = Mutex::new(settings.log.as_ref().map(open).transpose()?);
        Ok(Server { root, log, clients: AtomicUsize::new(0), most_clients: settings.clients })
    }

    /// Serves a client, unless there are too many.
    fn admit(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let others = self.clients.fetch_add(1, Ordering::Relaxed);
        let conversed = (others < self.most_clients).then(|| self.converse(&mut reader));
        self.clients.fetch_sub(1, Ordering::Relaxed);
        conversed.unwrap_or_else(|| self.refuse(&mut reader, 503))
    }

    fn converse(&self, reader: &mut BufReader<&TcpStream>) -> io::Result<()> {
        loop {
            let request = match next_request(reader) {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(status) => return self.refuse(reader, status),
            };
            let answer = self.find(&request).unwrap_or_else(Answer::error);
            send(reader.get_ref(), &request, answer, &self.log)?;
            if !request.keeps_alive() {
                return part_with(reader);
            }
        }
    }

    /// Answers what is no request, and closes.
    fn refuse(&self, reader: &mut BufReader<&TcpStream>, status: u16) -> io::Result<()> {
        let request =
            Request { method: "-".into(), target: "-".into(), old: true, headers: vec![] };
        send(reader.get_ref(), &request, Answer::error(status), &self.log)?;
        part_with(reader)
    }

    /// What the request asks for, or the status that says why not.
    fn find(&self, request: &Request) -> Result<Answer, u16> {
        if !matches!(&*request.method, "GET" | "HEAD") {
            return Err(405);
        }
        let target = request.target.split('?').next().unwrap_or_default();
        let path = self.local_path(target)?;
        let metadata = fs::metadata(&path).map_err(status_of)?;
        if metadata.is_dir() {
            return if target.ends_with('/') { listing(&path) } else { Ok(Answer::moved(target)) };
        }
        if !metadata.is_file() || target.ends_with('/') {
            return Err(404);
        }
        let file = File::open(&path).map_err(status_of)?;
        let length = file.metadata().map_err(status_of)?.len();
        part(file, length, request.header("range"), content_type(&path))
    }

    /// Where the target of a request is in the file system; never outside of the root.
    fn local_path(&self, target: &str) -> Result<PathBuf, u16> {
        let decoded = decode(target.strip_prefix('/').ok_or(400_u16)?).ok_or(400_u16)?;
        if decoded.split('/').any(|part| part == "..") {
            return Err(403);
        }
        let parts = decoded.split('/').filter(|part| !part.is_empty());
        let path =
            fs::canonicalize(self.root.join(parts.collect::<PathBuf>())).map_err(status_of)?;
        if path.starts_with(&self.root) { Ok(path) } else { Err(403) }
    }
}

fn status_of(error: io::Error) -> u16 {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => 404,
        io::ErrorKind::PermissionDenied => 403,
        io::ErrorKind::InvalidFilename => 404,
        _ => 500,
    }
}

/// What a client asks.
struct Request {
    method: String,
    target: String,
    /// Of HTTP/1.0, where a connection ends after one answer.
    old: bool,
    headers: Vec<(String, String)>,
}

impl Request {
    /// `None` if it is none.
    fn parse(head: &str) -> Option<Request> {
        let mut lines = head.lines();
        let words: Vec<_> = lines.next()?.split(' ').collect();
        let [method, target, version] = words[..] else { return None };
        let old = match version {
            "HTTP/1.1" => false,
            "HTTP/1.0" => true,
            _ => return None,
        };
        let headers = lines.take_while(|line| !line.is_empty()).map(header);
        let headers = headers.collect::<Option<Vec<_>>>()?;
        let is_plain = !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_alphabetic())
            && target.bytes().all(|byte| byte.is_ascii_graphic());
        let request = Request { method: method.into(), target: target.into(), old, headers };
        (is_plain && (old || request.header("host").is_some())).then_some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| &*header.1)
    }

    fn keeps_alive(&self) -> bool {
        let wish = self.header("connection").unwrap_or_default().to_ascii_lowercase();
        if self.old { wish == "keep-alive" } else { wish != "close" }
    }
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let is_name = !name.is_empty() && !name.contains([' ', '\t']);
    is_name.then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// Reads the next request; `None` if none comes, or the status that says what is wrong with it.
fn next_request(reader: &mut BufReader<&TcpStream>) -> Result<Option<Request>, u16> {
    let Some(head) = next_head(reader)? else {
        return Ok(None);
    };
    let request = Request::parse(&head).ok_or(400_u16)?;
    if request.header("transfer-encoding").is_some() {
        return Err(501);
    }
    let length = request.header("content-length").unwrap_or("0").parse::<u64>();
    match length.map_err(|_| 400_u16)? {
        0 => {}
        length if length > LONGEST_BODY => return Err(413),
        length => skip(reader, length).map_err(|_| 400_u16)?,
    }
    Ok(Some(request))
}

/// Reads up to the empty line that ends a head.
fn next_head(reader: &mut BufReader<&TcpStream>) -> Result<Option<String>, u16> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    while !head.ends_with(b"\n\r\n") && !head.ends_with(b"\n\n") {
        let block = match fill(reader, deadline) {
            Ok(block) if !block.is_empty() => block,
            // It has gone, or it is idle, between two requests.
            _ if head.is_empty() => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(408),
            _ => return Err(400),
        };
        let length = block.iter().position(|byte| *byte == b'\n').map_or(block.len(), |at| at + 1);
        head.extend_from_slice(&block[..length]);
        reader.consume(length);
        if head == b"\r\n" || head == b"\n" {
            // Some clients send one after a body.
            head.clear();
        }
        if head.len() > LONGEST_HEAD {
            return Err(431);
        }
    }
    String::from_utf8(head).map(Some).map_err(|_| 400)
}

/// Closes, once the client has done so. What it still sends is read: to close with it unread would
/// be a reset, which may cost the client the answer.
fn part_with(reader: &mut BufReader<&TcpStream>) -> io::Result<()> {
    reader.get_ref().shutdown(Shutdown::Write)?;
    skip(reader, u64::MAX)
}

/// Reads so much, which nobody wants, or up to the end.
fn skip(reader: &mut BufReader<&TcpStream>, mut length: u64) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while length > 0 {
        let block = fill(reader, deadline)?.len();
        if block == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let skipped = block.min(usize::try_from(length).unwrap_or(block));
        reader.consume(skipped);
        length -= skipped as u64;
    }
    Ok(())
}

/// Waits for bytes until the deadline; none come at the end.
fn fill<'a>(reader: &'a mut BufReader<&TcpStream>, deadline: Instant) -> io::Result<&'a [u8]> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    reader.get_ref().set_read_timeout(Some(left))?;
    reader.fill_buf()
}

/// What a client gets.
struct Answer {
    status: u16,
    headers: String,
    length: u64,
    body: Box<dyn Read>,
}

impl Answer {
    fn text(status: u16, headers: String, text: String) -> Answer {
        let length = text.len() as u64;
        Answer { status, headers, length, body: Box::new(io::Cursor::new(text)) }
    }

    fn error(status: u16) -> Answer {
        let allow = if status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        let headers = format!("{allow}Content-Type: text/plain\r\n");
        Answer::text(status, headers, format!("{status} {}\n", reason(status)))
    }

    /// To where a directory is listed. With two slashes before it, it would be on another host.
    fn moved(target: &str) -> Answer {
        let target = target.trim_start_matches('/');
        Answer::text(301, format!("Location: /{target}/\r\n"), String::new())
    }
}

fn send(
    mut stream: &TcpStream,
    request: &Request,
    mut answer: Answer,
    log: &Mutex<Option<File>>,
) -> io::Result<()> {
    let Answer { status, headers, length, .. } = &answer;
    let connection = if request.keeps_alive() { "keep-alive" } else { "close" };
    let head = format!(
        "HTTP/1.1 {status} {}\r\n{headers}Content-Length: {length}\r\nConnection: {connection}\r\n\r\n",
        reason(*status)
    );
    stream.write_all(head.as_bytes())?;
    let mut sent = 0;
    if request.method != "HEAD" {
        sent = io::copy(&mut answer.body, &mut stream)?;
        if sent != answer.length {
            // Someone has cut the file; that the connection ends early tells the client.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let line = format!("{} {} {} {sent}\n", request.method, request.target, answer.status);
    match &mut *log.lock().expect("nothing panics while it holds this lock") {
        // At once, so that no reader sees half of it.
        Some(log) => log.write_all(line.as_bytes()),
        None => Ok(()),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

/// The file, or the range of it that was asked for.
fn part(mut file: File, length: u64, range: Option<&str>, kind: &str) -> Result<Answer, u16> {
    let headers = format!("Content-Type: {kind}\r\nAccept-Ranges: bytes\r\n");
    let (status, headers, first, end) = match range.and_then(|range| parse_range(range, length)) {
        None => (200, headers, 0, length),
        Some((first, end)) if first < end => {
            let last = end - 1;
            (206, format!("{headers}Content-Range: bytes {first}-{last}/{length}\r\n"), first, end)
        }
        Some(_) => {
            let headers = format!("Content-Range: bytes */{length}\r\n");
            return Ok(Answer::text(416, headers, String::new()));
        }
    };
    file.seek(SeekFrom::Start(first)).map_err(status_of)?;
    let length = end - first;
    Ok(Answer { status, headers, length, body: Box::new(file.take(length)) })
}

/// The first byte of a range, and the one after its last; empty if the file has none of it. `None`
/// if it is not one range of bytes: then the whole file is the answer.
fn parse_range(range: &str, length: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count = last.parse::<u64>().ok()?;
        return Some((length.saturating_sub(count), length));
    }
    let first = first.parse::<u64>().ok()?;
    if last.is_empty() {
        return Some((first, length));
    }
    let last = last.parse::<u64>().ok()?;
    (first <= last).then(|| (first, last.saturating_add(1).min(length)))
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("txt" | "md" | "rs") => "text/plain; charset=utf-8",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => "application/octet-stream",
    }
}

/// The names in a directory, in the order of the alphabet.
fn listing(path: &Path) -> Result<Answer, u16> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(status_of)? {
        let entry = entry.map_err(status_of)?;
        let is_directory = entry.file_type().map_err(status_of)?.is_dir();
        // Names that are not Unicode cannot be asked for, and are left out.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(if is_directory { name + "/" } else { name });
        }
    }
    names.sort();
    let mut page = "<!DOCTYPE html>\n<ul>\n".to_owned();
    for name in names {
        page += &format!("<li><a href=\"./{}\">{}</a></li>\n", encode(&name), escape(&name));
    }
    page += "</ul>\n";
    Ok(Answer::text(200, "Content-Type: text/html; charset=utf-8\r\n".into(), page))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn encode(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes it");
        }
    }
    encoded
}

/// `None` if it is badly encoded, or nothing that a path can be.
fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let [high, low] =
                    [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
                u8::try_from(high? * 16 + low?).ok()?
            }
            0 => return None,
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|path| !path.contains('\0'))
}
