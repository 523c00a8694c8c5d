//! A talk with one client.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::commands::{self, BUILT_IN};
use super::lines::{LONGEST, Line, Lines};

const PROMPT: &str = "> ";

/// What a client is greeted with, and what the program has added to the commands.
#[derive(Default)]
pub(super) struct Console {
    pub(super) banner: Option<String>,
    pub(super) commands: BTreeMap<String, Own>,
}

/// A command of the program.
pub(super) struct Own {
    pub(super) help: String,
    pub(super) body: Body,
}

/// Called with the words that follow the command.
type Body = Box<dyn Fn(&[&str]) -> String>;

impl Console {
    /// Answers until the client has no more to say. `output` is the other half of `input`.
    pub(super) fn talk(&self, input: impl Read, mut output: impl Write) -> io::Result<()> {
        let mut lines = Lines::new(input);
        self.greet(&mut output)?;
        while let Some(line) = lines.next()? {
            let answer = match line {
                Line::Text(text) => self.answer(&text),
                Line::TooLong => Some(format!("a line has at most {LONGEST} bytes")),
            };
            match answer {
                Some(answer) => send(&mut output, answer)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn greet(&self, output: &mut impl Write) -> io::Result<()> {
        let process = std::process::id();
        let usual = || format!("greenhub backdoor of process {process}; try 'help'");
        send(output, self.banner.clone().unwrap_or_else(usual))
    }

    /// `None` if the client wants to leave.
    fn answer(&self, line: &str) -> Option<String> {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { return Some(String::new()) };
        let arguments: Vec<&str> = words.collect();
        if let Some(own) = self.commands.get(name) {
            return Some((own.body)(&arguments));
        }
        match (name, &arguments[..]) {
            ("quit", []) => None,
            ("help", []) => Some(self.help()),
            _ => Some(commands::answer(name, &arguments).unwrap_or_else(|| {
                format!("there is no command '{}'; try 'help'", name.escape_debug())
            })),
        }
    }

    fn help(&self) -> String {
        let own = self.commands.iter().map(|(name, own)| (name.as_str(), own.help.as_str()));
        let all = BUILT_IN.into_iter().chain(own);
        all.map(|(usage, help)| format!("{usage:<17} {help}\n")).collect()
    }
}

/// Sends an answer in whole lines, and that it is over.
fn send(output: &mut impl Write, mut answer: String) -> io::Result<()> {
    if !answer.is_empty() && !answer.ends_with('\n') {
        answer.push('\n');
    }
    answer.push_str(PROMPT);
    output.write_all(answer.as_bytes())
}
