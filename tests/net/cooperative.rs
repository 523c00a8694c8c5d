//! `Cooperative` over what is no socket of the mirror.

use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::io::Cooperative;
use greenhub::{Hub, sleep, spawn, yield_now};

use crate::support::{Scratch, bounded};

fn pipes() -> (Cooperative<PipeReader>, Cooperative<PipeWriter>) {
    let (reader, writer) = pipe().unwrap();
    (Cooperative::new(reader).unwrap(), Cooperative::new(writer).unwrap())
}

fn read(pipe: &Cooperative<PipeReader>, buffer: &mut [u8]) -> std::io::Result<usize> {
    pipe.read_with(|mut pipe: &PipeReader| pipe.read(buffer))
}

fn write_all(pipe: &Cooperative<PipeWriter>, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let length = pipe.write_with(|mut pipe: &PipeWriter| pipe.write(bytes))?;
        bytes = &bytes[length..];
    }
    Ok(())
}

#[test]
fn a_million_bytes_go_through_a_pipe_whose_reader_comes_late() {
    bounded(|| {
        let (reader, writer) = pipes();
        let writing = spawn(move || write_all(&writer, &vec![7; 1_000_000]));
        sleep(Duration::from_millis(50));
        let (mut total, mut buffer) = (0, [0; 4096]);
        loop {
            match read(&reader, &mut buffer).unwrap() {
                0 => break,
                length => total += length,
            }
        }
        writing.join().unwrap().unwrap();
        assert_eq!(total, 1_000_000);
    });
}

#[test]
fn a_pipe_without_a_writer_ends_and_one_without_a_reader_is_broken() {
    bounded(|| {
        let (reader, writer) = pipes();
        let reading = spawn(move || read(&reader, &mut [0; 4]));
        yield_now();
        drop(writer);
        assert_eq!(reading.join().unwrap().unwrap(), 0);

        let (reader, writer) = pipes();
        let writing = spawn(move || write_all(&writer, &vec![0; 1_000_000]));
        yield_now();
        drop(reader);
        assert_eq!(writing.join().unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_pipe_has_limits_that_std_does_not_have() {
    bounded(|| {
        let (reader, _writer) = pipes();
        let limit = Duration::from_millis(30);
        reader.set_read_timeout(Some(limit)).unwrap();
        let start = Instant::now();
        assert_eq!(read(&reader, &mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(start.elapsed() >= limit);
        reader.set_nonblocking(true);
        assert_eq!(read(&reader, &mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn wait_readable_returns_when_there_is_something() {
    bounded(|| {
        let (reader, writer) = pipes();
        let reader = Rc::new(reader);
        let waiting = Rc::clone(&reader);
        let waiter = spawn(move || waiting.wait_readable());
        yield_now();
        assert!(!waiter.is_finished());
        write_all(&writer, b"x").unwrap();
        waiter.join().unwrap().unwrap();
        assert_eq!(read(&reader, &mut [0; 4]).unwrap(), 1);
    });
}

#[test]
fn close_with_wakes_who_waits_and_refuses_who_comes_later() {
    bounded(|| {
        let (reader, _writer) = pipes();
        let reader = Rc::new(reader);
        let waiting = Rc::clone(&reader);
        let waiter = spawn(move || waiting.wait_readable());
        yield_now();
        reader.close_with(|_| Ok(())).unwrap();
        let errors = [
            waiter.join().unwrap().unwrap_err(),
            reader.wait_readable().unwrap_err(),
            read(&reader, &mut [0; 4]).unwrap_err(),
            reader.close_with(|_| Ok(())).unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.raw_os_error() == Some(libc::EBADF)), "{errors:?}");
    });
}

#[test]
fn into_inner_gives_back_a_blocking_descriptor_that_can_be_taken_in_again() {
    bounded(|| {
        let (mut reader, writer) = pipe().unwrap();
        let writer = Cooperative::new(writer).unwrap();
        for _ in 0..5 {
            let cooperative = Cooperative::new(reader).unwrap();
            let reading = spawn(move || {
                read(&cooperative, &mut [0; 4]).unwrap();
                cooperative
            });
            yield_now();
            write_all(&writer, b"x").unwrap();
            reader = reading.join().unwrap().into_inner().unwrap();
            assert!(!is_nonblocking(&reader));
        }
        assert_eq!(Hub::current().stats().sources, 0);
    });
}

fn is_nonblocking(pipe: &PipeReader) -> bool {
    socket2::SockRef::from(pipe).nonblocking().unwrap()
}

#[test]
fn a_borrowed_descriptor_can_be_taken_in_again_and_again() {
    bounded(|| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let near = Rc::new(near);
        for _ in 0..5 {
            let borrowed = Rc::clone(&near);
            let reading = spawn(move || {
                let stream = Cooperative::new(&*borrowed).unwrap();
                stream.read_with(|stream: &&UnixStream| {
                    let mut stream = *stream;
                    stream.read(&mut [0; 4])
                })
            });
            yield_now();
            far.write_all(b"xyz").unwrap();
            assert_eq!(reading.join().unwrap().unwrap(), 3);
        }
    });
}

#[test]
fn a_regular_file_is_read_but_not_waited_for() {
    let path = Scratch::holding(b"content");
    let file = Cooperative::new(std::fs::File::open(&path).unwrap()).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(file.read_with(|mut file| file.read(&mut buffer)).unwrap(), 7);
    assert!(file.wait_readable().is_ok(), "a file is never waited for");
    let waiting = file.read_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into()));
    let error = waiting.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("regular files"), "{error}");
    assert_eq!(Hub::current().stats().sources, 0);
}

#[test]
fn an_operation_is_called_again_after_each_wait_and_its_errors_are_passed_on() {
    bounded(|| {
        let (reader, writer) = pipes();
        let mut calls = 0;
        write_all(&writer, b"x").unwrap();
        let answer: std::io::Result<()> = reader.read_with(|_| {
            calls += 1;
            let kind = if calls < 2 { ErrorKind::WouldBlock } else { ErrorKind::Interrupted };
            Err(kind.into())
        });
        assert_eq!((calls, answer.unwrap_err().kind()), (2, ErrorKind::Interrupted));
    });
}

#[test]
fn a_descriptor_is_waited_for_in_one_place() {
    bounded(|| {
        let (reader, writer) = pipe().unwrap();
        let fd = reader.as_fd();
        let (one, two) = (Cooperative::new(fd).unwrap(), Cooperative::new(fd).unwrap());
        greenhub::scope(|scope| {
            let first = scope.spawn(|| one.wait_readable());
            greenhub::yield_now();
            let refused = two.wait_readable().unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ResourceBusy, "{refused}");
            (&writer).write_all(b"x").unwrap();
            first.join().unwrap().unwrap();
        });
        drop(one);
        // Now the place is free.
        two.wait_readable().unwrap();
    });
}
