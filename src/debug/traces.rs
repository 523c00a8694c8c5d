//! Where a greenlet stands.
//!
//! A greenlet that waits is woken to write that down and waits on; see `hub/traceback.rs`. What std's
//! backtrace then has begins and ends with the machinery for that, which is cut off by the names of
//! its functions, or by their files where names have no paths, as with line tables alone. In a program
//! without symbols all is left.

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::OnceLock;

use self::Mark::{File, Name};
use crate::config;
use crate::greenlet::AnyGreenlet;
use crate::hub::traceback;
use crate::raw::thread;

/// Tells where a greenlet of this thread stands.
///
/// One that waits is run for a moment, to write it down: its wait, the wait's deadline and its place in
/// a line stay as they are, and no other greenlet runs. The names of the functions are looked up when
/// the trace is displayed, not now. Mirrors greenlet's `gr_frame`.
///
/// # Errors
///
/// [`NoTrace`] where there is none: of a greenlet that has not begun, has ended, has yielded or is in a
/// raw switch; and of one with too little room.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[inline(never)]
/// fn doze() {
///     greenhub::sleep(Duration::MAX);
///     std::hint::black_box(());
/// }
///
/// let sleeper = greenhub::spawn(doze);
/// greenhub::yield_now();
/// let trace = greenhub::debug::trace_of(&sleeper.any())?;
/// assert!(trace.to_string().contains("doze"), "{trace}");
/// # Ok::<(), greenhub::debug::NoTrace>(())
/// ```
pub fn trace_of(greenlet: &AnyGreenlet) -> Result<StackTrace, NoTrace> {
    let head = &greenlet.fiber().head;
    let part = if head.is_main() { Part::Main } else { Part::Greenlet };
    if thread::is_current(head) || head.is_main() {
        return Ok(StackTrace::here(part));
    }
    if head.is_finished() {
        return Err(NoTrace::Ended);
    }
    if head.is_unstarted() {
        return Err(NoTrace::NotBegun);
    }
    match traceback::of(greenlet.fiber()) {
        Ok(trace) => Ok(StackTrace::new(trace, part)),
        Err(traceback::NoTrace::NotParked) => Err(NoTrace::NotParked),
        Err(traceback::NoTrace::NoRoom) => Err(NoTrace::NoRoom),
    }
}

/// Why there is no trace of a greenlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoTrace {
    /// It has not begun.
    NotBegun,
    /// It has ended.
    Ended,
    /// It does not wait in the hub: it has yielded, or is in a raw switch.
    NotParked,
    /// It has too little left of its stack to write it down there: less than 12 KiB.
    NoRoom,
}

impl fmt::Display for NoTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoTrace::NotBegun => f.write_str("it has not begun"),
            NoTrace::Ended => f.write_str("it has ended"),
            NoTrace::NotParked => f.write_str("it does not wait in the hub"),
            NoTrace::NoRoom => {
                write!(f, "less than {} KiB of its stack are left", config::ROOM_FOR_TRACE / 1024)
            }
        }
    }
}

impl std::error::Error for NoTrace {}

/// Where a greenlet stood when it was asked: the innermost call first.
///
/// It can be sent to another thread, to be displayed there.
pub struct StackTrace {
    whole: Backtrace,
    part: Part,
    lines: OnceLock<Vec<String>>,
}

/// Which part of a backtrace is the greenlet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What stands on its own stack.
    Greenlet,
    /// What stands on the thread's stack, below all else.
    Main,
}

impl StackTrace {
    #[inline(never)]
    fn here(part: Part) -> StackTrace {
        StackTrace::new(Backtrace::force_capture(), part)
    }

    fn new(whole: Backtrace, part: Part) -> StackTrace {
        StackTrace { whole, part, lines: OnceLock::new() }
    }

    /// A line for each call: its function, and file and line where they are known.
    ///
    /// The first time, this looks up the names, which can take a second.
    pub fn lines(&self) -> &[String] {
        self.lines.get_or_init(|| {
            let frames = frames(&self.whole.to_string());
            match self.part {
                Part::Greenlet => of_greenlet(&frames),
                Part::Main => of_main(&frames),
            }
            .iter()
            .map(Frame::line)
            .collect()
        })
    }
}

impl fmt::Display for StackTrace {
    /// A line for each call, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl fmt::Debug for StackTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Frame {
    function: String,
    place: Option<String>,
}

impl Frame {
    fn line(&self) -> String {
        match &self.place {
            Some(place) => format!("{} at {place}", self.function),
            None => self.function.clone(),
        }
    }

    fn is_of(&self, marks: &[Mark]) -> bool {
        marks.iter().any(|mark| match mark {
            Mark::Name(name) => self.function.contains(name),
            Mark::File(file) => self.place.as_ref().is_some_and(|place| {
                let after = place.split_once(root()).and_then(|(_, rest)| rest.split_once(file));
                after.is_some_and(|(_, line)| line.starts_with(':'))
            }),
        })
    }
}

/// What std displays: `  0: function`, and under it perhaps `at file:line:column`.
fn frames(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim) {
        let numbered = line.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok());
        match (numbered, line.strip_prefix("at "), frames.last_mut()) {
            (Some((_, function)), _, _) => {
                frames.push(Frame { function: function.to_owned(), place: None });
            }
            (None, Some(place), Some(frame)) => frame.place = Some(place.to_owned()),
            _ => {}
        }
    }
    frames
}

