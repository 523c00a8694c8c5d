//! The program that the tests start: `prefork program MODE [key=value]...`.
//!
//! Requests are lines. Most are answered by one line, which ends in ` bye` where the connection is
//! closed after it.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::prefork::{self, Event, Listening, Prefork, Worker, listen_fds};
use greenhub::server::{Listener, StreamServer};

pub(crate) struct Options(HashMap<String, String>);

impl Options {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn number(&self, key: &str, otherwise: u64) -> u64 {
        self.text(key).map_or(otherwise, |text| text.parse().expect("a number"))
    }

    fn millis(&self, key: &str, otherwise: u64) -> Duration {
        Duration::from_millis(self.number(key, otherwise))
    }

    /// Whether the file that `key` names is there.
    fn is_there(&self, key: &str) -> bool {
        self.text(key).is_some_and(|path| fs::exists(path).expect("it can be looked for"))
    }
}

/// Says one line, whole, whoever else writes.
fn say(line: &str) {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes()).expect("someone listens");
}

pub(crate) fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    // Before anything that opens one.
    let inherited = descriptors();
    let mut arguments = arguments;
    let mode = arguments.next().expect("a mode");
    let pairs = arguments.map(|argument| {
        let (key, value) = argument.split_once('=').expect("key=value");
        (key.to_owned(), value.to_owned())
    });
    let options = Options(pairs.collect());
    let done = match mode.as_str() {
        "serve" => serve(options, &inherited),
        "thread" => {
            std::thread::spawn(move || serve(options, &inherited)).join().expect("no panic")
        }
        "unix" => serve_unix(options),
        "activation" => activation(),
        "twice" => twice(),
        "unwound" => unwound(options),
        "commanded" => commanded(options),
        unknown => panic!("no mode {unknown}"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error {:?}: {error}", error.kind()));
            ExitCode::FAILURE
        }
    }
}

/// After a start the parent does nothing for `busy`.
fn told(prefork: Prefork, busy: Duration) -> Prefork {
    prefork.on_event(move |event| {
        say(&match event {
            Event::Started(it) => format!("started {} {} {}", it.index, it.pid, it.generation),
            Event::Ready(it) => format!("ready {} {} {}", it.index, it.pid, it.generation),
            Event::Ending(it) => format!("ending {} {} {}", it.index, it.pid, it.generation),
            Event::Overdue(it) => format!("overdue {} {} {}", it.index, it.pid, it.generation),
            Event::Ended { worker, status } => {
                let status = status.map_or_else(|| "?".to_owned(), |status| status.to_string());
                format!("ended {} {} {:?} {status}", worker.index, worker.pid, worker.state)
            }
            other => format!("{other:?}"),
        });
        if let Event::Started(_) = event {
            std::thread::sleep(busy);
        }
    })
}

fn with(options: &Options, prefork: Prefork) -> Prefork {
    let count = usize::try_from(options.number("workers", 2)).unwrap();
    let prefork = prefork
        .workers(count)
        .grace(options.millis("grace", 10_000))
        .start_limit(options.millis("start_limit", 20_000));
    if options.text("silent").is_some() {
        prefork
    } else {
        told(prefork, options.millis("busy", 0))
    }
}

fn serve(options: Options, inherited: &[String]) -> io::Result<()> {
    if options.text("stdin").is_some() {
        // The number is free then, and the next that is opened gets it.
        close_standard_input();
    }
    if options.text("lost").is_some() && std::env::var_os("GREENHUB_PREFORK").is_some() {
        std::thread::sleep(Duration::from_secs(600));
    }
    let prefork = with(&options, Prefork::new().bind_or_activated("127.0.0.1:0")?);
    if prefork::is_worker() {
        say(&format!("inherited {}", inherited.join(" ")));
    } else {
        say(&format!("listening {}", prefork.local_addr()?));
    }
    if options.text("gone").is_some() {
        fs::remove_file(std::env::current_exe()?)?;
    }
    prefork.run(|worker| {
        if options.is_there("fail") {
            std::process::exit(3);
        }
        if options.is_there("hang") {
            greenhub::sleep(Duration::from_secs(600));
        }
        serve_on(&worker, worker.tcp_listener()?)
    })
}

