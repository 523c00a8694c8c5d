//! A child process: to wait for it, to end it, to talk with it.

use std::fmt;
use std::io;
use std::process::{self, ExitStatus, Output};
use std::time::Duration;

use rustix::process::Pid;

use super::communication::Communication;
use super::ending::{Ending, Held};
use super::unix;
use super::watching::Watchers;
use super::{ChildStderr, ChildStdin, ChildStdout};
use crate::clock::Moment;
use crate::hub::core;
use crate::hub::waiter;

/// A process that was started. Mirrors [`std::process::Child`].
///
/// To wait for it makes only the greenlet wait, in any thread, and takes no handler for `SIGCHLD`. As
/// in std, one that is dropped runs on, and is not waited for.
///
/// It is [`Waitable`](crate::Waitable): [`greenhub::wait`](crate::wait()), `iwait` and
/// [`Select`](crate::Select) take references to children.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::process::{Command, Stdio};
/// use std::io::{Read, Write};
///
/// let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// child.stdin.take().unwrap().write_all(b"hello")?;
/// let mut answer = String::new();
/// child.stdout.take().unwrap().read_to_string(&mut answer)?;
/// assert_eq!(answer, "hello");
/// assert!(child.wait()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Child {
    /// What the child reads from, if that was piped. Mirrors [`std::process::Child::stdin`].
    pub stdin: Option<ChildStdin>,
    /// What it writes, if that was piped. Mirrors [`std::process::Child::stdout`].
    pub stdout: Option<ChildStdout>,
    /// What it complains of, if that was piped. Mirrors [`std::process::Child::stderr`].
    pub stderr: Option<ChildStderr>,
    inner: process::Child,
    /// From the first wait that has to wait until its status is taken.
    ending: Option<Ending>,
    is_reaped: bool,
    held: Option<Held>,
    pub(super) watchers: Watchers,
}

impl Child {
    /// Takes in a child whose pipes were just made.
    pub(super) fn fresh(mut inner: process::Child) -> Child {
        let stdin = inner.stdin.take().map(ChildStdin::fresh);
        let stdout = inner.stdout.take().map(ChildStdout::fresh);
        let stderr = inner.stderr.take().map(ChildStderr::fresh);
        Child::with_pipes(inner, stdin, stdout, stderr)
    }

    fn with_pipes(
        inner: process::Child,
        stdin: Option<ChildStdin>,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
    ) -> Child {
        let watchers = Watchers::default();
        let (ending, is_reaped, held) = (None, false, None);
        Child { stdin, stdout, stderr, inner, ending, is_reaped, held, watchers }
    }

    /// Has the child killed if this is dropped before it has ended: nobody else will know it.
    pub(crate) fn hold(mut self) -> Child {
        self.held = Some(Held(self.pid()));
        self
    }

    /// Has the child end at once, by `SIGKILL`; it is still to be waited for.
    ///
    /// Mirrors [`std::process::Child::kill`].
    ///
    /// # Errors
    ///
    /// As there: none for a child that has ended.
    pub fn kill(&mut self) -> io::Result<()> {
        self.inner.kill()
    }

    /// Asks the child to end, by `SIGTERM`. std has no such thing; mirrors gevent's
    /// `Popen.terminate`.
    ///
    /// # Errors
    ///
    /// If it may not be sent a signal. None for a child that has ended.
    pub fn terminate(&self) -> io::Result<()> {
        self.send_signal(libc::SIGTERM)
    }

