//! System calls of this process that a test answers instead of the kernel.
//!
//! A filter of seccomp has the kernel send SIGSYS in the place of each call that is to be judged. The
//! handler asks the test's judge, and makes the real call if that says so, by an instruction that the
//! filter knows and lets pass. So it does not matter by what way the call is made, by libc or without.
//!
//! A filter stays for the life of the process, and is inherited by the threads that are made later.
//!
//! The hub asks for edges: after "not now", or a short answer, it waits for the kernel to report a
//! change. So after such an answer that was not the kernel's the descriptor is armed anew, and the
//! change is reported if there is something to be had: as if it had come just after the call.
#![allow(unsafe_code)]

use std::arch::global_asm;
use std::ffi::{c_int, c_long, c_void};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::{mem, ptr};

pub(crate) struct Call {
    pub(crate) number: c_long,
    pub(crate) arguments: [u64; 6],
}

pub(crate) enum Answer {
    Real,
    Error(c_int),
    /// The call finds that it would block. Just after it there is something to do, if there is now.
    NotNow,
    /// The real call, with so many bytes at most.
    Short(u64),
}

type Judge = fn(&Call) -> Answer;

static JUDGE: AtomicUsize = AtomicUsize::new(0);

/// Has `judge` called for each call with one of these numbers that this thread makes from now on, and
/// those that it makes. It runs in a signal handler.
pub(crate) fn judge_calls(numbers: &[c_long], judge: Judge) {
    JUDGE.store(judge as usize, Relaxed);
    handle_sigsys();
    install(&filter(numbers, libc::SECCOMP_RET_TRAP));
}

/// Has each call with one of these numbers refused from now on, without a signal: for those that are
/// made while all signals are blocked, which would end the process.
pub(crate) fn refuse_calls(numbers: &[c_long], error: c_int) {
    install(&filter(numbers, libc::SECCOMP_RET_ERRNO | error.unsigned_abs()));
}

global_asm!(
    ".text",
    ".globl greenhub_faults_call",
    "greenhub_faults_call:",
    "mov rax, rdi",
    "mov r9, [rsi + 40]",
    "mov r8, [rsi + 32]",
    "mov r10, [rsi + 24]",
    "mov rdx, [rsi + 16]",
    "mov rdi, [rsi]",
    "mov rsi, [rsi + 8]",
    "syscall",
    ".globl greenhub_faults_called",
    "greenhub_faults_called:",
    "ret",
);

unsafe extern "C" {
    fn greenhub_faults_call(number: c_long, arguments: *const [u64; 6]) -> i64;
    fn greenhub_faults_called();
}

fn handle_sigsys() {
    // SAFETY: zero bytes are a valid action. The handler makes system calls and uses atomics only.
    let set = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = on_call as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSYS, &raw const action, ptr::null_mut())
    };
    assert_eq!(set, 0);
}

extern "C" fn on_call(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives the registers of the call, which are ours to change.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let of = |register: c_int| registers[register as usize] as u64;
    let arguments =
        [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX, libc::REG_R10, libc::REG_R8, libc::REG_R9];
    let call = Call { number: of(libc::REG_RAX) as c_long, arguments: arguments.map(of) };
    // SAFETY: `judge_calls` has stored a function of this type before any call was judged.
    let judge: Judge = unsafe { mem::transmute(JUDGE.load(Relaxed)) };
    registers[libc::REG_RAX as usize] = answer(call, judge);
}

fn answer(mut call: Call, judge: Judge) -> i64 {
    match judge(&call) {
        Answer::Real => really(&call),
        Answer::Error(error) => i64::from(-error),
        Answer::NotNow => {
            arm_anew(call.arguments[0]);
            i64::from(-libc::EAGAIN)
        }
        Answer::Short(most) => {
            call.arguments[2] = call.arguments[2].min(most);
            let done = really(&call);
            arm_anew(call.arguments[0]);
            done
        }
    }
}

fn really(call: &Call) -> i64 {
    // SAFETY: the arguments are those of a call that the program has made, or fewer bytes of it.
    let done = unsafe { greenhub_faults_call(call.number, &raw const call.arguments) };
    if call.number == libc::SYS_epoll_ctl && done == 0 {
        note_interest(call);
    }
    done
}

/// What a descriptor was registered for last.
struct Interest {
    epoll: AtomicU64,
    flags: AtomicU64,
    data: AtomicU64,
}

static INTERESTS: [Interest; 1024] = [const {
    Interest { epoll: AtomicU64::new(0), flags: AtomicU64::new(0), data: AtomicU64::new(0) }
}; 1024];

fn note_interest(call: &Call) {
    let [epoll, operation, descriptor, event, ..] = call.arguments;
    let Some(interest) = INTERESTS.get(descriptor as usize) else { return };
    if operation == libc::EPOLL_CTL_DEL as u64 {
        return;
    }
    // SAFETY: the kernel has just read the event there.
    let event = unsafe { ptr::read_unaligned(event as *const libc::epoll_event) };
    interest.flags.store(u64::from(event.events), Relaxed);
    interest.data.store(event.u64, Relaxed);
    interest.epoll.store(epoll, Relaxed);
}

/// Has the kernel report what there is for a descriptor, if it is registered.
fn arm_anew(descriptor: u64) {
    let Some(interest) = INTERESTS.get(descriptor as usize) else { return };
    let event = libc::epoll_event {
        events: interest.flags.load(Relaxed) as u32,
        u64: interest.data.load(Relaxed),
    };
    let (epoll, modify) = (interest.epoll.load(Relaxed), libc::EPOLL_CTL_MOD as u64);
    let arguments = [epoll, modify, descriptor, &raw const event as u64, 0, 0];
    // SAFETY: the event lives. A descriptor that is closed by now is refused, and so are those that
    // have had no interest, as descriptor 0 is no epoll.
    unsafe { greenhub_faults_call(libc::SYS_epoll_ctl, &raw const arguments) };
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Does `what` with the calls that have these numbers, unless they are made by the one instruction.
fn filter(numbers: &[c_long], what: u32) -> Vec<libc::sock_filter> {
    let place = greenhub_faults_called as *const () as u64;
    let (low, high) = (place as u32, (place >> 32) as u32);
    let at = |field: usize| u32::try_from(field).expect("the data is short");
    let pointer = mem::offset_of!(libc::seccomp_data, instruction_pointer);
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut lines = vec![
        line(LOAD, 0, 0, at(pointer)),
        line(JUMP_EQUAL, 0, 3, low),
        line(LOAD, 0, 0, at(pointer + 4)),
        line(JUMP_EQUAL, 0, 1, high),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        line(LOAD, 0, 0, at(mem::offset_of!(libc::seccomp_data, nr))),
    ];
    for number in numbers {
        lines.push(line(JUMP_EQUAL, 0, 1, *number as u32));
        lines.push(line(RETURN, 0, 0, what));
    }
    lines.push(line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    lines
}

fn install(filter: &[libc::sock_filter]) {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).expect("the filter is short"),
        filter: filter.as_ptr().cast_mut(),
    };
    // SAFETY: the program lives during the calls, and is only read.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let set = libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program);
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }
}

/// A number that nobody foresees: of a sequence that is the same each time.
pub(crate) fn dice(sides: u64) -> u64 {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let mut z = SEED.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) % sides
}
