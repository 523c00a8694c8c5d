//! `io::pipe`.
//!
//! # Why this file is unsafe
//!
//! `from_raw_fd` is: here each number comes from `into_raw_fd`.
#![allow(unsafe_code)]

use std::io::{BufRead, BufReader, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use super::common::write_until_it_fails;
use super::world::io::{self, PipeReader, PipeWriter, pipe};
use super::world::process::{Command, Stdio};
use super::world::thread;
use crate::support::{bounded, kind};

#[test]
fn what_is_written_is_read() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        writer.write_all(b"hello").unwrap();
        let mut buffer = [0; 5];
        reader.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"hello");
    });
}

#[test]
fn the_end_comes_when_the_last_writer_is_gone() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let mut other = writer.try_clone().unwrap();
        writer.write_all(b"a").unwrap();
        drop(writer);
        other.write_all(b"b").unwrap();
        drop(other);
        let mut text = String::new();
        assert_eq!(reader.read_to_string(&mut text).unwrap(), 2);
        assert_eq!(text, "ab");
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    });
}

#[test]
fn a_reader_who_waits_sees_the_end() {
    bounded(|| {
        let (mut reader, writer) = pipe().unwrap();
        let waits = thread::spawn(move || reader.read(&mut [0; 4]).unwrap());
        thread::sleep(Duration::from_millis(10));
        drop(writer);
        assert_eq!(waits.join().unwrap(), 0);
    });
}

#[test]
fn a_write_without_readers_breaks_the_pipe() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"a").unwrap();
        drop(reader);
        assert_eq!(write_until_it_fails(&mut writer), ErrorKind::BrokenPipe);
        let error = writer.write(b"b").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
        assert_eq!(writer.write(b"").unwrap(), 0);
    });
}

#[test]
fn a_writer_who_waits_sees_the_last_reader_go() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        let waits = thread::spawn(move || kind(writer.write_all(&vec![0; 1 << 20])));
        thread::sleep(Duration::from_millis(10));
        drop(reader);
        assert_eq!(waits.join().unwrap(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn more_than_fits_goes_through_in_order() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let sent: Vec<u8> = (0..3_000_000).map(|n: u32| (n >> 6) as u8).collect();
        let expected = sent.clone();
        let writes = thread::spawn(move || writer.write_all(&sent).unwrap());
        let mut read = Vec::new();
        assert_eq!(reader.read_to_end(&mut read).unwrap(), 3_000_000);
        assert!(read == expected);
        writes.join().unwrap();
    });
}

#[test]
fn clones_share_what_is_in_the_pipe() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let mut other = reader.try_clone().unwrap();
        writer.write_all(b"abcd").unwrap();
        let mut buffer = [0; 2];
        reader.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"ab");
        other.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"cd");
    });
}

#[test]
fn shared_references_read_and_write() {
    bounded(|| {
        let (reader, writer) = pipe().unwrap();
        let (mut from, mut to): (&PipeReader, &PipeWriter) = (&reader, &writer);
        assert_eq!(to.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")]).unwrap(), 5);
        to.flush().unwrap();
        let (mut first, mut second) = ([0; 3], [0; 3]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(from.read_vectored(&mut slices).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
        assert_eq!(from.read(&mut []).unwrap(), 0);
    });
}

#[test]
fn lines_go_through_a_buffered_reader() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        let writes = thread::spawn(move || {
            for piece in ["on", "e\ntwo\n", "thr", "ee"] {
                writer.write_all(piece.as_bytes()).unwrap();
                thread::sleep(Duration::from_millis(2));
            }
        });
        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "two", "three"]);
        writes.join().unwrap();
    });
}

#[test]
fn copy_and_read_to_string_work_on_it() {
    bounded(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        let (last, mut sink) = pipe().unwrap();
        let copies = thread::spawn(move || io::copy(&mut reader, &mut sink).unwrap());
        writer.write_all(b"hello").unwrap();
        drop(writer);
        assert_eq!(io::read_to_string(last).unwrap(), "hello");
        assert_eq!(copies.join().unwrap(), 5);
    });
}

#[test]
fn an_end_changes_hands_as_a_descriptor_or_a_number_and_back() {
    bounded(|| {
        let (reader, writer) = pipe().unwrap();
        let number = reader.as_raw_fd();
        assert_eq!(reader.as_fd().as_raw_fd(), number);
        let mut reader = PipeReader::from(OwnedFd::from(reader));
        assert_eq!(reader.as_raw_fd(), number);
        // SAFETY: the number was just given away by the writer.
        let mut writer = unsafe { PipeWriter::from_raw_fd(writer.into_raw_fd()) };
        writer.write_all(b"x").unwrap();
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn a_child_reads_and_writes_pipes_that_were_made_here() {
    bounded(|| {
        let (input, mut tell) = pipe().unwrap();
        let (mut told, output) = pipe().unwrap();
        let mut command = Command::new("tr");
        let mut child =
            command.args(["a-z", "A-Z"]).stdin(input).stdout(Stdio::from(output)).spawn().unwrap();
        // It keeps its ends of the pipes for the next child.
        drop(command);
        tell.write_all(b"hello").unwrap();
        drop(tell);
        let mut text = String::new();
        told.read_to_string(&mut text).unwrap();
        assert_eq!(text, "HELLO");
        assert!(child.wait().unwrap().success());
    });
}
