//! Child processes, their pipes, and standard input.
//!
//! `world/` holds bodies that are compiled twice, on std and on `greenhub::monkey`: both must
//! give the same values and the same errors. The other files are about greenhub alone.

mod beside;
mod input;
mod leaving;
mod limits;
mod support;
mod watching;

#[path = "."]
mod on_std {
    use std as world;

    #[path = "world/command.rs"]
    mod command;
    #[path = "world/common.rs"]
    mod common;
    #[path = "world/ends.rs"]
    mod ends;
    #[path = "world/output.rs"]
    mod output;
    #[path = "world/pipe.rs"]
    mod pipe;
    #[path = "world/pipes.rs"]
    mod pipes;
    #[path = "world/stdin.rs"]
    mod stdin;
    #[path = "world/traits.rs"]
    mod traits;
    #[path = "world/unix.rs"]
    mod unix;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod on_greenhub {
    use greenhub::monkey as world;

    #[path = "world/command.rs"]
    mod command;
    #[path = "world/common.rs"]
    mod common;
    #[path = "world/ends.rs"]
    mod ends;
    #[path = "world/output.rs"]
    mod output;
    #[path = "world/pipe.rs"]
    mod pipe;
    #[path = "world/pipes.rs"]
    mod pipes;
    #[path = "world/stdin.rs"]
    mod stdin;
    #[path = "world/traits.rs"]
    mod traits;
    #[path = "world/unix.rs"]
    mod unix;
}
