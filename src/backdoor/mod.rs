//! A door into a running program: a console on a socket, to see what goes on, and to end a greenlet.
//!
//! A [`Backdoor`] is opened on a Unix socket or on a loopback address, and anything that sends lines can
//! talk to it:
//!
//! ```text
//! $ nc -U /run/shop/backdoor
//! greenhub backdoor of process 4711; try 'help'
//! > ps
//! ID    SERIAL  STATE    NAME    WAITS
//! 1/0   0       parked   main    for a server to stop
//! 1/3   3       parked   reader  to read descriptor 9
//! > kill 3
//! told greenlet 3 'reader' to end
//! ```
//!
//! | command | what it tells or does |
//! | --- | --- |
//! | `help` | the commands |
//! | `ps` | all greenlets of all hubs, a line for each |
//! | `tree` | the same as a tree by who spawned whom, with stacks, as [`debug::dump`](crate::debug::dump) has it |
//! | `json` | the same for programs, in one line: [`Dump::to_json`](crate::debug::Dump::to_json) |
//! | `stack ID` | where that greenlet stands, as [`debug::trace_of`](crate::debug::trace_of) tells it |
//! | `stats` | what each hub holds, and has done: [`Hub::stats`](crate::Hub::stats) |
//! | `kill ID` | has that greenlet end, and waits for nothing; `kill ID SERIAL` only if the number is still that one's |
//! | `quit` | closes this connection; so does the end of what the client sends |
//!
//! `ID` is a greenlet's number, or `HUB/NUMBER` for one of another hub. Main and raw greenlets are not
//! killed. A program adds [commands of its own](Backdoor::command).
//!
//! What has to be known to rely on it:
//!
//! - **Who may come in.** Whoever is in can end any greenlet. So it is only for the user that the program
//!   runs as, and for root; all others are told so, and their connection is closed. On a Unix socket the
//!   kernel tells who that is, and nobody else may open its file (mode `0600`). Over TCP it is the
//!   owner of the socket at the other end, by the kernel's list of sockets; who cannot be found there is
//!   refused, and so is every address but loopback. Elsewhere than on Linux there is no backdoor:
//!   [`Unsupported`](std::io::ErrorKind::Unsupported).
//! - **The file of a Unix socket** is removed when the backdoor ends, also by [`Hub::end`](crate::Hub::end).
//!   A program that is killed, or ends otherwise, leaves it. So a socket that nobody serves is replaced;
//!   one that is served is an error, and so is any other file.
//! - **It holds up nobody.** A hub tells of 256 greenlets at a time, and what it has told is put into words
//!   by another thread. So of a hundred thousand, some may come or go while they are listed. A client
//!   that does not read waits alone. A hub that does not come round within a second is said to be busy.
//! - **It keeps nothing up.** Its greenlets are [in the background](crate::Builder::background): a hub that
//!   has nothing else to do is dry, and a deadlock is reported. It serves while the hub that opened
//!   it runs; if that is blocked, [`debug::dump_on`](crate::debug::dump_on) a signal tells more.
//! - **A line** has at most 1024 bytes. One that is longer, or makes no sense, is answered by a line
//!   that says so.
//!
//! Mirrors `gevent.backdoor`, where one has Python instead of these commands.

mod asking;
mod commands;
mod console;
mod file;
mod lines;
mod peer;
mod server;

pub use self::file::UnixDoor;
pub use self::server::{Backdoor, BackdoorServer};
