//! What may be done with the types of sockets: the traits that they have.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

use super::common::listen;
use super::world::net::{self, TcpListener, TcpStream, UdpSocket};
use super::world::os::unix::net::{self as unix, UnixDatagram, UnixListener, UnixStream};

fn is_open<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug>() {}

fn is_a_descriptor<T>()
where
    T: AsFd + AsRawFd + FromRawFd + IntoRawFd + From<OwnedFd> + Into<OwnedFd>,
    Arc<T>: AsFd + AsRawFd,
    Rc<T>: AsFd + AsRawFd,
{
}

fn is_a_stream<T: Read + Write>()
where
    for<'a> &'a T: Read + Write,
{
}

#[test]
fn sockets_may_be_sent_shared_and_unwound_over() {
    is_open::<TcpStream>();
    is_open::<TcpListener>();
    is_open::<UdpSocket>();
    is_open::<UnixStream>();
    is_open::<UnixListener>();
    is_open::<UnixDatagram>();
    is_open::<net::Incoming<'_>>();
    is_open::<unix::Incoming<'_>>();
}

#[test]
fn sockets_are_descriptors() {
    is_a_descriptor::<TcpStream>();
    is_a_descriptor::<TcpListener>();
    is_a_descriptor::<UdpSocket>();
    is_a_descriptor::<UnixStream>();
    is_a_descriptor::<UnixListener>();
    is_a_descriptor::<UnixDatagram>();
}

#[test]
fn streams_are_read_and_written_also_when_shared() {
    is_a_stream::<TcpStream>();
    is_a_stream::<UnixStream>();
}

#[test]
fn incoming_does_not_say_when_it_ends() {
    fn is_fused<T: FusedIterator>(_: &T) {}
    let (listener, _) = listen();
    is_fused(&listener.incoming());
    assert_eq!(listener.incoming().size_hint(), (0, None));
    assert!(format!("{:?}", listener.incoming()).starts_with("Incoming { listener: TcpListener {"));
}

#[test]
#[allow(deprecated)]
fn whether_a_listener_is_for_v6_only_can_be_asked_but_not_changed() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let only = listener.only_v6().unwrap();
    assert!(listener.set_only_v6(!only).is_err());
    assert_eq!(listener.only_v6().unwrap(), only);
    let (v4, _) = listen();
    assert_eq!(v4.set_only_v6(true).is_err(), v4.only_v6().is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn acknowledging_at_once_can_be_switched_off_and_on() {
    use super::world::os::linux::net::TcpStreamExt;

    let (listener, address) = listen();
    let stream = TcpStream::connect(address).unwrap();
    listener.accept().unwrap();
    stream.set_quickack(false).unwrap();
    assert!(!stream.quickack().unwrap());
    stream.set_quickack(true).unwrap();
    assert!(stream.quickack().unwrap());
}
