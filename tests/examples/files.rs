//! `ported_files`: no client can tell whether the original serves or its port.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::ported::{VARIANTS, threads};
use crate::programs::{Server, run};

const BIG: usize = 8 << 20;

/// A directory with something of everything, which is removed at the end.
struct Root(PathBuf);

impl Root {
    fn new() -> Root {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ported-{}-{number}", std::process::id()));
        let root = path.join("root");
        fs::create_dir_all(root.join("sub/empty")).unwrap();
        fs::write(path.join("secret"), "secret").unwrap();
        fs::write(root.join("hello.txt"), "hello, world\n").unwrap();
        fs::write(root.join("nothing"), "").unwrap();
        fs::write(root.join("sub/a & <b>.html"), "<p>").unwrap();
        fs::write(root.join("sub/ö"), "umlaut").unwrap();
        fs::write(root.join("big"), big()).unwrap();
        symlink("../secret", root.join("leak")).unwrap();
        symlink("hello.txt", root.join("link.txt")).unwrap();
        Root(path)
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// What has been logged, sorted, once there are so many lines.
    #[track_caller]
    fn logged(&self, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            let text = fs::read_to_string(self.log()).unwrap();
            if text.lines().count() >= count {
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                lines.sort();
                return lines;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("there are not {count} lines in the log");
    }

    #[track_caller]
    fn serve(&self, options: &[&str]) -> Server {
        let root = self.0.join("root");
        let log = self.log();
        let places = ["--log", utf8(&log), utf8(&root)];
        // The address comes last.
        Server::start("ported_files", &options.iter().copied().chain(places).collect::<Vec<_>>())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // What is left is in the directory for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("temporary files have simple names")
}

/// No block of it is like another.
fn big() -> Vec<u8> {
    (0..BIG as u32 / 4).flat_map(u32::to_le_bytes).collect()
}

/// Sends this and no more; returns all that comes.
#[track_caller]
fn exchange(server: &Server, request: &str) -> String {
    let mut stream = server.connect();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request of one's own, and the status and the body that are the answer.
const ANSWERS: [(&str, &str, &str); 33] = [
    ("GET /hello.txt", "200", "hello, world\n"),
    ("GET /hello.txt?x=y", "200", "hello, world\n"),
    ("GET //hello.txt", "200", "hello, world\n"),
    ("GET /%68ello%2Etxt", "200", "hello, world\n"),
    ("GET /link.txt", "200", "hello, world\n"),
    ("GET /nothing", "200", ""),
    ("GET /sub/a%20&%20%3Cb%3E.html", "200", "<p>"),
    ("GET /sub/%C3%B6", "200", "umlaut"),
    ("HEAD /hello.txt", "200", ""),
    ("HEAD /missing", "404", ""),
    ("GET /missing", "404", "404 Not Found\n"),
    ("GET /hello.txt/", "404", "404 Not Found\n"),
    ("GET /hello.txt/more", "404", "404 Not Found\n"),
    ("GET /../secret", "403", "403 Forbidden\n"),
    ("GET /sub/../../secret", "403", "403 Forbidden\n"),
    ("GET /%2e%2E/secret", "403", "403 Forbidden\n"),
    ("GET /..%2fsecret", "403", "403 Forbidden\n"),
    ("GET /leak", "403", "403 Forbidden\n"),
    ("GET /%zz", "400", "400 Bad Request\n"),
    ("GET /%4", "400", "400 Bad Request\n"),
    ("GET /%ff", "400", "400 Bad Request\n"),
    ("GET /%00", "400", "400 Bad Request\n"),
    ("GET hello.txt", "400", "400 Bad Request\n"),
    ("GET  /hello.txt", "400", "400 Bad Request\n"),
    ("GET /hello\u{7}.txt", "400", "400 Bad Request\n"),
    ("GET", "400", "400 Bad Request\n"),
    ("POST /hello.txt", "405", "405 Method Not Allowed\n"),
    ("get /hello.txt", "405", "405 Method Not Allowed\n"),
    ("GET /sub", "301", ""),
    ("GET //sub", "301", ""),
    ("GET /sub/empty/", "200", "<!DOCTYPE html>\n<ul>\n</ul>\n"),
    ("HEAD /sub/", "200", ""),
    (
        "GET /sub/",
        "200",
        "<!DOCTYPE html>\n<ul>\n\
         <li><a href=\"./a%20%26%20%3Cb%3E.html\">a &amp; &lt;b&gt;.html</a></li>\n\
         <li><a href=\"./empty/\">empty/</a></li>\n<li><a href=\"./%C3%B6\">ö</a></li>\n</ul>\n",
    ),
];

#[test]
fn both_variants_answer_the_same_bytes() {
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(options);
        let mut answers = Vec::new();
        for (request, status, body) in ANSWERS {
            let answer = exchange(&server, &format!("{request} HTTP/1.1\r\nHost: h\r\n\r\n"));
            let (head, rest) = answer.split_once("\r\n\r\n").expect("an empty line");
            assert_eq!((head.split(' ').nth(1), rest), (Some(status), body), "{request:?}");
            answers.push(answer);
        }
        (answers, root.logged(ANSWERS.len()))
    });
    assert_eq!(on_std, ported);
    let has = |answer: &str| on_std.0.iter().any(|other| other == answer);
    assert!(has("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Accept-Ranges: bytes\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\n"));
    assert!(has("HTTP/1.1 301 Moved Permanently\r\nLocation: /sub/\r\nContent-Length: 0\r\n\
         Connection: keep-alive\r\n\r\n"));
    assert!(!on_std.0.iter().any(|answer| answer.contains("Location: //")), "another host");
}

/// The range that is asked for, and the status, part and body that are the answer.
const RANGES: [(&str, &str, &str, &str); 12] = [
    ("bytes=0-4", "206", "bytes 0-4/13", "hello"),
    ("bytes=7-", "206", "bytes 7-12/13", "world\n"),
    ("bytes=-6", "206", "bytes 7-12/13", "world\n"),
    ("bytes=-99", "206", "bytes 0-12/13", "hello, world\n"),
    ("bytes=12-99", "206", "bytes 12-12/13", "\n"),
    ("bytes=13-", "416", "bytes */13", ""),
    ("bytes=99-100", "416", "bytes */13", ""),
    ("bytes=-0", "416", "bytes */13", ""),
    ("bytes=4-1", "200", "", "hello, world\n"),
    ("bytes=1-2,4-5", "200", "", "hello, world\n"),
    ("lines=1-2", "200", "", "hello, world\n"),
    ("bytes=0-99999999999999999999", "200", "", "hello, world\n"),
];

#[test]
fn both_variants_give_the_same_parts_of_a_file() {
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(options);
        RANGES.map(|(range, status, part, body)| {
            let answer = exchange(
                &server,
                &format!("GET /hello.txt HTTP/1.1\r\nHost: h\r\nRange: {range}\r\n\r\n"),
            );
            let (head, rest) = answer.split_once("\r\n\r\n").expect("an empty line");
            assert_eq!((head.split(' ').nth(1), rest), (Some(status), body), "{range:?}");
            let told = head.split_once("Content-Range: ").map_or("", |(_, told)| told);
            assert_eq!(told.lines().next().unwrap_or_default(), part, "{range:?}");
            answer
        })
    });
    assert_eq!(on_std, ported);
}

