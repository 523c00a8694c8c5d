//! What `greenhub::testing` promises: virtual time, an order by a seed, and connections in memory.
//!
//! `world/` holds bodies that are compiled twice, on `std::net::TcpStream` and on
//! `testing::net::Stream`: both must give the same values and the same errors.

mod support;

mod checking;
mod laws;
mod leaving;
mod network;
mod order;
mod outside;
mod running;
mod streams;
mod time;

#[path = "."]
mod on_tcp {
    mod world {
        pub(super) use std::net::TcpStream as Stream;

        pub(super) fn pair() -> (Stream, Stream) {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let near = Stream::connect(listener.local_addr().unwrap()).unwrap();
            (near, listener.accept().unwrap().0)
        }
    }

    #[path = "world/ends.rs"]
    mod ends;
    #[path = "world/modes.rs"]
    mod modes;
}

#[path = "."]
#[allow(clippy::duplicate_mod)]
mod in_memory {
    mod world {
        pub(super) use greenhub::testing::net::{Stream, pair};
    }

    #[path = "world/ends.rs"]
    mod ends;
    #[path = "world/modes.rs"]
    mod modes;
}
