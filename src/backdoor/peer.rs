//! Who is at the other end of a connection: only the user of this process and root are let in.

#[cfg(target_os = "linux")]
mod sockets;

use std::io;

use rustix::process::geteuid;

use crate::monkey::net::TcpStream;
use crate::monkey::os::unix::net::UnixStream;

const ROOT: u32 = 0;

/// Why someone is not let in: a line that tells that to them.
pub(super) fn refusal(user: io::Result<u32>) -> Option<String> {
    let own = geteuid().as_raw();
    match user {
        Ok(user) if user == own || user == ROOT => None,
        Ok(user) => Some(format!("refused: this is for user {own}, and you are {user}\n")),
        Err(error) => Some(format!(
            "refused: this is for user {own}, and who you are is not known: {error}\n"
        )),
    }
}

/// Fails where nobody tells who connects.
pub(super) fn check_that_it_can_be_told() -> io::Result<()> {
    if cfg!(target_os = "linux") {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not tell who connects"))
}

/// The user that has connected on a Unix socket.
#[cfg(target_os = "linux")]
pub(super) fn of_unix(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// The user that has the socket at the other end, on this machine.
#[cfg(target_os = "linux")]
pub(super) fn of_tcp(stream: &TcpStream) -> io::Result<u32> {
    sockets::owner(stream.peer_addr()?, stream.local_addr()?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of_unix(_: &UnixStream) -> io::Result<u32> {
    Err(check_that_it_can_be_told().expect_err("it cannot"))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of_tcp(_: &TcpStream) -> io::Result<u32> {
    Err(check_that_it_can_be_told().expect_err("it cannot"))
}
