//! Clusters: hubs on several OS threads, and what they are given.

mod ending;
mod joining;
mod killing;
mod losing;
mod placing;
mod settings;
mod support;
mod waking;
