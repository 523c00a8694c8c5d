//! What the crate promises, seen from outside. One binary, so that it links once.

mod support;

mod gevent_table;
mod layers;
mod promises;

mod dropping;
mod generator;
mod parents;
mod raw;
mod raw_in_hub;
mod throwing;

mod callbacks;
mod hub;
mod stuck;
mod threads;

mod greenlet;
mod joining;
mod kill;
mod spawn_later;
mod unjoined;

mod exit;
mod memory;
mod overflow;
mod stacks;
