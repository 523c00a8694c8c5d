//! What the tools that look for bad accesses and races have to be told of stacks and switches: only with
//! the feature `sanitizer`, and of use only in a program that is built or run with such a tool.
//!
//! | tool | what it is told | by whom |
//! | --- | --- | --- |
//! | AddressSanitizer | each switch | corosensei, by its feature of the same name |
//! | LeakSanitizer | stacks, in which it looks for pointers | [`Told`] |
//! | ThreadSanitizer | each switch, as one between its *fibers* | here, where corosensei calls AddressSanitizer |
//! | Valgrind | stacks | [`Told`] |
//!
//! The functions of the sanitizers are called by name. Where none is linked in, the name is that of a
//! weak symbol below, which does nothing; a sanitizer brings a symbol of its own, which is not
//! weak and is taken instead. So a program with the feature and no sanitizer works as always.
//!
//! ThreadSanitizer knows nothing of the two calls by which AddressSanitizer is told of a switch. So
//! they end up here, with the numbers that corosensei hands on for AddressSanitizer: where the stack
//! that is entered lies, or what it was told of the one that was left. It hears of a fiber for each stack
//! in use.
//!
//! # Why this file is unsafe
//!
//! It defines symbols for the linker, calls those of the sanitizers, and makes a system call.
#![allow(unsafe_code)]

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("the feature `sanitizer` is for Linux on x86_64 and aarch64");

use std::arch::global_asm;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use corosensei::stack::valgrind::ValgrindStackRegistration;
use rustix::event::Timespec;
use rustix::event::epoll::Event;
use rustix::io::Errno;

#[cfg(target_arch = "x86_64")]
macro_rules! weak {
    ($($name:literal)*) => {
        global_asm!(
            ".text",
            $(concat!(".weak ", $name), concat!(".type ", $name, ", @function"), concat!($name, ":"),)*
            "xor eax, eax",
            "ret",
        );
    };
    ($name:literal = $function:ident) => {
        global_asm!(
            ".text", concat!(".weak ", $name), concat!(".type ", $name, ", @function"),
            concat!($name, ":"), "jmp {function}", function = sym $function,
        );
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! weak {
    ($($name:literal)*) => {
        global_asm!(
            ".text",
            $(concat!(".weak ", $name), concat!(".type ", $name, ", %function"), concat!($name, ":"),)*
            "mov x0, xzr",
            "ret",
        );
    };
    ($name:literal = $function:ident) => {
        global_asm!(
            ".text", concat!(".weak ", $name), concat!(".type ", $name, ", %function"),
            concat!($name, ":"), "b {function}", function = sym $function,
        );
    };
}

weak!("__asan_unpoison_memory_region"
    "__lsan_register_root_region" "__lsan_unregister_root_region"
    "__tsan_get_current_fiber" "__tsan_create_fiber" "__tsan_destroy_fiber" "__tsan_switch_to_fiber"
    "__tsan_func_entry");
weak!("__sanitizer_start_switch_fiber" = start_switch);
weak!("__sanitizer_finish_switch_fiber" = finish_switch);

unsafe extern "C" {
    fn __lsan_register_root_region(from: *const c_void, bytes: usize);
    fn __lsan_unregister_root_region(from: *const c_void, bytes: usize);
    fn __tsan_get_current_fiber() -> *mut c_void;
    fn __tsan_create_fiber(flags: u32) -> *mut c_void;
    fn __tsan_destroy_fiber(fiber: *mut c_void);
    fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: u32);
    fn __tsan_func_entry(caller: *const c_void);
}

/// What tools know of one stack, as long as this lives.
#[derive(Debug)]
pub(crate) struct Told {
    lowest: usize,
    bytes: usize,
    _valgrind: ValgrindStackRegistration,
}

impl Told {
    /// Tells of the stack from `lowest` on, which can be read as long as this lives.
    pub(crate) fn of(lowest: usize, bytes: usize) -> Told {
        // SAFETY: a range is noted. It is read when leaks are looked for, and can be.
        unsafe { __lsan_register_root_region(lowest as *const c_void, bytes) };
        let valgrind = ValgrindStackRegistration::new(lowest as *mut u8, bytes);
        Told { lowest, bytes, _valgrind: valgrind }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // SAFETY: the range is the one that was registered.
        unsafe { __lsan_unregister_root_region(self.lowest as *const c_void, self.bytes) };
    }
}

/// Both halves of a buffer for events: what has come, and the rest.
type Events<'a> = (&'a mut [Event], &'a mut [MaybeUninit<Event>]);

/// Does what [`rustix::event::epoll::wait`] does, to a millisecond: Valgrind before 3.22 does not
/// know the system call that it makes.
pub(crate) fn wait_by_older_call<'a>(
    epoll: BorrowedFd<'_>,
    events: &'a mut [MaybeUninit<Event>],
    timeout: Option<&Timespec>,
) -> rustix::io::Result<Events<'a>> {
    let millis = timeout.map_or(-1, |timeout| {
        // Upwards, so that nobody is woken early.
        let millis = timeout.tv_sec.saturating_mul(1000) + (timeout.tv_nsec + 999_999) / 1_000_000;
        c_int::try_from(millis).unwrap_or(c_int::MAX)
    });
    let room = c_int::try_from(events.len()).unwrap_or(c_int::MAX);
    // SAFETY: the kernel writes events, of which there is room for so many. rustix's are the kernel's.
    let found =
        unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr().cast(), room, millis) };
    let found = usize::try_from(found)
        .map_err(|_| Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO))?;
    let (found, rest) = events.split_at_mut(found);
    // SAFETY: the kernel has written so many.
    Ok((unsafe { found.assume_init_mut() }, rest))
}

