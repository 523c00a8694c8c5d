//! To write to a child and to read what it writes, at once, so that no full pipe stops both.
//!
//! One greenlet does it all: it tries each pipe, and waits for the first of those that would block.
//! What was read is kept here, so that a wait which ends early loses nothing.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;
use std::process::{self, ExitStatus, Output};
use std::time::Duration;

use super::{Child, ChildStderr, ChildStdin, ChildStdout};
use crate::clock::Moment;
use crate::hub::core;
use crate::hub::reactor::Direction;
use crate::io::Cooperative;
use crate::io::pipe::{read_now, write_now};
use crate::io::several::{Wish, wait_for_any};

/// Room for one read.
const PIECE: usize = 16 * 1024;

/// A child, what it is told, and what it has written so far; made by [`Child::communicate`].
///
/// Mirrors gevent's `Popen.communicate`: after a limit that was over one may wait again, and
/// nothing that was read is lost. Nor is it when the greenlet is killed, or a
/// [`with_timeout`](crate::with_timeout) around it expires.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::process::{Command, Stdio};
/// use std::time::Duration;
///
/// let mut command = Command::new("sh");
/// command.args(["-c", "tr a-z A-Z; exec sleep 60"]).stdin(Stdio::piped()).stdout(Stdio::piped());
/// let mut talk = command.spawn()?.communicate("hello");
/// while talk.stdout().len() < 5 {
///     assert!(talk.wait_for(Duration::from_millis(20))?.is_none());
/// }
/// let output = talk.kill()?;
/// assert_eq!(output.stdout, b"HELLO");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Communication {
    child: Child,
    input: Vec<u8>,
    written: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// A command had not ended when its time was over. Mirrors gevent's `TimeoutExpired`.
///
/// It is inside the [`io::Error`] of [`output_for`](super::Command::output_for), which
/// [`downcast`](io::Error::downcast) takes out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeoutExpired {
    /// How much time it had.
    pub limit: Duration,
    /// What it had written until then, and how it ended.
    pub output: Output,
}

impl fmt::Display for TimeoutExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command had not ended after {:?}", self.limit)
    }
}

impl Error for TimeoutExpired {}

impl From<TimeoutExpired> for io::Error {
    /// An error of the kind [`TimedOut`](io::ErrorKind::TimedOut).
    fn from(expired: TimeoutExpired) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, expired)
    }
}

/// What one attempt at a pipe has come to.
#[derive(PartialEq)]
enum Moved {
    Nothing,
    Some,
    /// There will be nothing more to do.
    End,
}

impl Communication {
    pub(super) fn new(child: Child, input: Vec<u8>) -> Communication {
        Communication { child, input, written: 0, stdout: Vec::new(), stderr: Vec::new() }
    }

    /// Tells the child the rest, reads what it writes until the pipes are closed, and waits until it has
    /// ended.
    ///
    /// # Errors
    ///
    /// As [`Child::wait`]; and if the greenlet unwinds and would have to wait. A child that does not
    /// read what it is told is none.
    pub fn wait(mut self) -> io::Result<Output> {
        self.transfer_until(Moment::NEVER)?;
        let status = self.child.wait()?;
        Ok(self.into_output(status))
    }

