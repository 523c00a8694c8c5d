//! `monkey::fs`: bodies compiled twice, on std and on greenhub, and what greenhub adds.
//!
//! Open files have some more in `tests/net/world/file.rs`.

mod green;
mod lending;
mod support;

#[path = "."]
mod on_std {
    use std as world;

    #[path = "world/alike.rs"]
    mod alike;
    #[path = "world/directories.rs"]
    mod directories;
    #[path = "world/handles.rs"]
    mod handles;
    #[path = "world/links.rs"]
    mod links;
    #[path = "world/locks.rs"]
    mod locks;
    #[path = "world/making.rs"]
    mod making;
    #[path = "world/moving.rs"]
    mod moving;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod on_greenhub {
    use greenhub::monkey as world;

    #[path = "world/alike.rs"]
    mod alike;
    #[path = "world/directories.rs"]
    mod directories;
    #[path = "world/handles.rs"]
    mod handles;
    #[path = "world/links.rs"]
    mod links;
    #[path = "world/locks.rs"]
    mod locks;
    #[path = "world/making.rs"]
    mod making;
    #[path = "world/moving.rs"]
    mod moving;
}
