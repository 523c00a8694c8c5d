//! The other processes, as the first one sees them.

use std::io::{self, BufRead, BufReader, Write};

use greenhub::monkey::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// This program, started once more.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Result<Program, String> {
        let start = || {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn()
        };
        let child = start().map_err(|error| format!("cannot start a process: {error}"));
        let mut child = child?;
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Program { child, input, output })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn tell(&mut self, what: &str) -> io::Result<()> {
        writeln!(self.input, "{what}")
    }

    /// What it tells next.
    pub(crate) fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err(match self.child.wait() {
                Ok(status) => format!("a process has ended before its time, {status}"),
                Err(error) => format!("a process has ended before its time: {error}"),
            }),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(format!("a process cannot be heard: {error}")),
        }
    }

    /// A number that it tells, and why that is not higher.
    pub(crate) fn count(&mut self) -> Result<(usize, Option<String>), String> {
        let line = self.line()?;
        let (count, reason) = match line.split_once(' ') {
            Some((count, reason)) => (count, Some(reason.to_owned())),
            None => (&*line, None),
        };
        let count = count.parse().map_err(|_| format!("a process says {line}"))?;
        Ok((count, reason))
    }

    /// Lets it end, and waits until it has.
    pub(crate) fn end(self) -> io::Result<()> {
        let Program { mut child, input, output: _output } = self;
        drop(input);
        child.wait().map(drop)
    }
}