    /// As [`wait`](Self::wait), for at most `limit`; `None` if it was not done by then.
    ///
    /// What was read is then in [`stdout`](Self::stdout) and [`stderr`](Self::stderr), in either
    /// case, and one may wait again.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_for(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Moment::after(limit);
        if !self.transfer_until(deadline)? {
            return Ok(None);
        }
        self.child.wait_until(deadline)
    }

    /// Kills the child, and returns what it has written; a child that has ended keeps its status.
    ///
    /// Waits until the child has ended, and not for others who have its pipes.
    ///
    /// # Errors
    ///
    /// As [`Child::wait`].
    pub fn kill(mut self) -> io::Result<Output> {
        self.child.kill()?;
        let status = self.child.wait()?;
        while self.read()? {}
        Ok(self.into_output(status))
    }

    /// What was read from the child's standard output so far.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// What was read from the child's standard error so far.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }

    /// The child itself: to send it a signal.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(super) fn into_output(self, status: ExitStatus) -> Output {
        Output { status, stdout: self.stdout, stderr: self.stderr }
    }

    /// Writes and reads until every pipe is closed; `false` if `deadline` came first.
    fn transfer_until(&mut self, deadline: Moment) -> io::Result<bool> {
        loop {
            // Here and nowhere below: between the attempts and the wait nobody else may run.
            core::spend_operation();
            let has_written = self.write()?;
            let has_read = self.read()?;
            let wishes = self.wishes();
            if wishes.is_empty() {
                return Ok(true);
            }
            if has_written || has_read {
                if deadline != Moment::NEVER && deadline <= Moment::now() {
                    return Ok(false);
                }
            } else if !wait_for_any(&wishes, deadline)? {
                return Ok(false);
            }
        }
    }

    fn wishes(&self) -> Vec<Wish<'_>> {
        let stdin = self.child.stdin.as_ref().map(|pipe| pipe.0.wish(Direction::Write));
        let stdout = self.child.stdout.as_ref().map(|pipe| pipe.0.wish(Direction::Read));
        let stderr = self.child.stderr.as_ref().map(|pipe| pipe.0.wish(Direction::Read));
        stdin.into_iter().chain(stdout).chain(stderr).collect()
    }

    /// Tries to tell the child more; closes the pipe when it knows all, or does not listen.
    fn write(&mut self) -> io::Result<bool> {
        let Some(ChildStdin(pipe)) = &self.child.stdin else { return Ok(false) };
        let moved = write_some(pipe, &self.input, &mut self.written)?;
        if moved == Moved::End {
            self.child.stdin = None;
        }
        Ok(moved != Moved::Nothing)
    }

    /// Tries to read from both pipes; closes those that have ended.
    fn read(&mut self) -> io::Result<bool> {
        let mut has_read = false;
        if let Some(ChildStdout(pipe)) = &self.child.stdout {
            let moved = read_some(pipe, &mut self.stdout)?;
            if moved == Moved::End {
                self.child.stdout = None;
            }
            has_read |= moved != Moved::Nothing;
        }
        if let Some(ChildStderr(pipe)) = &self.child.stderr {
            let moved = read_some(pipe, &mut self.stderr)?;
            if moved == Moved::End {
                self.child.stderr = None;
            }
            has_read |= moved != Moved::Nothing;
        }
        Ok(has_read)
    }
}

impl fmt::Debug for Communication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Communication")
            .field("child", &self.child)
            .field("written", &self.written)
            .field("stdout", &self.stdout.len())
            .field("stderr", &self.stderr.len())
            .finish_non_exhaustive()
    }
}

fn write_some(
    pipe: &Cooperative<process::ChildStdin>,
    input: &[u8],
    written: &mut usize,
) -> io::Result<Moved> {
    let rest = &input[*written..];
    if rest.is_empty() {
        return Ok(Moved::End);
    }
    let attempt = |pipe: &process::ChildStdin| write_now(pipe.as_fd(), &[IoSlice::new(rest)]);
    match pipe.attempt(Direction::Write, attempt) {
        Ok(length) => *written += length,
        // The child does not want to know more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Moved::End),
        Err(error) => return nothing_or(error),
    }
    Ok(if *written == input.len() { Moved::End } else { Moved::Some })
}

fn read_some<T: AsFd>(pipe: &Cooperative<T>, into: &mut Vec<u8>) -> io::Result<Moved> {
    let before = into.len();
    into.resize(before + PIECE, 0);
    let room = &mut into[before..];
    let answer =
        pipe.attempt(Direction::Read, |pipe| read_now(pipe.as_fd(), &mut [IoSliceMut::new(room)]));
    into.truncate(before + answer.as_ref().map_or(0, |length| *length));
    match answer {
        Ok(0) => Ok(Moved::End),
        Ok(_) => Ok(Moved::Some),
        Err(error) => nothing_or(error),
    }
}

fn nothing_or(error: io::Error) -> io::Result<Moved> {
    match error.kind() {
        io::ErrorKind::WouldBlock => Ok(Moved::Nothing),
        _ => Err(error),
    }
}
