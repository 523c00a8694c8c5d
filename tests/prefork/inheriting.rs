//! What a worker gets, what it hands on, and what a service manager may give.
#![allow(unsafe_code)]

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::io::fcntl_dupfd_cloexec;

use crate::driver::{Client, Program, command, start};

pub(crate) fn a_worker_has_the_listeners_and_one_descriptor_more() {
    let program = start("serve", &["workers=1"]);
    let inherited = program.line("inherited");
    let kinds: Vec<_> = inherited.split(' ').map(|it| it.split_once('=').unwrap()).collect();
    let numbers: Vec<_> = kinds.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers[..3], ["0", "1", "2"], "{inherited}");
    let more: Vec<_> = kinds[3..].iter().map(|(_, kind)| *kind).collect();
    assert_eq!(more, ["socket", "socket"], "{inherited}");
    program.stop();
}

pub(crate) fn what_a_worker_starts_inherits_nothing_and_is_no_worker() {
    let program = start("serve", &["workers=1"]);
    let (answer, _) = Client::connect(program.address()).unwrap().ask("child").unwrap();
    let [inherited, variables, is_worker] = answer.split("; ").collect::<Vec<_>>()[..] else {
        panic!("{answer}")
    };
    let numbers = inherited.split(' ').map(|it| it.split_once('=').unwrap().0);
    assert_eq!(numbers.collect::<Vec<_>>(), ["0", "1", "2"], "{answer}");
    assert_eq!((variables, is_worker), ("", "false"), "{answer}");
    program.stop();
}

pub(crate) fn what_a_worker_with_several_threads_starts_is_no_worker_either() {
    let program = start("thread", &["workers=1"]);
    let (answer, _) = Client::connect(program.address()).unwrap().ask("child").unwrap();
    // The variable could not be removed, with another thread that might read it.
    assert!(answer.ends_with("; GREENHUB_PREFORK; false"), "{answer}");
    program.stop();
}

fn serves(program: Program) {
    program.all_ready(2, 0);
    assert!(Client::connect(program.address()).unwrap().ask("pid").is_ok());
    program.stop();
}

pub(crate) fn a_closed_standard_input_does_no_harm() {
    let mut closed = command("serve", &[]);
    // SAFETY: `close` may be called there, and nobody uses that number yet.
    unsafe {
        closed.pre_exec(|| {
            libc::close(0);
            Ok(())
        })
    };
    serves(Program::start(closed));
}

pub(crate) fn standard_input_closed_by_the_program_itself_does_no_harm() {
    serves(start("serve", &["stdin=closed"]));
}

/// This file as a program that a service manager starts, with `given` from descriptor 3 on.
fn activated(mode: &str, given: Vec<OwnedFd>, variables: &str) -> Command {
    let own = command(mode, &[]);
    let mut shell = Command::new("sh");
    // Only the process itself knows its number in time.
    shell.args(["-c", &format!("{variables} exec \"$@\""), "sh"]);
    shell.arg(own.get_program()).args(own.get_args()).stdin(Stdio::null());
    // Out of the way of their new numbers.
    let given = given.into_iter().map(|it| fcntl_dupfd_cloexec(&it, 20).unwrap());
    let given: Vec<OwnedFd> = given.collect();
    // SAFETY: it only makes a system call for each.
    unsafe {
        shell.pre_exec(move || {
            for (number, descriptor) in (3..).zip(&given) {
                libc::dup2(descriptor.as_raw_fd(), number);
            }
            Ok(())
        })
    };
    shell
}

fn variables(count: &str, names: Option<&str>) -> String {
    let names = names.map_or(String::new(), |names| format!("LISTEN_FDNAMES='{names}'"));
    format!("LISTEN_PID=$$ LISTEN_FDS={count} {names}")
}

fn tcp() -> (TcpListener, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let descriptor = listener.as_fd().try_clone_to_owned().unwrap();
    (listener, descriptor)
}

