//! Memory and descriptors of this process, from time to time.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// What may come and go: the chunks of stacks and the allocator's arenas are given back late.
const SLACK: u64 = 4 * 1024 * 1024;

pub(crate) struct Growth {
    pause: Duration,
    began: Instant,
    resident: Vec<u64>,
}

pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Bytes of memory in use, in whole pages.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("the kernel tells of this process");
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("a number of pages") * rustix::param::page_size() as u64
}

impl Growth {
    pub(crate) fn new(pause: Duration) -> Growth {
        Growth { pause, began: Instant::now(), resident: Vec::new() }
    }

    /// Waits until the next look, or `until`, and looks.
    pub(crate) fn wait_and_look(&mut self, until: Instant) {
        thread::sleep(self.pause.min(until.saturating_duration_since(Instant::now())));
        let resident = resident();
        self.resident.push(resident);
        let seconds = self.began.elapsed().as_secs_f32();
        let kibibytes = resident / 1024;
        println!("after {seconds:6.1} s: {kibibytes:7} KiB, {} descriptors", descriptors());
    }

    /// In the last fifth of the run there is on average no more memory in use than in the second.
    pub(crate) fn is_none(&self) {
        let fifth = self.resident.len() / 5;
        let mean = |part: &[u64]| part.iter().sum::<u64>() / part.len().max(1) as u64;
        let early = mean(&self.resident[fifth..2 * fifth]);
        let late = mean(&self.resident[self.resident.len() - fifth..]);
        println!("on average {} KiB early, {} KiB late", early / 1024, late / 1024);
        assert!(late < early + early / 20 + SLACK, "memory grows: {:?}", self.resident);
    }
}
