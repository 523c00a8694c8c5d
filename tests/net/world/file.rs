//! Files.

use std::io::{BufRead, BufReader, ErrorKind, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};

use super::common::kind;
use super::world::fs::{self, File, OpenOptions};
use crate::support::Scratch;

fn read_write(path: &Scratch) -> File {
    File::options().read(true).write(true).open(path).unwrap()
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let path = Scratch::new();
    assert_eq!(kind(File::open(&path)), ErrorKind::NotFound);
    assert_eq!(kind(fs::read(&path)), ErrorKind::NotFound);
    assert_eq!(kind(fs::read_to_string(&path)), ErrorKind::NotFound);
    assert_eq!(kind(OpenOptions::new().write(true).open(&path)), ErrorKind::NotFound);
}

#[test]
fn create_empties_what_is_there() {
    let path = Scratch::holding(b"old");
    File::create(&path).unwrap().write_all(b"n").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"n");
}

#[test]
fn create_new_refuses_what_is_there() {
    let path = Scratch::new();
    File::create_new(&path).unwrap().write_all(b"new").unwrap();
    assert_eq!(kind(File::create_new(&path)), ErrorKind::AlreadyExists);
    let again = OpenOptions::new().write(true).create_new(true).open(&path);
    assert_eq!(kind(again), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[test]
#[allow(clippy::nonsensical_open_options, clippy::suspicious_open_options)]
fn options_that_contradict_each_other_are_a_mistake() {
    let path = Scratch::new();
    let nothing = OpenOptions::new().open(&path);
    assert_eq!(kind(nothing), ErrorKind::InvalidInput);
    let create_for_reading = OpenOptions::new().read(true).create(true).open(&path);
    assert_eq!(kind(create_for_reading), ErrorKind::InvalidInput);
    let append_and_truncate =
        OpenOptions::new().append(true).truncate(true).create(true).open(&path);
    assert_eq!(kind(append_and_truncate), ErrorKind::InvalidInput);
}

#[test]
fn a_file_opened_for_one_way_refuses_the_other() {
    let path = Scratch::holding(b"abc");
    let mut reader = File::open(&path).unwrap();
    assert_eq!(reader.write(b"x").unwrap_err().raw_os_error(), Some(libc::EBADF));
    let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
    assert_eq!(writer.read(&mut [0; 4]).unwrap_err().raw_os_error(), Some(libc::EBADF));
}

#[test]
fn append_writes_at_the_end_wherever_the_position_is() {
    let path = Scratch::holding(b"abc");
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"def").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "abcdef");
}

#[test]
fn seek_moves_the_position_and_tells_it() {
    let path = Scratch::holding(b"0123456789");
    let mut file = File::open(&path).unwrap();
    assert_eq!(file.seek(SeekFrom::End(-3)).unwrap(), 7);
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "789");
    assert_eq!(file.seek(SeekFrom::Current(-5)).unwrap(), 5);
    assert_eq!(file.stream_position().unwrap(), 5);
    file.rewind().unwrap();
    assert_eq!(file.read(&mut [0; 4]).unwrap(), 4);
    assert_eq!(file.seek(SeekFrom::Start(100)).unwrap(), 100);
    assert_eq!(file.read(&mut [0; 4]).unwrap(), 0);
    assert_eq!(kind(file.seek(SeekFrom::Current(-1000))), ErrorKind::InvalidInput);
}

#[test]
fn a_write_beyond_the_end_leaves_a_hole_of_zeros() {
    let path = Scratch::holding(b"a");
    let mut file = read_write(&path);
    file.seek(SeekFrom::Start(3)).unwrap();
    file.write_all(b"b").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"a\0\0b");
}

#[test]
fn set_len_cuts_off_and_extends() {
    let path = Scratch::holding(b"abcdef");
    let file = read_write(&path);
    file.set_len(2).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"ab");
    file.set_len(4).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"ab\0\0");
    assert_eq!(kind(File::open(&path).unwrap().set_len(0)), ErrorKind::InvalidInput);
}

#[test]
fn metadata_tells_length_and_kind() {
    let path = Scratch::holding(b"abc");
    let file = read_write(&path);
    let metadata = file.metadata().unwrap();
    assert_eq!((metadata.len(), metadata.is_file(), metadata.is_dir()), (3, true, false));
    let mut permissions = metadata.permissions();
    permissions.set_readonly(true);
    file.set_permissions(permissions).unwrap();
    assert!(file.metadata().unwrap().permissions().readonly());
    let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    file.set_modified(modified).unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), modified);
    file.set_times(fs::FileTimes::new().set_accessed(modified)).unwrap();
    assert_eq!(file.metadata().unwrap().accessed().unwrap(), modified);
    file.sync_all().unwrap();
    file.sync_data().unwrap();
}

