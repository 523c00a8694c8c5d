//! What the bodies share.

use std::io::{ErrorKind, Write};

use super::world::process::Command;

/// A command that runs `script` in a shell.
pub(crate) fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A child that is being started in another thread has a copy of each pipe for a moment, so
/// that a pipe is not broken at once.
pub(crate) fn write_until_it_fails(writer: &mut impl Write) -> ErrorKind {
    loop {
        if let Err(error) = writer.write(b"x") {
            return error.kind();
        }
    }
}
