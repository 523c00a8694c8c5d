//! The kernel's list of TCP sockets, where each has its owner.
//!
//! A socket that its process has closed while data is under way is in the list without an inode, and
//! then as one of root's. Whoever sends a command and closes at once would be taken for root. So only
//! one that has an inode counts. The kernel may look at the owner and at the inode in either order, so
//! one could lie between; therefore the list is read twice, and must say the same.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::threadpool::offload;

/// A socket of IPv6 may talk to one of IPv4, so it is looked for in both.
const LISTS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The user that has the socket whose own address is `local`, and which is connected to `remote`.
pub(super) fn owner(local: SocketAddr, remote: SocketAddr) -> io::Result<u32> {
    let [first, second] = offload(|| [look(local, remote), look(local, remote)]);
    let (first, second) = (first?, second?);
    if first == second {
        return Ok(first);
    }
    Err(io::Error::new(ErrorKind::NotFound, "the kernel tells two owners"))
}

fn look(local: SocketAddr, remote: SocketAddr) -> io::Result<u32> {
    for list in LISTS {
        let text = match fs::read_to_string(list) {
            // A system without IPv6 has no list of it.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            text => text?,
        };
        if let Some(user) = owner_in(&text, local, remote) {
            return Ok(user);
        }
    }
    Err(io::Error::new(ErrorKind::NotFound, "the kernel lists no such socket"))
}

/// The list has a line for each socket, below a heading; the fields are its number, its address, that of
/// its peer, its state, three pairs of counts, its user, a count and its inode.
fn owner_in(list: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let ends = [canonical(local), canonical(remote)];
    // Most lines are of others, and soon seen to be.
    let port = format!(":{:04X} ", local.port());
    list.lines().skip(1).filter(|line| line.contains(&port)).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, own, peer, _, _, _, _, user, _, inode, ..] = fields[..] else { return None };
        let is_it = [address(own)?, address(peer)?] == ends;
        let has_process = inode.parse::<u64>().is_ok_and(|inode| inode != 0);
        (is_it && has_process).then(|| user.parse().ok()).flatten()
    })
}

/// Without what IPv6 adds to an address of IPv4.
fn canonical(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

/// `0100007F:1F90`: the address by words as they lie in memory, and the port.
fn address(text: &str) -> Option<(IpAddr, u16)> {
    let (words, port) = text.split_once(':')?;
    let bytes: Vec<u8> = (0..words.len())
        .step_by(8)
        .map(|place| u32::from_str_radix(words.get(place..place + 8)?, 16).ok())
        .collect::<Option<Vec<u32>>>()?
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let ip = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical(),
        _ => return None,
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    const HEADING: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn user(line: &str, local: &str, remote: &str) -> Option<u32> {
        let list = format!(
            "{HEADING}   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n{line}\n"
        );
        owner_in(&list, local.parse().unwrap(), remote.parse().unwrap())
    }

    #[test]
    fn the_owner_of_a_socket_is_found_by_both_its_ends() {
        let line = "   1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 20001 1 0";
        assert_eq!(user(line, "127.0.0.1:54321", "127.0.0.1:8080"), Some(1000));
        assert_eq!(user(line, "127.0.0.1:8080", "127.0.0.1:54321"), None);
        assert_eq!(user(line, "127.0.0.1:54321", "127.0.0.2:8080"), None);
    }

    #[test]
    fn one_of_ipv6_that_talks_to_ipv4_is_found() {
        let ends = "0000000000000000FFFF00000100007F:D431 0000000000000000FFFF00000100007F:1F90";
        let line =
            format!("   1: {ends} 01 00000000:00000000 00:00000000 00000000  1000 0 20001 1 0");
        assert_eq!(user(&line, "127.0.0.1:54321", "127.0.0.1:8080"), Some(1000));
        let ends = "00000000000000000000000001000000:D431 00000000000000000000000001000000:1F90";
        let line =
            format!("   1: {ends} 01 00000000:00000000 00:00000000 00000000  1000 0 20001 1 0");
        assert_eq!(user(&line, "[::1]:54321", "[::1]:8080"), Some(1000));
    }

    #[test]
    fn a_socket_that_its_process_has_closed_is_nobodys() {
        let line = "   1: 0100007F:D431 0100007F:1F90 04 00000000:00000000 00:00000000 00000000     0        0 0 1 0";
        assert_eq!(user(line, "127.0.0.1:54321", "127.0.0.1:8080"), None);
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        for line in
            ["", "1: x:0001 y", "1: :0001 : 01 a b c d e f", "1: 01:0001 é:0 01 a b c 1 e 5"]
        {
            assert_eq!(user(line, "127.0.0.1:1", "127.0.0.1:2"), None, "{line}");
        }
    }
}
