//! The file of a Unix socket: whose it is, when it is replaced, and when it is removed.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::monkey::os::unix::net::{UnixListener, UnixStream};
use crate::server::{Accept, Listener};

/// So many clients may wait to be accepted.
const BACKLOG: i32 = 64;

/// The listener of a backdoor on a Unix socket, whose file is removed when it is closed.
#[derive(Debug)]
pub struct UnixDoor {
    listener: UnixListener,
    _file: SocketFile,
}

/// Removes the file when this is dropped.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    file: Metadata,
}

/// Listens at `path`, where only this user may connect.
pub(super) fn listen(path: &Path) -> io::Result<UnixDoor> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // What is bound gets the mode of the socket. To change the file's own would be to look for it by
    // its path, where there may be another by then.
    rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    let address = SockAddr::unix(path)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            check_that_nobody_serves(path)?;
            fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        bound => bound?,
    }
    // The working directory may be another when it is removed.
    let path = std::path::absolute(path)?;
    let file = SocketFile { file: fs::symlink_metadata(&path)?, path };
    socket.listen(BACKLOG)?;
    let listener = UnixListener::from(StdListener::from(OwnedFd::from(socket)));
    Ok(UnixDoor { listener, _file: file })
}

fn check_that_nobody_serves(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another program serves there")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_same =
            |there: Metadata| (there.dev(), there.ino()) == (self.file.dev(), self.file.ino());
        // Another program may have its own there by now.
        if fs::symlink_metadata(&self.path).is_ok_and(is_same) {
            // An error says that it is gone.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl AsFd for UnixDoor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Listener for UnixDoor {}

impl Accept for UnixDoor {
    type Stream = UnixStream;
    type Addr = SocketAddr;

    fn next(&self) -> io::Result<(UnixStream, SocketAddr)> {
        self.listener.accept()
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn make_wait(&self) -> io::Result<()> {
        self.listener.set_nonblocking(false)
    }

    fn set_limit(stream: &UnixStream, limit: Duration) -> io::Result<()> {
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))
    }
}
