//! [`std::os::unix`], with cooperative sockets and files.

pub use std::os::unix::*;

pub mod fs;
pub mod net;

/// [`std::os::unix::prelude`], with the same.
pub mod prelude {
    pub use std::os::unix::prelude::*;

    pub use super::process::CommandExt;
}

/// [`std::os::unix::process`], for the mirrored `Command`.
pub mod process {
    pub use std::os::unix::process::*;

    pub use crate::monkey::process::unix::CommandExt;
}