pub(crate) fn sockets_of_a_service_manager_are_taken_once() {
    let (listener, first) = tcp();
    let path = std::env::temp_dir().join(format!("greenhub-activated-{}", std::process::id()));
    let second = UnixListener::bind(&path).unwrap().into();
    std::fs::remove_file(path).unwrap();
    let given = variables("2", Some("web:admin"));
    let mut program = Program::start(activated("activation", vec![first, second], &given));
    assert_eq!(program.end().code(), Some(0));
    let address = listener.local_addr().unwrap();
    let expected =
        [&format!("web tcp {address}"), "admin unix", "again Err(AlreadyExists)", "left 0"];
    assert_eq!(program.all_lines(), expected);
}

pub(crate) fn sockets_of_a_service_manager_are_served_by_workers() {
    let (listener, first) = tcp();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let program = Program::start(activated("serve", vec![first], &variables("1", None)));
    assert_eq!(program.address(), address);
    program.all_ready(2, 0);
    assert!(Client::connect(address).unwrap().ask("pid").is_ok());
    let (answer, _) = Client::connect(address).unwrap().ask("child").unwrap();
    assert!(answer.ends_with("; ; false"), "{answer}");
    program.stop();
}

fn refused(given: Vec<OwnedFd>, variables: &str) -> String {
    let mut program = Program::start(activated("activation", given, variables));
    assert_eq!(program.end().code(), Some(1), "{:?}", program.lines());
    let lines = program.all_lines();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    line.strip_prefix("error InvalidData: ").unwrap_or_else(|| panic!("{line}")).to_owned()
}

pub(crate) fn what_is_no_listener_is_refused() {
    let one = variables("1", None);
    let file = File::open("/dev/null").unwrap();
    let no = "descriptor 3 is no listener: it is";
    assert_eq!(refused(vec![file.into()], &one), format!("{no} no socket"));
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(
        refused(vec![datagrams.into()], &one),
        format!("{no} a socket, but not for streams")
    );
    let (listener, descriptor) = tcp();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(refused(vec![stream.into()], &one), format!("{no} a socket, but does not listen"));
    let missing = refused(vec![descriptor], &variables("2", None));
    assert_eq!(missing, "descriptor 4 was not inherited, or was taken before");
}

pub(crate) fn variables_that_make_no_sense_are_refused() {
    let (_listener, descriptor) = tcp();
    let refused =
        |count, names| refused(vec![descriptor.try_clone().unwrap()], &variables(count, names));
    assert!(refused("many", None).starts_with("LISTEN_FDS is no number"));
    assert!(refused("-1", None).starts_with("LISTEN_FDS is no number"));
    let names = refused("1", Some("web:admin"));
    assert_eq!(names, "LISTEN_FDNAMES has 2 names for 1 descriptors");
    // What is for another process is not looked at.
    let others = "LISTEN_PID=1 LISTEN_FDS=nonsense";
    let given = vec![descriptor.try_clone().unwrap()];
    let mut program = Program::start(activated("activation", given, others));
    assert_eq!(program.end().code(), Some(0));
    assert_eq!(program.all_lines(), ["again Ok(0)", "left 2"]);
}

pub(crate) fn an_assignment_that_makes_no_sense_is_refused() {
    let own = std::process::id();
    for (value, text) in [
        ("nonsense".to_owned(), "GREENHUB_PREFORK is not what a parent sets"),
        (format!("{own}:0:0:1000:77"), "descriptor 77 was not inherited"),
    ] {
        let mut strange = command("serve", &[]);
        strange.env("GREENHUB_PREFORK", value);
        let mut program = Program::start(strange);
        assert_eq!(program.end().code(), Some(1));
        let error = program.line("error InvalidData:");
        assert!(error.starts_with(text), "{error}");
    }
    // One that names another parent was left by someone, and means nobody.
    let mut left = command("serve", &[]);
    left.env("GREENHUB_PREFORK", "1:0:0:1000:77");
    serves(Program::start(left));
}
