//! What a server does about an error: go on, wait a while, or end.

use std::io;
use std::time::Duration;

use crate::clock::Moment;

/// Why nothing came, by what is to be done about it.
pub(super) enum Trouble {
    /// It was one connection's, or one datagram's.
    OfOne,
    /// There is no room for it now.
    Starved(io::Error),
    /// Nothing will ever come.
    Fatal(io::Error),
}

/// What accept(2) says of the one connection that it took, and not of the next; and what a
/// datagram that was sent before made of it.
const OF_ONE: [i32; 11] = [
    libc::ECONNABORTED,
    libc::ECONNRESET,
    libc::ECONNREFUSED,
    libc::EPROTO,
    libc::ENOPROTOOPT,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    libc::EHOSTDOWN,
    libc::EHOSTUNREACH,
    libc::EINTR,
    libc::EAGAIN,
];

const FATAL: [i32; 3] = [libc::EBADF, libc::EINVAL, libc::ENOTSOCK];

impl Trouble {
    pub(super) fn of(error: io::Error) -> Trouble {
        match error.raw_os_error() {
            Some(code) if OF_ONE.contains(&code) => Trouble::OfOne,
            Some(code) if FATAL.contains(&code) => Trouble::Fatal(error),
            // What is not known may go on for ever, so it must not be tried at once.
            _ => Trouble::Starved(error),
        }
    }
}

/// The pauses of a server that is starved.
pub(super) struct BackOff {
    shortest: Duration,
    longest: Duration,
    next: Duration,
    last_failure: Option<Moment>,
}

impl BackOff {
    pub(super) fn new((shortest, longest): (Duration, Duration)) -> BackOff {
        BackOff { shortest, longest, next: shortest, last_failure: None }
    }

    pub(super) fn succeeded(&mut self) {
        self.next = self.shortest;
    }

    /// How long to wait now, and whether it is news. Where descriptors come free one by one, successes
    /// and failures alternate: that is one incident, until there was none for twice the
    /// longest pause.
    pub(super) fn failed(&mut self) -> (Duration, bool) {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        let now = Moment::now();
        let quiet = self.last_failure.replace(now).map(|last| now.since(last));
        (pause, quiet.is_none_or(|quiet| quiet > self.longest.saturating_mul(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let millis = Duration::from_millis;
        let mut back_off = BackOff::new((millis(10), millis(50)));
        let pauses: Vec<_> = (0..5).map(|_| back_off.failed()).collect();
        let expected = [(10, true), (20, false), (40, false), (50, false), (50, false)];
        assert_eq!(pauses, expected.map(|(pause, news)| (millis(pause), news)));
        back_off.succeeded();
        assert_eq!(back_off.failed(), (millis(10), false), "the incident goes on");
    }

    #[test]
    fn pauses_may_be_as_long_as_can_be_said() {
        let mut back_off = BackOff::new((Duration::from_millis(10), Duration::MAX));
        for _ in 0..100 {
            back_off.failed();
        }
        assert_eq!(back_off.failed(), (Duration::MAX, false));
    }

    #[test]
    fn errors_are_told_apart() {
        let of = |code| Trouble::of(io::Error::from_raw_os_error(code));
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EPERM] {
            assert!(matches!(of(code), Trouble::Starved(_)), "{code}");
        }
        for code in FATAL {
            assert!(matches!(of(code), Trouble::Fatal(_)), "{code}");
        }
        for code in OF_ONE {
            assert!(matches!(of(code), Trouble::OfOne), "{code}");
        }
    }
}
