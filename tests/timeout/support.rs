//! What the tests share: a bound on their time, and ways to spend some.

#[path = "../support/bounded.rs"]
mod bounded;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::monkey::net::{TcpListener, TcpStream};

pub(crate) use self::bounded::bounded;

/// As [`bounded`], once in main and once in a greenlet.
pub(crate) fn in_main_and_in_a_greenlet(body: fn()) {
    bounded(body);
    bounded(move || greenhub::spawn(body).join().unwrap());
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn sleep_for_ever() {
    greenhub::sleep(Duration::from_secs(3600));
}

pub(crate) fn timed(body: impl FnOnce()) -> Duration {
    let start = Instant::now();
    body();
    start.elapsed()
}

/// Computes for `span`, without letting anyone else run.
pub(crate) fn compute(span: Duration) {
    let start = Instant::now();
    while start.elapsed() < span {
        std::hint::spin_loop();
    }
}

/// Both ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// What has happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Notes `what` when the answer is dropped.
    pub(crate) fn on_drop(&self, what: &'static str) -> OnDrop<impl FnMut()> {
        let log = self.clone();
        OnDrop(move || log.note(what))
    }
}

/// Calls a closure when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
