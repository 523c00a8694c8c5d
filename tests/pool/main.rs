//! Groups, pools and sets of greenlets. One binary, so that it links once.

mod support;

mod applying;
mod ending;
mod failing;
mod group;
mod imap;
mod join_set;
mod mapping;
mod slots;
