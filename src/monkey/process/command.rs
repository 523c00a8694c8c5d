//! A program to start, and how.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{self, CommandArgs, CommandEnvs, ExitStatus, Output, Stdio};
use std::time::Duration;

use super::{Child, TimeoutExpired};

/// A program to start, with its arguments, its surroundings and its pipes. Mirrors
/// [`std::process::Command`].
///
/// What waits for the program makes only the greenlet wait. To start it is done at once, on this
/// thread, and takes until the program is loaded: some 0.1 ms. With a user, a group, a closure or a
/// `PATH` of its own, std has to fork, which takes the longer the more memory this process uses: up
/// to 0.1 s for each GiB.
///
/// # Examples
///
/// ```
/// use greenhub::monkey::process::Command;
///
/// let output = Command::new("echo").arg("hello").output()?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Command {
    inner: process::Command,
    /// Which of the three pipes were set: `output` sets the others for itself.
    is_set: IsSet,
}

#[derive(Clone, Copy, Default)]
struct IsSet {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

impl Command {
    /// Mirrors [`std::process::Command::new`].
    pub fn new<S: AsRef<OsStr>>(program: S) -> Command {
        Command { inner: process::Command::new(program), is_set: IsSet::default() }
    }

    /// Mirrors [`std::process::Command::arg`].
    pub fn arg<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Command {
        self.with(|inner| inner.arg(arg))
    }

    /// Mirrors [`std::process::Command::args`].
    pub fn args<I, S>(&mut self, args: I) -> &mut Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.with(|inner| inner.args(args))
    }

    /// Mirrors [`std::process::Command::env`].
    pub fn env<K, V>(&mut self, key: K, val: V) -> &mut Command
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.with(|inner| inner.env(key, val))
    }

    /// Mirrors [`std::process::Command::envs`].
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.with(|inner| inner.envs(vars))
    }

    /// Mirrors [`std::process::Command::env_remove`].
    pub fn env_remove<K: AsRef<OsStr>>(&mut self, key: K) -> &mut Command {
        self.with(|inner| inner.env_remove(key))
    }

    /// Mirrors [`std::process::Command::env_clear`].
    pub fn env_clear(&mut self) -> &mut Command {
        self.with(process::Command::env_clear)
    }

    /// Mirrors [`std::process::Command::current_dir`].
    pub fn current_dir<P: AsRef<Path>>(&mut self, dir: P) -> &mut Command {
        self.with(|inner| inner.current_dir(dir))
    }

    /// Mirrors [`std::process::Command::stdin`].
    pub fn stdin<T: Into<Stdio>>(&mut self, cfg: T) -> &mut Command {
        self.is_set.stdin = true;
        self.with(|inner| inner.stdin(cfg))
    }

    /// Mirrors [`std::process::Command::stdout`].
    pub fn stdout<T: Into<Stdio>>(&mut self, cfg: T) -> &mut Command {
        self.is_set.stdout = true;
        self.with(|inner| inner.stdout(cfg))
    }

    /// Mirrors [`std::process::Command::stderr`].
    pub fn stderr<T: Into<Stdio>>(&mut self, cfg: T) -> &mut Command {
        self.is_set.stderr = true;
        self.with(|inner| inner.stderr(cfg))
    }

    /// Starts the program. Mirrors [`std::process::Command::spawn`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.inner.spawn().map(Child::fresh)
    }

    /// Starts the program, and waits until it has ended.
    ///
    /// Mirrors [`std::process::Command::status`]. If the greenlet unwinds from here, because it is
    /// killed or a limit is over, the program is killed: nobody else knows it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.hold().wait()
    }

    /// Starts the program, reads all that it writes, and waits until it has ended.
    ///
    /// Mirrors [`std::process::Command::output`]. If the greenlet unwinds from here, the program is
    /// killed, as by [`status`](Self::status).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn output(&mut self) -> io::Result<Output> {
        self.spawn_piped()?.hold().wait_with_output()
    }

    /// As [`output`](Self::output), for at most `limit`; then the program is killed.
    ///
    /// Returns soon after `limit` even if the program has started others that still have its pipes.
    /// Mirrors gevent's `check_output` with a timeout.
    ///
    /// # Errors
    ///
    /// As there; and [`TimedOut`](io::ErrorKind::TimedOut), with a [`TimeoutExpired`] inside that
    /// has what the program had written.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenhub::monkey::process::{Command, TimeoutExpired};
    /// use std::time::Duration;
    ///
    /// let mut command = Command::new("sh");
    /// command.args(["-c", "echo half; exec sleep 60"]);
    /// let error = command.output_for(Duration::from_millis(300)).unwrap_err();
    /// let expired: TimeoutExpired = error.downcast()?;
    /// assert_eq!(expired.output.stdout, b"half\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn output_for(&mut self, limit: Duration) -> io::Result<Output> {
        let mut talk = self.spawn_piped()?.hold().communicate([]);
        match talk.wait_for(limit)? {
            Some(status) => Ok(talk.into_output(status)),
            None => Err(TimeoutExpired { limit, output: talk.kill()? }.into()),
        }
    }

    /// As `spawn`, but what was not set is piped, or null for reading.
    fn spawn_piped(&mut self) -> io::Result<Child> {
        self.set_the_rest(Stdio::null(), Stdio::piped(), Stdio::piped());
        let child = self.spawn();
        // What it is where nothing was set.
        self.set_the_rest(Stdio::inherit(), Stdio::inherit(), Stdio::inherit());
        child
    }

    fn set_the_rest(&mut self, stdin: Stdio, stdout: Stdio, stderr: Stdio) {
        if !self.is_set.stdin {
            self.inner.stdin(stdin);
        }
        if !self.is_set.stdout {
            self.inner.stdout(stdout);
        }
        if !self.is_set.stderr {
            self.inner.stderr(stderr);
        }
    }

    /// Mirrors [`std::process::Command::get_program`].
    #[must_use]
    pub fn get_program(&self) -> &OsStr {
        self.inner.get_program()
    }

    /// Mirrors [`std::process::Command::get_args`].
    pub fn get_args(&self) -> CommandArgs<'_> {
        self.inner.get_args()
    }

    /// Mirrors [`std::process::Command::get_envs`].
    pub fn get_envs(&self) -> CommandEnvs<'_> {
        self.inner.get_envs()
    }

    /// Mirrors [`std::process::Command::get_current_dir`].
    #[must_use]
    pub fn get_current_dir(&self) -> Option<&Path> {
        self.inner.get_current_dir()
    }

    pub(super) fn inner(&mut self) -> &mut process::Command {
        &mut self.inner
    }

    pub(super) fn with(
        &mut self,
        set: impl FnOnce(&mut process::Command) -> &mut process::Command,
    ) -> &mut Command {
        set(&mut self.inner);
        self
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
