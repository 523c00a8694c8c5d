//! The three pipes between a child and the greenlet that started it.

use std::os::fd::{IntoRawFd, OwnedFd, RawFd};
use std::process;

use crate::io::{Cooperative, pipe};
use crate::monkey::pipes::{pipe_conversions, read_pipe, write_pipe};

/// What the child reads from. Mirrors [`std::process::ChildStdin`].
///
/// A write for which the pipe has no room makes only its greenlet wait.
pub struct ChildStdin(pub(super) Cooperative<process::ChildStdin>);

/// What the child has written. Mirrors [`std::process::ChildStdout`].
///
/// A read of an empty pipe makes only its greenlet wait.
pub struct ChildStdout(pub(super) Cooperative<process::ChildStdout>);

/// What the child has to complain of. Mirrors [`std::process::ChildStderr`].
///
/// A read of an empty pipe makes only its greenlet wait.
pub struct ChildStderr(pub(super) Cooperative<process::ChildStderr>);

write_pipe!(ChildStdin, &ChildStdin);
read_pipe!(ChildStdout);
read_pipe!(ChildStderr);

macro_rules! child_pipe {
    ($type:ident) => {
        pipe_conversions!($type, process::$type);

        impl $type {
            /// Takes in the end of a pipe that was just made.
            pub(super) fn fresh(pipe: process::$type) -> $type {
                $type(pipe::take_in(pipe).expect("an open pipe has a mode"))
            }
        }

        impl IntoRawFd for $type {
            fn into_raw_fd(self) -> RawFd {
                OwnedFd::from(self).into_raw_fd()
            }
        }
    };
}

child_pipe!(ChildStdin);
child_pipe!(ChildStdout);
child_pipe!(ChildStderr);
