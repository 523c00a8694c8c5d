//! What `debug` shows, and that nothing changes by being looked at. One binary, so that it links once.

mod support;

mod asserting;
mod dumps;
mod recording;
mod signals;
mod timing;
mod traces;
