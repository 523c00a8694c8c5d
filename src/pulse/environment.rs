//! A monitor that the environment asks for.
//!
//! | variable | what it says |
//! | --- | --- |
//! | `GREENHUB_MONITOR` | `1`: there is one, which writes to standard error; `0`: there is none; nothing: there is one in debug builds |
//! | `GREENHUB_MAX_BLOCKING` | its limit in seconds, instead of `0.1` |
//! | `GREENHUB_MONITOR_ENDS` | `1`: it tells also when a hub goes on |

use std::io::{self, Write};
use std::sync::Once;
use std::time::Duration;

use super::watching;
use crate::config;

static READ: Once = Once::new();

/// Starts a monitor, if the environment asks for one. It is read once in a process.
pub(crate) fn begin() {
    READ.call_once(|| {
        if let Err(reason) = start() {
            let _ = writeln!(io::stderr(), "greenhub: there is no monitor: {reason}");
        }
    });
}

fn start() -> Result<(), String> {
    if !is_on("GREENHUB_MONITOR", cfg!(debug_assertions))? {
        return Ok(());
    }
    let limit = match value("GREENHUB_MAX_BLOCKING")? {
        Some(text) => seconds(&text).ok_or_else(|| {
            format!("GREENHUB_MAX_BLOCKING is {text:?}, which is no number of seconds")
        })?,
        None => config::BLOCKING,
    };
    let tells_ends = is_on("GREENHUB_MONITOR_ENDS", false)?;
    let started = watching::start(limit, tells_ends, watching::write_down());
    started.map(drop).map_err(|error| error.to_string())
}

fn is_on(name: &str, by_itself: bool) -> Result<bool, String> {
    match value(name)?.as_deref() {
        None => Ok(by_itself),
        Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(format!("{name} is {other:?}, and neither 0 nor 1")),
    }
}

/// `None` if it is not set, or empty.
fn value(name: &str) -> Result<Option<String>, String> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let text = value.into_string().map_err(|value| format!("{name} is {value:?}"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn seconds(text: &str) -> Option<Duration> {
    let limit = Duration::try_from_secs_f64(text.parse().ok()?).ok()?;
    (!limit.is_zero()).then_some(limit)
}
