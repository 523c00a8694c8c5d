//! What all ends of pipes have in common: newtypes over `Cooperative` of std's own type.

/// Implements std's conversions for one end.
///
/// They do not fail, as in std; setting the mode of an open descriptor does not either.
macro_rules! pipe_conversions {
    ($type:ident, $std:ty) => {
        const _: () = {
            use std::fmt;
            use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
            use std::process::Stdio;

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

            /// Sets the descriptor to blocking mode again.
            impl From<$type> for OwnedFd {
                fn from(pipe: $type) -> Self {
                    <$std>::from(pipe).into()
                }
            }

            /// Takes in std's, and sets it to non-blocking mode. If it had that before, calls that
            /// would wait return `WouldBlock`, as in std.
            impl From<$std> for $type {
                fn from(pipe: $std) -> Self {
                    Self(crate::io::pipe::adopt(pipe).expect("an open pipe has a mode"))
                }
            }

            /// Gives back std's, in blocking mode again.
            impl From<$type> for $std {
                fn from(pipe: $type) -> Self {
                    pipe.0.into_inner().expect("an open pipe has a mode")
                }
            }

            /// For a child, in blocking mode again: a child expects that.
            impl From<$type> for Stdio {
                fn from(pipe: $type) -> Self {
                    <$std>::from(pipe).into()
                }
            }

            impl fmt::Debug for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }
        };
    };
}

macro_rules! read_pipe {
    ($($reader:ty),+) => {$(
        impl std::io::Read for $reader {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                crate::io::pipe::read(&self.0, &mut [std::io::IoSliceMut::new(buf)])
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                crate::io::pipe::read(&self.0, bufs)
            }
        }
    )+};
}

macro_rules! write_pipe {
    ($($writer:ty),+) => {$(
        impl std::io::Write for $writer {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                crate::io::pipe::write(&self.0, &[std::io::IoSlice::new(buf)])
            }

            fn write_vectored(
                &mut self,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                crate::io::pipe::write(&self.0, bufs)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    )+};
}

pub(crate) use {pipe_conversions, read_pipe, write_pipe};
