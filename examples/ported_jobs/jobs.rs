// Runs jobs: shell commands that wait for each other, several at once.
//
// Each line of a job file is `name: dependency dependency | command`; empty lines and those that
// begin with `#` are left out. A job starts when all that it depends on has succeeded. Threads take
// the jobs, so many at once; of each, other threads read what its command writes, and wait for its
// end. The results are printed in the order of the file, each as soon as all before it are there.
//
// The exit code is 1 if a job has not succeeded, and 2 for arguments or jobs that make no sense.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// More than this of an output is read, and dropped.
const LONGEST_OUTPUT: usize = 64 * 1024;
/// So long may pass between a kill and its effect.
const GRACE: Duration = Duration::from_secs(2);

const USAGE: &str = "usage: ported_jobs [--std] [--at-once N] [--millis N] [FILE]";

pub(crate) fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    match Settings::parse(arguments).and_then(|settings| settings.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::from(2)
        }
    }
}

/// What the arguments say.
struct Settings {
    at_once: usize,
    /// For each job.
    time: Duration,
    file: Option<String>,
}

impl Settings {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
        let mut settings = Settings { at_once: 4, time: Duration::from_secs(60), file: None };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let number = arguments.next().and_then(|number| number.parse().ok());
                number.filter(|number| *number > 0).ok_or(format!("{argument} needs a number"))
            };
            match &*argument {
                "--at-once" => settings.at_once = number()?,
                "--millis" => settings.time = Duration::from_millis(number()? as u64),
                _ if argument.starts_with('-') || settings.file.is_some() => {
                    return Err(format!("what is {argument}? {USAGE}"));
                }
                _ => settings.file = Some(argument),
            }
        }
        Ok(settings)
    }

    fn run(&self) -> Result<bool, String> {
        let text = match &self.file {
            Some(file) => fs::read_to_string(file),
            None => io::read_to_string(io::stdin()),
        };
        let text = text.map_err(|error| format!("cannot read the jobs: {error}"))?;
        run(parse(&text)?, self, io::stdout()).map_err(|error| format!("cannot go on: {error}"))
    }
}

/// A line of a job file.
struct Job {
    name: String,
    /// What it waits for, by their numbers.
    needs: Vec<usize>,
    command: String,
}

/// The jobs of a file, or what is wrong with it.
fn parse(text: &str) -> Result<Vec<Job>, String> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut drafts = Vec::new();
    let mut numbers = HashMap::new();
    for (at, line) in lines {
        let (head, command) = line.split_once('|').ok_or(format!("line {at}: no | in it"))?;
        let (name, needs) = head.split_once(':').ok_or(format!("line {at}: no : before the |"))?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("line {at}: a name is one word"));
        }
        if numbers.insert(name, drafts.len()).is_some() {
            return Err(format!("line {at}: there is another {name}"));
        }
        drafts.push((at, name, needs, command.trim()));
    }
    let mut jobs = Vec::new();
    for (at, name, needs, command) in drafts {
        let number = |need| numbers.get(need).copied().ok_or(format!("line {at}: no job {need}"));
        let needs = needs.split_whitespace().map(number).collect::<Result<_, _>>()?;
        jobs.push(Job { name: name.to_owned(), needs, command: command.to_owned() });
    }
    match find_circle(&jobs) {
        Some(job) => Err(format!("{} waits for itself", job.name)),
        None => Ok(jobs),
    }
}

/// The first of the jobs that could never start.
fn find_circle(jobs: &[Job]) -> Option<&Job> {
    let mut startable = vec![false; jobs.len()];
    // Each round finds one more at least, until no more can be found.
    for _ in jobs {
        for (number, job) in jobs.iter().enumerate() {
            startable[number] = job.needs.iter().all(|need| startable[*need]);
        }
    }
    jobs.iter().zip(startable).find(|(_, startable)| !startable).map(|(job, _)| job)
}

