//! The pipes of a child, and handing them on.

use std::io::{BufRead, BufReader, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use super::common::sh;
use super::world::fs::File;
use super::world::io;
use super::world::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use crate::support::{bounded, kind};

fn is_nonblocking(fd: impl AsFd) -> bool {
    rustix::fs::fcntl_getfl(fd).unwrap().contains(rustix::fs::OFlags::NONBLOCK)
}

/// Fails, with 1, if its standard input or output is in non-blocking mode.
const BOTH_BLOCK: &str = "for fd in 0 1; do
    flags=$(sed -n 's/^flags:[^0-9]*//p' /proc/$$/fdinfo/$fd)
    [ $((0$flags & 04000)) = 0 ] || exit 1
done";

#[test]
fn what_is_written_to_one_pipe_is_read_from_the_other() {
    bounded(|| {
        let mut command = Command::new("cat");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        for word in ["one", "two", "three"] {
            stdin.write_all(word.as_bytes()).unwrap();
            let mut buffer = vec![0; word.len()];
            stdout.read_exact(&mut buffer).unwrap();
            assert_eq!(buffer, word.as_bytes());
        }
        drop(stdin);
        assert_eq!(stdout.read(&mut [0; 4]).unwrap(), 0);
        assert_eq!(stdout.read(&mut [0; 4]).unwrap(), 0);
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_shared_reference_to_the_childs_input_writes() {
    bounded(|| {
        let mut command = Command::new("cat");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        {
            let stdin = child.stdin.as_ref().unwrap();
            let mut first: &ChildStdin = stdin;
            write!(first, "a{}", 1).unwrap();
            first.flush().unwrap();
            let slices = [IoSlice::new(b"bc"), IoSlice::new(b""), IoSlice::new(b"def")];
            assert_eq!(first.write_vectored(&slices).unwrap(), 5);
        }
        assert_eq!(child.wait_with_output().unwrap().stdout, b"a1bcdef");
    });
}

#[test]
fn a_vectored_read_fills_one_after_the_other() {
    bounded(|| {
        let mut child = sh("printf abcde").stdout(Stdio::piped()).spawn().unwrap();
        child.wait().unwrap();
        let (mut first, mut second) = ([0; 3], [0; 4]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(child.stdout.as_mut().unwrap().read_vectored(&mut slices).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
    });
}

#[test]
fn reading_into_no_room_reads_nothing() {
    bounded(|| {
        let mut child = sh("printf a").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        assert_eq!(stdout.read(&mut []).unwrap(), 0);
        let mut text = String::from("kept ");
        assert_eq!(stdout.read_to_string(&mut text).unwrap(), 1);
        assert_eq!(text, "kept a");
        child.wait().unwrap();
    });
}

#[test]
fn output_that_is_not_text_is_invalid_data_for_a_string() {
    bounded(|| {
        let mut child = sh(r"printf 'a\377'").stdout(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        let answer = child.stdout.take().unwrap().read_to_string(&mut text);
        assert_eq!(kind(answer), ErrorKind::InvalidData);
        child.wait().unwrap();
    });
}

#[test]
fn lines_of_a_child_are_read_as_they_come() {
    bounded(|| {
        let script = "echo one; sleep 0.02; printf 'tw'; sleep 0.02; echo o; printf three";
        let mut child = sh(script).stderr(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines: Vec<String> =
            BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "two", "three"]);
        child.wait().unwrap();
    });
}

#[test]
fn one_childs_output_is_anothers_input() {
    bounded(|| {
        let mut first = sh("echo b; echo a").stdout(Stdio::piped()).spawn().unwrap();
        let mut second = Command::new("sort")
            .stdin(first.stdout.take().unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let third = Command::new("tr")
            .args(["a-z", "A-Z"])
            .stdin(Stdio::from(second.stdout.take().unwrap()))
            .output()
            .unwrap();
        assert_eq!(third.stdout, b"A\nB\n");
        assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    });
}

#[test]
fn a_childs_input_can_be_anothers_output_or_error() {
    bounded(|| {
        let mut sorter = Command::new("sort");
        let mut last = sorter.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = last.stdin.take().unwrap();
        assert!(sh("echo b; echo a").stdout(input).status().unwrap().success());
        assert_eq!(last.wait_with_output().unwrap().stdout, b"a\nb\n");
        let mut loud = sh("echo x >&2").stderr(Stdio::piped()).spawn().unwrap();
        let output = Command::new("cat").stdin(loud.stderr.take().unwrap()).output().unwrap();
        assert_eq!(output.stdout, b"x\n");
        loud.wait().unwrap();
    });
}

#[test]
fn what_a_child_inherits_is_in_blocking_mode() {
    bounded(|| {
        let mut command = sh(BOTH_BLOCK);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "piped");
        let mut source = Command::new("cat");
        let mut source = source.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut sink = Command::new("cat");
        let mut sink = sink.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (input, output) = (source.stdout.take().unwrap(), sink.stdin.take().unwrap());
        let status = sh(BOTH_BLOCK).stdin(input).stdout(output).status().unwrap();
        assert_eq!(status.code(), Some(0), "handed on");
        source.wait().unwrap();
        sink.wait().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let status = sh(BOTH_BLOCK).stdin(reader).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "made here");
    });
}

#[test]
fn a_file_can_be_what_a_child_reads_or_writes() {
    bounded(|| {
        let name = format!("greenhub-{}-{}", std::process::id(), module_path!().replace(':', "-"));
        let path = std::env::temp_dir().join(name);
        let file = File::create(&path).unwrap();
        assert!(sh("echo in a file").stdout(file).status().unwrap().success());
        let output = Command::new("cat").stdin(File::open(&path).unwrap()).output().unwrap();
        assert_eq!(output.stdout, b"in a file\n");
        std::fs::remove_file(&path).unwrap();
    });
}

#[test]
fn two_outputs_can_be_one_pipe() {
    bounded(|| {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut command = sh("echo out; echo err >&2");
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        assert!(command.status().unwrap().success());
        // It keeps its ends of the pipe for the next child.
        drop(command);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "out\nerr\n");
    });
}

#[test]
fn a_pipe_changes_hands_as_a_descriptor_and_back() {
    bounded(|| {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (number, stdin) = (child.stdin.as_ref().unwrap().as_raw_fd(), child.stdin.take());
        let stdin = OwnedFd::from(stdin.unwrap());
        assert_eq!(stdin.as_raw_fd(), number);
        assert!(!is_nonblocking(&stdin));
        let stdout = OwnedFd::from(child.stdout.take().unwrap());
        let stderr = OwnedFd::from(child.stderr.take().unwrap());
        assert!(!is_nonblocking(&stdout) && !is_nonblocking(&stderr));
        let mut stdin = ChildStdin::from(stdin);
        stdin.write_all(b"hello").unwrap();
        drop(stdin);
        child.stdout = Some(ChildStdout::from(stdout));
        child.stderr = Some(ChildStderr::from(stderr));
        assert_eq!(child.wait_with_output().unwrap().stdout, b"hello");
    });
}

#[test]
fn a_raw_number_is_that_of_the_descriptor() {
    bounded(|| {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let number = stdin.as_fd().as_raw_fd();
        assert_eq!(stdin.into_raw_fd(), number);
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

#[test]
#[allow(clippy::zombie_processes)] // what is left of the child has no methods
fn fields_can_be_moved_out_one_by_one() {
    bounded(|| {
        let mut command = sh("echo a");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.unwrap(), child.stderr.unwrap());
        assert_eq!(io::read_to_string(stdout).unwrap(), "a\n");
        assert_eq!(io::read_to_string(stderr).unwrap(), "");
    });
}