/// What a function of ours is known by.
enum Mark {
    /// A part of its path.
    Name(&'static str),
    /// The file that it is in, below greenhub's root.
    File(&'static str),
}

/// What has the trace taken, or has parked, on the stack of the one that it is of.
const TAKEN_BY: &[Mark] = &[
    Name("hub::waiter::"),
    File("src/hub/waiter.rs"),
    Name("hub::traceback::"),
    File("src/hub/traceback.rs"),
    Name("debug::traces::trace_of"),
    File("src/debug/traces.rs"),
    Name("Survey::take"),
    File("src/debug/asking.rs"),
];
/// Where the stack of a greenlet begins.
const BASE: &[Mark] = &[Name("coroutine_func")];
/// What runs a greenlet's body, and lies between that and the base.
const RUNNER: &[Mark] = &[Name("packet::run_body"), File("src/greenlet/packet.rs")];
/// What calls a closure and catches its panics.
const CALLS: &[Mark] = &[
    Name("std::panic::catch_unwind"),
    Name("std::panicking::"),
    Name("panic::unwind_safe::AssertUnwindSafe"),
    Name("__rust_try"),
    Name("core::ops::function::FnOnce"),
];
/// Where main leaves its own code for the loop.
const AWAY: &[Mark] = &[Name("suspend_main")];
/// Where std calls a thread's function.
const THREAD: &[Mark] = &[Name("__rust_begin_short_backtrace")];

/// The folder that greenhub was built in, as files are named by the compiler: it may be empty.
fn root() -> &'static str {
    file!().strip_suffix("src/debug/traces.rs").unwrap_or("")
}

fn of_greenlet(frames: &[Frame]) -> Vec<Frame> {
    without_calls(without_taking(before(before(frames, BASE), RUNNER))).to_vec()
}

fn of_main(frames: &[Frame]) -> Vec<Frame> {
    // If it is away, who asks stands on top of it, perhaps on another stack, and the loop between.
    let away = frames.iter().rposition(|frame| frame.is_of(AWAY));
    let own = &frames[away.unwrap_or(0)..];
    without_calls(without_taking(before(own, THREAD))).to_vec()
}

/// What stands above the first that has one of `marks`.
fn before<'a>(frames: &'a [Frame], marks: &[Mark]) -> &'a [Frame] {
    let end = frames.iter().position(|frame| frame.is_of(marks));
    &frames[..end.unwrap_or(frames.len())]
}

fn without_taking(frames: &[Frame]) -> &[Frame] {
    let taken = frames.iter().rposition(|frame| frame.is_of(TAKEN_BY));
    &frames[taken.map_or(0, |taken| taken + 1)..]
}

fn without_calls(mut frames: &[Frame]) -> &[Frame] {
    while let [others @ .., last] = frames
        && last.is_of(CALLS)
    {
        frames = others;
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(frames: &[Frame]) -> Vec<&str> {
        frames.iter().map(|frame| &*frame.function).collect()
    }

    #[test]
    fn the_frames_of_stds_text_are_found_with_their_places() {
        let text = "   0: a::b\n             at ./src/a.rs:1:2\n  10: <c as d>::e\n  11: main\n";
        let found = frames(text);
        assert_eq!(functions(&found), ["a::b", "<c as d>::e", "main"]);
        assert_eq!(found[0].line(), "a::b at ./src/a.rs:1:2");
        assert_eq!(found[1].line(), "<c as d>::e");
    }

    #[test]
    fn a_text_without_frames_has_none() {
        assert!(frames("disabled backtrace").is_empty() && frames("").is_empty());
    }

    #[test]
    fn what_is_not_the_greenlets_is_cut_off() {
        let names = "greenhub::hub::traceback::run_errand,greenhub::hub::waiter::park,user::doze,\
                     core::ops::function::FnOnce::call_once,std::panicking::catch_unwind,\
                     greenhub::greenlet::packet::run_body,corosensei::x::coroutine_func,asker";
        let all: Vec<Frame> =
            names.split(',').map(|name| Frame { function: name.into(), place: None }).collect();
        assert_eq!(functions(&of_greenlet(&all)), ["user::doze"]);
    }

    #[test]
    fn with_line_tables_alone_the_files_tell_what_is_not_the_greenlets() {
        let text = "0: run_errand\n at ./src/hub/traceback.rs:70:1\n 1: park<x>\n at \
                    ./src/hub/waiter.rs:9:8\n 2: doze\n at ./src/hub/waiter.rs.rs:1:1\n 3: \
                    {closure#0}<x>\n at ./src/greenlet/packet.rs:196:9\n 4: coroutine_func<y>";
        assert_eq!(functions(&of_greenlet(&frames(&text.replace("./", root())))), ["doze"]);
    }

    #[test]
    fn without_symbols_all_is_left() {
        let all = vec![Frame { function: "<unknown>".into(), place: None }; 3];
        assert_eq!(of_greenlet(&all).len(), 3);
        assert_eq!(of_main(&all).len(), 3);
    }

    #[test]
    fn mains_part_begins_where_it_left_for_the_loop() {
        let names = "user::asker,coroutine_func,Core::run,raw::thread::suspend_main,\
                     greenhub::hub::waiter::park,user,\
                     core::ops::function::FnOnce::call_once,__rust_begin_short_backtrace,start";
        let all: Vec<Frame> =
            names.split(',').map(|name| Frame { function: name.into(), place: None }).collect();
        assert_eq!(functions(&of_main(&all)), ["user"]);
    }
}
