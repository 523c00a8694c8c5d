//! What happens when a greenlet's stack is full: a message that names it, and an abort.
//!
//! The guard below a stack faults, and the kernel sends SIGSEGV to the thread that runs it.
//! Our handler asks who runs: if the address lies in the guard of that greenlet's stack, it
//! writes the message and aborts. Every other fault goes to the handler that was there
//! before. Nothing is ever recovered: the frames that were cut off cannot go on.
//!
//! # Why this file is unsafe
//!
//! It installs a signal handler, and runs in one: no locks, no allocation, no unwinding.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

/// Who has overflowed its stack.
pub(crate) struct Overflow<'a> {
    pub(crate) id: u32,
    pub(crate) name: Option<&'a str>,
    pub(crate) stack_bytes: u32,
}

/// Tells about the running greenlet if `address` lies in its guard; else returns `false`.
pub(crate) type Describe = fn(address: usize, tell: &mut dyn FnMut(Overflow<'_>)) -> bool;

struct Installed {
    describe: Describe,
    /// The handlers that were there before, for SIGSEGV and SIGBUS.
    before: [libc::sigaction; 2],
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Sees to it that an overflow on this thread is reported, as long as what it returns lives. Called once
/// for each thread.
pub(crate) fn install(describe: Describe) -> Option<SignalStack> {
    let mut is_first = false;
    INSTALLED.get_or_init(|| {
        is_first = true;
        let before = SIGNALS.map(current_action);
        Installed { describe, before }
    });
    if is_first {
        // Once for the process: handlers that others install later stay, and may pass on to ours.
        SIGNALS.into_iter().for_each(handle);
    }
    SignalStack::have()
}

/// The action that is set for `signal` now.
fn current_action(signal: libc::c_int) -> libc::sigaction {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY:
    //   1. A null new action changes nothing; the old one is written to memory of ours.
    //   2. All zero bytes are a valid `sigaction`, in case the call fails.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    }
}

/// Sets our handler for `signal`.
fn handle(signal: libc::c_int) {
    let mut action = current_action(signal);
    let ours = on_fault as *const () as usize;
    action.sa_sigaction = ours;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY:
    //   1. `on_fault` has the signature that SA_SIGINFO asks for and does only what a handler may.
    //   2. SA_ONSTACK: the full stack is not needed to run it (see [`SignalStack`]).
    // An error leaves the default, which is to end the process without our message.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// A stack for the signals of a thread that Rust did not make, or whose program has another main.
pub(crate) struct SignalStack {
    memory: *mut [u8],
}

impl SignalStack {
    /// Gives this thread one, if it has none. Rust's own threads have one, as a rule.
    fn have() -> Option<SignalStack> {
        let present = exchange(None);
        if present.ss_flags & libc::SS_DISABLE == 0 && !present.ss_sp.is_null() {
            return None;
        }
        let memory = Box::into_raw(vec![0u8; 64 * 1024].into_boxed_slice());
        let fresh = libc::stack_t { ss_sp: memory.cast(), ss_flags: 0, ss_size: memory.len() };
        // An error leaves the thread without our message.
        exchange(Some(&fresh));
        Some(SignalStack { memory })
    }
}

impl Drop for SignalStack {
    /// By a destructor of its thread. It is not freed if the kernel may still use it, or somebody who
    /// has put another in its place may put it back.
    fn drop(&mut self) {
        let is_set = || exchange(None).ss_sp == self.memory.cast();
        if !is_set() {
            return;
        }
        let none = libc::stack_t {
            ss_sp: ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            // Of no meaning here, but macOS looks at it.
            ss_size: self.memory.len(),
        };
        exchange(Some(&none));
        if !is_set() {
            // SAFETY:
            //   1. It is a box's, and this is the only place where it is freed.
            //   2. The kernel has been told that there is none, which it refuses while the handler runs.
            drop(unsafe { Box::from_raw(self.memory) });
        }
    }
}

/// Sets the stack for this thread's signals, if there is a new one, and returns the one before.
fn exchange(fresh: Option<&libc::stack_t>) -> libc::stack_t {
    let fresh = fresh.map_or(ptr::null(), ptr::from_ref);
    let mut before = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY:
    //   1. A null new stack changes nothing; else it is that of a `SignalStack`, which is larger than the
    //      kernel's minimum and lives until it is replaced, or says that there is none.
    //   2. The old one is written to memory of ours, for which zero bytes are a valid value.
    unsafe {
        libc::sigaltstack(fresh, before.as_mut_ptr());
        before.assume_init()
    }
}

extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let Some(installed) = INSTALLED.get() else { return };
    // SAFETY: the kernel passes a valid `siginfo_t`, and these signals carry an address.
    let address = unsafe { (*info).si_addr() } as usize;
    let overflowed = (installed.describe)(address, &mut |overflow| {
        Message::default().say(&overflow).write();
    });
    if overflowed {
        // SAFETY: `abort` may be called in a signal handler, and does not return.
        unsafe { libc::abort() };
    }
    let index = usize::from(signal != libc::SIGSEGV);
    pass_on(&installed.before[index], signal, info, context);
}

/// Calls the handler that was there before us, or restores the default and returns, so that
/// the fault happens again and ends the process.
fn pass_on(
    before: &libc::sigaction,
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let handler = before.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        // SAFETY: restoring an action that was set before; allowed in a handler.
        unsafe { libc::sigaction(signal, &raw const *before, ptr::null_mut()) };
    } else if before.sa_flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: the action was set with SA_SIGINFO, so its handler has this signature.
        let handler: Handler = unsafe { std::mem::transmute(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: the action was set without SA_SIGINFO, so its handler has this signature.
        let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(handler) };
        handler(signal);
    }
}

/// A line that is put together without allocating.
struct Message {
    bytes: [u8; 256],
    used: usize,
}

impl Default for Message {
    fn default() -> Self {
        Message { bytes: [0; 256], used: 0 }
    }
}

impl Message {
    fn say(mut self, overflow: &Overflow<'_>) -> Self {
        self.text("\ngreenhub: greenlet ");
        self.number(overflow.id);
        if let Some(name) = overflow.name {
            self.text(" '");
            // Cut, so that the rest of the sentence has room.
            self.text(&name[..name.floor_char_boundary(100)]);
            self.text("'");
        }
        self.text(" has overflowed its stack of ");
        self.number(overflow.stack_bytes);
        self.text(" bytes; aborting\n");
        self
    }

    fn text(&mut self, text: &str) {
        for byte in text.bytes().take(self.bytes.len() - self.used) {
            self.bytes[self.used] = byte;
            self.used += 1;
        }
    }

    fn number(&mut self, number: u32) {
        let mut digits = [b'0'; 10];
        let mut rest = number;
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.text(std::str::from_utf8(&digits[first..]).unwrap_or("?"));
    }

    fn write(&self) {
        // SAFETY: `write` may be called in a signal handler; the bytes are ours. If standard
        // error takes nothing there is no one left to tell.
        unsafe { libc::write(libc::STDERR_FILENO, self.bytes.as_ptr().cast(), self.used) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(overflow: &Overflow<'_>) -> String {
        let message = Message::default().say(overflow);
        String::from_utf8(message.bytes[..message.used].to_vec()).unwrap()
    }

    #[test]
    fn the_message_names_the_greenlet_and_its_stack() {
        let line = said(&Overflow { id: 4_294_967_295, name: Some("parser"), stack_bytes: 16_384 });
        assert_eq!(
            line,
            "\ngreenhub: greenlet 4294967295 'parser' has overflowed its stack of 16384 bytes; aborting\n"
        );
    }

    #[test]
    fn a_long_name_is_cut_and_the_sentence_ends() {
        for letter in ["x", "—"] {
            let name = letter.repeat(1_000);
            let line = said(&Overflow { id: 1, name: Some(&name), stack_bytes: 1 });
            assert!(line.ends_with("aborting\n"), "{line}");
        }
    }
}
