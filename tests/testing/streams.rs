//! What only connections in memory have: delays, splits, resets, and an end without a word.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use greenhub::testing::net::{Link, Stream, pair};
use greenhub::testing::{self, Simulation};
use greenhub::{joinall, sleep, spawn, with_timeout, yield_now};

use crate::support::{bounded, millis, panic_of, secs};

/// Sends back all that comes.
fn echo(stream: Stream) {
    let mut buf = [0; 100];
    loop {
        match (&stream).read(&mut buf).unwrap() {
            0 => return,
            length => (&stream).write_all(&buf[..length]).unwrap(),
        }
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 % 251) as u8).collect()
}

#[test]
fn an_echo_gives_the_right_bytes_however_they_are_split() {
    const LINK: Link = Link::new().capacity(64).short_reads().short_writes().jitter(millis(10));
    bounded(|| {
        testing::check(100, || {
            let (near, far) = LINK.delay(millis(3)).pair();
            let server = spawn(|| echo(far));
            let sent = pattern(2_000);
            let (mut writer, all) = (near.try_clone().unwrap(), sent.clone());
            let writer = spawn(move || {
                writer.write_all(&all).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut back = Vec::new();
            (&near).read_to_end(&mut back).unwrap();
            assert_eq!(back, sent);
            joinall(&[server, writer]);
        });
    });
}

#[test]
fn reads_and_writes_are_split_by_the_seed() {
    fn lengths() -> Vec<usize> {
        let (mut near, mut far) = Link::new().short_reads().short_writes().pair();
        let mut written = Vec::new();
        while written.iter().sum::<usize>() < 1_000 {
            written.push(near.write(&[0; 100]).unwrap());
        }
        written.extend((0..10).map(|_| far.read(&mut [0; 50]).unwrap()));
        written
    }
    bounded(|| {
        assert_eq!(testing::run(1, lengths), testing::run(1, lengths));
        assert_ne!(testing::run(1, lengths), testing::run(2, lengths));
        assert!(testing::run(3, lengths).iter().all(|length| (1..=100).contains(length)));
    });
}

#[test]
fn what_is_sent_arrives_after_its_delay_and_so_does_the_end() {
    bounded(|| {
        Simulation::new().run(|| {
            let (mut near, mut far) = Link::new().delay(secs(60)).pair();
            near.write_all(b"one").unwrap();
            sleep(secs(10));
            near.write_all(b"two").unwrap();
            drop(near);
            let mut buf = [0; 10];
            assert_eq!((far.read(&mut buf).unwrap(), testing::now()), (3, secs(60)));
            assert_eq!((far.read(&mut buf).unwrap(), testing::now()), (3, secs(70)));
            assert_eq!((far.read(&mut buf).unwrap(), testing::now()), (0, secs(70)));
        });
    });
}

#[test]
fn jitter_keeps_the_order_of_bytes() {
    bounded(|| {
        let arrivals = |seed| {
            testing::run(seed, || {
                let (mut near, mut far) = Link::new().delay(secs(1)).jitter(secs(9)).pair();
                for n in 0..20 {
                    near.write_all(&[n]).unwrap();
                }
                let arrivals: Vec<Duration> = (0..20)
                    .map(|n| {
                        let mut byte = [0];
                        far.read_exact(&mut byte).unwrap();
                        assert_eq!(byte, [n]);
                        testing::now()
                    })
                    .collect();
                assert!(arrivals.iter().all(|arrival| (secs(1)..=secs(10)).contains(arrival)));
                arrivals
            })
        };
        assert_eq!(arrivals(1), arrivals(1));
        assert_ne!(arrivals(1), arrivals(2));
    });
}

#[test]
fn limits_are_of_the_virtual_clock_and_data_at_the_last_moment_is_had() {
    bounded(|| {
        Simulation::new().run(|| {
            let (mut near, mut far) = Link::new().delay(secs(60)).pair();
            far.set_read_timeout(Some(secs(30))).unwrap();
            near.write_all(b"late").unwrap();
            let error = far.read(&mut [0; 4]).unwrap_err();
            assert_eq!((error.kind(), testing::now()), (ErrorKind::WouldBlock, secs(30)));
            assert_eq!((far.read(&mut [0; 4]).unwrap(), testing::now()), (4, secs(60)));
        });
    });
}

#[test]
fn who_writes_waits_for_room_and_not_for_more() {
    bounded(|| {
        Simulation::new().run(|| {
            let (mut near, mut far) = Link::new().capacity(10).pair();
            let writer = spawn(move || {
                assert_eq!(near.write(&pattern(25)).unwrap(), 10);
                near.write_all(&pattern(25)[10..]).unwrap();
                testing::now()
            });
            sleep(secs(5));
            let mut all = [0; 25];
            far.read_exact(&mut all[..5]).unwrap();
            sleep(secs(5));
            assert!(!writer.is_finished());
            far.read_exact(&mut all[5..]).unwrap();
            assert_eq!((all.to_vec(), writer.join().unwrap()), (pattern(25), secs(10)));
        });
    });
}

#[test]
fn a_connection_is_reset_after_so_many_bytes() {
    bounded(|| {
        for length in [0, 1, 7, 100] {
            Simulation::new().run(|| {
                let (mut near, mut far) = Link::new().delay(secs(1)).reset_after(length).pair();
                let error = near.write_all(&pattern(101)).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                assert_eq!(near.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
                let mut all = Vec::new();
                let error = far.read_to_end(&mut all).unwrap_err();
                assert_eq!((error.kind(), testing::now()), (ErrorKind::ConnectionReset, secs(1)));
                assert_eq!(all, pattern(length as usize));
                assert_eq!(far.read(&mut [0]).unwrap(), 0);
            });
        }
    });
}

#[test]
fn a_reset_reaches_those_who_wait() {
    bounded(|| {
        Simulation::new().run(|| {
            let (near, mut far) = Link::new().delay(secs(1)).capacity(1).pair();
            let (reader, mut writer) = (near.try_clone().unwrap(), near.try_clone().unwrap());
            let reader = spawn(move || (&reader).read(&mut [0]).unwrap_err().kind());
            let far_reader = spawn(move || {
                let error = far.read(&mut [0]).unwrap_err().kind();
                (error, testing::now())
            });
            yield_now();
            near.reset();
            assert_eq!(reader.join().unwrap(), ErrorKind::ConnectionReset);
            assert_eq!(far_reader.join().unwrap(), (ErrorKind::ConnectionReset, secs(1)));
            assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        });
    });
}

#[test]
fn what_is_sent_to_an_end_that_was_reset_is_lost_as_what_was_on_its_way() {
    bounded(|| {
        Simulation::new().run(|| {
            let (mut near, mut far) = Link::new().delay(secs(3)).pair();
            far.write_all(b"on its way").unwrap();
            near.reset();
            // It has not heard of that.
            far.write_all(b"too late").unwrap();
            sleep(secs(10));
            let buf = &mut [0; 20];
            assert_eq!(near.read(buf).unwrap_err().kind(), ErrorKind::ConnectionReset);
            assert_eq!(near.read(buf).unwrap(), 0);
            assert_eq!(far.read(buf).unwrap_err().kind(), ErrorKind::ConnectionReset);
        });
    });
}

#[test]
fn one_who_waits_for_room_hears_that_the_other_has_closed() {
    bounded(|| {
        Simulation::new().run(|| {
            let (mut near, far) = Link::new().capacity(4).pair();
            let writer = spawn(move || near.write_all(&pattern(100)).unwrap_err().kind());
            sleep(secs(1));
            drop(far);
            assert_eq!(writer.join().unwrap(), ErrorKind::ConnectionReset);
        });
    });
}

#[test]
fn one_that_vanishes_is_not_heard_of() {
    bounded(|| {
        Simulation::new().run(|| {
            let (mut near, mut far) = Link::new().delay(secs(1)).capacity(8).pair();
            far.write_all(b"here").unwrap();
            sleep(secs(1));
            far.write_all(b"lost").unwrap();
            far.vanish();
            near.set_read_timeout(Some(secs(60))).unwrap();
            near.set_write_timeout(Some(secs(60))).unwrap();
            let mut buf = [0; 8];
            assert_eq!(near.read(&mut buf).unwrap(), 4);
            assert_eq!(near.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
            assert_eq!(near.write(&[0; 20]).unwrap(), 8);
            assert_eq!(near.write(&[0; 20]).unwrap_err().kind(), ErrorKind::WouldBlock);
            assert_eq!(testing::now(), secs(121));
        });
    });
}

#[test]
fn who_waits_for_one_that_has_vanished_without_a_limit_is_told_that_it_waits_for_ever() {
    bounded(|| {
        let said = panic_of(|| {
            testing::run(0, || {
                let (mut near, far) = pair();
                far.vanish();
                near.read(&mut [0])
            })
        });
        assert!(said.contains("main waits to read from memory"), "{said}");
    });
}

#[test]
fn killed_and_timed_out_readers_and_writers_leave_the_stream_to_the_others() {
    bounded(|| {
        testing::check(100, || {
            let (near, mut far) = Link::new().capacity(1).pair();
            let read = || {
                let mut near = near.try_clone().unwrap();
                spawn(move || near.read(&mut [0; 2]).unwrap())
            };
            let (killed, other) = (read(), read());
            assert!(with_timeout(secs(1), || (&near).read(&mut [0])).is_err());
            killed.kill();
            far.write_all(b"x").unwrap();
            assert_eq!(other.join().unwrap(), 1);

            far.write_all(b"y").unwrap();
            let mut full = far.try_clone().unwrap();
            let killed = spawn(move || full.write_all(b"never"));
            assert!(with_timeout(secs(1), || far.write_all(b"never")).is_err());
            killed.kill();
            let mut byte = [0];
            (&near).read_exact(&mut byte).unwrap();
            assert_eq!(&byte, b"y");
            near.set_nonblocking(true).unwrap();
            assert_eq!((&near).read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
        });
    });
}

#[test]
fn one_that_unwinds_does_not_wait() {
    struct ReadsAtItsEnd(Stream);
    impl Drop for ReadsAtItsEnd {
        fn drop(&mut self) {
            let error = self.0.read(&mut [0]).unwrap_err();
            assert_eq!(error.to_string(), "a greenlet cannot wait while it unwinds");
        }
    }
    bounded(|| {
        let (near, _far) = pair();
        let said = panic_of(move || {
            let _reads = ReadsAtItsEnd(near);
            panic!("out");
        });
        assert_eq!(said, "out");
    });
}

#[test]
fn delays_pass_outside_of_a_simulation_as_well() {
    bounded(|| {
        let (mut near, mut far) = Link::new().delay(millis(20)).pair();
        let start = std::time::Instant::now();
        near.write_all(b"x").unwrap();
        far.read_exact(&mut [0]).unwrap();
        assert!(start.elapsed() >= millis(20));
    });
}

#[test]
fn a_stream_that_is_never_empty_lets_others_run() {
    bounded(|| {
        let (mut near, mut far) = pair();
        near.write_all(&[0; 10_000]).unwrap();
        let other = spawn(|| ());
        let mut reads = 0;
        while !other.is_finished() {
            far.read_exact(&mut [0]).unwrap();
            reads += 1;
        }
        assert!(reads <= 65, "{reads}");
    });
}
