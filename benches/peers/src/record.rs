//! The record: what was measured once, in files that lie beside the sources.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::table::{Table, parse};

fn path(name: &str) -> PathBuf {
    folder().join(name).with_extension("txt")
}

/// Where records and plots lie.
pub(crate) fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/record"))
}

/// Records a text.
pub(crate) fn write(name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder())?;
    fs::write(path(name), text)
}

/// The table that was recorded of a workload, if one was.
pub(crate) fn read(name: &str) -> Option<Table> {
    Some(parse(name, &fs::read_to_string(path(name)).ok()?))
}
