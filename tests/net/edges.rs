//! What callbacks, panicking destructors and duplicated descriptors must not break.

use std::cell::{Cell, RefCell};
use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use greenhub::io::Cooperative;
use greenhub::monkey::fs::File;
use greenhub::monkey::net::{TcpStream, UdpSocket};
use greenhub::raw::{self, Greenlet};
use greenhub::{Hub, sleep, spawn, yield_now};

use super::support::{Scratch, bounded, pair};

/// Says when it was dropped.
struct Borrowed(Arc<AtomicBool>);

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A panic payload whose own destructor panics.
struct Malicious;

impl Drop for Malicious {
    fn drop(&mut self) {
        panic!("a payload's destructor");
    }
}

#[test]
fn offload_in_a_callback_is_refused_before_anything_is_lent() {
    bounded(|| {
        let ran = Arc::new(AtomicBool::new(false));
        let told = Rc::new(Cell::new(false));
        let tell = Rc::clone(&told);
        let hub = Hub::current();
        hub.set_error_hook(move |error| tell.set(error.message().unwrap().contains("cannot wait")));
        let seen = Arc::clone(&ran);
        hub.remote().run_callback(move || greenhub::offload(|| seen.store(true, Ordering::SeqCst)));
        while !told.get() {
            sleep(Duration::from_millis(1));
        }
        assert!(!ran.load(Ordering::SeqCst));
    });
}

#[test]
fn a_payload_that_panics_when_dropped_stays_in_the_loop() {
    bounded(|| {
        let dropped = Arc::new(AtomicBool::new(false));
        let (early, borrowed) = (Arc::clone(&dropped), Borrowed(Arc::clone(&dropped)));
        Hub::current().set_error_hook(|_| ());
        Hub::current().remote().run_callback(|| panic_any(Malicious));
        let done = catch_unwind(AssertUnwindSafe(|| {
            greenhub::offload(|| {
                thread::sleep(Duration::from_millis(50));
                let _ = &borrowed;
                early.load(Ordering::SeqCst)
            })
        }));
        assert!(!done.expect("main's wait is not left"), "what was lent was there to the end");
    });
}

#[test]
fn a_destructor_that_the_loop_runs_cannot_wait_in_another_greenlets_place() {
    struct Waits(Rc<RefCell<Vec<bool>>>);
    impl Drop for Waits {
        fn drop(&mut self) {
            let waited = catch_unwind(yield_now).is_ok();
            self.0.borrow_mut().push(waited);
        }
    }
    bounded(|| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let main = raw::main().takes::<()>();
        let spinner = Greenlet::new(|()| {
            loop {
                yield_now();
            }
            #[allow(unreachable_code)]
            ()
        });
        let captured = Waits(Rc::clone(&log));
        let parent = Greenlet::new(move |()| drop(captured));
        spinner.set_parent(&parent.any()).unwrap();
        drop(parent);
        let last = Rc::new(RefCell::new(Some(spinner.clone())));
        let _back = spawn(move || {
            let _ = main.switch::<()>(());
        });
        spinner.switch::<()>(()).unwrap();
        drop(spinner);
        let dropper = spawn(move || {
            last.borrow_mut().take();
            for _ in 0..3 {
                yield_now();
            }
        });
        dropper.join().unwrap();
        assert_eq!(*log.borrow(), [false]);
    });
}

#[test]
fn many_operations_in_callbacks_need_no_yield() {
    bounded(|| {
        let failures = Rc::new(Cell::new(0));
        let count = Rc::clone(&failures);
        let hub = Hub::current();
        hub.set_error_hook(move |_| count.set(count.get() + 1));
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let address = socket.local_addr().unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let remote = hub.remote();
        for round in 0..200 {
            let (socket, done) = (Arc::clone(&socket), Arc::clone(&done));
            remote.run_callback(move || {
                socket.send_to(b"x", address).unwrap();
                done.store(round == 199, Ordering::SeqCst);
            });
        }
        while !done.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(failures.get(), 0);
    });
}

#[test]
fn wait_readable_returns_while_there_is_something_left_to_read() {
    bounded(|| {
        let (reader, mut writer) = pipe().unwrap();
        let reader = Cooperative::new(reader).unwrap();
        let first = spawn(move || {
            reader.wait_readable().unwrap();
            let mut byte = [0];
            reader.read_with(|mut pipe: &PipeReader| pipe.read(&mut byte)).unwrap();
            reader.wait_readable().unwrap();
            byte
        });
        yield_now();
        writer.write_all(b"hello").unwrap();
        assert_eq!(first.join().unwrap(), *b"h");
    });
}

#[test]
fn twenty_greenlets_share_one_file_lock() {
    bounded(|| {
        let scratch = Scratch::holding(b"");
        let path = scratch.as_ref().to_path_buf();
        let greenlets: Vec<_> = (0..20)
            .map(|_| {
                let path = path.clone();
                spawn(move || {
                    let mut file = File::options().append(true).open(path).unwrap();
                    file.lock().unwrap();
                    file.write_all(b"x").unwrap();
                    file.unlock().unwrap();
                })
            })
            .collect();
        greenhub::joinall(&greenlets);
        assert_eq!(std::fs::read(&path).unwrap().len(), 20);
    });
}

#[test]
fn a_duplicate_with_the_number_of_a_closed_descriptor_can_be_waited_for() {
    bounded(|| {
        let (stream, mut peer) = pair();
        let reader = spawn(move || {
            let mut byte = [0];
            (&stream).read_exact(&mut byte).unwrap();
            let duplicate = stream.as_fd().try_clone_to_owned().unwrap();
            drop(stream);
            // Takes the number that was closed.
            let mut again = TcpStream::from(duplicate.try_clone().unwrap());
            // The open file was in that mode, which is taken over.
            again.set_nonblocking(false).unwrap();
            again.read_exact(&mut byte).unwrap();
            byte
        });
        yield_now();
        peer.write_all(b"a").unwrap();
        sleep(Duration::from_millis(5));
        peer.write_all(b"b").unwrap();
        assert_eq!(reader.join().unwrap(), *b"b");
    });
}
