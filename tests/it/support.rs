//! What tests share: a limit on every wait, child processes, and things that leave traces.
#![allow(unsafe_code)]

#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub(crate) use self::bounded::bounded;

const LIMIT: Duration = Duration::from_secs(20);
const CHILD: &str = "GREENHUB_TEST_CHILD";

/// Whether this process is the child that [`child`] has made.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test named `test` of this binary, alone, in a child process. The test sees
/// [`is_child`] there.
#[track_caller]
pub(crate) fn child(test: &str) -> Output {
    run(Command::new(std::env::current_exe().expect("this binary has a path")), test)
}

/// As [`child`], in a process whose address space is limited to `kib` KiB.
#[track_caller]
pub(crate) fn child_with_address_space(test: &str, kib: usize) -> Output {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -v {kib} && exec \"$0\" \"$@\""));
    shell.arg(std::env::current_exe().expect("this binary has a path"));
    run(shell, test)
}

fn run(mut command: Command, test: &str) -> Output {
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let process = command.spawn().expect("this binary can be run");
    let id = i32::try_from(process.id()).expect("process ids are small");
    let (done, ended) = mpsc::channel();
    let waiting = std::thread::spawn(move || done.send(process.wait_with_output()));
    let Ok(output) = ended.recv_timeout(LIMIT) else {
        // SAFETY: it is our own child, which nobody has waited for yet.
        unsafe { libc::kill(id, libc::SIGKILL) };
        panic!("the child did not end within {LIMIT:?}");
    };
    waiting.join().expect("only waits").expect("the receiver lives");
    let output = output.expect("the child can be waited for");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("running 1 test"), "no test is called {test}: {told}");
    output
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The text of a panic's payload.
pub(crate) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// What `body` panics with.
#[track_caller]
pub(crate) fn panic_of<R>(body: impl FnOnce() -> R) -> Box<dyn std::any::Any + Send> {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    }
}

/// A list that many hold and write to, to see what happened in which order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn new() -> Log {
        Log::default()
    }

    pub(crate) fn note(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    /// What was noted since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// A value that notes `what` when it is dropped.
    pub(crate) fn on_drop(&self, what: impl ToString) -> OnDrop {
        OnDrop { log: self.clone(), what: what.to_string() }
    }
}

pub(crate) struct OnDrop {
    log: Log,
    what: String,
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.log.note(&self.what);
    }
}

/// Sends every unhandled panic of this thread's hub to a log, as `origin: message`.
pub(crate) fn log_unhandled() -> Log {
    let log = Log::new();
    let sink = log.clone();
    greenhub::Hub::current().set_error_hook(move |unhandled| {
        sink.note(format!("{}: {}", unhandled.origin, unhandled.message().unwrap_or("?")));
    });
    log
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How long `body` takes.
pub(crate) fn timed(body: impl FnOnce()) -> Duration {
    let start = Instant::now();
    body();
    start.elapsed()
}