/// Sent as they are, each to the status of its last answer, and whether that ends the connection.
const HEADS: [(&str, &str, bool); 15] = [
    ("GET /hello.txt HTTP/1.1\r\n\r\n", "400", true),
    ("GET /hello.txt HTTP/2\r\nHost: h\r\n\r\n", "400", true),
    ("GET /hello.txt HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "400", true),
    ("GET /hello.txt HTTP/1.1\r\nHost : h\r\n\r\n", "400", true),
    ("GET /hello.txt HTTP/1.1\r\nHost: h\r\n", "400", true),
    ("GET /hello.txt HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "400", true),
    ("GET /hello.txt HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbody", "400", true),
    ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", "413", true),
    ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "501", true),
    ("GET /hello.txt HTTP/1.0\r\n\r\n", "200", true),
    ("GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200", false),
    ("GET /hello.txt HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", "200", true),
    ("GET /hello.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP", "200", true),
    ("GET /hello.txt HTTP/1.1\nhost: h\n\n", "200", false),
    ("\r\n\r\nGET /hello.txt HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", "200", false),
];

#[test]
fn both_variants_refuse_the_same_requests() {
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(options);
        let too_long = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "h".repeat(9000));
        let heads = HEADS.into_iter().chain([(&*too_long, "431", true)]);
        let answers: Vec<_> = heads
            .map(|(request, status, closes)| {
                let answer = exchange(&server, request);
                assert_eq!(answer.split(' ').nth(1), Some(status), "{request:?}: {answer}");
                assert_eq!(answer.contains("Connection: close\r\n"), closes, "{request:?}");
                answer
            })
            .collect();
        assert_eq!(exchange(&server, ""), "", "who asks nothing is told nothing");
        (answers, root.logged(HEADS.len() + 1))
    });
    assert_eq!(on_std, ported);
}

