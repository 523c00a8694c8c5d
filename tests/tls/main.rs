//! TLS. The certificates are made when the tests run.

mod certificates;
mod ending;
mod files;
mod refusing;
mod strangers;
mod support;
mod talking;
