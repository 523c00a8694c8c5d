//! Connections in memory: no kernel, and as slow, split, cut or reset as a test wants.
//!
//! A [`Stream`] is used as [`TcpStream`](crate::monkey::net::TcpStream) is: it is `Read` and `Write`, also by
//! reference, with std's limits, modes and clones, and its ends look as they do in Linux. What is generic over
//! `Read + Write`, or over a listener's streams, is so tested without a port, and in a
//! [simulation](crate::testing) it does the same again for the same seed.
//!
//! | for | use |
//! | --- | --- |
//! | two ends of one connection | [`pair`], [`Link::pair`] |
//! | a listener, and who connects to it | [`Network`] |
//! | delays, short reads and writes, a small buffer, a reset after so many bytes | [`Link`] |
//! | an end that resets, or is gone without a word | [`Stream::reset`], [`Stream::vanish`] |
//!
//! They work outside of a simulation too, in real time, and between threads.
//!
//! # Examples
//!
//! ```
//! use greenhub::testing::{self, net::Link};
//! use std::io::{self, BufRead, BufReader, Read, Write};
//! use std::time::Duration;
//!
//! /// Answers each line with its length.
//! fn serve(stream: impl Read + Write) -> io::Result<()> {
//!     let mut stream = BufReader::new(stream);
//!     let mut line = String::new();
//!     while stream.read_line(&mut line)? > 0 {
//!         writeln!(stream.get_mut(), "{}", line.trim_end().len())?;
//!         line.clear();
//!     }
//!     Ok(())
//! }
//!
//! testing::check(20, || {
//!     let slow = Link::new().delay(Duration::from_secs(1)).short_reads().short_writes();
//!     let (mut client, server) = slow.pair();
//!     greenhub::spawn(|| serve(server));
//!     client.write_all(b"one\nthree\n").unwrap();
//!     client.shutdown(std::net::Shutdown::Write).unwrap();
//!     let mut answers = String::new();
//!     client.read_to_string(&mut answers).unwrap();
//!     assert_eq!(answers, "3\n5\n");
//!     assert_eq!(testing::now(), Duration::from_secs(2));
//! });
//! ```

mod link;
mod network;
mod stream;
mod wire;

pub use self::link::{Link, pair};
pub use self::network::{Incoming, Listener, Network};
pub use self::stream::Stream;