#[test]
fn requests_that_come_at_once_are_answered_in_their_order() {
    let requests = ["hello.txt", "missing", "sub/%C3%B6", "nothing", "hello.txt"]
        .map(|path| format!("GET /{path} HTTP/1.1\r\nHost: h\r\n\r\n"))
        .concat();
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(options);
        let whole = exchange(&server, &requests);
        // The same, one byte at a time.
        let mut stream = server.connect();
        stream.set_nodelay(true).unwrap();
        for byte in requests.as_bytes() {
            stream.write_all(&[*byte]).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        let mut slow = String::new();
        stream.read_to_string(&mut slow).unwrap();
        assert_eq!(whole, slow, "{options:?}");
        whole
    });
    assert_eq!(on_std, ported);
    let bodies: Vec<_> = on_std.matches("HTTP/1.1 ").collect();
    assert_eq!(bodies.len(), 5, "{on_std}");
    assert!(on_std.contains("\r\n\r\numlautHTTP/1.1 200 OK\r\n"), "{on_std}");
}

/// Asks for the big file, twice over one connection; returns what comes of the second, read as it
/// comes, or slowly.
#[track_caller]
fn download(mut stream: TcpStream, slowly: bool) -> Vec<u8> {
    let request = "GET /big HTTP/1.1\r\nHost: h\r\n";
    stream.write_all(format!("HEAD{}\r\n", &request[3..]).as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let length = skip_head(&mut reader);
    assert_eq!(length, BIG);
    stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(skip_head(&mut reader), BIG);
    let mut body = vec![0; BIG];
    for part in body.chunks_mut(BIG / 32) {
        if slowly {
            thread::sleep(Duration::from_millis(20));
        }
        reader.read_exact(part).expect("all of the file");
    }
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "nothing comes after it");
    body
}

/// Returns the length that it tells.
#[track_caller]
fn skip_head(reader: &mut impl BufRead) -> usize {
    let mut length = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a head comes");
        if let Some(told) = line.strip_prefix("Content-Length: ") {
            length = told.trim().parse().ok();
        }
        if line.trim_end().is_empty() {
            return length.expect("it tells the length");
        }
    }
}

#[test]
fn several_clients_get_a_big_file_at_once_beside_one_who_reads_slowly() {
    let expected = big();
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(options);
        let reset = server.connect();
        (&reset).write_all(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        (&reset).read_exact(&mut [0; 1000]).unwrap();
        SockRef::from(&reset).set_linger(Some(Duration::ZERO)).unwrap();
        drop(reset);
        let clients = [true, false, false, false].map(|slowly| {
            let stream = server.connect();
            thread::spawn(move || download(stream, slowly))
        });
        for client in clients {
            assert!(client.join().expect("all comes") == expected, "{options:?}: other bytes");
        }
        let logged = root.logged(8);
        assert_eq!(logged.iter().filter(|line| **line == format!("GET /big 200 {BIG}")).count(), 4);
        logged
    });
    assert_eq!(on_std, ported);
}

