//! Several processes that serve from the same listeners: when one crashes the others go on, and a new
//! version takes over without a refused connection.
//!
//! [`Prefork::run`] starts so many workers, from the file of the program itself, and gives them the
//! listeners. The parent accepts nothing; it starts, replaces and ends workers. Each worker is a
//! process with a hub of its own, and shares no memory with the others. For several hubs in one process
//! there is [`cluster`](crate::cluster).
//!
//! - **What comes before `run` happens in each process**, as each runs `main`; [`is_worker`] tells
//!   which it is. Listeners are made by the [`Prefork`], so that only the parent binds. Call it
//!   early: processes that a worker starts before it inherit what the worker has. Look there, in the
//!   parent, for what no new try would mend, such as a key that is missing: in a worker it is an
//!   error of each, and of each try.
//! - **Orders.** The parent takes these signals, or calls of a [`Supervisor`]:
//!
//!   | signal | what is done |
//!   | --- | --- |
//!   | `SIGTERM` | each worker gets `SIGTERM`, ends what it has begun, within the [grace](Prefork::grace), and then `run` returns; a second one is as `SIGINT` |
//!   | `SIGINT` | the workers are killed, and `run` returns |
//!   | `SIGHUP` | the workers are replaced one by one: the new one is [ready](Worker::ready) before the old one is asked to end. It is started from what is in the program's file by then; a link to that file was followed once, when the parent was started |
//!   | `SIGTTIN`, `SIGTTOU` | one worker more, one less |
//!
//! - **No connection is refused** while there is a parent: the listeners stay open in it, and who comes
//!   waits in the kernel until a worker accepts. One that was accepted is served by that worker
//!   within its grace. A connection that its server keeps open for more requests is the server's to
//!   end: [`Worker::is_ending`] tells it to say so with its last answer, as by HTTP's
//!   `Connection: close`. To close it without a word meets clients that are just asking.
//! - **A worker that ends unasked**, however it does, is replaced: at once if it was ready and had lived
//!   for a second; else after 10 ms, and twice as long each time, up to a second. If none has ever been
//!   ready, and one has failed five times, `run` returns an error.
//! - **Nobody is left behind.** Every worker is reaped. If the parent ends in whatever way, each worker
//!   is asked to end by that, and is killed after its grace, even if it only computes.
//! - **Descriptors.** A worker inherits the listeners, and one descriptor that joins it to the parent;
//!   and those that are not close-on-exec in the parent, of which std makes none. What a worker starts
//!   inherits none of these. A listener is one open file in all processes, and so is its mode: a
//!   worker that makes its one std's, and so blocking, has the others block in `accept`.
//! - **Sockets of a service manager** such as systemd are taken by [`Prefork::bind_or_activated`], or
//!   without workers by [`listen_fds`].
//!
//! gevent has no such thing; gunicorn does this for it.
//!
//! # Examples
//!
//! ```no_run
//! use greenhub::prefork::{self, Prefork};
//! use greenhub::server::StreamServer;
//! use std::io::{BufRead, BufReader, Write};
//!
//! fn main() -> std::io::Result<()> {
//!     let prefork = Prefork::new().bind_or_activated("127.0.0.1:8080")?.workers(2);
//!     if !prefork::is_worker() {
//!         println!("listening on {}", prefork.local_addr()?);
//!     }
//!     prefork.run(|worker| {
//!         let serving = worker.clone();
//!         let server = StreamServer::new(worker.tcp_listener()?, move |stream, _| {
//!             let mut lines = BufReader::new(&stream).lines();
//!             while let Some(Ok(name)) = lines.next() {
//!                 let is_last = serving.is_ending();
//!                 writeln!(&stream, "hello {name}{}", if is_last { ", and bye" } else { "" })?;
//!                 if is_last {
//!                     break;
//!                 }
//!             }
//!             std::io::Result::Ok(())
//!         });
//!         worker.serve(&server)
//!     })
//! }
//! ```

mod activation;
mod builder;
mod inherit;
mod listening;
mod pauses;
mod place;
mod process;
mod settings;
mod slot;
mod status;
mod supervising;
mod worker;

pub use self::activation::{Activated, listen_fds};
pub use self::builder::Prefork;
pub use self::listening::Listening;
pub use self::status::{Event, Supervisor, WorkerState, WorkerStatus};
pub use self::worker::Worker;

/// Whether this process is a worker of a [`Prefork`]: it was started by one, and not by hand.
///
/// For what is to happen once, in the parent, although each process runs `main`.
#[must_use]
pub fn is_worker() -> bool {
    // A worker that has not inherited what it should have is one all the same.
    !matches!(place::place(), Ok(None))
}
