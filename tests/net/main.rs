//! Sockets, files, names, and what is lent to other threads.
//!
//! `world/` holds bodies that are compiled twice, on std and on `greenhub::monkey`: both must
//! give the same values and the same errors. The other files are about greenhub alone.

mod closing;
mod cooperative;
mod duplex;
mod edges;
mod hubs;
mod killing;
mod leaving;
mod lending;
mod polling;
mod resolving;
mod selecting;
mod support;
mod unix;
mod unix_ends;

#[path = "."]
mod on_std {
    use std as world;

    #[path = "world/addr.rs"]
    mod addr;
    #[path = "world/common.rs"]
    mod common;
    #[path = "world/descriptor.rs"]
    mod descriptor;
    #[path = "world/file.rs"]
    mod file;
    #[path = "world/listener.rs"]
    mod listener;
    #[path = "world/tcp.rs"]
    mod tcp;
    #[path = "world/tcp_ends.rs"]
    mod tcp_ends;
    #[path = "world/tcp_limits.rs"]
    mod tcp_limits;
    #[path = "world/traits.rs"]
    mod traits;
    #[path = "world/udp.rs"]
    mod udp;
    #[path = "world/unix.rs"]
    mod unix;
    #[path = "world/unix_datagram.rs"]
    mod unix_datagram;
    #[path = "world/unix_descriptor.rs"]
    mod unix_descriptor;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod on_greenhub {
    use greenhub::monkey as world;

    #[path = "world/addr.rs"]
    mod addr;
    #[path = "world/common.rs"]
    mod common;
    #[path = "world/descriptor.rs"]
    mod descriptor;
    #[path = "world/file.rs"]
    mod file;
    #[path = "world/listener.rs"]
    mod listener;
    #[path = "world/tcp.rs"]
    mod tcp;
    #[path = "world/tcp_ends.rs"]
    mod tcp_ends;
    #[path = "world/tcp_limits.rs"]
    mod tcp_limits;
    #[path = "world/traits.rs"]
    mod traits;
    #[path = "world/udp.rs"]
    mod udp;
    #[path = "world/unix.rs"]
    mod unix;
    #[path = "world/unix_datagram.rs"]
    mod unix_datagram;
    #[path = "world/unix_descriptor.rs"]
    mod unix_descriptor;
}
