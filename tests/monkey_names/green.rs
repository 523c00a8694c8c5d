//! What each green item is called by the compiler, which tells whose it is.

use std::any::{type_name, type_name_of_val};

use greenhub::monkey::{fs, io, net, os, process, sync, thread};

/// The green items and the names that the compiler has for them. Generics have some arguments.
pub(crate) fn told() -> Vec<(String, &'static str)> {
    let mut told = types();
    told.extend(values());
    told.extend(traits());
    told
}

macro_rules! types {
    ($($item:ty),* $(,)?) => {
        vec![$((plain(stringify!($item)), type_name::<$item>())),*]
    };
}

macro_rules! values {
    ($($item:expr),* $(,)?) => {
        vec![$({
            let item = $item;
            (plain(stringify!($item)), type_name_of_val(&item))
        }),*]
    };
}

/// A path without its arguments.
fn plain(path: &str) -> String {
    let path = path.split('<').next().unwrap_or(path);
    path.trim_start_matches("dyn ").trim_end_matches("::").to_owned()
}

fn types() -> Vec<(String, &'static str)> {
    types![
        fs::DirBuilder,
        fs::DirEntry,
        fs::File,
        fs::OpenOptions,
        fs::ReadDir,
        io::PipeReader,
        io::PipeWriter,
        io::Stdin,
        io::StdinLock<'static>,
        net::Incoming<'static>,
        net::TcpListener,
        net::TcpStream,
        net::UdpSocket,
        os::unix::net::Incoming<'static>,
        os::unix::net::UnixDatagram,
        os::unix::net::UnixListener,
        os::unix::net::UnixStream,
        process::Child,
        process::ChildStderr,
        process::ChildStdin,
        process::ChildStdout,
        process::Command,
        sync::Barrier,
        sync::BarrierWaitResult,
        sync::Condvar,
        sync::LazyLock<()>,
        sync::Mutex<()>,
        sync::MutexGuard<'static, ()>,
        sync::Once,
        sync::OnceLock<()>,
        sync::OnceState,
        sync::RwLock<()>,
        sync::RwLockReadGuard<'static, ()>,
        sync::RwLockWriteGuard<'static, ()>,
        sync::WaitTimeoutResult,
        sync::mpsc::IntoIter<()>,
        sync::mpsc::Iter<'static, ()>,
        sync::mpsc::Receiver<()>,
        sync::mpsc::Sender<()>,
        sync::mpsc::SyncSender<()>,
        sync::mpsc::TryIter<'static, ()>,
        thread::AccessError,
        thread::Builder,
        thread::JoinHandle<()>,
        thread::LocalKey<()>,
        thread::Scope<'static, 'static>,
        thread::ScopedJoinHandle<'static, ()>,
        thread::Thread,
        thread::ThreadId,
    ]
}

#[allow(deprecated)]
fn values() -> Vec<(String, &'static str)> {
    values![
        fs::canonicalize::<&str>,
        fs::copy::<&str, &str>,
        fs::create_dir::<&str>,
        fs::create_dir_all::<&str>,
        fs::exists::<&str>,
        fs::hard_link::<&str, &str>,
        fs::metadata::<&str>,
        fs::read::<&str>,
        fs::read_dir::<&str>,
        fs::read_link::<&str>,
        fs::read_to_string::<&str>,
        fs::remove_dir::<&str>,
        fs::remove_dir_all::<&str>,
        fs::remove_file::<&str>,
        fs::rename::<&str, &str>,
        fs::set_permissions::<&str>,
        fs::soft_link::<&str, &str>,
        fs::symlink_metadata::<&str>,
        fs::write::<&str, &str>,
        io::pipe,
        io::stdin,
        os::unix::fs::chown::<&str>,
        os::unix::fs::chroot::<&str>,
        os::unix::fs::fchown::<std::fs::File>,
        os::unix::fs::lchown::<&str>,
        os::unix::fs::symlink::<&str, &str>,
        sync::ONCE_INIT,
        sync::mpsc::channel::<()>,
        sync::mpsc::sync_channel::<()>,
        thread::current,
        thread::park,
        thread::park_timeout,
        thread::park_timeout_ms,
        thread::scope::<fn(&thread::Scope<'_, '_>), ()>,
        thread::sleep,
        thread::sleep_ms,
        thread::spawn::<fn(), ()>,
        thread::yield_now,
    ]
}

fn traits() -> Vec<(String, &'static str)> {
    type Addresses = std::vec::IntoIter<std::net::SocketAddr>;

    let mut told = types![dyn io::IsTerminal, dyn net::ToSocketAddrs<Iter = Addresses>];
    // No `dyn` of this one: one of its methods tells.
    let method = <process::Command as os::unix::process::CommandExt>::gid;
    told.push(("os::unix::process::CommandExt".to_owned(), type_name_of_val(&method)));
    #[cfg(target_os = "linux")]
    told.extend(types![dyn os::linux::net::TcpStreamExt]);
    told
}
