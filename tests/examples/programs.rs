//! Examples as child processes, none of which outlives its test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// What it printed, of which nothing was an error.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// What it complained about, having printed nothing else.
    #[track_caller]
    pub(crate) fn complained(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        self.stderr
    }
}

/// The example `name` with these arguments, not started yet.
pub(crate) fn example<A: AsRef<OsStr>>(
    name: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(path(name));
    command.args(arguments);
    command
}

/// Beside this executable, which is in `target/<profile>/deps`.
fn path(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this executable has a path");
    let profile = tests.parent().and_then(|deps| deps.parent()).expect("it is in a deps directory");
    let path = profile.join("examples").join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

/// Runs an example to its end.
#[track_caller]
pub(crate) fn run<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Ended {
    finish(example(name, arguments))
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn finish(command: Command) -> Ended {
    finish_with(command, "")
}

/// Runs a program to its end, with this and no more to read.
#[track_caller]
pub(crate) fn finish_with(mut command: Command, input: &str) -> Ended {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut program = Program(child.expect("the program starts"));
    let mut stdin = program.0.stdin.take().expect("it is piped");
    assert!(input.len() <= 4096, "the pipe takes it, whether the program reads or not");
    // An error says that the program does not read.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let stdout = collect(program.0.stdout.take());
    let stderr = collect(program.0.stderr.take());
    let code = program.wait();
    let killed = code.is_none();
    drop(program);
    let [stdout, stderr] = [stdout, stderr].map(|text| text.join().expect("pipes can be read"));
    let ended = Ended { code: code.flatten(), stdout, stderr };
    assert!(!killed, "{command:?} did not end in {PATIENCE:?}: {ended:?}");
    ended
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let mut pipe = pipe.expect("it is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error is the end as well; what came before it is worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A child process, killed when its test is done with it.
struct Program(Child);

impl Program {
    /// Its exit code, which a signal leaves out; `None` if it does not end.
    fn wait(&mut self) -> Option<Option<i32>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().expect("a child can be waited for") {
                return Some(status.code());
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that can be talked to line by line.
pub(crate) struct Dialog {
    program: Program,
    lines: Receiver<String>,
    /// What it complains about, if the test wants to know.
    errors: Option<thread::JoinHandle<String>>,
    /// Its end of input is when this is dropped.
    pub(crate) input: ChildStdin,
}

impl Dialog {
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Dialog {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut program = Program(child.expect("the program starts"));
        let output = BufReader::new(program.0.stdout.take().expect("it is piped"));
        let input = program.0.stdin.take().expect("it is piped");
        let errors = program.0.stderr.take().map(|errors| collect(Some(errors)));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Ends with the program, or when the test no longer listens.
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Dialog { program, lines, errors, input }
    }

    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the program prints a line")
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.program.0.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        let process = Pid::from_child(&self.program.0);
        kill_process(process, signal).expect("the program can be told");
    }

    /// Waits until it ends, and returns what it has printed that was not read.
    #[track_caller]
    pub(crate) fn ended(self) -> Ended {
        let Dialog { mut program, lines, errors, input: _input } = self;
        let code = program.wait();
        let killed = code.is_none();
        drop(program);
        let stdout = lines.iter().map(|line| line + "\n").collect();
        let stderr = errors.map_or(String::new(), |text| text.join().expect("pipes can be read"));
        let ended = Ended { code: code.flatten(), stdout, stderr };
        assert!(!killed, "it did not end in {PATIENCE:?}: {ended:?}");
        ended
    }
}

/// An example that serves until its test is done with it.
pub(crate) struct Server {
    dialog: Dialog,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on a port that the kernel chooses.
    #[track_caller]
    pub(crate) fn start(name: &str, options: &[&str]) -> Server {
        Server::start_as(example(name, options.iter().chain(&["127.0.0.1:0"])))
    }

    /// Starts one that prints its address first, whatever its arguments.
    #[track_caller]
    pub(crate) fn start_as(command: Command) -> Server {
        let dialog = Dialog::start(command);
        let line = dialog.line();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line:?} tells no address"));
        Server { dialog, address }
    }

    /// A connection to it, none of whose calls waits for ever.
    #[track_caller]
    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.dialog.process_id()
    }

    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        self.dialog.signal(signal);
    }

    #[track_caller]
    pub(crate) fn ended(self) -> Ended {
        self.dialog.ended()
    }

    /// Asks it to end, and waits until it has.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        self.signal(Signal::TERM);
        self.ended()
    }
}

#[track_caller]
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    stream.set_write_timeout(Some(PATIENCE)).expect("the limit is not zero");
    stream
}

/// Whether a program can be run here; says so if not.
pub(crate) fn is_installed(program: &str, probe: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let found = command.status().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}
