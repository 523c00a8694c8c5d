//! [`std::net`], cooperative.

pub use std::net::*;

mod addr;
mod tcp;
mod udp;

pub use self::addr::ToSocketAddrs;
pub use self::tcp::{Incoming, TcpListener, TcpStream};
pub use self::udp::UdpSocket;
