//! The file of a Unix socket.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;

use greenhub::Hub;
use greenhub::backdoor::Backdoor;

use crate::support::{Door, Folder, bounded, millis};

#[test]
fn it_is_for_its_user_alone_and_gone_after_a_stop() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        assert_eq!(fs::metadata(door.path()).unwrap().mode() & 0o777, 0o600);
        door.client();
        door.server.stop().unwrap();
        assert!(!fs::exists(door.path()).unwrap());
        assert!(!door.server.is_open() && door.server.local_addr().is_err());
        door.server.stop().unwrap();
    });
}

#[test]
fn it_is_gone_when_the_hub_is_ended() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let _client = door.client();
        Hub::current().end(millis(1000)).unwrap();
        assert!(!fs::exists(door.path()).unwrap());
    });
}

#[test]
fn a_socket_that_nobody_serves_is_replaced() {
    bounded(|| {
        let folder = Folder::new();
        drop(UnixListener::bind(folder.socket()).unwrap());
        assert!(fs::exists(folder.socket()).unwrap(), "std leaves it");
        let door = Backdoor::new().open_unix(folder.socket()).unwrap();
        door.stop().unwrap();
        assert!(!fs::exists(folder.socket()).unwrap());
    });
}

#[test]
fn a_socket_that_is_served_stays_and_is_an_error() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let error = Backdoor::new().open_unix(door.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        door.client();
    });
}

#[test]
fn a_file_that_is_no_socket_stays_and_is_an_error() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.socket();
        fs::write(&path, "precious").unwrap();
        let error = Backdoor::new().open_unix(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        symlink(folder.path().join("nowhere"), &path).unwrap();
        assert!(Backdoor::new().open_unix(&path).is_err());
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        let error = Backdoor::new().open_unix(folder.path().join("no/such")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn what_has_taken_its_place_is_not_removed() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        fs::remove_file(door.path()).unwrap();
        let _other = UnixListener::bind(door.path()).unwrap();
        door.server.stop().unwrap();
        assert!(fs::exists(door.path()).unwrap());
    });
}
