//! What can be wrong with a switch.

use std::fmt;

/// A switch that did not come to a value.
pub struct SwitchError<V> {
    kind: SwitchErrorKind,
    value: Option<V>,
}

/// Why a switch did not come to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwitchErrorKind {
    /// The target is the greenlet that runs already.
    Current,
    /// The target has ended.
    Dead,
    /// The target waits in the hub, and only the hub can end that.
    Waiting,
    /// The target expects a value of another type.
    WrongType {
        /// The type that it expects.
        expected: &'static str,
    },
    /// The caller is unwinding: switching away now would let its neighbours see
    /// [`std::thread::panicking`].
    Unwinding,
    /// The caller is no greenlet, but a callback in the hub's loop.
    InCallback,
    /// A child of the caller ended by [`Exit`](super::Exit), so there is no value.
    Exited,
    /// A child of the caller returned a value of another type than the caller expects.
    ReturnedWrongType {
        /// The type of the value, which was dropped.
        returned: &'static str,
        /// The type that the caller expected.
        expected: &'static str,
    },
}

impl<V> SwitchError<V> {
    pub(super) fn with_value(kind: SwitchErrorKind, value: V) -> Self {
        SwitchError { kind, value: Some(value) }
    }

    pub(super) fn from_kind(kind: SwitchErrorKind) -> Self {
        SwitchError { kind, value: None }
    }

    /// Why there was no value.
    #[must_use]
    pub fn kind(&self) -> SwitchErrorKind {
        self.kind
    }

    /// The value that could not be delivered, if it was the value that failed.
    #[must_use]
    pub fn into_value(self) -> Option<V> {
        self.value
    }
}

impl fmt::Display for SwitchErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("cannot switch to the greenlet that runs already"),
            Self::Dead => f.write_str("cannot switch to a greenlet that has ended"),
            Self::Waiting => f.write_str("cannot switch to a greenlet that waits in the hub"),
            Self::WrongType { expected } => {
                write!(f, "the greenlet expects a value of type {expected}")
            }
            Self::Unwinding => f.write_str("a greenlet cannot switch away while it unwinds"),
            Self::InCallback => f.write_str("a callback in the hub's loop cannot switch"),
            Self::Exited => f.write_str("the greenlet exited without a value"),
            Self::ReturnedWrongType { returned, expected } => {
                write!(
                    f,
                    "a greenlet returned a value of type {returned} where {expected} was expected"
                )
            }
        }
    }
}

impl<V> fmt::Display for SwitchError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl<V> fmt::Debug for SwitchError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<V> std::error::Error for SwitchError<V> {}

/// A parent that a greenlet cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetParentError {
    /// The parent is the greenlet itself, or descends from it.
    Cycle,
    /// The greenlet is main or was spawned, and has no parent.
    Fixed,
}

impl fmt::Display for SetParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cycle => "cyclic parent chain",
            Self::Fixed => "main and spawned greenlets have no parent to set",
        })
    }
}

impl std::error::Error for SetParentError {}
