//! Sockets that a service manager has opened before it started this process.
//!
//! systemd and its kin pass descriptors 3 and up, how many in `LISTEN_FDS`, their names in
//! `LISTEN_FDNAMES`, and whom they are for in `LISTEN_PID`.

use std::env;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::process;
use std::sync::{Mutex, PoisonError};

use super::inherit;
use super::listening::{self, Listening};

pub(super) const VARIABLES: [&str; 4] =
    ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

/// A listener that this process was given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Activated {
    /// What it is called: `FileDescriptorName=` of the socket's unit, or `unknown`.
    pub name: String,
    /// The listener.
    pub listening: Listening,
}

/// Whether they were taken.
static TAKEN: Mutex<bool> = Mutex::new(false);

/// The listeners that a service manager such as systemd has passed to this process, in their order; none
/// if it has passed none.
///
/// Call it early: they are inherited by every process that is started before. The variables are
/// removed, unless the process has several threads; what is started later is not misled by them, as
/// they name this process. [`Prefork::bind_or_activated`](super::Prefork::bind_or_activated) calls it.
/// gevent has no such thing.
///
/// # Errors
///
/// [`InvalidData`](io::ErrorKind::InvalidData) if the variables are malformed, or if one of the descriptors
/// is not a listening stream socket; all stay open then, and can be taken by someone else.
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if they were taken before.
///
/// # Examples
///
/// ```
/// use greenhub::prefork::{Listening, listen_fds};
///
/// for activated in listen_fds()? {
///     match activated.listening {
///         Listening::Tcp(listener) => println!("{}: {}", activated.name, listener.local_addr()?),
///         other => println!("{}: {other:?}", activated.name),
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn listen_fds() -> io::Result<Vec<Activated>> {
    let given = take()?.into_iter();
    given
        .map(|(name, kind, it)| Ok(Activated { name, listening: Listening::new(kind, it)? }))
        .collect()
}

type Given = (String, listening::Kind, OwnedFd);

pub(super) fn take() -> io::Result<Vec<Given>> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if *taken {
        let text = "the sockets that were passed to this process were taken before";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let read = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let Some(count) = count(read("LISTEN_PID"), read("LISTEN_FDS"))? else {
        return Ok(Vec::new());
    };
    let names = names(read("LISTEN_FDNAMES"), count)?;
    let numbers: Vec<RawFd> = (FIRST..).take(count).collect();
    let descriptors = inherit::take(&numbers)?;
    let kinds = descriptors.iter().zip(&numbers).map(|(descriptor, number)| {
        listening::kind(descriptor)
            .map_err(|error| invalid(&format!("descriptor {number} is no listener: {error}")))
    });
    let kinds: io::Result<Vec<_>> = kinds.collect();
    match kinds {
        Ok(kinds) => {
            *taken = true;
            inherit::remove_variables(&VARIABLES);
            let given = names.into_iter().zip(kinds).zip(descriptors);
            Ok(given.map(|((name, kind), descriptor)| (name, kind, descriptor)).collect())
        }
        Err(error) => {
            inherit::put_back(descriptors);
            Err(error)
        }
    }
}

/// How many were passed to this process; `None` if that is said of none, or of another process.
fn count(pid: Option<String>, fds: Option<String>) -> io::Result<Option<usize>> {
    let (Some(pid), Some(fds)) = (pid, fds) else { return Ok(None) };
    let pid: u32 =
        pid.parse().map_err(|_| invalid(&format!("LISTEN_PID is no process number: {pid:?}")))?;
    if pid != process::id() {
        return Ok(None);
    }
    // More is a mistake.
    match fds.parse::<u16>() {
        Ok(count) => Ok(Some(count.into())),
        Err(_) => Err(invalid(&format!("LISTEN_FDS is no number of descriptors: {fds:?}"))),
    }
}

fn names(names: Option<String>, count: usize) -> io::Result<Vec<String>> {
    let Some(names) = names.filter(|_| count > 0) else {
        return Ok(vec!["unknown".to_owned(); count]);
    };
    let names: Vec<String> = names.split(':').map(str::to_owned).collect();
    if names.len() == count {
        return Ok(names);
    }
    let text = format!("LISTEN_FDNAMES has {} names for {count} descriptors", names.len());
    Err(invalid(&text))
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pid: &str, fds: &str) -> Result<Option<usize>, io::ErrorKind> {
        count(Some(pid.into()), Some(fds.into())).map_err(|error| error.kind())
    }

    #[test]
    fn variables_for_another_process_are_for_another_process() {
        let own = process::id().to_string();
        assert_eq!(counted(&own, "2"), Ok(Some(2)));
        assert_eq!(counted("1", "2"), Ok(None));
        assert_eq!(counted("1", "nonsense"), Ok(None));
        assert_eq!(count(None, Some("2".into())).unwrap(), None);
        assert_eq!(count(Some(own), None).unwrap(), None);
    }

    #[test]
    fn variables_that_are_no_numbers_are_errors() {
        let own = process::id().to_string();
        for fds in ["", "-1", "two", "70000", "99999999999999999999"] {
            assert_eq!(counted(&own, fds), Err(io::ErrorKind::InvalidData), "{fds:?}");
        }
        for pid in ["", "-1", "me"] {
            assert_eq!(counted(pid, "1"), Err(io::ErrorKind::InvalidData), "{pid:?}");
        }
    }

    #[test]
    fn each_descriptor_has_a_name() {
        assert_eq!(names(None, 2).unwrap(), ["unknown", "unknown"]);
        assert_eq!(names(Some("web:admin".into()), 2).unwrap(), ["web", "admin"]);
        assert_eq!(names(Some(":".into()), 2).unwrap(), ["", ""]);
        assert_eq!(names(Some("".into()), 0).unwrap(), [""; 0]);
        assert!(names(Some("web".into()), 2).is_err());
    }
}
