//! A dump for programs, and as much of JSON as that takes.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use super::data::{Dump, GreenletDump, HubDump, Seen, StackUse};
use super::timing::Slices;
use crate::hub::Stats;

/// Writes a text as JSON does: in quotes, with what must not stand there escaped.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Writes what there is, or `null`.
struct OrNull<T>(Option<T>);

impl<T: Display> Display for OrNull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}

fn text(text: &Option<String>) -> OrNull<Text<'_>> {
    OrNull(text.as_deref().map(Text))
}

fn write_text(text: &impl AsRef<str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    Text(text.as_ref()).fmt(f)
}

/// Seconds, as a number.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// A list, each item as the function writes it.
struct List<'a, T, W>(&'a [T], W);

impl<T, W> Display for List<'_, T, W>
where
    W: Fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (place, item) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_char(',')?;
            }
            self.1(item, f)?;
        }
        f.write_char(']')
    }
}

impl Dump {
    /// The dump as JSON: one object, whose field `hubs` has an object for each hub.
    ///
    /// Its fields are those of [`Dump`], [`HubDump`], [`Seen`] and [`GreenletDump`], with durations in
    /// seconds; a trace is a list of lines, or `null`.
    ///
    /// # Examples
    ///
    /// ```
    /// greenhub::yield_now();
    /// let json = greenhub::debug::dump().to_json();
    /// assert!(json.starts_with(r#"{"limit":0.1,"hubs":[{"number":"#), "{json}");
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        format!(r#"{{"limit":{},"hubs":{}}}"#, seconds(self.limit), List(&self.hubs, write_hub))
    }
}

fn write_hub(hub: &HubDump, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seen = hub.seen.as_ref().map(|seen| fmt::from_fn(|f| write_seen(f, seen)));
    let HubDump { number, thread, .. } = hub;
    write!(f, r#"{{"number":{number},"thread":{},"seen":{}}}"#, text(thread), OrNull(seen))
}

fn write_seen(f: &mut fmt::Formatter<'_>, seen: &Seen) -> fmt::Result {
    let slices = seen.slices.as_ref().map(|slices| fmt::from_fn(|f| write_slices(f, slices)));
    f.write_str(r#"{"stats":"#)?;
    write_stats(f, &seen.stats)?;
    let greenlets = List(&seen.greenlets, write_greenlet);
    write!(f, r#","slices":{},"greenlets":{greenlets}}}"#, OrNull(slices))
}

/// What there is in `stats`, by the names of its fields.
pub(crate) fn stats_by_name(stats: &Stats) -> [(&'static str, u64); 14] {
    [
        ("ready", stats.ready as u64),
        ("timers", stats.timers as u64),
        ("sources", stats.sources as u64),
        ("stacks_in_use", stats.stacks_in_use as u64),
        ("stacks_idle", stats.stacks_idle as u64),
        ("switches", stats.switches),
        ("waits", stats.waits),
        ("turns", stats.turns),
        ("polls", stats.polls),
        ("timers_set", stats.timers_set),
        ("alarms", stats.alarms),
        ("made", stats.made),
        ("ended", stats.ended),
        ("ignored_kills", stats.ignored_kills),
    ]
}

fn write_stats(f: &mut fmt::Formatter<'_>, stats: &Stats) -> fmt::Result {
    f.write_char('{')?;
    for (place, (name, value)) in stats_by_name(stats).into_iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        write!(f, r#"{comma}"{name}":{value}"#)?;
    }
    f.write_char('}')
}

fn write_slices(f: &mut fmt::Formatter<'_>, slices: &Slices) -> fmt::Result {
    let below: Vec<_> = slices.below().collect();
    let total = seconds(slices.total);
    let longest = slices.longest.as_ref().map(|it| {
        fmt::from_fn(move |f| {
            let (name, length) = (Text(&it.name), seconds(it.length));
            let place = text(&it.spawned_at);
            write!(f, r#"{{"name":{name},"spawned_at":{place},"length":{length}}}"#)
        })
    });
    let list = List(&below, |(limit, count): &(Duration, u64), f: &mut fmt::Formatter<'_>| {
        let limit = (*limit != Duration::MAX).then(|| seconds(*limit));
        write!(f, r#"{{"below":{},"count":{count}}}"#, OrNull(limit))
    });
    let (count, longest) = (slices.count, OrNull(longest));
    write!(f, r#"{{"count":{count},"total":{total},"longest":{longest},"lengths":{list}}}"#)
}

fn write_greenlet(it: &GreenletDump, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, r#"{{"id":{},"serial":{},"name":{}"#, it.id, it.serial, text(&it.name))?;
    write!(f, r#","kind":"{}","state":"{}""#, it.kind.as_str(), it.state.as_str())?;
    write!(f, r#","waits":{},"idle":{}"#, text(&it.waits), OrNull(it.idle.map(seconds)))?;
    write!(f, r#","spawned_at":{},"spawner":{}"#, text(&it.spawned_at), it.spawner)?;
    write!(f, r#","spawner_serial":{}"#, it.spawner_serial)?;
    let (background, kills) = (it.is_background, it.ignored_kills);
    write!(f, r#","is_background":{background},"ignored_kills":{kills}"#)?;
    let stack = it.stack.map(|stack| fmt::from_fn(move |f| write_stack(f, stack)));
    write!(f, r#","stack":{}"#, OrNull(stack))?;
    write!(f, r#","locals":{}"#, List(&it.locals, write_text))?;
    let trace = it.trace.as_ref().and_then(|trace| trace.as_ref().ok());
    let lines = trace.map(|trace| List(trace.lines(), write_text));
    write!(f, r#","trace":{}}}"#, OrNull(lines))
}

fn write_stack(f: &mut fmt::Formatter<'_>, stack: StackUse) -> fmt::Result {
    let (used, touched) = (OrNull(stack.used), OrNull(stack.touched));
    write!(f, r#"{{"size":{},"used":{used},"touched":{touched}}}"#, stack.size)
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn what_must_not_stand_in_a_text_is_escaped() {
        let hard = "a\"b\\c\n\t\r\u{1}\u{7f}é—\u{1f600}";
        let told = Text(hard).to_string();
        assert_eq!(told, "\"a\\\"b\\\\c\\n\\t\\u000d\\u0001\u{7f}é—\u{1f600}\"");
    }
}
