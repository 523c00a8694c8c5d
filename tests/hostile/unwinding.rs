//! Waiting in a destructor while its greenlet unwinds, and in a panic hook.

use std::cell::Cell;
use std::panic;
use std::rc::Rc;

use greenhub::sync::{Event, Semaphore};
use greenhub::{Greenlet, sleep, spawn, yield_now};

use crate::support::{millis, timed};
use crate::waits::{check_hub, survives};

/// Does whatever can wait, when it is dropped.
struct WaitsInDrop {
    other: Greenlet<()>,
    refused: Rc<Cell<u32>>,
}

impl Drop for WaitsInDrop {
    fn drop(&mut self) {
        assert!(timed(|| sleep(millis(3))) >= millis(3));
        yield_now();
        let refused = [
            self.other.join_for(millis(1)).is_err(),
            Event::new().wait().is_err(),
            Semaphore::new(0).acquire().is_err(),
        ];
        self.refused.set(refused.into_iter().filter(|it| *it).count() as u32);
        drop(spawn(|| ()));
    }
}

fn unwinds_through_waits(end: impl FnOnce(&Greenlet<()>)) {
    let refused = Rc::new(Cell::new(0));
    let seen = Rc::clone(&refused);
    let neighbour = spawn(|| {
        sleep(millis(2));
        assert!(!std::thread::panicking(), "a neighbour sees the panic");
    });
    let other = neighbour.clone();
    let unwinds = spawn(move || {
        let _waits = WaitsInDrop { other, refused: seen };
        sleep(millis(1));
        panic!("on purpose");
    });
    yield_now();
    end(&unwinds);
    assert!(unwinds.join().is_err());
    assert_eq!(refused.get(), 3, "each wait says that it cannot wait");
    neighbour.join().unwrap();
    check_hub();
}

#[test]
fn a_destructor_that_waits_while_a_panic_unwinds_is_refused_and_nobody_else_sees_it() {
    survives(
        "unwinding::a_destructor_that_waits_while_a_panic_unwinds_is_refused_and_nobody_else_sees_it",
        || unwinds_through_waits(|_| ()),
    );
}

#[test]
fn a_destructor_that_waits_while_a_kill_unwinds_is_refused_and_nobody_else_sees_it() {
    survives(
        "unwinding::a_destructor_that_waits_while_a_kill_unwinds_is_refused_and_nobody_else_sees_it",
        || unwinds_through_waits(Greenlet::kill),
    );
}

#[test]
fn a_kill_calls_no_panic_hook() {
    survives("unwinding::a_kill_calls_no_panic_hook", || {
        panic::set_hook(Box::new(|panic| {
            eprintln!("{panic}");
            std::process::abort();
        }));
        let sleeper = spawn(|| sleep(millis(60_000)));
        yield_now();
        sleeper.kill();
        assert!(sleeper.join().is_err());
        drop(panic::take_hook());
    });
}

#[test]
fn a_panic_hook_that_waits_holds_up_its_thread_and_breaks_nothing() {
    survives("unwinding::a_panic_hook_that_waits_holds_up_its_thread_and_breaks_nothing", || {
        panic::set_hook(Box::new(|_| {
            sleep(millis(3));
            yield_now();
            assert_ne!(Event::new().wait(), Ok(()));
            drop(spawn(|| ()));
        }));
        let neighbour = spawn(|| {
            sleep(millis(1));
            assert!(!std::thread::panicking(), "a neighbour sees the panic");
        });
        let panics = spawn(|| panic!("on purpose"));
        assert!(panics.join().is_err());
        neighbour.join().unwrap();
        let _ = panic::take_hook();
        check_hub();
    });
}

#[test]
fn a_panic_in_a_destructor_while_it_unwinds_ends_the_process_with_both_messages() {
    use std::os::unix::process::ExitStatusExt;

    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("the second");
        }
    }
    if crate::support::is_child() {
        let _ = spawn(|| {
            let _panics = PanicsInDrop;
            panic!("the first");
        })
        .join();
        std::process::exit(0);
    }
    let output = crate::support::child(
        "unwinding::a_panic_in_a_destructor_while_it_unwinds_ends_the_process_with_both_messages",
    );
    let told = crate::support::stderr(&output);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{told}");
    assert!(told.contains("the first") && told.contains("the second"), "{told}");
}
