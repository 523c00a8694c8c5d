//! One worker process: to start it, to hear of it, to end it.

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::activation;
use super::inherit;
use super::place::{Assignment, VARIABLE};
use super::status::{News, Shared, WorkerState, WorkerStatus};
use crate::clock::Moment;
use crate::greenlet::Builder;
use crate::monkey::os::unix::net::UnixStream;
use crate::monkey::os::unix::process::CommandExt as _;
use crate::monkey::process::{Child, Command};

/// What a worker has beyond its grace, to unwind what had to be ended.
pub(super) const UNWINDING_LIMIT: Duration = Duration::from_secs(2);

/// The program that workers run, and what they inherit.
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    listeners: Arc<Vec<OwnedFd>>,
    grace: Duration,
}

impl Program {
    /// This program, as it was started.
    pub(super) fn own(listeners: Vec<OwnedFd>, grace: Duration) -> io::Result<Program> {
        let path = env::current_exe()?;
        let arguments = env::args_os().collect();
        Ok(Program { path, arguments, listeners: Arc::new(listeners), grace })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        let mut arguments = self.arguments.iter();
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        command.args(arguments);
        // They are for this process.
        for name in activation::VARIABLES {
            command.env_remove(name);
        }
        command
    }
}

/// A worker process that has not been reaped yet, or was so just now. It is killed if this is dropped before.
pub(super) struct Process {
    /// Names it among all of its parent.
    pub(super) key: u64,
    pub(super) index: usize,
    pub(super) generation: u64,
    pub(super) state: WorkerState,
    pub(super) started: Moment,
    /// When it is killed.
    pub(super) deadline: Moment,
    pid: Pid,
    is_reaped: Rc<Cell<bool>>,
}

impl Process {
    /// Starts one. `shared` is told when it is ready, and when it has ended.
    pub(super) fn start(
        program: &Program,
        shared: &Arc<Shared>,
        (key, index, generation): (u64, usize, u64),
    ) -> io::Result<Process> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let theirs = inherit::above_standard(theirs.into())?;
        let assignment = Assignment {
            parent: getpid().as_raw_pid(),
            index,
            generation,
            grace: program.grace,
            control: theirs.as_raw_fd(),
            listeners: program.listeners.iter().map(AsRawFd::as_raw_fd).collect(),
        };
        let mut command = program.command();
        command.env(VARIABLE, assignment.to_string());
        inherit::pass_on(&mut command, Arc::clone(&program.listeners), theirs);
        // Held: if there is no memory for its greenlets, it is killed, and reaped.
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", program.path.display()))
        })?;
        let child = child.hold();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0)).expect("a child's number");
        let is_reaped = Rc::new(Cell::new(false));
        let watch = Watch { key, shared: Arc::clone(shared), is_reaped: Rc::clone(&is_reaped) };
        watch.begin(child, ours.into())?;
        let (state, started, deadline) = (WorkerState::Starting, Moment::now(), Moment::NEVER);
        Ok(Process { key, index, generation, state, started, deadline, pid, is_reaped })
    }

    /// Asks it to end, and gives it time.
    pub(super) fn ask_to_end(&mut self, grace: Duration) {
        self.state = WorkerState::Ending;
        self.deadline = Moment::after(grace.saturating_add(UNWINDING_LIMIT));
        self.send(Signal::TERM);
    }

    pub(super) fn kill(&mut self) {
        self.deadline = Moment::NEVER;
        self.send(Signal::KILL);
    }

    /// A number that was reaped may be another's.
    fn send(&self, signal: Signal) {
        if !self.is_reaped.get() {
            // An error means that it may not be sent signals, and then it runs on.
            let _ = kill_process(self.pid, signal);
        }
    }

    pub(super) fn status(&self, restarts: u64) -> WorkerStatus {
        let pid = self.pid.as_raw_pid().unsigned_abs();
        let (index, generation, state) = (self.index, self.generation, self.state);
        WorkerStatus { index, pid, generation, state, restarts }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.send(Signal::KILL);
    }
}

/// Hears of one worker.
struct Watch {
    key: u64,
    shared: Arc<Shared>,
    is_reaped: Rc<Cell<bool>>,
}

impl Watch {
    /// Two greenlets: of which one ends when the worker is ready, and one when it has ended.
    fn begin(self, mut child: Child, control: UnixStream) -> io::Result<()> {
        let control = Rc::new(control);
        let (hears, shared, key) = (Rc::clone(&control), Arc::clone(&self.shared), self.key);
        let hearer = Builder::new().name("prefork ready").spawn(move || {
            if let Ok(1..) = (&*hears).read(&mut [0]) {
                shared.tell(News::Ready(key));
            }
        })?;
        let wait = move || {
            // Nobody else runs between the moment in which it is reaped and the next line.
            let status = child.wait();
            self.is_reaped.set(true);
            // Someone else may have the other end, and then it would wait for ever.
            hearer.kill();
            // Open until now: the worker ends when this is closed.
            drop(control);
            self.shared.tell(News::Ended(self.key, status.ok()));
        };
        Builder::new().name("prefork worker").spawn(wait)?;
        Ok(())
    }
}
