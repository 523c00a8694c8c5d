//! What these tests share.

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/bounded.rs"]
mod bounded;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use greenhub::backdoor::{Backdoor, BackdoorServer, UnixDoor};
use greenhub::monkey::os::unix::net::UnixStream;
use greenhub::{Hub, sleep};

pub(crate) use self::alone::alone;
pub(crate) use self::bounded::bounded;

/// Longer than any test may take.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// What an answer ends with.
const PROMPT: &str = "> ";

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Waits until `is_so`; what never is fails by the test's bound.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(millis(1));
    }
}

/// A folder that no other test has, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("greenhub-backdoor-{}-{number}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir(&folder.0).unwrap();
        folder
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // An error says that a test has removed it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An open backdoor on a Unix socket.
pub(crate) struct Door {
    pub(crate) server: BackdoorServer<UnixDoor>,
    folder: Folder,
}

impl Door {
    pub(crate) fn open(backdoor: Backdoor) -> Door {
        let folder = Folder::new();
        Door { server: backdoor.open_unix(folder.socket()).unwrap(), folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.socket()
    }

    /// A client that has been greeted.
    #[track_caller]
    pub(crate) fn client(&self) -> Client<UnixStream> {
        let mut client = Client(UnixStream::connect(self.path()).unwrap());
        assert!(client.answer().contains("try 'help'"));
        client
    }
}

/// A client on any kind of socket.
pub(crate) struct Client<S>(pub(crate) S);

impl<S: Read + Write> Client<S> {
    /// Sends a line and returns the answer to it.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\n").as_bytes());
        self.answer()
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// What comes up to the next prompt, without that.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> String {
        let mut text = String::new();
        while text != PROMPT && !text.ends_with("\n> ") {
            let mut buffer = [0; 4096];
            let length = self.0.read(&mut buffer).unwrap();
            assert!(length > 0, "the connection is closed after {text:?}");
            text += std::str::from_utf8(&buffer[..length]).expect("answers are ASCII");
        }
        text.truncate(text.len() - PROMPT.len());
        text
    }

    /// What comes until the end.
    pub(crate) fn rest(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.0.read_to_string(&mut text).map(|_| text)
    }
}

/// A thread with a hub, which `body` is run on, and then waits until this is ended.
pub(crate) struct OtherHub {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl OtherHub {
    pub(crate) fn start(name: &str, body: impl FnOnce() + Send + 'static) -> OtherHub {
        let (stop, stopped) = mpsc::channel();
        let (begun, begins) = mpsc::channel();
        let run = move || {
            let _hub = Hub::current();
            body();
            begun.send(()).unwrap();
            until(|| stopped.try_recv().is_ok());
            Hub::current().end(millis(1000)).unwrap();
        };
        let thread = Builder::new().name(name.into()).spawn(run).unwrap();
        begins.recv().unwrap();
        OtherHub { stop, thread }
    }

    pub(crate) fn end(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}
