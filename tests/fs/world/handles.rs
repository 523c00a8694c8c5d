//! Open files.

use std::fmt::Write as _;
#[allow(unused_imports)] // greenhub's file has it as a method of its own
use std::io::IsTerminal;
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::world::fs::{self, File, FileTimes, OpenOptions};
use super::world::thread;
use crate::support::{Folder, bounded, kind, number};

fn open(folder: &Folder, content: &[u8]) -> File {
    let path = folder.file("file", content);
    File::options().read(true).write(true).open(path).unwrap()
}

fn content(folder: &Folder) -> Vec<u8> {
    std::fs::read(folder.at("file")).unwrap()
}

#[test]
fn a_seek_to_before_the_start_is_invalid_and_leaves_the_position() {
    let folder = Folder::new();
    let mut file = open(&folder, b"0123456789");
    file.seek(SeekFrom::Start(4)).unwrap();
    assert_eq!(kind(file.seek(SeekFrom::Current(-5))), ErrorKind::InvalidInput);
    assert_eq!(kind(file.seek(SeekFrom::End(-11))), ErrorKind::InvalidInput);
    assert_eq!(kind(file.seek(SeekFrom::Start(u64::MAX))), ErrorKind::InvalidInput);
    assert_eq!(kind(file.seek_relative(i64::MIN)), ErrorKind::InvalidInput);
    assert_eq!(file.stream_position().unwrap(), 4);
    file.seek_relative(-4).unwrap();
    assert_eq!(file.stream_position().unwrap(), 0);
}

#[test]
fn the_position_after_an_appending_write_is_the_end() {
    let folder = Folder::new();
    let path = folder.file("file", b"abc");
    let mut file = OpenOptions::new().read(true).append(true).open(&path).unwrap();
    assert_eq!(file.stream_position().unwrap(), 0);
    file.read_exact(&mut [0; 1]).unwrap();
    file.write_all(b"de").unwrap();
    assert_eq!(file.stream_position().unwrap(), 5);
    assert_eq!(file.read(&mut [0; 4]).unwrap(), 0);
    file.rewind().unwrap();
    file.write_all(b"f").unwrap();
    file.write_all_at(b"g", 0).unwrap();
    assert_eq!(content(&folder), b"abcdefg");
}

#[test]
fn two_that_append_do_not_overwrite_each_other() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.file("file", b"");
        let writers: Vec<_> = [b'a', b'b', b'c', b'd']
            .map(|byte| {
                let path = path.clone();
                thread::spawn(move || {
                    let mut file = OpenOptions::new().append(true).open(path).unwrap();
                    for _ in 0..25 {
                        file.write_all(&[byte; 40]).unwrap();
                    }
                })
            })
            .into();
        for writer in writers {
            writer.join().unwrap();
        }
        let written = content(&folder);
        assert_eq!(written.len(), 4000);
        assert!(written.chunks(40).all(|piece| piece.iter().all(|byte| *byte == piece[0])));
    });
}

#[test]
fn a_read_to_the_end_begins_at_the_position() {
    let folder = Folder::new();
    let mut file = open(&folder, b"0123456789");
    file.seek(SeekFrom::Start(8)).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(file.read_to_end(&mut bytes).unwrap(), 2);
    assert_eq!(file.read_to_end(&mut bytes).unwrap(), 0);
    assert_eq!(bytes, b"89");
    file.seek(SeekFrom::Start(1000)).unwrap();
    assert_eq!(file.read_to_end(&mut bytes).unwrap(), 0);
}

#[test]
fn an_exact_read_that_fails_has_taken_what_there_was() {
    let folder = Folder::new();
    let mut file = open(&folder, b"abc");
    assert_eq!(kind(file.read_exact(&mut [0; 4])), ErrorKind::UnexpectedEof);
    assert_eq!(file.stream_position().unwrap(), 3);
    file.read_exact(&mut []).unwrap();
}

