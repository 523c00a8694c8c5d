//! What the operations took when they were last recorded, and by what that was counted.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::callgrind;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/record.txt");

const HEAD: &str = "\
# Instructions for one operation, counted by callgrind. `counts --record` writes this file.
";

pub(crate) struct Record {
    /// What the counts depend on, beside greenhub.
    pub(crate) by: String,
    pub(crate) counts: BTreeMap<String, f64>,
}

impl Record {
    pub(crate) fn read() -> Result<Record, String> {
        let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
        let mut record = Record { by: String::new(), counts: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            if name == "by" {
                rest.clone_into(&mut record.by);
                continue;
            }
            let count = rest.trim().parse().ok().filter(|count| (1.0..1e9).contains(count));
            let count = count.ok_or_else(|| format!("{FILE}: no count in this line: {line}"))?;
            record.counts.insert(name.to_owned(), count);
        }
        Ok(record)
    }

    /// Writes them in the order given, which is that of the workloads.
    pub(crate) fn write(by: &str, counts: &[(&str, f64)]) -> Result<(), String> {
        let mut text = format!("{HEAD}by {by}\n");
        for (name, count) in counts {
            writeln!(text, "{name:10} {count:8.1}").expect("a string takes everything");
        }
        fs::write(FILE, text).map_err(|error| format!("{FILE}: {error}"))
    }
}

/// What the counts depend on, beside greenhub: the compiler, the target, the C library, whose `malloc`
/// and `memcpy` are counted too, and which system calls valgrind knows. `None` without valgrind.
pub(crate) fn by() -> Option<String> {
    let tools = [
        env!("COUNTS_RUSTC"),
        env!("COUNTS_TARGET"),
        &libc().unwrap_or_else(|| "another libc".to_owned()),
        &callgrind::version()?,
    ];
    Some(tools.join(", "))
}

fn libc() -> Option<String> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    told.status.success().then(|| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}
