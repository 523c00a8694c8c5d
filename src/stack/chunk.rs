//! Chunks: large mappings that are cut into stacks.
//!
//! ```text
//!   chunk ──▶ │ guard │ stack 0 ··· │ guard │ stack 1 ··· │ guard │ …
//!             └─ one stride ────────┴─ one stride ────────┘
//! ```
//!
//! A guard is made when its stack is first carved. Where the kernel can mark guard pages
//! (Linux 6.13), a guard costs no mapping of its own; elsewhere it is an `mprotect`, which
//! costs two, and `vm.max_map_count` bounds how many there can be.
//!
//! # Why this file is unsafe
//!
//! It maps memory, and tells corosensei where stacks lie in it.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

use corosensei::stack::StackPointer;

use crate::config;

/// Bytes from one stack to the next: what its code may use, and the guard below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stride(u32);

impl Stride {
    /// The stride of stacks of at least `bytes`: the next power of two, and the guard.
    pub(super) fn of(bytes: usize) -> io::Result<Stride> {
        bytes
            .max(config::MIN_STACK_BYTES)
            .checked_next_power_of_two()
            .and_then(|usable| u32::try_from(usable.checked_add(config::GUARD_BYTES)?).ok())
            .map(Stride)
            .ok_or_else(|| {
                let message = format!("a stack of {bytes} bytes is larger than 2 GiB, the largest");
                io::Error::new(io::ErrorKind::InvalidInput, message)
            })
    }

    fn bytes(self) -> usize {
        self.0 as usize
    }

    /// Bytes that code on such a stack may use.
    pub(super) fn usable_bytes(self) -> usize {
        self.bytes() - config::GUARD_BYTES
    }
}

/// One guarded stack, idle or in use. It is memory only: nothing is freed when it is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The highest address, where the slot ends.
    top: NonZeroUsize,
    stride: Stride,
    /// Bytes left out at the top, so that the tops of neighbours do not share a cache set.
    colour: u32,
}

/// Neighbouring stacks start at this many different offsets, a cache line apart.
const COLOURS: usize = 16;
const CACHE_LINE: usize = 64;

impl Stack {
    pub(super) fn stride(&self) -> Stride {
        self.stride
    }

    /// The lowest address, which is where the guard begins.
    pub(super) fn bottom(&self) -> usize {
        self.top.get() - self.stride.bytes()
    }

    /// Whether `next` begins where this one ends.
    pub(super) fn touches(&self, next: &Stack) -> bool {
        self.top.get() == next.bottom()
    }

    /// The lowest address that code on this stack may use: where the guard ends.
    pub(crate) fn lowest_usable(&self) -> usize {
        self.bottom() + config::GUARD_BYTES
    }
}

// SAFETY:
//   1. `base` and `limit` are multiples of 16: slots are whole pages, colours whole cache lines.
//   2. The memory between them is mapped until the chunk is dropped, which the pool does only
//      when no stack is in use.
//   3. `limit` includes the guard, which faults on any access.
unsafe impl corosensei::stack::Stack for Stack {
    #[inline]
    fn base(&self) -> StackPointer {
        // Never zero: a stride is far larger than a colour.
        StackPointer::new(self.top.get() - self.colour as usize).unwrap_or(self.top)
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        StackPointer::new(self.bottom()).unwrap_or(self.top)
    }
}

/// A mapping that is cut into stacks of one stride.
pub(super) struct Chunk {
    memory: NonNull<libc::c_void>,
    stride: Stride,
    slots: usize,
    carved: usize,
    /// What is known of the stacks outside this program, until they are unmapped.
    #[cfg(feature = "sanitizer")]
    told: Vec<crate::sanitizer::Told>,
}

impl Chunk {
    /// Maps room for some stacks: more of them, the more chunks there are already.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses the address space.
    pub(super) fn map(stride: Stride, chunks_before: usize) -> io::Result<Chunk> {
        // 64 stacks, then twice as many each time, up to 4,096 and 4 GiB.
        let wanted = 64usize << chunks_before.min(6);
        let slots = wanted.min((4usize << 30) / stride.bytes()).max(1);
        let bytes = slots * stride.bytes();
        // SAFETY: a new private anonymous mapping; it touches no memory that exists.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | NO_RESERVE,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(refused(bytes, &io::Error::last_os_error()));
        }
        let memory = NonNull::new(memory).expect("a mapping is not at address zero");
        keep_huge_pages_off(memory, bytes);
        Ok(Chunk {
            memory,
            stride,
            slots,
            carved: 0,
            #[cfg(feature = "sanitizer")]
            told: Vec::new(),
        })
    }

    /// Cuts and guards the next stack; `None` when the chunk is used up.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses the guard. The slot can be tried again.
    pub(super) fn carve(&mut self) -> io::Result<Option<Stack>> {
        if self.carved == self.slots {
            return Ok(None);
        }
        let bottom = self.memory.as_ptr() as usize + self.carved * self.stride.bytes();
        guard(bottom)?;
        let colour = (self.carved % COLOURS) * CACHE_LINE;
        self.carved += 1;
        let stack = Stack {
            top: NonZeroUsize::new(bottom + self.stride.bytes())
                .expect("above the mapping's start"),
            stride: self.stride,
            colour: u32::try_from(colour).expect("a colour is less than a page"),
        };
        #[cfg(feature = "sanitizer")]
        self.told
            .push(crate::sanitizer::Told::of(stack.lowest_usable(), self.stride.usable_bytes()));
        Ok(Some(stack))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        #[cfg(feature = "sanitizer")]
        self.told.clear();
        // SAFETY: the mapping is ours and whole, and no stack on it is in use (see `StackPool`).
        // An error would mean that it was not mapped; then there is nothing to give back.
        unsafe { libc::munmap(self.memory.as_ptr(), self.slots * self.stride.bytes()) };
    }
}

