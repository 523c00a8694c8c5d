//! What these tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::any::Any;
use std::cell::RefCell;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use greenhub::debug::{Dump, GreenletDump, Survey};

pub(crate) use self::alone::{alone, child};
pub(crate) use self::bounded::bounded;

/// Longer than any test may take.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What this thread's hub tells of itself.
pub(crate) fn here() -> Dump {
    Survey::new().only_here(true).take()
}

/// What this thread's hub tells of one greenlet.
#[track_caller]
pub(crate) fn seen(id: u32) -> GreenletDump {
    let mut dump = here();
    let seen = dump.hubs.remove(0).seen.expect("it answers for itself");
    seen.greenlets.into_iter().find(|greenlet| greenlet.id == id).expect("it has not ended")
}

/// What `body` panics with.
#[track_caller]
pub(crate) fn panic_of<R>(body: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    }
}

/// The text of a panic's payload.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// A list that many hold and write to.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    /// What was noted since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// What python answers to a program that reads `input` as JSON into `data` first; `None` where there
/// is no python.
#[track_caller]
pub(crate) fn python(input: &str, program: &str) -> Option<String> {
    let program = format!("import json, sys\ndata = json.load(sys.stdin)\n{program}");
    let mut command = Command::new("python3");
    command.args(["-c", &program]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut python) = command.spawn() else {
        eprintln!("skipped: there is no python3");
        return None;
    };
    python.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "python cannot read it: {input}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}