    /// Sends a signal, by its number. Nothing is done once the child was waited for: its number may
    /// be another's by then. Mirrors gevent's `Popen.send_signal`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a number that no signal has.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        if self.is_reaped {
            return Ok(());
        }
        unix::send_signal(self.pid(), signal)
    }

    /// Mirrors [`std::process::Child::id`].
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// Closes what the child reads from, and waits until it has ended.
    ///
    /// Mirrors [`std::process::Child::wait`]. In a greenlet that unwinds, and so cannot wait, it
    /// holds up the thread, so that a destructor may kill a child and wait for it.
    ///
    /// # Errors
    ///
    /// As there: if someone else has taken the child's status.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        if let Some(status) = self.look()? {
            return Ok(status);
        }
        let status = if waiter::can_wait() {
            self.wait_until(Moment::NEVER)?
        } else {
            let answer = self.inner.wait().map(Some);
            self.note(answer)?
        };
        Ok(status.expect("the wait has no limit"))
    }

    /// As [`wait`](Self::wait), for at most `limit`; `None` if the child runs on.
    ///
    /// A limit of zero only looks. What the child reads from is closed in any case: it could wait
    /// for that. std has no such thing; mirrors gevent's `Popen.wait` with a timeout.
    ///
    /// # Errors
    ///
    /// As there; and if the greenlet unwinds and would have to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::monkey::process::Command;
    /// use std::time::Duration;
    ///
    /// let mut child = Command::new("sleep").arg("60").spawn()?;
    /// if child.wait_for(Duration::from_millis(5))?.is_none() {
    ///     child.terminate()?;
    /// }
    /// assert!(!child.wait()?.success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait_for(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        drop(self.stdin.take());
        self.wait_until(Moment::after(limit))
    }

    pub(super) fn wait_until(&mut self, deadline: Moment) -> io::Result<Option<ExitStatus>> {
        let status = self.look()?;
        if status.is_some() || deadline <= Moment::now() {
            return Ok(status);
        }
        let pid = self.pid();
        let ending = self.ending.get_or_insert_with(|| Ending::of(pid));
        let answer = ending.wait_until(deadline, || self.inner.try_wait());
        self.note(answer)
    }

    /// The status of a child that has ended; does not wait.
    ///
    /// To call it again and again holds up nobody: now and then it lets others run. Mirrors
    /// [`std::process::Child::try_wait`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        core::spend_operation();
        self.look()
    }

    fn look(&mut self) -> io::Result<Option<ExitStatus>> {
        let answer = self.inner.try_wait();
        self.note(answer)
    }

    /// Notes when there is no such child any more. From then on its number may be another's.
    fn note(&mut self, answer: io::Result<Option<ExitStatus>>) -> io::Result<Option<ExitStatus>> {
        let is_reaped = match &answer {
            Ok(status) => status.is_some(),
            // Someone else took its status, or it was thrown away.
            Err(error) => error.raw_os_error() == Some(libc::ECHILD),
        };
        if is_reaped {
            self.is_reaped = true;
            self.ending = None;
            if let Some(held) = self.held.take() {
                held.release();
            }
        }
        answer
    }

    /// Closes what the child reads from, reads all that it writes, from both pipes at once, and
    /// waits until it has ended.
    ///
    /// Mirrors [`std::process::Child::wait_with_output`]. As there, it waits for everyone who
    /// has inherited the pipes; see [`communicate`](Self::communicate) for a limit.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait_with_output(self) -> io::Result<Output> {
        self.communicate([]).wait()
    }

    /// Prepares to tell the child `input` while reading what it writes; nothing is done until
    /// the first wait.
    ///
    /// If what the child reads from was not piped, `input` is not told, as in Python. std has no
    /// such thing; mirrors gevent's `Popen.communicate`.
    pub fn communicate(self, input: impl Into<Vec<u8>>) -> Communication {
        Communication::new(self, input.into())
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.inner)
    }

    pub(super) fn is_reaped(&self) -> bool {
        self.is_reaped
    }
}

/// Takes in a child of std, with its pipes.
impl From<process::Child> for Child {
    fn from(mut inner: process::Child) -> Child {
        let stdin = inner.stdin.take().map(ChildStdin::from);
        let stdout = inner.stdout.take().map(ChildStdout::from);
        let stderr = inner.stderr.take().map(ChildStderr::from);
        Child::with_pipes(inner, stdin, stdout, stderr)
    }
}

/// Gives back a child of std, with its pipes, which block again.
impl From<Child> for process::Child {
    fn from(child: Child) -> process::Child {
        let mut inner = child.inner;
        inner.stdin = child.stdin.map(Into::into);
        inner.stdout = child.stdout.map(Into::into);
        inner.stderr = child.stderr.map(Into::into);
        inner
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .finish_non_exhaustive()
    }
}
