//! What `greenhub::queue` and `greenhub::Select` promise.

mod support;

mod attacks;
mod channel;
mod crowds;
mod ending;
mod giving_back;
mod items;
mod joining;
mod limits;
mod select;
mod select_ends;
mod shutdown;
mod strangers;
mod threads;
