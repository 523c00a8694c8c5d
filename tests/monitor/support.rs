//! What the tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use greenhub::monitor::{Event, Monitor, Monitoring, Stall};

pub(crate) use self::alone::alone;
use self::bounded::bounded;

const MARK: &str = "GREENHUB_TEST_ENVIRONMENT";

/// Runs a test alone in a process of its own with these variables, in which it must succeed; returns
/// what it said on standard error, and `None` in that process.
#[track_caller]
pub(crate) fn with_variables(
    test: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce() + Send + 'static,
) -> Option<String> {
    if std::env::var_os(MARK).is_some() {
        bounded(body);
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--test-threads=1", "--nocapture"]).env(MARK, "1");
    command.env_remove("GREENHUB_MONITOR").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8_lossy(&output.stdout);
    let succeeded = output.status.success() && text.contains("1 passed");
    assert!(succeeded, "{}: {text}{said}", output.status);
    Some(said)
}

pub(crate) const LIMIT: Duration = Duration::from_millis(100);

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a monitor has told. It can be given to whoever is to block.
#[derive(Clone)]
pub(crate) struct Told(Arc<Mutex<Receiver<Event>>>);

/// Starts it, with a hook that keeps what it is told.
pub(crate) fn start(monitor: Monitor) -> (Monitoring, Told) {
    let (tell, told) = mpsc::channel();
    let hook = move |event: &Event| {
        let _ = tell.send(event.clone());
    };
    (monitor.on_event(hook).start().unwrap(), Told(Arc::new(Mutex::new(told))))
}

impl Told {
    /// Blocks this OS thread until something is told.
    #[track_caller]
    pub(crate) fn block_until_next(&self) -> Event {
        let next = self.0.lock().unwrap().recv_timeout(Duration::from_secs(30));
        next.expect("it is told of within half a minute")
    }

    /// As `block_until_next`, for the next that is blocked.
    #[track_caller]
    pub(crate) fn block_until_told(&self) -> Stall {
        match self.block_until_next() {
            Event::Blocked(stall) => stall,
            other => panic!("{other}"),
        }
    }

    #[track_caller]
    pub(crate) fn is_silent(&self) {
        if let Ok(event) = self.0.lock().unwrap().try_recv() {
            panic!("{event}");
        }
    }
}

/// Computes for so long, without letting others run.
pub(crate) fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Computes until it has had a processor for so long, without letting others run.
pub(crate) fn compute(time: Duration) {
    let ran = || {
        let ran = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(ran.tv_sec.unsigned_abs(), u32::try_from(ran.tv_nsec).unwrap())
    };
    let began = ran();
    while ran() - began < time {
        std::hint::spin_loop();
    }
}