/// Runs all jobs and prints their results; returns whether all have succeeded.
fn run(jobs: Vec<Job>, settings: &Settings, mut out: impl Write) -> io::Result<bool> {
    let board = Arc::new(Board::new(jobs));
    let time = settings.time;
    for _ in 0..settings.at_once.min(board.jobs.len()) {
        let board = Arc::clone(&board);
        thread::Builder::new().spawn(move || board.work(time))?;
    }
    let (mut succeeded, mut failed, mut left_out) = (0, 0, 0);
    for (number, job) in board.jobs.iter().enumerate() {
        let result = board.await_result(number);
        write!(out, "{}: {result}", job.name)?;
        out.flush()?;
        match result.end {
            End::NotRun(_) => left_out += 1,
            _ if result.is_success() => succeeded += 1,
            _ => failed += 1,
        }
    }
    writeln!(out, "{succeeded} succeeded, {failed} failed, {left_out} not run")?;
    Ok(failed + left_out == 0)
}

/// Who runs what, and what has come of it.
struct Board {
    jobs: Vec<Job>,
    states: Mutex<Vec<State>>,
    /// A state has changed.
    changed: Condvar,
}

#[derive(Clone)]
enum State {
    Waiting,
    Running,
    Done(Arc<Outcome>),
}

impl Board {
    fn new(jobs: Vec<Job>) -> Board {
        let states = Mutex::new(vec![State::Waiting; jobs.len()]);
        Board { jobs, states, changed: Condvar::new() }
    }

    /// Runs one job after the other, until none is left to take.
    fn work(&self, time: Duration) {
        while let Some(number) = self.take() {
            let outcome = execute(&self.jobs[number].command, time);
            lock(&self.states)[number] = State::Done(Arc::new(outcome));
            self.changed.notify_all();
        }
    }

    /// Takes the first job that can start, when there is one.
    fn take(&self) -> Option<usize> {
        let mut states = lock(&self.states);
        loop {
            self.leave_out(&mut states);
            let ready = (0..self.jobs.len()).find(|number| self.can_start(*number, &states));
            if let Some(number) = ready {
                states[number] = State::Running;
                return Some(number);
            }
            if !states.iter().any(|state| matches!(state, State::Waiting)) {
                return None;
            }
            states = self.changed.wait(states).expect("nothing panics while it holds this lock");
        }
    }

    fn can_start(&self, number: usize, states: &[State]) -> bool {
        let has_succeeded =
            |need: &usize| matches!(&states[*need], State::Done(outcome) if outcome.is_success());
        matches!(states[number], State::Waiting)
            && self.jobs[number].needs.iter().all(has_succeeded)
    }

    /// Gives up the jobs that need one that has failed, and those that need them.
    fn leave_out(&self, states: &mut [State]) {
        while let Some((number, need)) = self.find_hopeless(states) {
            let end = End::NotRun(self.jobs[need].name.clone());
            states[number] = State::Done(Arc::new(Outcome { end, ..Outcome::default() }));
            self.changed.notify_all();
        }
    }

    /// A job that waits, and what it needs that has failed.
    fn find_hopeless(&self, states: &[State]) -> Option<(usize, usize)> {
        let has_failed =
            |need: &&usize| matches!(&states[**need], State::Done(end) if !end.is_success());
        let mut waiting =
            (0..self.jobs.len()).filter(|number| matches!(states[*number], State::Waiting));
        waiting.find_map(|number| Some((number, *self.jobs[number].needs.iter().find(has_failed)?)))
    }

    fn await_result(&self, number: usize) -> Arc<Outcome> {
        let mut states = lock(&self.states);
        loop {
            if let State::Done(outcome) = &states[number] {
                return Arc::clone(outcome);
            }
            states = self.changed.wait(states).expect("nothing panics while it holds this lock");
        }
    }
}

/// How a job ended, and what it wrote.
#[derive(Default)]
struct Outcome {
    end: End,
    output: Output,
    errors: Output,
}

#[derive(Default)]
enum End {
    Status(ExitStatus),
    /// It was killed.
    #[default]
    TooLate,
    CannotStart(io::Error),
    /// The job that it needs has not succeeded.
    NotRun(String),
}

impl Outcome {
    fn is_success(&self) -> bool {
        matches!(self.end, End::Status(status) if status.success())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Status(status) => match (status.code(), status.signal()) {
                (Some(0), _) => writeln!(f, "ok")?,
                (Some(code), _) => writeln!(f, "exit code {code}")?,
                (None, signal) => writeln!(f, "signal {}", signal.unwrap_or_default())?,
            },
            End::TooLate => writeln!(f, "took too long")?,
            End::CannotStart(error) => writeln!(f, "cannot start: {error}")?,
            End::NotRun(need) => writeln!(f, "not run, without {need}")?,
        }
        self.output.print("|", f)?;
        self.errors.print("!", f)
    }
}

