//! What can be turned into addresses.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::common::kind;
use super::world::net::ToSocketAddrs;
use crate::support::bounded;

fn addresses(from: impl ToSocketAddrs) -> Vec<SocketAddr> {
    from.to_socket_addrs().unwrap().collect()
}

fn refused<T: ToSocketAddrs + ?Sized>(from: &T) -> (ErrorKind, String) {
    let answer: io::Result<Vec<SocketAddr>> = from.to_socket_addrs().map(Iterator::collect);
    let error = answer.unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
#[allow(clippy::needless_borrows_for_generic_args)] // references are what is tested
fn addresses_are_themselves() {
    let v4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
    let v6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0);
    assert_eq!(addresses(v4), [SocketAddr::V4(v4)]);
    assert_eq!(addresses(v6), [SocketAddr::V6(v6)]);
    assert_eq!(addresses(SocketAddr::V4(v4)), [SocketAddr::V4(v4)]);
    assert_eq!(addresses((Ipv4Addr::LOCALHOST, 80)), [SocketAddr::V4(v4)]);
    assert_eq!(addresses((Ipv6Addr::LOCALHOST, 80)), [SocketAddr::V6(v6)]);
    assert_eq!(addresses((IpAddr::V4(Ipv4Addr::LOCALHOST), 80)), [SocketAddr::V4(v4)]);
    let both = [SocketAddr::V4(v4), SocketAddr::V6(v6)];
    assert_eq!(addresses(&both[..]), both);
    assert_eq!(addresses(&&&v4), [SocketAddr::V4(v4)]);
}

#[test]
#[allow(clippy::needless_borrows_for_generic_args)] // references are what is tested
fn addresses_written_as_text_are_read() {
    let v4: SocketAddr = "127.0.0.1:80".parse().unwrap();
    let v6: SocketAddr = "[::1]:80".parse().unwrap();
    assert_eq!(addresses("127.0.0.1:80"), [v4]);
    assert_eq!(addresses("[::1]:80"), [v6]);
    assert_eq!(addresses(String::from("127.0.0.1:80")), [v4]);
    assert_eq!(addresses(&String::from("127.0.0.1:80")), [v4]);
    assert_eq!(addresses(("127.0.0.1", 80)), [v4]);
    assert_eq!(addresses(("::1", 80)), [v6]);
    assert_eq!(addresses((String::from("::1"), 80)), [v6]);
    assert_eq!(addresses(("127.0.0.1", 0))[0].port(), 0);
}

#[test]
fn a_name_is_resolved() {
    bounded(|| {
        for found in [addresses("localhost:81"), addresses(("localhost", 81))] {
            assert!(!found.is_empty());
            assert!(found.iter().all(|it| it.ip().is_loopback() && it.port() == 81), "{found:?}");
        }
    });
}

#[test]
fn a_port_has_to_be_there() {
    for text in ["127.0.0.1", "localhost", ""] {
        let (kind, message) = refused(text);
        assert_eq!(kind, ErrorKind::InvalidInput, "{text}");
        assert!(message == "invalid socket address" || message == "invalid port value", "{text}");
    }
    assert_eq!(refused("localhost").1, "invalid socket address");
    assert_eq!(refused(&String::from("localhost")).1, "invalid socket address");
}

#[test]
fn a_port_has_to_be_a_number_below_65536() {
    for text in ["127.0.0.1:65536", "127.0.0.1:http", "127.0.0.1:", "localhost:-1", "[::1]:99999"] {
        let expected = (ErrorKind::InvalidInput, "invalid port value".to_string());
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn a_name_with_a_zero_byte_is_a_mistake() {
    bounded(|| {
        assert_eq!(refused("local\0host:80").0, ErrorKind::InvalidInput);
        assert_eq!(refused(&("local\0host", 80)).0, ErrorKind::InvalidInput);
    });
}

#[test]
fn no_addresses_are_no_error_until_they_are_used() {
    let none: [SocketAddr; 0] = [];
    assert!(addresses(&none[..]).is_empty());
    assert_eq!(kind(super::world::net::TcpListener::bind(&none[..])), ErrorKind::InvalidInput);
}
