//! Conversions to and from descriptors, the same for every type that has one.
//!
//! # Why this file is unsafe
//!
//! `FromRawFd` is: whoever calls it vouches for the descriptor.

/// Implements std's conversions for a newtype over `Cooperative<$std>`.
///
/// They do not fail, as in std; setting the mode of an open descriptor does not either.
macro_rules! descriptor_conversions {
    ($type:ident, $std:ty) => {
        crate::monkey::descriptor::raw_conversions!($type);

        const _: () = {
            use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

            impl AsFd for $type {
                fn as_fd(&self) -> BorrowedFd<'_> {
                    self.0.as_fd()
                }
            }

            impl AsRawFd for $type {
                fn as_raw_fd(&self) -> RawFd {
                    self.0.as_fd().as_raw_fd()
                }
            }

            /// Sets the descriptor to non-blocking mode.
            impl From<OwnedFd> for $type {
                fn from(fd: OwnedFd) -> Self {
                    Self::from(<$std>::from(fd))
                }
            }

            /// Sets the descriptor to blocking mode again, unless `set_nonblocking` was called.
            impl From<$type> for OwnedFd {
                fn from(socket: $type) -> Self {
                    <$std>::from(socket).into()
                }
            }

            /// Takes in a socket of std, with its timeouts, and sets it to non-blocking mode. If it
            /// had that before, calls that would wait return `WouldBlock`, as in std.
            impl From<$std> for $type {
                fn from(socket: $std) -> Self {
                    Self(crate::io::socket::adopt(socket).expect("an open socket has a mode"))
                }
            }

            /// Gives back a socket of std, with its timeouts and in its mode.
            impl From<$type> for $std {
                fn from(socket: $type) -> Self {
                    crate::io::socket::give_back(socket.0).expect("an open socket has a mode")
                }
            }
        };
    };
}

/// Implements the conversions from and to a number, by those from and to `OwnedFd`.
macro_rules! raw_conversions {
    ($type:ident) => {
        #[allow(unsafe_code)]
        const _: () = {
            use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};

            impl IntoRawFd for $type {
                fn into_raw_fd(self) -> RawFd {
                    OwnedFd::from(self).into_raw_fd()
                }
            }

            impl FromRawFd for $type {
                unsafe fn from_raw_fd(fd: RawFd) -> Self {
                    // SAFETY: the caller's obligations are the same: `fd` is open, owned by no
                    // one else, and of this kind.
                    Self::from(unsafe { OwnedFd::from_raw_fd(fd) })
                }
            }
        };
    };
}

pub(crate) use {descriptor_conversions, raw_conversions};
