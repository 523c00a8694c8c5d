//! Crates and adapters that take whatever reads and writes, as they are, over the sockets of
//! `greenhub::monkey`: std's own, httparse, rustls and tungstenite. None of them knows greenhub.
//!
//! `keys/` holds a certificate for `localhost` that is valid until 2126, and its key, which protects
//! nothing.

mod adapters;
mod http;
mod support;
mod tls;
mod tls_ends;
mod websocket;
mod websocket_ends;
