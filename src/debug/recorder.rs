//! Every slice of every greenlet, written down for a picture.
//!
//! The form is Chrome's trace events, a list of JSON objects: one of kind `X` for each slice, and one of
//! kind `M` for each name. Each hub is a process of the picture, and each greenlet a thread of that,
//! numbered by its serial and one more, as zero means something else there. The list need not be
//! closed, so what was written when a program ended at once can be looked at all the same.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::json::Text;
use crate::clock::Moment;
use crate::config;
use crate::hub::{core, report, threads};
use crate::raw::drop_quietly;
use crate::raw::fiber::{Command, Head, Step};
use crate::raw::trace::{self, Slice};

/// Writes down what runs when, as a picture that [Perfetto](https://ui.perfetto.dev) and Chrome's
/// `about:tracing` open.
///
/// Each greenlet has a row, with a bar from when it was run until it waited or yielded. [`record`]
/// begins that for one thread; several threads may record to one picture. Clones are the same recorder.
///
/// Events are kept until there are 16 KiB of them, and then written at once by the hub, in its loop: so
/// the writer must not wait as greenlets do, and what it takes holds up the hub. A
/// [`std::fs::File`] will do. In a forked child nothing is recorded. The first error ends the writing, and [`Recording::stop`] tells it.
///
/// [`record`]: Self::record
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use greenhub::debug::Recorder;
///
/// let path = std::env::temp_dir().join(format!("greenhub-doc-{}.json", std::process::id()));
/// let recorder = Recorder::new(std::fs::File::create(&path)?);
/// let recording = recorder.record()?;
/// greenhub::spawn(|| greenhub::sleep(Duration::from_millis(1))).wait();
/// recording.stop()?;
/// drop(recorder);
/// let text = std::fs::read_to_string(&path)?;
/// assert!(text.starts_with('[') && text.ends_with("]\n") && text.contains("greenlet 1"));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Recorder {
    output: Arc<Output>,
}

impl Recorder {
    /// A recorder that writes to `writer`, once something is recorded.
    pub fn new(writer: impl Write + Send + 'static) -> Recorder {
        let sink = Sink {
            writer: Some(Box::new(writer)),
            text: String::new(),
            is_begun: false,
            error: None,
        };
        Recorder { output: Arc::new(Output { sink: Mutex::new(sink), forks: threads::forks() }) }
    }