#[test]
fn empty_reads_and_writes_at_a_place_do_nothing() {
    let folder = Folder::new();
    let file = open(&folder, b"abc");
    assert_eq!(file.read_at(&mut [], 1).unwrap(), 0);
    assert_eq!(file.write_at(&[], 10).unwrap(), 0);
    file.read_exact_at(&mut [], 100).unwrap();
    file.write_all_at(&[], 100).unwrap();
    assert_eq!(content(&folder), b"abc");
    assert_eq!(kind(file.read_at(&mut [0; 1], u64::MAX)), ErrorKind::InvalidInput);
    assert_eq!(kind(file.write_at(b"x", u64::MAX)), ErrorKind::InvalidInput);
}

#[test]
fn a_write_at_a_place_beyond_the_end_leaves_a_hole() {
    let folder = Folder::new();
    let file = open(&folder, b"a");
    assert_eq!(file.write_at(b"bc", 3).unwrap(), 2);
    assert_eq!(content(&folder), b"a\0\0bc");
}

#[test]
fn whatever_a_file_was_not_opened_for_is_refused() {
    let folder = Folder::new();
    let path = folder.file("file", b"abc");
    let mut reader = File::open(&path).unwrap();
    assert_eq!(number(reader.write_all(b"x")), libc::EBADF);
    assert_eq!(number(reader.write_all_at(b"x", 0)), libc::EBADF);
    assert_eq!(reader.write(b"").map_err(|error| error.raw_os_error()), Err(Some(libc::EBADF)));
    let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
    assert_eq!(number(writer.read_to_end(&mut Vec::new())), libc::EBADF);
    assert_eq!(number(writer.read_to_string(&mut String::new())), libc::EBADF);
    assert_eq!(number(writer.read_exact(&mut [0; 1])), libc::EBADF);
    assert_eq!(number(writer.read_at(&mut [0; 1], 0)), libc::EBADF);
}

#[test]
fn set_len_leaves_the_position() {
    let folder = Folder::new();
    let mut file = open(&folder, b"abcdef");
    file.seek(SeekFrom::End(0)).unwrap();
    file.set_len(2).unwrap();
    assert_eq!(file.stream_position().unwrap(), 6);
    file.write_all(b"g").unwrap();
    assert_eq!(content(&folder), b"ab\0\0\0\0g");
    assert_eq!(kind(file.set_len(u64::MAX)), ErrorKind::InvalidInput);
}

#[test]
fn times_are_set_one_by_one_or_together() {
    let folder = Folder::new();
    let file = open(&folder, b"");
    let (early, late) = (
        SystemTime::UNIX_EPOCH + Duration::new(1_000_000, 500),
        SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000),
    );
    file.set_times(FileTimes::new().set_accessed(early).set_modified(late)).unwrap();
    let metadata = file.metadata().unwrap();
    assert_eq!((metadata.accessed().unwrap(), metadata.modified().unwrap()), (early, late));
    file.set_times(FileTimes::new().set_modified(early)).unwrap();
    file.set_times(FileTimes::default()).unwrap();
    let metadata = fs::metadata(folder.at("file")).unwrap();
    assert_eq!((metadata.accessed().unwrap(), metadata.modified().unwrap()), (early, early));
    let before_all = SystemTime::UNIX_EPOCH - Duration::from_secs(1000);
    file.set_modified(before_all).unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), before_all);
}

#[test]
fn options_that_were_cloned_go_their_own_way() {
    let folder = Folder::new();
    let mut options = OpenOptions::new();
    options.read(true);
    let mut other = options.clone();
    other.write(true).create_new(true);
    assert_eq!(kind(options.open(folder.at("new"))), ErrorKind::NotFound);
    other.open(folder.at("new")).unwrap();
    other.create_new(false);
    other.open(folder.at("new")).unwrap();
    options.open(folder.at("new")).unwrap();
}

