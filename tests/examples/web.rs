//! `crawler` and `downloader`: with their own pages, and with servers that misbehave.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::programs::{example, finish, is_installed, run};
use crate::short::NOTHING;

/// A server that reads each request, and answers it with these bytes, and nothing more.
fn serve(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // A client that leaves early gets no answer.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    format!("http://{address}")
}

/// A server that accepts, and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    (listener, address)
}

/// What a crawl of this one address prints of it, after the time.
#[track_caller]
fn crawled(address: &str) -> String {
    let printed = run("crawler", ["--page", "30000", address]).printed();
    let line = printed.lines().next().expect("a line for the page");
    line.split_once(" ms  ").expect("the time comes first").1.to_owned()
}

#[test]
fn crawler_tells_of_each_page_as_it_arrives() {
    let printed = run("crawler", ["--page", "3000"]).printed();
    let mut lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.pop(), Some("4 of 5 pages are here, 102308 bytes"), "{printed}");
    let times: Vec<u64> = lines
        .iter()
        .map(|line| line.split_once(" ms").and_then(|(time, _)| time.trim().parse().ok()).unwrap())
        .collect();
    assert!(times.is_sorted(), "{printed}");
    for (what, path) in [
        ("404       8 bytes", "/missing"),
        ("200  100000 bytes", "/100000/100"),
        ("200     300 bytes", "/300/200"),
        ("200    2000 bytes", "/2000/300"),
        ("no page within 3s", "/1/60000"),
    ] {
        let found = lines.iter().filter(|line| line.contains(what) && line.ends_with(path));
        assert_eq!(found.count(), 1, "{what} {path}: {printed}");
    }
    assert!(lines[4].ends_with("/1/60000"), "{printed}");
}

#[test]
fn crawler_gives_up_the_rest_when_all_together_take_too_long() {
    let (_listener, address) = silent();
    let page = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage");
    let arguments = ["--overall", "2000", "--page", "60000", &address, &page];
    let printed = run("crawler", arguments).printed();
    let lines: Vec<_> = printed.lines().collect();
    let [first, given_up, sum] = lines[..] else { panic!("{printed}") };
    assert!(first.ends_with(&format!(" ms  200       4 bytes  {page}/")), "{printed}");
    assert!(given_up.starts_with("the rest is given up: timed out: not done within 2s"));
    assert_eq!(sum, "1 of 2 pages are here, 4 bytes");
}

#[test]
fn crawler_understands_every_form_of_an_answer() {
    for (answer, what) in [
        (&b"HTTP/1.1 200 OK\r\n\r\nuntil the end"[..], "200      13 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour, and more", "200       4 bytes"),
        (b"HTTP/1.0 301 Moved\r\ncontent-length: 0\r\n\r\n", "301       0 bytes"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, world, x\r\n0\r\n\r\n",
            "200      15 bytes",
        ),
    ] {
        let address = serve(answer);
        assert_eq!(crawled(&address), format!("{what}  {address}/"));
    }
}

#[test]
fn crawler_tells_of_answers_that_are_none() {
    for (answer, what) in [
        (&b""[..], "the page ends early"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "the page ends early"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "the page ends early"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", "the page ends early"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhe",
            "the page ends early",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
            "a piece of the page has no size",
        ),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "invalid HTTP version"),
    ] {
        let address = serve(answer);
        assert_eq!(crawled(&address), format!("no page: {what}  {address}/"));
    }
}

#[test]
fn crawler_tells_that_nobody_listens() {
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = std::io::Error::from(rustix::io::Errno::CONNREFUSED);
    let address = format!("http://{address}/a?b#c");
    let told = address.trim_end_matches("#c");
    assert_eq!(crawled(&address), format!("no page: {refused}  {told}"));
}

#[test]
fn crawler_refuses_what_it_does_not_understand() {
    for (argument, why) in [
        ("https://127.0.0.1/", "an address begins with http://"),
        ("http://", "the host is missing"),
        ("http:///path", "the host is missing"),
        ("http://127.0.0.1/a b", "an address has no spaces, and ASCII letters only"),
    ] {
        let complaint = run("crawler", [argument]).complained(2);
        let expected = format!("{argument} is no address: {why}; usage: crawler ");
        assert!(complaint.starts_with(&expected), "{complaint}");
    }
    for arguments in [vec!["--page"], vec!["--page", "soon"]] {
        let complaint = run("crawler", &arguments).complained(2);
        assert!(complaint.starts_with("--page has no milliseconds; usage: "), "{complaint}");
    }
}

/// A folder that is not there, and is gone again after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("{name}-{}", std::process::id());
        Folder(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }

    /// The names in it, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("it is there");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("it is text");
        let mut names: Vec<_> = entries.map(|entry| name(entry.expect("it can be read"))).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn downloader_writes_forty_files_without_a_terminal() {
    let folder = Folder::new("forty");
    let printed = run("downloader", [folder.text()]).printed();
    assert_eq!(printed, format!("40 of 40 files, 780000 bytes, are in {}\n", folder.text()));
    let names = folder.names();
    assert_eq!(names.len(), 40);
    for (number, name) in names.iter().enumerate() {
        assert_eq!(*name, format!("{:02}-{}-{}", number + 1, number * 1000, number * 37 % 100));
        let content = fs::read(folder.0.join(name)).unwrap();
        assert!(content == b"0123456789".repeat(number * 100), "{name}");
    }
}

#[test]
fn downloader_draws_its_bar_on_a_terminal() {
    if !is_installed("script", "--version") {
        return;
    }
    let folder = Folder::new("terminal");
    let program = example("downloader", NOTHING).get_program().to_owned();
    let mut script = Command::new("script");
    let inner = format!("'{}' '{}'", program.to_str().expect("the path is text"), folder.text());
    script.args(["-q", "-e", "-c", &inner, "/dev/null"]).env("TERM", "xterm");
    let printed = finish(script).printed();
    assert!(printed.contains("/40"), "{printed:?}");
    assert!(printed.contains("40 of 40 files, 780000 bytes, are in "), "{printed:?}");
}

#[test]
fn downloader_tells_what_is_missing_and_keeps_the_rest() {
    let folder = Folder::new("missing");
    let whole = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole") + "/notes.txt";
    let half = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") + "/half.txt";
    let gone = serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone") + "/gone.txt";
    let ended = run("downloader", [folder.text(), &half, &gone, &whole]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let sum = format!("1 of 3 files, 5 bytes, are in {}\n", folder.text());
    assert_eq!(ended.stdout, sum, "{ended:?}");
    let mut complaints: Vec<_> = ended.stderr.lines().collect();
    complaints.sort_unstable();
    let mut expected =
        [format!("{half}: the page ends early"), format!("{gone}: the status is 404")];
    expected.sort_unstable();
    assert_eq!(complaints, expected);
    assert_eq!(folder.names(), ["03-notes.txt"]);
    assert_eq!(fs::read(folder.0.join("03-notes.txt")).unwrap(), b"whole");
}

#[test]
fn downloader_tells_why_it_cannot_begin() {
    let usage = "usage: downloader FOLDER [http://ADDRESS …]\n";
    let complaint = run("downloader", NOTHING).complained(2);
    assert_eq!(complaint, format!("FOLDER is missing; {usage}"));
    let complaint = run("downloader", ["folder", "ftp://x"]).complained(2);
    let why = "ftp://x is no address: an address begins with http://";
    assert_eq!(complaint, format!("{why}; {usage}"));
    let below_a_file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml/folder");
    let complaint = run("downloader", [below_a_file]).complained(1);
    assert!(complaint.starts_with(&format!("cannot download into {below_a_file}: ")));
}