fn serve_on(worker: &Worker, listener: greenhub::monkey::net::TcpListener) -> io::Result<()> {
    let serving = worker.clone();
    let handle = move |stream: TcpStream, _| converse(&stream, &serving);
    worker.serve(&StreamServer::new(listener, handle))
}

#[allow(unsafe_code)]
fn close_standard_input() {
    // SAFETY: nobody here uses standard input.
    unsafe { libc::close(0) };
}

fn serve_unix(options: Options) -> io::Result<()> {
    let path = PathBuf::from(options.text("path").expect("a path"));
    let prefork = Prefork::new().bind_unix(&path)?.bind("127.0.0.1:0")?;
    let prefork = with(&options, prefork);
    if !prefork::is_worker() {
        say(&format!("listening {}", prefork.local_addr()?));
    }
    prefork.run(|worker| {
        let on_unix = worker.unix_listener()?;
        let address = worker.tcp_listener()?.local_addr()?;
        assert_eq!(worker.tcp_listener().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(worker.listeners()?.is_empty());
        serve_answer(&worker, on_unix, format!("{address}\n"))
    })
}

fn serve_answer<L: Listener>(worker: &Worker, listener: L, answer: String) -> io::Result<()>
where
    L::Stream: Write,
{
    let handle = move |mut stream: L::Stream, _| stream.write_all(answer.as_bytes());
    worker.serve(&StreamServer::new(listener, handle))
}

fn converse(stream: &TcpStream, worker: &Worker) -> io::Result<()> {
    for request in BufReader::new(stream).lines() {
        let request = request?;
        let (word, rest) = request.split_once(' ').unwrap_or((&request, ""));
        let answer = answer(word, rest, worker)?;
        let is_last = word == "last" || worker.is_ending();
        let bye = if is_last { " bye" } else { "" };
        let mut stream = stream;
        stream.write_all(format!("{answer}{bye}\n").as_bytes())?;
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}

fn answer(word: &str, rest: &str, worker: &Worker) -> io::Result<String> {
    Ok(match word {
        "pid" | "last" => format!("{} {}", std::process::id(), worker.generation()),
        "sleep" => {
            greenhub::sleep(Duration::from_millis(rest.parse().expect("milliseconds")));
            "slept".to_owned()
        }
        // It never waits.
        "spin" => loop {
            std::hint::spin_loop();
        },
        "child" => {
            let me = std::env::current_exe()?;
            let output = Command::new(me).args(["child", "descriptors"]).output()?;
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        unknown => format!("no request {unknown}"),
    })
}

/// What a child of a worker says of itself.
pub(crate) fn child() -> ExitCode {
    let inherited = descriptors().join(" ");
    let misled = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let misled = misled.filter(|name| name.contains("LISTEN_") || name.contains("GREENHUB_"));
    let misled: Vec<String> = misled.collect();
    say(&format!("{inherited}; {}; {}", misled.join(" "), prefork::is_worker()));
    ExitCode::SUCCESS
}

/// The open descriptors, but for the one that lists them.
fn descriptors() -> Vec<String> {
    let list = |folder| fs::read_dir(folder).expect("it can be listed");
    let mut found = Vec::new();
    for entry in list("/proc/self/fd") {
        let entry = entry.expect("an entry");
        let Ok(what) = fs::read_link(entry.path()) else { continue };
        let what = what.to_string_lossy().into_owned();
        let number = entry.file_name().to_string_lossy().into_owned();
        if !what.starts_with("/proc/") {
            let kind = what.split([':', '/']).next().unwrap_or("").to_owned();
            found.push((number.parse::<u32>().expect("a number"), kind));
        }
    }
    found.sort();
    found.into_iter().map(|(number, kind)| format!("{number}={kind}")).collect()
}

fn activation() -> io::Result<()> {
    for activated in listen_fds()? {
        let kind = match &activated.listening {
            Listening::Tcp(listener) => format!("tcp {}", listener.local_addr()?),
            Listening::Unix(_) => "unix".to_owned(),
            other => format!("{other:?}"),
        };
        say(&format!("{} {kind}", activated.name));
    }
    let again = listen_fds().map(|again| again.len()).map_err(|error| error.kind());
    say(&format!("again {again:?}"));
    let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
    let left = names.iter().filter(|name| std::env::var_os(name).is_some()).count();
    say(&format!("left {left}"));
    Ok(())
}

fn twice() -> io::Result<()> {
    if !prefork::is_worker() {
        let none = Prefork::new().workers(0).run(|_| unreachable!("the parent does not serve"));
        say(&format!("none {:?}", none.unwrap_err().kind()));
    }
    let prefork = Prefork::new().workers(1);
    let supervisor = prefork.supervisor();
    // A worker is not reached by that: it is asked to end by its parent.
    supervisor.stop();
    prefork.run(|worker| worker.wait_until_ending())?;
    let again = Prefork::new().workers(1).run(|_| unreachable!("refused"));
    let refusal = again.unwrap_err().kind();
    // Its worker may have come here too, or not, before it was told to end.
    assert_eq!(refusal, io::ErrorKind::AlreadyExists);
    if !prefork::is_worker() {
        say(&format!("again {refusal:?}"));
    }
    Ok(())
}

/// What `run` is in ends by a limit.
fn unwound(options: Options) -> io::Result<()> {
    let prefork = with(&options, Prefork::new().bind("127.0.0.1:0")?);
    let limit = if prefork::is_worker() { Duration::MAX } else { options.millis("limit", 500) };
    let ended = greenhub::with_timeout(limit, || {
        prefork.run(|worker| serve_on(&worker, worker.tcp_listener()?))
    });
    if let Ok(served) = ended {
        return served;
    }
    say("unwound");
    // The dead are reaped beside this.
    greenhub::sleep(Duration::from_secs(1));
    let parent = std::process::id();
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    say(&format!("children [{}]", children.trim()));
    Ok(())
}

/// Orders by calls, and other greenlets of the parent.
fn commanded(options: Options) -> io::Result<()> {
    let prefork = with(&options, Prefork::new().bind("127.0.0.1:0")?);
    let supervisor = prefork.supervisor();
    let commander = move || {
        let ready = |count: usize| {
            loop {
                let workers = supervisor.workers();
                let is_ready = |it: &prefork::WorkerStatus| it.state == prefork::WorkerState::Ready;
                if workers.len() == count && workers.iter().all(is_ready) {
                    return workers;
                }
                greenhub::sleep(Duration::from_millis(2));
            }
        };
        let indexes = |workers: &[prefork::WorkerStatus]| {
            workers.iter().map(|worker| (worker.index, worker.generation)).collect::<Vec<_>>()
        };
        let before = ready(2);
        say(&format!("two {:?}", indexes(&before)));
        supervisor.add_worker();
        say(&format!("three {:?}", indexes(&ready(3))));
        supervisor.reload();
        while supervisor.workers().iter().any(|worker| worker.generation == 0) {
            greenhub::sleep(Duration::from_millis(2));
        }
        say(&format!("reloaded {:?}", indexes(&ready(3))));
        for _ in 0..5 {
            supervisor.remove_worker();
        }
        say(&format!("one {:?}", indexes(&ready(1))));
        supervisor.stop();
    };
    if !prefork::is_worker() {
        greenhub::spawn(commander);
    }
    prefork.run(|worker| serve_on(&worker, worker.tcp_listener()?))
}