#[test]
fn create_new_wins_over_truncate() {
    let folder = Folder::new();
    let path = folder.file("file", b"kept");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).truncate(true);
    assert_eq!(kind(options.open(&path)), ErrorKind::AlreadyExists);
    assert_eq!(content(&folder), b"kept");
    options.open(folder.at("new")).unwrap();
}

#[test]
fn of_many_that_create_the_same_new_file_one_succeeds() {
    bounded(|| {
        let folder = Folder::new();
        let makers: Vec<_> = (0..20)
            .map(|_| {
                let path = folder.at("new");
                thread::spawn(move || File::create_new(path).map(drop))
            })
            .collect();
        let answers: Vec<_> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(kind(answer), ErrorKind::AlreadyExists);
        }
    });
}

#[test]
fn a_file_is_read_and_written_through_a_shared_reference() {
    bounded(|| {
        let folder = Folder::new();
        let file = Arc::new(open(&folder, &[b'.'; 80]));
        let writers: Vec<_> = (0..8u8)
            .map(|number| {
                let file = Arc::clone(&file);
                thread::spawn(move || {
                    file.write_all_at(&[b'0' + number; 10], u64::from(number) * 10).unwrap();
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        let mut text = String::new();
        (&*file).read_to_string(&mut text).unwrap();
        assert!(text.chars().enumerate().all(|(at, it)| it as usize - '0' as usize == at / 10));
        (&*file).seek(SeekFrom::Start(0)).unwrap();
        (&*file).write_all(b"end").unwrap();
        (&*file).flush().unwrap();
        assert_eq!((&*file).stream_position().unwrap(), 3);
    });
}

#[test]
fn the_adapters_of_std_read_and_write_files() {
    let folder = Folder::new();
    let mut file = open(&folder, b"");
    let mut buffered = BufWriter::new(&file);
    for number in 0..1000 {
        writeln!(buffered, "{number}").unwrap();
    }
    buffered.into_inner().unwrap();
    file.rewind().unwrap();
    let mut first = String::new();
    (&mut file).take(3).read_to_string(&mut first).unwrap();
    assert_eq!(first, "0\n1");
    file.rewind().unwrap();
    let mut copy = File::create(folder.at("copy")).unwrap();
    let length = io::copy(&mut file, &mut copy).unwrap();
    assert_eq!(length, content(&folder).len() as u64);
    assert_eq!(fs::read(folder.at("copy")).unwrap(), content(&folder));
    file.rewind().unwrap();
    assert_eq!(io::BufReader::new(&file).bytes().count() as u64, length);
}

#[test]
fn a_write_that_fails_while_it_formats_tells_the_systems_error() {
    struct Fails;
    impl std::fmt::Display for Fails {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_char('x')?;
            Err(std::fmt::Error)
        }
    }
    let folder = Folder::new();
    let mut file = File::open(folder.file("file", b"")).unwrap();
    assert_eq!(number(write!(file, "{}", 7)), libc::EBADF);
    assert_eq!(number(write!(file, "{Fails}")), libc::EBADF);
}

#[test]
fn a_file_becomes_the_output_of_a_process() {
    let folder = Folder::new();
    let mut file = open(&folder, b"");
    let output = Stdio::from(file.try_clone().unwrap());
    assert!(Command::new("echo").arg("text").stdout(output).status().unwrap().success());
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "text\n");
}

#[test]
fn a_clone_is_closed_on_its_own() {
    let folder = Folder::new();
    let mut file = open(&folder, b"abc");
    let clone = file.try_clone().unwrap();
    assert_ne!(clone.as_raw_fd(), file.as_raw_fd());
    drop(clone);
    file.read_exact(&mut [0; 3]).unwrap();
    assert_eq!(file.as_fd().as_raw_fd(), file.as_raw_fd());
}

#[test]
fn a_file_is_no_terminal() {
    let folder = Folder::new();
    assert!(!open(&folder, b"").is_terminal());
}