/// What came through a pipe.
#[derive(Clone, Default)]
struct Output {
    bytes: Vec<u8>,
    dropped: usize,
}

impl Output {
    fn take(&mut self, bytes: &[u8]) {
        let (kept, dropped) = bytes.split_at(bytes.len().min(LONGEST_OUTPUT - self.bytes.len()));
        self.bytes.extend_from_slice(kept);
        self.dropped += dropped.len();
    }

    fn print(&self, mark: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in String::from_utf8_lossy(&self.bytes).lines() {
            writeln!(f, "  {mark} {line}")?;
        }
        match self.dropped {
            0 => Ok(()),
            dropped => writeln!(f, "  {mark} and {dropped} bytes more"),
        }
    }
}

/// What the threads tell that watch a command.
enum Event {
    Ended(io::Result<ExitStatus>),
    /// One of its pipes has been read to the end.
    Closed,
}

/// Runs a command to its end, and that of all that it has started.
fn execute(command: &str, time: Duration) -> Outcome {
    let deadline = Instant::now() + time;
    let (output, errors) = (Arc::default(), Arc::default());
    let (child, events) = match start(command, &output, &errors) {
        Ok(started) => started,
        Err(error) => return Outcome { end: End::CannotStart(error), ..Outcome::default() },
    };
    let mut end = await_end(&events, deadline);
    if end.is_none() {
        // Both the shell and what it has started, which may have the pipes.
        kill_group(child);
        await_end(&events, Instant::now() + GRACE);
        end = Some(End::TooLate);
    }
    let [output, errors] = [output, errors].map(|output| lock(&output).clone());
    Outcome { end: end.unwrap_or_default(), output, errors }
}

/// Starts a command with threads that watch it; returns its number, and what they tell.
fn start(
    command: &str,
    output: &Arc<Mutex<Output>>,
    errors: &Arc<Mutex<Output>>,
) -> io::Result<(u32, Receiver<Event>)> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let number = child.id();
    let (sender, events) = mpsc::channel();
    let watched = read(child.stdout.take(), output, &sender)
        .and_then(|()| read(child.stderr.take(), errors, &sender))
        .and_then(|()| await_child(child, sender));
    match watched {
        Ok(()) => Ok((number, events)),
        Err(error) => {
            kill_group(number);
            Err(error)
        }
    }
}

/// Begins to wait for the end of a command, in a thread.
fn await_child(mut child: Child, events: Sender<Event>) -> io::Result<()> {
    // It fails when nobody listens any more, long after the end of the job.
    let body = move || drop(events.send(Event::Ended(child.wait())));
    thread::Builder::new().spawn(body).map(drop)
}

/// Begins to read a pipe, in a thread.
fn read(
    pipe: Option<impl Read + Send + 'static>,
    output: &Arc<Mutex<Output>>,
    events: &Sender<Event>,
) -> io::Result<()> {
    let mut pipe = pipe.expect("it is piped");
    let (output, events) = (Arc::clone(output), events.clone());
    let body = move || {
        let mut block = [0; 4096];
        loop {
            match pipe.read(&mut block) {
                Ok(length) if length > 0 => lock(&output).take(&block[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An error is an end as well.
                _ => break,
            }
        }
        // It fails as above.
        drop(events.send(Event::Closed));
    };
    thread::Builder::new().spawn(body).map(drop)
}

/// Waits until the command has ended and both its pipes have; `None` if that takes too long.
fn await_end(events: &Receiver<Event>, deadline: Instant) -> Option<End> {
    let mut end = None;
    for _ in 0..3 {
        let left = deadline.saturating_duration_since(Instant::now());
        match events.recv_timeout(left).ok()? {
            Event::Ended(status) => end = Some(status.map_or_else(End::CannotStart, End::Status)),
            Event::Closed => {}
        }
    }
    end
}

fn kill_group(group: u32) {
    let command = format!("kill -s KILL -- -{group}");
    // It fails if they have all ended by now.
    let _ = Command::new("sh").args(["-c", &command]).stderr(Stdio::null()).status();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this lock")
}
