//! What `greenhub::testing` promises: virtual time, and an order by a seed.

mod support;

mod checking;
mod laws;
mod order;
mod outside;
mod running;
mod time;
