//! What the kernel says that a thread of this process does.

use std::time::Duration;

use super::event::Doing;

/// Stopped by a signal, or by a debugger.
const STOPPED: [char; 2] = ['T', 't'];

/// How a thread stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vitals {
    /// As [`Doing::state`].
    pub(super) state: char,
    /// For how long it has had a processor in all, to about 10 ms.
    pub(super) ran: Duration,
}

impl Vitals {
    #[cfg(target_os = "linux")]
    pub(super) fn of(thread: u32) -> Option<Vitals> {
        vitals(&read(thread, "stat")?, rustix::param::clock_ticks_per_second())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(_: u32) -> Option<Vitals> {
        None
    }

    /// Whether it has a processor, or would go on if it had one.
    pub(super) fn is_runnable(self) -> bool {
        self.state == 'R'
    }
}

impl Doing {
    #[cfg(target_os = "linux")]
    pub(super) fn of(thread: u32) -> Option<Doing> {
        let read = |file| read(thread, file);
        let state = Vitals::of(thread)?.state;
        // A container may forbid either of these two.
        let call = read("syscall").and_then(|line| call(&line));
        let waits_in = read("wchan").filter(|function| !matches!(&**function, "" | "0"));
        Some(Doing { state, call, waits_in })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(_: u32) -> Option<Doing> {
        None
    }

    pub(super) fn is_stopped(&self) -> bool {
        STOPPED.contains(&self.state)
    }
}

#[cfg(target_os = "linux")]
fn read(thread: u32, file: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}")).ok()
}

/// The state comes after the name, which is in parentheses and may contain some; the eleventh field
/// after it is the time that it ran in the program, the twelfth that in the kernel.
#[cfg(target_os = "linux")]
fn vitals(stat: &str, ticks_per_second: u64) -> Option<Vitals> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let program: u64 = fields.nth(10)?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    let millis = (program + kernel) * 1000 / ticks_per_second.max(1);
    Some(Vitals { state, ran: Duration::from_millis(millis) })
}

#[cfg(target_os = "linux")]
fn call(line: &str) -> Option<String> {
    let number: libc::c_long = line.split_whitespace().next()?.parse().ok()?;
    // It is in the kernel, but for no call.
    if number < 0 {
        return None;
    }
    let known = CALLS.iter().find(|(known, _)| *known == number);
    Some(known.map_or_else(|| format!("system call {number}"), |(_, name)| (*name).to_owned()))
}

/// Those that block, as a rule.
#[cfg(target_os = "linux")]
const CALLS: &[(libc::c_long, &str)] = &[
    (libc::SYS_clock_nanosleep, "clock_nanosleep"),
    (libc::SYS_nanosleep, "nanosleep"),
    (libc::SYS_futex, "futex"),
    (libc::SYS_read, "read"),
    (libc::SYS_write, "write"),
    (libc::SYS_readv, "readv"),
    (libc::SYS_writev, "writev"),
    (libc::SYS_pread64, "pread64"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_openat, "openat"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_flock, "flock"),
    (libc::SYS_fcntl, "fcntl"),
    (libc::SYS_connect, "connect"),
    (libc::SYS_accept, "accept"),
    (libc::SYS_accept4, "accept4"),
    (libc::SYS_recvfrom, "recvfrom"),
    (libc::SYS_recvmsg, "recvmsg"),
    (libc::SYS_sendto, "sendto"),
    (libc::SYS_sendmsg, "sendmsg"),
    (libc::SYS_ppoll, "ppoll"),
    (libc::SYS_pselect6, "pselect6"),
    (libc::SYS_epoll_pwait, "epoll_pwait"),
    (libc::SYS_wait4, "wait4"),
    (libc::SYS_waitid, "waitid"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, "poll"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_select, "select"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, "epoll_wait"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, "open"),
];

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_whose_name_looks_like_a_state_has_its_own() {
        let stat = "12 (a) R b) S 1 2 3 4 5 6 7 8 9 10 30 12 13 14";
        let ran = Duration::from_millis(420);
        assert_eq!(vitals(stat, 100), Some(Vitals { state: 'S', ran }));
        assert_eq!(vitals("nonsense", 100), None);
        assert_eq!(vitals("12 (a) S 1 2", 100), None);
    }

    #[test]
    fn a_call_is_told_by_its_name_or_its_number() {
        assert_eq!(call("running\n"), None);
        assert_eq!(call("-1 0x7ffc 0x7f12\n"), None);
        let futex = format!("{} 0x1 0x2", libc::SYS_futex);
        assert_eq!(call(&futex).as_deref(), Some("futex"));
        assert_eq!(call("99999 0x0").as_deref(), Some("system call 99999"));
    }
}