/// Gives back the pages of all stacks from `first` to `last`, which are neighbours and idle.
pub(super) fn give_back(first: &Stack, last: &Stack) {
    let length = last.top.get() - first.bottom();
    // SAFETY: the range is whole idle stacks, so no one reads what is lost; guards stay.
    // A refusal costs memory and nothing else.
    unsafe { libc::madvise(first.bottom() as *mut libc::c_void, length, libc::MADV_DONTNEED) };
}

/// How many bytes of a stack, from its top down, have had their pages touched. `None` where the kernel
/// does not tell. A page that the kernel has swapped out may be missed.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "freebsd",
    target_os = "netbsd"
))]
pub(super) fn touched(lowest: usize, bytes: usize) -> Option<usize> {
    const PAGES_AT_ONCE: usize = 1024;
    // SAFETY: it asks for a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let mut told = [0u8; PAGES_AT_ONCE];
    let mut done = 0;
    while done < bytes {
        let part = (bytes - done).min(PAGES_AT_ONCE * page);
        let from = (lowest + done) as *mut libc::c_void;
        // SAFETY: one byte is written for each page of the range, and there is room for as many. Of
        // the range nothing is read: what is not mapped is an error.
        if unsafe { libc::mincore(from, part, told.as_mut_ptr().cast()) } != 0 {
            return None;
        }
        if let Some(first) = told[..part.div_ceil(page)].iter().position(|told| told & 1 != 0) {
            return Some(bytes - done - first * page);
        }
        done += part;
    }
    Some(0)
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "freebsd",
    target_os = "netbsd"
)))]
pub(super) fn touched(_lowest: usize, _bytes: usize) -> Option<usize> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_RESERVE: libc::c_int = libc::MAP_NORESERVE;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const NO_RESERVE: libc::c_int = 0;

/// Huge pages would give an idle stack 2 MiB where it needs 4 KiB.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_huge_pages_off(memory: NonNull<libc::c_void>, bytes: usize) {
    // SAFETY: advice about a mapping of our own. Kernels without huge pages refuse it, rightly.
    unsafe { libc::madvise(memory.as_ptr(), bytes, libc::MADV_NOHUGEPAGE) };
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_huge_pages_off(_memory: NonNull<libc::c_void>, _bytes: usize) {}

/// Set once a kernel has refused guard marks, which it then always does.
static NO_GUARD_MARKS: AtomicBool = AtomicBool::new(false);

/// Makes the lowest pages of a slot fault.
fn guard(bottom: usize) -> io::Result<()> {
    if !NO_GUARD_MARKS.load(Ordering::Relaxed) {
        match mark_guard(bottom) {
            Ok(()) => return Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                NO_GUARD_MARKS.store(true, Ordering::Relaxed);
            }
            Err(error) => return Err(refused(config::GUARD_BYTES, &error)),
        }
    }
    protect_guard(bottom)
}

/// The cheap way: the kernel marks the pages, within the mapping.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn mark_guard(bottom: usize) -> io::Result<()> {
    // Linux 6.13; not in the libc crate yet.
    const MADV_GUARD_INSTALL: libc::c_int = 102;
    // SAFETY: the range lies in a slot that has not been carved yet, so nothing uses it.
    let answer = unsafe {
        libc::madvise(bottom as *mut libc::c_void, config::GUARD_BYTES, MADV_GUARD_INSTALL)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn mark_guard(_bottom: usize) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EINVAL))
}

/// The way of older kernels: a mapping of its own, without access.
fn protect_guard(bottom: usize) -> io::Result<()> {
    // SAFETY: as in `mark_guard`.
    let answer = unsafe {
        libc::mprotect(bottom as *mut libc::c_void, config::GUARD_BYTES, libc::PROT_NONE)
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(refused(config::GUARD_BYTES, &io::Error::last_os_error()))
    }
}

/// The sentence for a stack that cannot be had: what was asked, and which limit to raise.
fn refused(bytes: usize, cause: &io::Error) -> io::Error {
    let message = format!(
        "no memory for another greenlet's stack: the kernel refused {bytes} bytes ({cause}). The limit \
         is the address space (`ulimit -v`, `vm.overcommit_memory`) or the number of mappings \
         (`vm.max_map_count`)"
    );
    io::Error::new(io::ErrorKind::OutOfMemory, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_limits() {
        let error = refused(4096, &io::Error::from_raw_os_error(libc::ENOMEM));
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(error.to_string().contains("vm.max_map_count"));
    }

    #[test]
    fn a_wish_too_large_is_refused_with_its_size() {
        let error = Stride::of(usize::MAX).unwrap_err();
        assert!(error.to_string().contains(&usize::MAX.to_string()));
    }
}
