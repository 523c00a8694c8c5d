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
//! Everything else is std's own, and [some of it](#what-can-still-block-the-hub) blocks. Macros
//! (`println!`, `vec!`, derives) are untouched by the line.
//!
//! Crates that take whatever reads and writes (rustls, tungstenite, ...) work over these streams as
//! they are. A kill or a [`with_timeout`](crate::with_timeout()) unwinds through them, as a panic does;
//! some leave their own buffers half filled then. Drop such a connection, or use the limits of the
//! socket ([`set_read_timeout`](net::TcpStream::set_read_timeout)), which are errors that they know.
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
//!
//! # What can still block the hub
//!
//! While one of these goes on, no other greenlet of the hub runs. Those that last can be given to another
//! thread, by [`offload`](crate::offload()) or a [`ThreadPool`](crate::ThreadPool).
//!
//! Code that is not the mirror's:
//!
//! - Computing, and loops that ask and never wait: on an atomic, on `is_finished`, on the clock.
//!   (`try_lock`, `try_recv`, `try_wait` and reads in non-blocking mode let others run now and then.)
//! - What another crate, a C library or a file without the line calls of std: its sockets, files, names,
//!   `thread::sleep`, `thread::park`.
//! - A lock of std, or of another crate, that another *thread* has. If another *greenlet* of this hub has
//!   it, over a wait, it is never released.
//! - Memory: a page that has to be fetched or cleared, a large allocation, the drop of many values.
//!
//! Of std, where it cannot be replaced:
//!
//! - `print!`, `println!`, `dbg!`, [`stdout`](io::stdout), [`stderr`](io::stderr) and the messages of
//!   panics, while a pipe is full or a terminal is stopped (see [`io`]). A panic whose backtrace
//!   is shown also reads the program's debug information.
//! - The methods of [`Path`](std::path::Path) that ask the disc: `exists`, `try_exists`, `is_file`,
//!   `is_dir`, `is_symlink`, `metadata`, `symlink_metadata`, `canonicalize`, `read_link`, `read_dir`. So
//!   do `env::current_dir`, `env::set_current_dir`, `env::current_exe` and `thread::available_parallelism`.
//! - `process::exit`, and a return from main: they run what the C library was asked to run at the exit,
//!   and write what `stdout` holds.
//!
//! Of the mirror, on the spot:
//!
//! - `Command::spawn` (and `output`, `status`): until the child has loaded its program, 75 µs; with a user, a
//!   group, `pre_exec` or a search path of the child's own it forks, in 0.2 ms, or some 100 ms in a process
//!   that uses a GiB. `exec` does not come back.
//! - To close a descriptor, by its drop. It waits for nothing, except: the last handle of a large file whose
//!   name was removed, files of some network file systems, a socket on which `SO_LINGER` was set.
//! - `try_clone`, and setting an option of a socket or asking for one: they wait for nothing.
//! - A Unix socket's path, which is looked up (`bind`, `connect`, `send_to`) on the disc.
//! - Calls on files and names in a greenlet that unwinds (a destructor while it is killed), which cannot wait;
//!   and where the system has no thread to give.
//!
//! And what holds up only those who call the same:
//!
//! - Calls on files, and `offload`, share 16 threads; names have 8 of their own. A [`File`](fs::File) on
//!   a FIFO or a terminal, or a FIFO that is opened and has no other end, keeps its thread for as long; 16 of
//!   them, and all calls on files wait. Give such descriptors to [`Cooperative`](crate::io::Cooperative).

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