/// Whether ThreadSanitizer looks on. It does not know of fences.
pub(crate) fn looks_for_races() -> bool {
    // SAFETY: it asks for a pointer, null where ThreadSanitizer is not there.
    !unsafe { __tsan_get_current_fiber() }.is_null()
}

thread_local! {
    /// ThreadSanitizer's fibers, by where the stacks lie that are theirs.
    static FIBERS: RefCell<HashMap<usize, *mut c_void>> = RefCell::default();
    /// The one that was left last.
    static LEFT: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
}

/// What [`finish_switch`] gives as the size of a stack, with a fiber in the place of its address.
const IS_A_FIBER: usize = 0;

/// ThreadSanitizer notes each call and each return. A fiber begins in the middle of some calls that
/// return on it, and were made on another.
const CALLS_IN_ADVANCE: usize = 16;

/// What is called in the place of AddressSanitizer just before a switch to the stack that lies there.
///
/// # Safety
///
/// The switch follows. What is given is a stack, or what `finish_switch` gave.
unsafe extern "C" fn start_switch(_: *mut *mut c_void, bottom: *mut c_void, bytes: usize) {
    // SAFETY: it asks for a pointer, null where ThreadSanitizer is not there.
    let left = unsafe { __tsan_get_current_fiber() };
    if left.is_null() {
        return;
    }
    LEFT.set(left);
    if bytes == IS_A_FIBER {
        // SAFETY: as the caller promises, it is one that was left and so has not been destroyed: only
        // those are whose stack is free, and to this one a switch follows.
        return unsafe { __tsan_switch_to_fiber(bottom, 0) };
    }
    // SAFETY: a new one is made, and entered.
    unsafe {
        let fiber = __tsan_create_fiber(0);
        FIBERS.with_borrow_mut(|fibers| fibers.insert(bottom.addr(), fiber));
        __tsan_switch_to_fiber(fiber, 0);
        for _ in 0..CALLS_IN_ADVANCE {
            __tsan_func_entry(start_switch as *const c_void);
        }
    }
}

/// What is called in the place of AddressSanitizer just after a switch; it tells what is to be given
/// to [`start_switch`] to go back.
///
/// # Safety
///
/// Both pointers can be written to.
unsafe extern "C" fn finish_switch(_: *mut c_void, bottom: *mut *mut c_void, bytes: *mut usize) {
    // SAFETY: as the caller promises.
    unsafe {
        *bottom = LEFT.get();
        *bytes = IS_A_FIBER;
    }
}

/// What ran on the stack that lies there has ended.
pub(crate) fn stack_is_free(bottom: usize) {
    // In a thread that is ending this may be gone; then the fiber stays.
    let fiber = FIBERS.try_with(|fibers| fibers.borrow_mut().remove(&bottom));
    if let Ok(Some(fiber)) = fiber {
        // SAFETY: it is one of ThreadSanitizer's. It does not run, as its stack is free.
        unsafe { __tsan_destroy_fiber(fiber) };
    }
}
