//! No descriptors left, and descriptors that are gone.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::queue::Queue;
use greenhub::{Builder, Hub, sleep, spawn, yield_now};

use crate::support::{child, is_child, message, millis, panic_of, stderr};

#[track_caller]
pub(crate) fn survives(test: &str, body: impl FnOnce()) {
    if is_child() {
        body();
        std::process::exit(0);
    }
    let output = child(test);
    assert_eq!(output.status.code(), Some(0), "{:?} {}", output.status, stderr(&output));
}

/// Lets this process have so many descriptors.
fn limit_descriptors(limit: usize) {
    let limit = libc::rlimit { rlim_cur: limit as libc::rlim_t, rlim_max: 4096 };
    // SAFETY: the limit is read, and is ours.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("the list of descriptors").count()
}

#[test]
fn a_thread_that_gets_no_hub_is_told_why_and_gets_one_later() {
    survives("descriptors::a_thread_that_gets_no_hub_is_told_why_and_gets_one_later", || {
        limit_descriptors(0);
        let told = thread::spawn(|| {
            let refused = Builder::new().spawn(|| ()).expect_err("there is no descriptor");
            assert_eq!(refused.raw_os_error(), Some(libc::EMFILE), "{refused}");
            let told = message(&*panic_of(|| sleep(millis(1))));
            limit_descriptors(1024);
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
            told
        });
        let told = told.join().unwrap();
        assert!(told.contains("Too many open files"), "{told}");
    });
}

/// An item that looks at its queue when it is dropped.
struct Looks(Arc<Queue<Option<Looks>>>);

impl Drop for Looks {
    fn drop(&mut self) {
        assert_eq!(self.0.len(), 1);
    }
}

#[test]
fn who_gets_no_hub_to_wait_in_drops_its_item_when_the_queue_is_free_again() {
    survives(
        "descriptors::who_gets_no_hub_to_wait_in_drops_its_item_when_the_queue_is_free_again",
        || {
            let queue = Arc::new(Queue::bounded(1));
            assert!(queue.put(None).is_ok());
            limit_descriptors(0);
            let put = thread::spawn(move || drop(queue.put(Some(Looks(Arc::clone(&queue))))));
            let told = message(&*put.join().expect_err("it cannot wait"));
            assert!(told.contains("Too many open files"), "{told}");
        },
    );
}

#[test]
fn an_accept_without_descriptors_is_an_error_and_the_next_one_has_the_connection() {
    survives(
        "descriptors::an_accept_without_descriptors_is_an_error_and_the_next_one_has_the_connection",
        || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let client = std::net::TcpStream::connect(address).unwrap();
            let accepted = spawn(move || {
                limit_descriptors(0);
                let refused = listener.accept().map(drop).unwrap_err();
                assert_eq!(refused.raw_os_error(), Some(libc::EMFILE), "{refused}");
                limit_descriptors(1024);
                listener.accept().unwrap().1
            });
            assert_eq!(accepted.join().unwrap(), client.local_addr().unwrap());
        },
    );
}

#[test]
fn connections_that_are_refused_leave_no_descriptors() {
    survives("descriptors::connections_that_are_refused_leave_no_descriptors", || {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        spawn(move || assert!(TcpStream::connect(address).is_err())).join().unwrap();
        let before = open_descriptors();
        for _ in 0..50 {
            spawn(move || assert!(TcpStream::connect(address).is_err())).join().unwrap();
        }
        assert_eq!(open_descriptors(), before);
    });
}

#[test]
fn a_hub_whose_epoll_someone_has_closed_panics_in_main_and_does_not_spin() {
    survives(
        "descriptors::a_hub_whose_epoll_someone_has_closed_panics_in_main_and_does_not_spin",
        || {
            let sleeper = spawn(|| sleep(Duration::from_secs(3600)));
            yield_now();
            let epoll = Hub::current().as_fd().as_raw_fd();
            // SAFETY: none; to close a descriptor of someone else is what the test is about.
            assert_eq!(unsafe { libc::close(epoll) }, 0);
            for _ in 0..3 {
                let told = message(&*panic_of(|| sleeper.wait()));
                assert!(told.contains("the hub can no longer wait for its descriptors"), "{told}");
                assert!(told.contains("Bad file descriptor"), "{told}");
            }
            // What needs no descriptor goes on.
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
            // SAFETY: it does not return. With the thread std would close the descriptor once more, and
            // end the process for that, with a message.
            unsafe { libc::_exit(0) }
        },
    );
}
