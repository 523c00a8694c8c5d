//! Spans of tracing, which switch with greenlets.

mod ending;
mod support;
mod switching;
