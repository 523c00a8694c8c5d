//! How much memory processes take, by what Linux tells of them.

use std::fmt;
use std::io;
use std::ops::Add;

/// In bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    resident: u64,
    /// As `resident`, but each has only its part of what it shares with others.
    pub(crate) pss: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> io::Result<Memory> {
        let kib = |file: &str, name: &str| {
            let path = format!("/proc/{process}/{file}");
            let text = std::fs::read_to_string(&path)?;
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.trim_end_matches(" kB").trim().parse().ok());
            number.ok_or_else(|| io::Error::other(format!("{path} does not tell {name}")))
        };
        let bytes = |file, name| kib(file, name).map(|kib: u64| kib * 1024);
        Ok(Memory { resident: bytes("status", "VmRSS:")?, pss: bytes("smaps_rollup", "Pss:")? })
    }
}

impl Add for Memory {
    type Output = Memory;

    fn add(self, other: Memory) -> Memory {
        Memory { resident: self.resident + other.resident, pss: self.pss + other.pss }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [pss, resident] = [self.pss, self.resident].map(|bytes| bytes >> 20);
        write!(f, "{pss} MiB (Pss; VmRSS: {resident} MiB)")
    }
}
