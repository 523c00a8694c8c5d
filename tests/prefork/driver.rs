//! The other side: programs as processes, what they say, and what the kernel says of them.
//!
//! Each program has a process group of its own, and nothing of it outlives its test.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Nothing is waited for any longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A child that has ended may be a zombie for so long: until its parent has had a turn.
const REAPED_WITHIN: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Said {
    lines: Mutex<(Vec<(Instant, String)>, bool)>,
    more: Condvar,
}

pub(crate) struct Program {
    child: Child,
    said: Arc<Said>,
    is_over: Arc<AtomicBool>,
    zombies: Option<JoinHandle<Option<String>>>,
}

/// Whoever has started the tests may have left descriptors open, which the programs are not to have.
#[allow(unsafe_code)]
pub(crate) fn keep_what_was_left_open() {
    for entry in fs::read_dir("/proc/self/fd").expect("there is /proc") {
        let name = entry.expect("an entry").file_name();
        let number: i32 = name.to_str().and_then(|name| name.parse().ok()).expect("a number");
        if number > 2 {
            // SAFETY: it sets a flag, which whoever owns the descriptor does not see.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// This file, as a program in a mode.
pub(crate) fn command(mode: &str, options: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args(["program", mode]).args(options);
    command
}

pub(crate) fn start(mode: &str, options: &[&str]) -> Program {
    Program::start(command(mode, options))
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Program {
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        let said = Arc::new(Said::default());
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let heard = Arc::clone(&said);
        thread::spawn(move || listen(stdout, "", &heard));
        let heard = Arc::clone(&said);
        thread::spawn(move || listen(stderr, "stderr: ", &heard));
        let is_over = Arc::new(AtomicBool::new(false));
        let (group, over) = (child.id(), Arc::clone(&is_over));
        let zombies = Some(thread::spawn(move || watch_zombies(group, &over)));
        Program { child, said, is_over, zombies }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lines.lock().unwrap().0.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Waits until `find` finds something in what it has said.
    #[track_caller]
    pub(crate) fn until<R>(
        &self,
        what: &str,
        mut find: impl FnMut(&[(Instant, String)]) -> Option<R>,
    ) -> R {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.lines.lock().unwrap();
        loop {
            if let Some(found) = find(&said.0) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} in time: {:#?}", said.0);
            said = self.said.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// The moments at which it has said lines that begin so, when there are `count`.
    #[track_caller]
    pub(crate) fn moments(&self, prefix: &str, count: usize) -> Vec<Instant> {
        self.until(prefix, |said| {
            let found = said.iter().filter(|(_, line)| line.starts_with(prefix));
            let found: Vec<_> = found.map(|(moment, _)| *moment).collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// The first line that begins so, without that.
    #[track_caller]
    pub(crate) fn line(&self, prefix: &str) -> String {
        self.until(prefix, |said| {
            said.iter().find_map(|(_, line)| Some(line.strip_prefix(prefix)?.trim().to_owned()))
        })
    }

    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        self.line("listening ").parse().unwrap()
    }

    /// The worker of an index that was ready last, when `count` of that index were.
    #[track_caller]
    pub(crate) fn ready(&self, index: usize, count: usize) -> u32 {
        let prefix = format!("ready {index} ");
        self.until(&prefix, |said| {
            let all = said.iter().filter_map(|(_, line)| line.strip_prefix(&prefix));
            let all: Vec<_> = all.map(|rest| rest.split(' ').next().unwrap()).collect();
            (all.len() >= count).then(|| all.last().unwrap().parse().unwrap())
        })
    }

    /// Waits until all of a generation are ready.
    #[track_caller]
    pub(crate) fn all_ready(&self, workers: usize, generation: u64) {
        let suffix = format!(" {generation}");
        self.until(&format!("generation {generation}"), |said| {
            let is_one = |line: &str| line.starts_with("ready ") && line.ends_with(&suffix);
            let count = said.iter().filter(|(_, line)| is_one(line)).count();
            (count >= workers).then_some(())
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.is_over.store(true, Ordering::Relaxed);
                if let Some(zombies) = self.zombies.take() {
                    assert_eq!(zombies.join().unwrap(), None, "it was reaped too late");
                }
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {:#?}", self.lines());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it by `SIGTERM`, as it should.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.end().code(), Some(0), "{:#?}", self.lines());
        assert_eq!(members(self.pid()), [], "it has reaped everyone");
    }

    /// Waits until all processes of it have ended. Those whose parent has ended before are reaped by
    /// the first process of the system, when it likes.
    #[track_caller]
    pub(crate) fn leaves_nobody(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = members(self.pid()).into_iter().filter(|(_, state)| *state != 'Z');
            let left: Vec<_> = left.collect();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left: {left:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has said by the end, once nobody is left who could say more.
    #[track_caller]
    pub(crate) fn all_lines(&self) -> Vec<String> {
        self.leaves_nobody();
        self.said_all();
        self.lines()
    }

    fn said_all(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.lines.lock().unwrap();
        while !said.1 && Instant::now() < deadline {
            said = self.said.more.wait_timeout(said, Duration::from_millis(50)).unwrap().0;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let group = Pid::from_raw(self.pid().cast_signed()).unwrap();
        // An error means that nobody is left.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

fn listen(from: impl Read, prefix: &str, said: &Said) {
    for line in BufReader::new(from).lines() {
        let Ok(line) = line else { break };
        said.lines.lock().unwrap().0.push((Instant::now(), format!("{prefix}{line}")));
        said.more.notify_all();
    }
    if prefix.is_empty() {
        said.lines.lock().unwrap().1 = true;
        said.more.notify_all();
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).expect("it is there");
}

/// The members of a process group, and their states.
pub(crate) fn members(group: u32) -> Vec<(u32, char)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("there is /proc") {
        let name = entry.expect("an entry").file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have gone meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split(' ').collect();
        if fields[2].parse() == Ok(group) {
            found.push((pid, fields[0].chars().next().unwrap()));
        }
    }
    found
}

/// Looks for zombies beside the program that stay so.
fn watch_zombies(group: u32, is_over: &AtomicBool) -> Option<String> {
    let mut seen: HashMap<u32, Instant> = HashMap::new();
    while !is_over.load(Ordering::Relaxed) {
        let dead = members(group).into_iter();
        let dead: Vec<u32> = dead
            .filter(|(pid, state)| *state == 'Z' && *pid != group)
            .map(|(pid, _)| pid)
            .collect();
        seen.retain(|pid, _| dead.contains(pid));
        for pid in dead {
            if seen.entry(pid).or_insert_with(Instant::now).elapsed() > REAPED_WITHIN {
                return Some(format!("process {pid} stays a zombie"));
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    None
}

/// One connection that is kept.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream) })
    }

    pub(crate) fn send(&mut self, request: &str) -> std::io::Result<()> {
        self.stream.get_mut().write_all(format!("{request}\n").as_bytes())
    }

    /// The answer, which is a whole line, and whether it was the last.
    pub(crate) fn answer(&mut self) -> std::io::Result<(String, bool)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let Some(line) = line.strip_suffix('\n') else {
            return Err(std::io::Error::other(format!("no answer, but {line:?}")));
        };
        Ok(match line.strip_suffix(" bye") {
            Some(line) => (line.to_owned(), true),
            None => (line.to_owned(), false),
        })
    }

    pub(crate) fn ask(&mut self, request: &str) -> std::io::Result<(String, bool)> {
        self.send(request)?;
        self.answer()
    }

    /// One whose server is the worker of that process.
    pub(crate) fn of(address: SocketAddr, worker: u32) -> Client {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut client = Client::connect(address).unwrap();
            let (answer, _) = client.ask("pid").unwrap();
            if answer.starts_with(&format!("{worker} ")) {
                return client;
            }
            assert!(Instant::now() < deadline, "process {worker} does not accept");
        }
    }
}
