//! What a worker process is told by its parent: which one it is, and what it has inherited.
//!
//! It is one variable of the environment. It names the parent, so a process that a worker starts,
//! and that sees the variable nevertheless, knows that it is not meant.

use std::env;
use std::fmt;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, getppid};

use super::inherit;
use super::listening::{self, Kind};

pub(super) const VARIABLE: &str = "GREENHUB_PREFORK";

/// What the variable says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) parent: i32,
    pub(super) index: usize,
    pub(super) generation: u64,
    pub(super) grace: Duration,
    pub(super) control: RawFd,
    pub(super) listeners: Vec<RawFd>,
}

/// The place of this process among the workers of its parent.
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) generation: u64,
    pub(super) grace: Duration,
    /// Open at the other end for as long as the parent lives.
    pub(super) control: UnixStream,
    /// The parent was told.
    pub(super) is_ready: AtomicBool,
    listeners: Mutex<Vec<(Kind, OwnedFd)>>,
}

/// The place of this process; `None` if it is no worker.
///
/// # Errors
///
/// If it is one, and what it should have inherited is not there.
pub(super) fn place() -> io::Result<Option<&'static Place>> {
    static PLACE: OnceLock<Result<Option<Place>, (io::ErrorKind, String)>> = OnceLock::new();
    let found = PLACE.get_or_init(|| find().map_err(|error| (error.kind(), error.to_string())));
    match found {
        Ok(place) => Ok(place.as_ref()),
        Err((kind, text)) => Err(io::Error::new(*kind, text.clone())),
    }
}

fn find() -> io::Result<Option<Place>> {
    let Some(value) = env::var_os(VARIABLE) else { return Ok(None) };
    let value = value.to_string_lossy();
    let assignment: Assignment = value.parse().map_err(|NotAnAssignment| {
        let text = format!("{VARIABLE} is not what a parent sets: {value:?}");
        io::Error::new(io::ErrorKind::InvalidData, text)
    })?;
    if getppid().map(Pid::as_raw_pid) != Some(assignment.parent) {
        if inherit::is_inherited(assignment.control) {
            return Err(io::Error::other("the parent of this worker has ended"));
        }
        // It was started by a worker, or later still.
        return Ok(None);
    }
    let place = Place::take(&assignment)?;
    inherit::remove_variables(&[VARIABLE]);
    Ok(Some(place))
}

impl Place {
    fn take(assignment: &Assignment) -> io::Result<Place> {
        let mut numbers = assignment.listeners.clone();
        numbers.push(assignment.control);
        let mut descriptors = inherit::take(&numbers)?;
        let control = descriptors.pop().expect("it was pushed last");
        let with_kind = |descriptor| Ok((listening::kind(&descriptor)?, descriptor));
        let listeners: io::Result<Vec<_>> = descriptors.into_iter().map(with_kind).collect();
        Ok(Place {
            index: assignment.index,
            generation: assignment.generation,
            grace: assignment.grace,
            control: UnixStream::from(control),
            is_ready: AtomicBool::new(false),
            listeners: Mutex::new(listeners?),
        })
    }

    /// Does something with the listeners that nobody has taken.
    pub(super) fn with_listeners<R>(&self, f: impl FnOnce(&mut Vec<(Kind, OwnedFd)>) -> R) -> R {
        f(&mut self.listeners.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Assignment { parent, index, generation, grace, control, listeners } = self;
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        write!(f, "{parent}:{index}:{generation}:{grace}:{control}")?;
        listeners.iter().try_for_each(|listener| write!(f, ":{listener}"))
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnAssignment;

impl FromStr for Assignment {
    type Err = NotAnAssignment;

    fn from_str(text: &str) -> Result<Assignment, NotAnAssignment> {
        fn next<'a, T: FromStr>(
            fields: &mut impl Iterator<Item = &'a str>,
        ) -> Result<T, NotAnAssignment> {
            fields.next().and_then(|field| field.parse().ok()).ok_or(NotAnAssignment)
        }
        let mut fields = text.split(':');
        Ok(Assignment {
            parent: next(&mut fields)?,
            index: next(&mut fields)?,
            generation: next(&mut fields)?,
            grace: Duration::from_millis(next(&mut fields)?),
            control: next(&mut fields)?,
            listeners: fields
                .map(|field| field.parse().map_err(|_| NotAnAssignment))
                .collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut assignment = Assignment {
            parent: 17,
            index: 2,
            generation: 3,
            grace: Duration::from_millis(1500),
            control: 9,
            listeners: vec![3, 4],
        };
        assert_eq!(assignment.to_string(), "17:2:3:1500:9:3:4");
        assert_eq!(assignment.to_string().parse(), Ok(assignment));
        assignment = Assignment {
            parent: 1,
            index: 0,
            generation: 0,
            grace: Duration::ZERO,
            control: 3,
            listeners: vec![],
        };
        assert_eq!(assignment.to_string().parse(), Ok(assignment));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "1", "17:2:3:1500", "17:2:3:1500:x", "17:2:3:1500:9:", "a:2:3:4:5"] {
            assert_eq!(text.parse::<Assignment>(), Err(NotAnAssignment), "{text:?}");
        }
    }
}
