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
//!
//! Everything else is std's own. What of it blocks still blocks the whole hub: `stdout` while nobody
//! reads what was printed (see [`io`]), and the methods of `Path` that ask the disc. Macros
//! (`println!`, `vec!`, derives) are untouched by the line.
//!
//! The stable names of std 1.95, in the modules where something waits; a method counts if its type
//! is replaced:
//!
//! | module | green | std's own | absent |
//! | --- | --- | --- | --- |
//! | `thread` | 40 | 3 | 1 |
//! | `sync` | 64 | 7 | 0 |
//! | `sync::mpsc` | 16 | 5 | 0 |
//! | `net` | 65 | 8 | 0 |
//! | `os::unix::net` | 46 | 1 | 0 |
//! | `os::linux::net` | 3 | 1 | 0 |
//! | `os::fd` | 0 | 7 | 0 |
//! | `fs` | 56 | 5 | 0 |
//! | `os::unix::fs` | 5 | 7 | 0 |
//! | `io` | 13 | 36 | 0 |
//! | `process` | 28 | 10 | 0 |
//! | `os::unix::process` | 8 | 2 | 0 |
//! | `time` | 0 | 6 | 0 |

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
