//! The life of a greenlet, its links, and those who wait for it. One binary, so that it links once.

mod support;

mod joinall;
mod killing;
mod life;
mod linking;
mod locals;
mod moments;
mod results;
mod scopes;
mod timer;
mod trees;
mod waiting;
