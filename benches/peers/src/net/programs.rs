//! The peers that are programs in other languages: how they are built and started.
//!
//! Their sources are in `programs/net`. They take the same arguments as a server of this program.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::servers::{Job, Peer, Rank, SERVE, Via};

/// A program, by what it is written with.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    Go,
    Asio,
    Gevent,
}

pub(crate) const PEERS: [Peer; 3] = [
    Peer {
        name: "Go",
        settings: "GOMAXPROCS=1, no TCP keepalive; a goroutine for each connection, pages by net/http",
        rank: Rank::Epoll,
        echoes: true,
        pages: true,
        via: Via::Program(Program::Go),
    },
    Peer {
        name: "Boost.Asio",
        settings: "callbacks on an io_context for one thread, g++ -O2; a session for each \
                   connection",
        rank: Rank::Epoll,
        echoes: true,
        pages: false,
        via: Via::Program(Program::Asio),
    },
    Peer {
        name: "gevent",
        settings: "StreamServer, a greenlet for each connection; the interpreter is \
                   $GEVENT_PYTHON, or python3",
        rank: Rank::Epoll,
        echoes: true,
        pages: false,
        via: Via::Program(Program::Gevent),
    },
];

/// The command that is a peer's server.
///
/// # Errors
///
/// If this program does not know where it lies.
pub(crate) fn command(peer: &Peer, job: Job) -> Result<Command, String> {
    let mut command = match peer.via {
        Via::Here(_) => {
            let mut command = Command::new(env::current_exe().map_err(|error| error.to_string())?);
            command.args([SERVE, peer.name]);
            command
        }
        Via::Program(program) => program.command()?,
    };
    command.args(job.arguments());
    Ok(command)
}

/// Whether a program can be run at all.
pub(crate) fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Builds those that are programs. Returns the peers that can be measured, and a line for each
/// of the others.
pub(crate) fn build(peers: Vec<Peer>) -> (Vec<Peer>, Vec<String>) {
    let mut skipped = Vec::new();
    let mut ready = peers;
    ready.retain(|peer| {
        let Via::Program(program) = peer.via else { return true };
        match program.build() {
            Ok(()) => true,
            Err(reason) => {
                skipped.push(format!("{}: {reason}", peer.name));
                false
            }
        }
    });
    (ready, skipped)
}

impl Program {
    fn command(self) -> Result<Command, String> {
        match self {
            Program::Gevent => {
                let mut command = Command::new(python());
                command.arg(source("server.py"));
                Ok(command)
            }
            Program::Go => {
                let mut command = Command::new(built("net-go")?);
                command.env("GOMAXPROCS", "1");
                Ok(command)
            }
            Program::Asio => Ok(Command::new(built("net-asio")?)),
        }
    }

    fn build(self) -> Result<(), String> {
        let command = match self {
            Program::Go => {
                let mut go = Command::new("go");
                // It needs nothing but Go's own library.
                go.env("GO111MODULE", "off").args(["build", "-o"]).arg(built("net-go")?);
                go.arg(source("server.go"));
                go
            }
            Program::Asio => {
                let mut compiler = Command::new("g++");
                compiler.args(["-O2", "-std=c++17", "-pthread", "-o"]).arg(built("net-asio")?);
                compiler.arg(source("server.cpp"));
                compiler
            }
            Program::Gevent => {
                let mut python = Command::new(python());
                python.args(["-c", "import gevent"]);
                python
            }
        };
        finished(command).map(drop)
    }

    fn version(self) -> Option<String> {
        let command = match self {
            Program::Go => {
                let mut go = Command::new("go");
                go.arg("version");
                go
            }
            Program::Asio => {
                let mut asio = Command::new(built("net-asio").ok()?);
                asio.arg("version");
                asio
            }
            Program::Gevent => {
                let mut python = Command::new(python());
                let versions = "import gevent, sys; \
                                print('gevent', gevent.__version__, 'on Python', sys.version)";
                python.args(["-c", versions]);
                python
            }
        };
        finished(command).ok()
    }
}

/// Which version it is, of a peer that is a program.
pub(crate) fn version(peer: &Peer) -> Option<String> {
    if let Via::Program(program) = peer.via { program.version() } else { None }
}

/// What it printed; an error is the first line that tells of one.
fn finished(mut command: Command) -> Result<String, String> {
    let output = command.output();
    let program = command.get_program().to_string_lossy().into_owned();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let line = said.lines().find(|line| line.to_lowercase().contains("error"));
            Err(format!("{program}: {}", line.unwrap_or("it failed").trim()))
        }
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn python() -> PathBuf {
    env::var_os("GEVENT_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

fn source(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "programs", "net", name].iter().collect()
}

/// Where a program is built to: beside this one.
fn built(name: &str) -> Result<PathBuf, String> {
    let place = || {
        let folder = env::current_exe()?.with_file_name("programs");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    };
    place().map_err(|error: io::Error| format!("no folder for programs: {error}"))
}