#[test]
fn a_directory_opens_but_cannot_be_read_as_a_file() {
    let mut directory = File::open(std::env::temp_dir()).unwrap();
    assert!(directory.metadata().unwrap().is_dir());
    assert_eq!(kind(directory.read(&mut [0; 4])), ErrorKind::IsADirectory);
    assert_eq!(kind(fs::write(std::env::temp_dir(), b"x")), ErrorKind::IsADirectory);
}

#[test]
fn a_path_through_a_file_is_no_directory() {
    let path = Scratch::holding(b"");
    assert_eq!(kind(File::open(path.as_ref().join("below"))), ErrorKind::NotADirectory);
    assert_eq!(kind(File::open("a\0b")), ErrorKind::InvalidInput);
}

#[test]
fn text_that_is_not_utf8_is_invalid_data_and_bytes_are_not() {
    let path = Scratch::holding(b"ab\xffcd");
    assert_eq!(kind(fs::read_to_string(&path)), ErrorKind::InvalidData);
    assert_eq!(fs::read(&path).unwrap(), b"ab\xffcd");
    let mut text = String::from("kept");
    let answer = File::open(&path).unwrap().read_to_string(&mut text);
    assert_eq!(kind(answer), ErrorKind::InvalidData);
    assert_eq!(text, "kept");
}

#[test]
fn write_and_read_go_round() {
    let path = Scratch::new();
    fs::write(&path, "text").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    fs::write(&path, vec![7; 100_000]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), vec![7; 100_000]);
    fs::write(&path, b"").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn reads_of_a_file_add_to_what_the_buffer_holds() {
    let path = Scratch::holding(b"tail");
    let mut bytes = b"head ".to_vec();
    assert_eq!(File::open(&path).unwrap().read_to_end(&mut bytes).unwrap(), 4);
    assert_eq!(bytes, b"head tail");
    let mut text = String::from("head ");
    assert_eq!(File::open(&path).unwrap().read_to_string(&mut text).unwrap(), 4);
    assert_eq!(text, "head tail");
}

#[test]
fn read_exact_of_a_short_file_ends_early() {
    let path = Scratch::holding(b"abc");
    assert_eq!(kind(File::open(&path).unwrap().read_exact(&mut [0; 4])), ErrorKind::UnexpectedEof);
}

#[test]
fn vectored_calls_keep_the_order() {
    let path = Scratch::holding(b"");
    let mut file = read_write(&path);
    assert_eq!(file.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")]).unwrap(), 5);
    file.rewind().unwrap();
    let (mut first, mut second) = ([0; 3], [0; 3]);
    let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    assert_eq!(file.read_vectored(&mut buffers).unwrap(), 5);
    assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
}

#[test]
fn nothing_is_read_or_written_where_there_is_no_room() {
    let path = Scratch::holding(b"abc");
    let mut file = read_write(&path);
    assert_eq!(file.read(&mut []).unwrap(), 0);
    assert_eq!(file.write(&[]).unwrap(), 0);
    assert_eq!(file.stream_position().unwrap(), 0);
    file.flush().unwrap();
}

#[test]
fn a_clone_shares_the_position() {
    let path = Scratch::holding(b"abcdef");
    let mut file = File::open(&path).unwrap();
    let mut clone = file.try_clone().unwrap();
    file.read_exact(&mut [0; 3]).unwrap();
    let mut rest = String::new();
    clone.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "def");
}

#[test]
fn a_locked_file_is_not_locked_twice() {
    let path = Scratch::holding(b"");
    let (first, second) = (File::open(&path).unwrap(), File::open(&path).unwrap());
    first.lock().unwrap();
    assert!(matches!(second.try_lock(), Err(fs::TryLockError::WouldBlock)));
    first.unlock().unwrap();
    second.lock_shared().unwrap();
    first.try_lock_shared().unwrap();
}

#[test]
fn lines_are_read_through_a_buffer() {
    let path = Scratch::holding(b"one\ntwo\nthree");
    let file = BufReader::with_capacity(4, File::open(&path).unwrap());
    let lines: Vec<String> = file.lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["one", "two", "three"]);
}

#[test]
fn reads_and_writes_at_a_place_leave_the_position() {
    let path = Scratch::holding(b"0123456789");
    let mut file = read_write(&path);
    file.write_all_at(b"ab", 8).unwrap();
    let mut buffer = [0; 4];
    file.read_exact_at(&mut buffer, 6).unwrap();
    assert_eq!(&buffer, b"67ab");
    assert_eq!(file.read_at(&mut buffer, 100).unwrap(), 0);
    assert_eq!(kind(file.read_exact_at(&mut buffer, 8)), ErrorKind::UnexpectedEof);
    assert_eq!(file.stream_position().unwrap(), 0);
}

#[test]
fn the_mode_and_the_flags_of_a_new_file_are_those_that_were_asked_for() {
    let path = Scratch::new();
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o640).open(&path).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let follow = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(&path);
    assert_eq!(kind(follow), ErrorKind::NotADirectory);
}
