//! Every default in one place.
//!
//! What a program may change, it changes where the thing is made (`Builder::stack_size`,
//! `Hub::set_stack_size`); these are the values until then.

use std::time::Duration;

/// Bytes a greenlet's code may use of its stack, unless its builder or its hub says otherwise.
pub(crate) const STACK_BYTES: usize = 256 * 1024;

/// The smallest stack a greenlet can be given; smaller wishes are rounded up to it.
pub(crate) const MIN_STACK_BYTES: usize = 16 * 1024;

/// Bytes below each stack that fault when they are touched.
///
/// Rust code touches every page of its frames, so one page would stop it. C code does
/// not: four pages stop a frame of up to 16 KiB as well, and cost no more than one.
pub(crate) const GUARD_BYTES: usize = 16 * 1024;

/// Idle stacks that keep their pages. Above twice this many, the coldest give theirs back.
pub(crate) const IDLE_STACKS: usize = 16 * 1024;

/// Switches after which the hub looks at its inbox, its timers and its sockets,
/// however many greenlets are still ready.
pub(crate) const SWITCHES_PER_TURN: u64 = 64;

/// Operations a greenlet may do without once having to wait, before it yields.
pub(crate) const OPERATIONS_PER_SLICE: u32 = 64;

/// Readiness events taken from the kernel in one call.
pub(crate) const EVENTS_PER_POLL: usize = 1024;

/// OS threads that do what cannot be waited for otherwise: files.
pub(crate) const FILE_THREADS: usize = 16;

/// OS threads that resolve names. Apart from the file threads: a resolver may hang for long.
pub(crate) const RESOLVER_THREADS: usize = 8;

/// How long a pool's thread waits for work before it ends.
pub(crate) const IDLE_POOL_THREAD: Duration = Duration::from_secs(5);

/// How long a hub sleeps for another thread's sake before it looks, once, whether that still lives.
pub(crate) const SECOND_LOOK: Duration = Duration::from_millis(100);

/// How long the greenlets that a cluster kills at its end have to end.
pub(crate) const KILL_GRACE: Duration = Duration::from_millis(500);

/// How long the end of a cluster waits for its threads when all should have ended.
pub(crate) const THREAD_GRACE: Duration = Duration::from_secs(1);

/// How often a hub of a cluster that is to end looks whether it is to end sooner.
pub(crate) const CLOSING_LOOK: Duration = Duration::from_millis(50);

/// Bytes of its stack that a greenlet must have left to write down where it stands.
pub(crate) const ROOM_FOR_TRACE: usize = 12 * 1024;

/// How long the hubs of other threads have to answer when all are asked what they do.
pub(crate) const SURVEY: Duration = Duration::from_millis(100);

/// Bytes of events that a recorder keeps before it writes them.
pub(crate) const RECORDED_BYTES: usize = 16 * 1024;

/// Switches at one moment of a virtual clock after which that moves on, although someone is ready: who
/// yields until a deadline has passed would never see it pass.
pub(crate) const SWITCHES_AT_ONE_MOMENT: u64 = 100_000;

/// Switches at one moment of a virtual clock that cannot move on, until somebody is said to yield for
/// ever, unless the simulation says otherwise.
pub(crate) const SWITCHES_IN_VAIN: u64 = 10_000_000;

/// In a simulation that disturbs its greenlets: the most operations that one does without letting others
/// run.
pub(crate) const DISTURBED_OPERATIONS: u32 = 8;

/// How many of those who are ready a seed chooses before it is the turn of who has waited longest.
pub(crate) const CHOICES_PER_TURN: u64 = 8;

/// How long, on its virtual clock, the greenlets that a simulation leaves have to end.
pub(crate) const SIMULATION_GRACE: Duration = Duration::from_secs(10);

/// How long one greenlet may keep a hub to itself before a monitor tells of it.
pub(crate) const BLOCKING: Duration = Duration::from_millis(100);

/// The shortest such time: a monitor looks at the hubs twice in it.
pub(crate) const MIN_BLOCKING: Duration = Duration::from_millis(10);

/// Greenlets that a report lists before it only counts.
pub(crate) const REPORTED: usize = 20;
