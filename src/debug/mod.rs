//! Seeing what goes on: who there is, what each waits for, where each stands, and how long each runs.
//!
//! | to see | use |
//! | --- | --- |
//! | all greenlets of all hubs, as a tree by who spawned whom | [`dump`], [`Survey`] |
//! | the same at any time, from outside | [`dump_on`] a signal |
//! | where one greenlet waits | [`trace_of`] |
//! | counts of what a hub has done | [`Hub::stats`](crate::Hub::stats) |
//! | how long greenlets run without letting others | [`set_timing`], [`slices`] |
//! | every slice of every greenlet, as a picture | [`Recorder`] |
//! | whether a block lets others run | [`assert_switches`] |
//! | each switch, as it happens | [`set_trace`](crate::set_trace) |
//! | events of `tracing`, each in the span of its greenlet | the feature `tracing`, and its `spans::Switching` |
//! | all this from outside, on a socket | `backdoor::Backdoor` |
//!
//! Nothing here costs a switch anything until it is used. Mirrors what `gevent.util` has for this.

mod asking;
mod asserting;
mod data;
mod json;
mod recorder;
mod seeing;
mod text;
mod timing;
mod traces;
mod unasked;

pub use self::asking::{Survey, dump};
pub use self::asserting::{AssertSwitches, assert_switches};
pub use self::data::{Dump, GreenletDump, HubDump, Kind, Seen, StackUse, State};
pub(crate) use self::json::stats_by_name;
pub use self::recorder::{Recorder, Recording};
pub(crate) use self::seeing::part;
pub use self::timing::{Longest, Slices, is_timing, set_timing, slices};
pub use self::traces::{NoTrace, StackTrace, trace_of};
pub use self::unasked::{DumpGuard, dump_on};
