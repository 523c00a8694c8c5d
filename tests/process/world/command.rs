//! What a program is started with, and what is refused.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::common::sh;
use super::world::process::{Command, Stdio};
use crate::support::{bounded, kind, open_descriptors, test_name};

fn told(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn a_program_that_is_not_there_is_not_found() {
    bounded(|| {
        assert_eq!(kind(Command::new("/no/such/program").spawn()), ErrorKind::NotFound);
        assert_eq!(kind(Command::new("no-such-program-anywhere").output()), ErrorKind::NotFound);
        assert_eq!(kind(Command::new("").status()), ErrorKind::NotFound);
    });
}

#[test]
fn a_program_that_is_not_there_leaves_no_descriptor() {
    crate::support::alone(
        &test_name(module_path!(), "a_program_that_is_not_there_leaves_no_descriptor"),
        || {
            let mut missing = Command::new("/no/such/program");
            missing.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            assert_eq!(kind(missing.spawn()), ErrorKind::NotFound);
            let before = open_descriptors();
            for _ in 0..7 {
                assert_eq!(kind(missing.spawn()), ErrorKind::NotFound);
                assert_eq!(kind(missing.output()), ErrorKind::NotFound);
            }
            assert_eq!(open_descriptors(), before);
        },
    );
}

#[test]
fn what_may_not_be_run_is_refused() {
    bounded(|| {
        assert_eq!(kind(Command::new("/etc/passwd").spawn()), ErrorKind::PermissionDenied);
        assert_eq!(kind(Command::new("/").spawn()), ErrorKind::PermissionDenied);
    });
}

#[test]
fn a_directory_that_is_not_there_is_not_found() {
    bounded(|| {
        let answer = Command::new("true").current_dir("/no/such/directory").spawn();
        assert_eq!(kind(answer), ErrorKind::NotFound);
    });
}

#[test]
fn a_null_byte_anywhere_is_invalid_input() {
    bounded(|| {
        assert_eq!(kind(Command::new("a\0b").spawn()), ErrorKind::InvalidInput);
        assert_eq!(kind(Command::new("echo").arg("a\0b").output()), ErrorKind::InvalidInput);
        assert_eq!(kind(Command::new("echo").env("A", "x\0y").status()), ErrorKind::InvalidInput);
        assert_eq!(kind(Command::new("echo").env("A\0B", "x").spawn()), ErrorKind::InvalidInput);
        assert_eq!(kind(Command::new("echo").current_dir("a\0b").spawn()), ErrorKind::InvalidInput);
    });
}

#[test]
fn arguments_arrive_as_they_are() {
    bounded(|| {
        let mut command = Command::new("printf");
        command.arg("[%s]").args(["a b", "", "$HOME", "*", "\"quoted\"", "\n"]);
        assert_eq!(told(&mut command), "[a b][][$HOME][*][\"quoted\"][\n]");
        let bytes = OsStr::from_bytes(b"\xff\xfe");
        assert_eq!(
            Command::new("printf").arg("%s").arg(bytes).output().unwrap().stdout,
            b"\xff\xfe"
        );
    });
}

#[test]
fn the_environment_is_ours_with_what_was_set() {
    bounded(|| {
        let mut command = sh("echo $A-$B-${C-unset}-${PATH:+path}");
        command.env("A", "1").envs([("B", "2"), ("C", "3")]).env_remove("C");
        assert_eq!(told(&mut command), "1-2-unset-path\n");
    });
}

#[test]
fn a_cleared_environment_has_only_what_was_set_afterwards() {
    bounded(|| {
        let mut command = Command::new("/usr/bin/env");
        command.env("BEFORE", "1").env_clear().env("AFTER", "2");
        assert_eq!(told(&mut command), "AFTER=2\n");
    });
}

#[test]
fn the_program_is_looked_for_where_its_own_path_says() {
    bounded(|| {
        let answer = Command::new("true").env("PATH", "/no/such/directory").spawn();
        assert_eq!(kind(answer), ErrorKind::NotFound);
    });
}

#[test]
fn the_current_directory_is_that_of_the_child_alone() {
    bounded(|| {
        let before = std::env::current_dir().unwrap();
        assert_eq!(told(Command::new("pwd").current_dir("/")), "/\n");
        assert_eq!(std::env::current_dir().unwrap(), before);
    });
}

#[test]
fn a_command_tells_what_it_was_given() {
    let mut command = Command::new("program");
    command.arg("a").args(["b", "c"]).env("A", "1").env_remove("B").current_dir("/tmp");
    assert_eq!(command.get_program(), "program");
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(command.get_args().len(), 3);
    let vars: HashMap<_, _> = command.get_envs().collect();
    assert_eq!(vars[OsStr::new("A")], Some(OsStr::new("1")));
    assert_eq!(vars[OsStr::new("B")], None);
    assert_eq!(command.get_current_dir(), Some(Path::new("/tmp")));
    assert_eq!(Command::new("x").get_current_dir(), None);
}

#[test]
fn a_command_is_shown_as_one_would_type_it() {
    let mut command = Command::new("echo");
    command.arg("a b").arg("c");
    assert_eq!(format!("{command:?}"), r#""echo" "a b" "c""#);
    command.env("A", "1");
    assert_eq!(format!("{command:?}"), r#"A="1" "echo" "a b" "c""#);
}

#[test]
fn a_command_starts_again_and_again() {
    bounded(|| {
        let mut command = sh("exit 3");
        for _ in 0..3 {
            assert_eq!(command.status().unwrap().code(), Some(3));
        }
        assert_eq!(command.arg("more").spawn().unwrap().wait().unwrap().code(), Some(3));
    });
}

#[test]
fn output_leaves_the_pipes_of_a_later_spawn_as_they_were() {
    bounded(|| {
        let mut command = Command::new("true");
        command.output().unwrap();
        let mut child = command.spawn().unwrap();
        assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
        child.wait().unwrap();
        command.stdin(Stdio::piped()).output().unwrap();
        let mut child = command.spawn().unwrap();
        assert!(child.stdin.is_some() && child.stdout.is_none());
        child.wait().unwrap();
    });
}
