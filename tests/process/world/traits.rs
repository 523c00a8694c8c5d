//! Which traits the types have.

use std::fmt::Debug;
use std::io::{BufRead, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::common::sh;
use super::world::io::{PipeReader, PipeWriter, Stdin, StdinLock};
use super::world::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use crate::support::bounded;

fn plain<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug>() {}
fn descriptor<T: AsFd + AsRawFd + IntoRawFd + From<OwnedFd> + Into<OwnedFd> + Into<Stdio>>() {}
fn number<T: FromRawFd>() {}
fn reads<T: Read>() {}
fn writes<T: Write>() {}

#[test]
fn the_auto_traits_are_there() {
    plain::<Child>();
    plain::<ChildStdin>();
    plain::<ChildStdout>();
    plain::<ChildStderr>();
    plain::<PipeReader>();
    plain::<PipeWriter>();
    plain::<Stdin>();
    fn of_a_command<T: Send + Sync + Unpin + Debug>() {}
    of_a_command::<Command>();
    fn of_a_lock<T: Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug + AsFd + BufRead>() {}
    of_a_lock::<StdinLock<'static>>();
}

#[test]
fn the_conversions_are_there() {
    descriptor::<ChildStdin>();
    descriptor::<ChildStdout>();
    descriptor::<ChildStderr>();
    descriptor::<PipeReader>();
    descriptor::<PipeWriter>();
    number::<PipeReader>();
    number::<PipeWriter>();
    reads::<ChildStdout>();
    reads::<ChildStderr>();
    reads::<PipeReader>();
    reads::<&PipeReader>();
    reads::<Stdin>();
    reads::<&Stdin>();
    writes::<ChildStdin>();
    writes::<&ChildStdin>();
    writes::<PipeWriter>();
    writes::<&PipeWriter>();
}

#[test]
fn a_child_is_shown_with_its_pipes() {
    bounded(|| {
        let mut child = sh("exit 0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let shown = "Child { stdin: Some(ChildStdin { .. }), stdout: Some(ChildStdout { .. }), \
                     stderr: None, .. }";
        assert_eq!(format!("{child:?}"), shown);
        child.wait().unwrap();
    });
}

#[test]
fn the_prelude_has_the_settings_of_unix() {
    use super::world::os::unix::prelude::*;
    bounded(|| {
        let output = Command::new("sh").arg0("x").args(["-c", "echo $0; exit 2"]).output().unwrap();
        assert_eq!((&output.stdout[..], output.status.into_raw()), (&b"x\n"[..], 2 << 8));
    });
}