#[test]
fn one_who_does_not_read_holds_up_nobody() {
    for options in VARIANTS {
        let root = Root::new();
        let server = root.serve(options);
        let mut stalled = server.connect();
        let request = "GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        stalled.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stalled);
        assert_eq!(skip_head(&mut reader), BIG);
        // The server cannot send it the rest now.
        for _ in 0..10 {
            let answer = exchange(&server, "GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n");
            assert!(answer.ends_with("hello, world\n"), "{answer}");
        }
        // Had the others waited for it, it would have been put out first.
        let mut body = Vec::new();
        reader.read_to_end(&mut body).unwrap();
        assert!(body == big(), "{options:?}: {} bytes", body.len());
    }
}

#[test]
fn a_client_too_many_is_told_to_come_back() {
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(&[options, &["--clients", "2"]].concat());
        let get = b"GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n";
        let [first, second] = [server.connect(), server.connect()].map(|mut stream| {
            stream.write_all(get).unwrap();
            stream.read_exact(&mut [0; 20]).unwrap();
            stream
        });
        let refused = exchange(&server, "GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n");
        drop(second);
        // It may take the server a while to see that one has left.
        let admitted = (0..1000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            exchange(&server, "GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n").contains(" 200 OK")
        });
        assert!(admitted, "{options:?}");
        drop(first);
        refused
    });
    assert!(on_std.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{on_std}");
    assert_eq!(on_std, ported);
}

#[test]
fn a_client_that_does_not_go_on_is_put_out() {
    let waiting = VARIANTS.map(|options| {
        thread::spawn(move || {
            let root = Root::new();
            let server = root.serve(options);
            let idle = server.connect();
            let mut half = server.connect();
            half.write_all(b"GET /hello.txt HT").unwrap();
            let dripping = server.connect();
            let drip = thread::spawn({
                let mut stream = dripping.try_clone().unwrap();
                // Each byte comes in time, but the whole does not. It ends by an error.
                move || {
                    while stream.write_all(b"x").is_ok() {
                        thread::sleep(Duration::from_millis(100));
                    }
                }
            });
            let heard = [idle, half, dripping].map(|mut stream| {
                let mut heard = String::new();
                // The bytes that were under way make the end a reset.
                let _ = stream.read_to_string(&mut heard);
                heard
            });
            drop(server);
            drip.join().expect("it ends");
            heard
        })
    });
    let [on_std, ported] = waiting.map(|heard| heard.join().expect("all are put out"));
    assert_eq!(on_std[0], "", "one who has asked nothing");
    assert!(on_std[1].starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{on_std:?}");
    assert_eq!(on_std[1], on_std[2]);
    assert_eq!(on_std, ported);
}

#[test]
fn the_ported_server_runs_on_one_thread() {
    let [on_std, ported] = VARIANTS.map(|options| {
        let root = Root::new();
        let server = root.serve(options);
        // Some have had an answer, and one is in the middle of a big file.
        let mut clients = [(); 5].map(|()| server.connect());
        for stream in &mut clients {
            stream.write_all(b"GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
            stream.read_exact(&mut [0; 20]).unwrap();
        }
        clients[0].write_all(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        clients[0].read_exact(&mut [0; 1 << 20]).unwrap();
        threads(server.process_id())
    });
    assert_eq!((on_std, ported), (6, 1));
}

#[test]
fn ported_files_tells_bad_arguments() {
    for options in VARIANTS {
        let complaint = |arguments: &[&str], code| {
            run("ported_files", options.iter().chain(arguments)).complained(code)
        };
        assert!(complaint(&[], 2).starts_with("ROOT is missing; usage: "));
        assert!(complaint(&["--gevent"], 2).starts_with("what is --gevent?; usage: "));
        assert!(complaint(&["--clients", "few"], 2).starts_with("--clients needs a number; "));
        assert!(
            complaint(&["/no such", "127.0.0.1:0"], 1).starts_with("cannot serve /no such on ")
        );
        assert!(complaint(&["/", "nonsense"], 1).starts_with("cannot serve / on nonsense: "));
    }
}
