//! An echo server on a Unix socket, whose file comes and goes with it.
//!
//! ```text
//! cargo run --example unix_echo -- PATH
//! ```
//!
//! It listens on a socket at PATH, prints `listening on PATH`, and sends back what it receives. Try it with
//! `nc -U PATH`. `SIGTERM` and `SIGINT` end it: clients have a second, and the file is removed.
//!
//! The kernel leaves the file of a server that was killed, and then nobody can listen there. So
//! a socket that nobody serves is replaced. One that is served stays, and so does any other
//! file.
//!
//! The exit code is 2 for arguments that it does not know, and 1 if it cannot serve at PATH.

#[path = "support/ending.rs"]
mod ending;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use greenhub::monkey::os::unix::net::{UnixListener, UnixStream};
use greenhub::server::StreamServer;

/// Clients have so long when the program is to end.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(path), None) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("usage: unix_echo PATH");
        return ExitCode::from(2);
    };
    support::raise_descriptor_limit();
    match serve(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve at {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal ends it.
fn serve(path: &Path) -> io::Result<()> {
    let server = StreamServer::new(listen(path)?, |stream, _| send_back(&stream));
    let _file = OwnFile { path, inode: fs::metadata(path)?.ino() };
    server.start()?;
    let stopped = server.clone();
    ending::when_told(GRACE, move |limit| stopped.stop(limit))?;
    println!("listening on {}", path.display());
    server.serve_forever()
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            check_that_nobody_serves(path)?;
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        listener => listener,
    }
}

fn check_that_nobody_serves(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another server is there")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}

/// The socket's file, removed when this is dropped.
struct OwnFile<'a> {
    path: &'a Path,
    inode: u64,
}

impl Drop for OwnFile<'_> {
    fn drop(&mut self) {
        // Another server may have its own there by now.
        if fs::metadata(self.path).is_ok_and(|file| file.ino() == self.inode) {
            // An error says that it is gone.
            let _ = fs::remove_file(self.path);
        }
    }
}

fn send_back(mut stream: &UnixStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}
