//! The defaults.

use std::time::Duration;

use super::status::Event;

pub(super) type Hook = Box<dyn Fn(&Event)>;

pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) grace: Duration,
    pub(super) start_limit: Duration,
    pub(super) on_event: Option<Hook>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            // As gunicorn's.
            grace: Duration::from_secs(30),
            start_limit: Duration::from_secs(30),
            on_event: None,
        }
    }
}
