//! Beside the kernel and other threads.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::sync::Event;
use greenhub::testing::{self, Simulation};
use greenhub::{Builder, Hub, offload, sleep, spawn};

use crate::support::{bounded, millis, secs};

#[test]
fn no_time_is_skipped_while_a_thread_works() {
    bounded(|| {
        Simulation::new().run(|| {
            let worker = spawn(|| offload(|| std::thread::sleep(millis(30))));
            let sleeper = spawn(|| {
                sleep(secs(3_600));
                testing::now()
            });
            worker.join().unwrap();
            assert_eq!(testing::now(), Duration::ZERO, "the clock stands meanwhile");
            assert_eq!(sleeper.join().unwrap(), secs(3_600));
        });
    });
}

#[test]
fn a_deadline_beside_a_real_socket_takes_its_real_time() {
    bounded(|| {
        Simulation::new().run(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut far, _) = listener.accept().unwrap();
            near.set_read_timeout(Some(millis(60))).unwrap();
            let start = Instant::now();
            let error = near.read(&mut [0]).unwrap_err();
            assert_eq!((error.kind(), testing::now()), (ErrorKind::WouldBlock, millis(60)));
            assert!(start.elapsed() >= millis(55), "{:?}", start.elapsed());
            let talker = spawn(move || {
                for _ in 0..20 {
                    sleep(millis(5));
                    far.write_all(b"x").unwrap();
                }
            });
            let mut all = Vec::new();
            near.read_to_end(&mut all).unwrap();
            talker.join().unwrap();
            assert_eq!((all.len(), testing::now()), (20, millis(160)));
        });
    });
}

#[test]
fn what_has_really_been_slept_for_counts_towards_the_next_deadline() {
    bounded(|| {
        Simulation::new().run(|| {
            // Wakes that are not deadlines come all the time, and do not put the deadline off.
            let worker = spawn(|| {
                while testing::now().is_zero() {
                    offload(|| std::thread::sleep(millis(4)));
                }
            });
            sleep(millis(50));
            assert_eq!(testing::now(), millis(50));
            worker.join().unwrap();
        });
    });
}

#[test]
fn greenlets_in_the_background_hold_up_no_time() {
    bounded(|| {
        Simulation::new().run(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let accepting = Builder::new().background(true).spawn(move || drop(listener.accept()));
            sleep(secs(86_400));
            assert_eq!(testing::now(), secs(86_400));
            accepting.unwrap().kill();
        });
    });
}

#[test]
fn a_thread_that_was_announced_is_waited_for() {
    bounded(|| {
        static DONE: Event = Event::new();
        Simulation::new().run(|| {
            let remote = Hub::current().remote();
            let thread = std::thread::spawn(|| {
                std::thread::sleep(millis(30));
                DONE.set();
            });
            DONE.wait().unwrap();
            drop(remote);
            thread.join().unwrap();
            sleep(secs(86_400));
            assert_eq!(testing::now(), secs(86_400));
        });
    });
}
