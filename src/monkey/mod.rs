//! std, cooperative: the same names, but what blocks makes only the greenlet wait.
//!
//! Put one line at the top of each file of a blocking program:
//!
//! ```
//! use greenhub::monkey as std;
//!
//! use std::net::{TcpListener, TcpStream};
//! use std::thread;
//! use std::time::Duration;
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     let server = thread::spawn(move || listener.accept().map(|_| ()));
//!     thread::sleep(Duration::from_millis(1));
//!     TcpStream::connect(address)?;
//!     server.join().unwrap()
//! }
//! ```
//!
//! From there on `std::…` means this module, in `use` lines and in expressions. Every name of
//! std is here; these are replaced:
//!
//! | module | cooperative |
//! | --- | --- |
//! | [`thread`] | all of it: threads become greenlets |
//! | [`net`] | `TcpStream`, `TcpListener`, `UdpSocket`, `ToSocketAddrs` (names resolved by other threads) |
//! | [`os::unix::net`] | `UnixStream`, `UnixListener`, `UnixDatagram` |
//! | [`os::unix::process`] | `CommandExt`, for the `Command` of here |
//! | [`sync`] | `Mutex`, `RwLock`, `Condvar`, `Barrier`, `Once`, `OnceLock`, `LazyLock`, and `mpsc` |
//! | [`process`] | `Command`, `Child`, `ChildStdin`, `ChildStdout`, `ChildStderr` |
//! | [`io`] | `stdin`, `Stdin`, `StdinLock`, `pipe`, `PipeReader`, `PipeWriter`; and `IsTerminal`, which can be had of them |
//! | [`fs`], [`os::unix::fs`] | all of it: `File`, directories, and what is done by path (done by other threads) |
//! | [`os::linux::net`] | `TcpStreamExt` |
//! | [`fs`] | `File`, `OpenOptions`, `read`, `read_to_string`, `write` (done by other threads) |
//!
//! Everything else is std's own. What of it blocks still blocks the whole hub: `stdout` while nobody
//! reads what was printed (see [`io`]), and the methods of `Path` that ask the disc. Macros
//! The stable names of std 1.95, in the modules where something waits; a method counts if its type
//! is replaced:
//!
//! | module | green | std's own | absent | not yet |
//! | --- | --- | --- | --- | --- |
//! | `thread` | 40 | 3 | 1 | 0 |
//! | `sync` | 0 | 7 | 0 | 64 |
//! | `sync::mpsc` | 0 | 5 | 0 | 16 |
//! | `net` | 65 | 8 | 0 | 0 |
//! | `os::unix::net` | 46 | 1 | 0 | 0 |
//! | `os::linux::net` | 3 | 1 | 0 | 0 |
//! | `os::fd` | 0 | 7 | 0 | 0 |
//! | `fs` | 30 | 5 | 0 | 26 |
//! | `os::unix::fs` | 0 | 7 | 0 | 5 |
//! | `io` | 0 | 36 | 0 | 13 |
//! | `process` | 0 | 10 | 0 | 28 |
//! | `os::unix::process` | 0 | 2 | 0 | 8 |
//! | `time` | 0 | 6 | 0 | 0 |
//!
//! Everything else is std's own. What of it blocks still blocks the whole hub:
//! `sync` and `mpsc` when they have to wait for another greenlet, `process`, `stdin`, and the functions of `fs` that are not in the table. Macros
//! (`println!`, `vec!`, derives) are untouched by the line.

// The glob brings all of std; the modules declared here take the place of its own.
pub use std::*;

mod descriptor;
pub mod fs;
pub mod io;
pub mod net;
pub mod os;
mod pipes;
pub mod process;
pub mod sync;
pub mod thread;

#[doc(inline)]
pub use crate::__monkey_thread_local as thread_local;
