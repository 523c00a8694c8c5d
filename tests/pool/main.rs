//! Groups and pools of greenlets. One binary, so that it links once.

mod support;

mod applying;
mod ending;
mod failing;
mod group;
mod imap;
mod mapping;
mod slots;
