//! A dump for people.

use std::fmt::{self, Display, Formatter, Write};
use std::time::Duration;

use super::data::{Dump, GreenletDump, HubDump, Kind, Seen, StackUse, State};

/// Deeper than this a tree is not indented any more: a chain of spawns can be as long as there is memory.
const DEEPEST: usize = 32;

impl Display for Dump {
    /// Each hub, and below it its greenlets, each below the one that spawned it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.hubs.is_empty() {
            return f.write_str("no thread has a hub");
        }
        for (place, hub) in self.hubs.iter().enumerate() {
            if place > 0 {
                f.write_char('\n')?;
            }
            write_hub(f, hub, self.limit)?;
        }
        Ok(())
    }
}

fn write_hub(f: &mut Formatter<'_>, hub: &HubDump, limit: Duration) -> fmt::Result {
    write!(f, "hub {}", hub.number)?;
    if let Some(thread) = &hub.thread {
        write!(f, ", thread '{}'", thread.escape_debug())?;
    }
    match &hub.seen {
        None => write!(f, ": busy, did not answer within {limit:?}"),
        Some(seen) => write_seen(f, seen),
    }
}

fn write_seen(f: &mut Formatter<'_>, seen: &Seen) -> fmt::Result {
    let stats = &seen.stats;
    write!(
        f,
        ": {} greenlets, {} ready, {} timers, {} sources, {} switches, {} polls",
        seen.greenlets.len() - 1,
        stats.ready,
        stats.timers,
        stats.sources,
        stats.switches,
        stats.polls
    )?;
    if let Some(slices) = &seen.slices {
        write!(f, "\n  slices: {slices}")?;
    }
    for (depth, greenlet) in seen.tree() {
        let indent = 2 * (depth.min(DEEPEST) + 1);
        write!(f, "\n{:indent$}", "")?;
        if depth > DEEPEST {
            write!(f, "({depth} deep) ")?;
        }
        write_greenlet(f, greenlet, depth == 0)?;
        write_trace(f, greenlet, indent)?;
    }
    Ok(())
}

fn write_greenlet(f: &mut Formatter<'_>, greenlet: &GreenletDump, is_root: bool) -> fmt::Result {
    write_name(f, greenlet)?;
    match (greenlet.state, &greenlet.waits) {
        (State::Parked | State::Switched, Some(what)) => write!(f, " waits {what}")?,
        (State::Ready, Some(what)) => write!(f, " is ready, having waited {what}")?,
        (State::Ready, None) => f.write_str(" is ready")?,
        (State::Running, _) => f.write_str(" runs")?,
        (State::Unstarted, _) => f.write_str(" was not started")?,
        (State::Parked | State::Switched, None) => f.write_str(" waits")?,
    }
    if let Some(idle) = greenlet.idle {
        write!(f, " since {idle:.1?}")?;
    }
    if greenlet.is_background {
        f.write_str(", in the background")?;
    }
    if let Some(place) = &greenlet.spawned_at {
        write!(f, ", spawned at {place}")?;
        if is_root {
            write!(f, " by greenlet {}, which has ended", greenlet.spawner)?;
        }
    }
    if let Some(stack) = greenlet.stack {
        write_stack(f, stack)?;
    }
    if greenlet.ignored_kills > 0 {
        write!(f, ", has ignored {} kills", greenlet.ignored_kills)?;
    }
    if !greenlet.locals.is_empty() {
        write!(f, ", has values of {}", greenlet.locals.join(", "))?;
    }
    Ok(())
}

fn write_name(f: &mut Formatter<'_>, greenlet: &GreenletDump) -> fmt::Result {
    if greenlet.kind == Kind::Main {
        return f.write_str("main");
    }
    let kind = if greenlet.kind == Kind::Raw { "raw greenlet" } else { "greenlet" };
    write!(f, "{kind} {}", greenlet.id)?;
    match &greenlet.name {
        Some(name) => write!(f, " '{}'", name.escape_debug()),
        None => Ok(()),
    }
}

fn write_stack(f: &mut Formatter<'_>, stack: StackUse) -> fmt::Result {
    write!(f, ", stack of {} KiB", stack.size / 1024)?;
    if let Some(used) = stack.used {
        write!(f, ", {:.1} used", used as f64 / 1024.0)?;
    }
    match stack.touched {
        Some(touched) => write!(f, ", {} touched", touched / 1024),
        None => Ok(()),
    }
}

fn write_trace(f: &mut Formatter<'_>, greenlet: &GreenletDump, indent: usize) -> fmt::Result {
    match &greenlet.trace {
        None => Ok(()),
        Some(Err(reason)) => write!(f, "\n{:indent$}    no trace: {reason}", ""),
        Some(Ok(trace)) => {
            let mut lines = trace.lines().iter();
            lines.try_for_each(|line| write!(f, "\n{:indent$}    {line}", ""))
        }
    }
}
