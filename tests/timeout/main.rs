//! Limits on blocks of code: what they end, what they leave alone, and what they leave behind.

mod allocating;
mod blocks;
mod ending;
mod nested;
mod support;
mod waits;