    /// Records this thread's greenlets until the answer is dropped, or stopped.
    ///
    /// The slice in which it is begun is recorded if it is main's.
    ///
    /// # Errors
    ///
    /// If the thread has no hub, and the kernel gives no descriptor for one.
    pub fn record(&self) -> io::Result<Recording> {
        core::make()?;
        let hub = core::with(|core| core.number().get());
        let rows =
            Rows { hub, output: Arc::clone(&self.output), text: String::new(), named: vec![] };
        let rows = Rc::new(RefCell::new(rows));
        rows.borrow_mut().begin();
        let sink = Rc::clone(&rows);
        let watcher = trace::watch(Rc::new(move |slice| sink.borrow_mut().add(slice)));
        Ok(Recording { watcher, rows, on_this_thread: PhantomData })
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// The recording of one thread, until this is dropped; made by [`Recorder::record`].
#[must_use = "the recording ends when this is dropped"]
pub struct Recording {
    watcher: u64,
    rows: Rc<RefCell<Rows>>,
    /// Others are recorded for themselves.
    on_this_thread: PhantomData<Rc<()>>,
}

impl Recording {
    /// Ends the recording of this thread, and writes what is left of it. The list is closed when the
    /// last [`Recorder`] is gone as well.
    ///
    /// # Errors
    ///
    /// The first error of the writer, once.
    pub fn stop(self) -> io::Result<()> {
        trace::unwatch(self.watcher);
        let output = {
            let mut rows = self.rows.borrow_mut();
            rows.pass_on();
            Arc::clone(&rows.output)
        };
        output.write_out(|writer| writer.flush());
        output.take_error().map_or(Ok(()), Err)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        trace::unwatch(self.watcher);
        self.rows.borrow_mut().pass_on();
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

/// What one thread has to write.
struct Rows {
    hub: u32,
    output: Arc<Output>,
    /// Events, with a comma and a line end between them, that were not passed on yet.
    text: String,
    /// Whose rows have names: their serials, by their numbers.
    named: Vec<Option<u64>>,
}

impl Rows {
    fn begin(&mut self) {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("without a name");
        let hub = self.hub;
        let name = format!("hub {hub}, thread '{thread}'");
        self.put(format_args!(
            r#"{{"ph":"M","name":"process_name","pid":{hub},"args":{{"name":{}}}}}"#,
            Text(&name)
        ));
    }

    fn add(&mut self, slice: &Slice<'_>) {
        let (head, hub) = (slice.head, self.hub);
        let (row, name) = (head.serial.get() + 1, report::name(head));
        let place = head.id.get() as usize;
        if self.named.len() <= place {
            self.named.resize(place + 1, None);
        }
        if self.named[place].replace(head.serial.get()) != Some(head.serial.get()) {
            self.name(row, head, &name);
        }
        let (from, length) = (slice.began.since(Moment::ZERO), slice.ended.since(slice.began));
        self.put(format_args!(
            r#"{{"ph":"X","pid":{hub},"tid":{row},"ts":{},"dur":{},"name":{},"args":{{"then":{}}}}}"#,
            micros(from),
            micros(length),
            Text(&name),
            Text(&then(slice))
        ));
        if self.text.len() >= config::RECORDED_BYTES {
            self.pass_on();
        }
    }

    fn name(&mut self, row: u64, head: &Head, name: &str) {
        let hub = self.hub;
        let name =
            if head.is_main() { name.to_owned() } else { format!("{name} ({})", head.made_at) };
        self.put(format_args!(
            r#"{{"ph":"M","name":"thread_name","pid":{hub},"tid":{row},"args":{{"name":{}}}}}"#,
            Text(&name)
        ));
    }

    fn put(&mut self, event: fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push_str(",\n");
        }
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(event);
    }

    fn pass_on(&mut self) {
        if !self.text.is_empty() {
            self.output.add(&self.text);
            self.text.clear();
        }
    }
}

/// Microseconds, to the nanosecond.
fn micros(duration: std::time::Duration) -> String {
    let nanos = duration.as_nanos();
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

/// What a fiber did at the end of its slice.
fn then(slice: &Slice<'_>) -> String {
    match slice.step {
        Step::Finished => "ended".into(),
        Step::Suspended(Command::Yield) => "yielded".into(),
        Step::Suspended(Command::Switch) => "switched".into(),
        Step::Suspended(Command::Park) => {
            format!("waited {}", report::what(slice.head))
        }
    }
}

/// Where the events of all threads go.
struct Output {
    sink: Mutex<Sink>,
    /// Which process it belongs to.
    forks: u32,
}

struct Sink {
    /// Away while someone writes: no lock is held then, as it is someone else's code.
    writer: Option<Box<dyn Write + Send>>,
    /// What is to be written next.
    text: String,
    /// There is an event already, so that a comma comes before the next.
    is_begun: bool,
    /// After the first, nothing is written any more.
    error: Option<io::Error>,
}

impl Output {
    /// `None` in a forked child: what its parent records is not its to write, and a thread that is not
    /// there may have held the lock.
    fn lock(&self) -> Option<MutexGuard<'_, Sink>> {
        // Nothing panics while it is held, so poison means nothing.
        let lock = || self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        (self.forks == threads::forks()).then(lock)
    }

    /// Has events written: at once, or by whoever is writing.
    fn add(&self, events: &str) {
        let Some(mut sink) = self.lock() else { return };
        if sink.error.is_some() {
            return;
        }
        let before = if mem::replace(&mut sink.is_begun, true) { ",\n" } else { "[\n" };
        sink.text.push_str(before);
        sink.text.push_str(events);
        drop(sink);
        self.write_out(|_| Ok(()));
    }

    /// Writes what is to be written, until that is nothing, and then does `more` with the writer. Does
    /// neither where someone else has the writer, who will write it.
    fn write_out(&self, more: impl Fn(&mut dyn Write) -> io::Result<()>) {
        let Some(mut writer) = self.lock().and_then(|mut sink| sink.writer.take()) else { return };
        loop {
            let Some(mut sink) = self.lock() else { return };
            let text = mem::take(&mut sink.text);
            let is_over = sink.error.is_some();
            drop(sink);
            let error = if is_over { None } else { attempt(&mut *writer, &text, &more) };
            let Some(mut sink) = self.lock() else { return };
            sink.error = sink.error.take().or(error);
            if sink.text.is_empty() || sink.error.is_some() {
                sink.writer = Some(writer);
                return;
            }
        }
    }

    /// The first error, once.
    fn take_error(&self) -> Option<io::Error> {
        let mut sink = self.lock()?;
        let error = sink.error.take()?;
        // No more is written, and nobody is told again what it was.
        sink.error = Some(io::Error::from(error.kind()));
        Some(error)
    }
}

/// The writer may be called by the loop: its panic is an error here.
fn attempt(
    writer: &mut dyn Write,
    text: &str,
    more: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Option<io::Error> {
    let act = AssertUnwindSafe(|| {
        writer.write_all(text.as_bytes())?;
        more(writer)
    });
    match panic::catch_unwind(act) {
        Ok(done) => done.err(),
        Err(payload) => {
            drop_quietly(payload);
            Some(io::Error::other("the writer of a recorder panicked"))
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let is_begun = self.lock().is_some_and(|sink| sink.is_begun);
        let end = if is_begun { "\n]\n" } else { "[]\n" };
        self.write_out(|writer| {
            writer.write_all(end.as_bytes())?;
            writer.flush()
        });
    }
}
