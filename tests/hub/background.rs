//! Greenlets whose waits hold nothing up.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::net::TcpListener;
use greenhub::{Builder, Greenlet, Hub, current, sleep, spawn, with_timeout};

use crate::support::{LONG, bounded, message, millis, panic_of, timed};

fn background<T: 'static>(body: impl FnOnce() -> T + 'static) -> Greenlet<T> {
    Builder::new().background(true).spawn(body).unwrap()
}

/// One that counts its ticks.
fn ticker(every: Duration) -> (Greenlet<()>, Rc<Cell<u32>>) {
    let ticks = Rc::new(Cell::new(0));
    let own = Rc::clone(&ticks);
    let ticker = background(move || {
        loop {
            sleep(every);
            own.set(own.get() + 1);
        }
    });
    (ticker, ticks)
}

#[test]
fn a_sleep_in_the_background_does_not_keep_the_hub_alive() {
    bounded(|| {
        let sleeper = background(|| sleep(LONG));
        let limited = background(|| with_timeout(LONG, || sleep(Duration::MAX)).is_ok());
        let took = timed(|| Hub::current().join());
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(!sleeper.is_finished() && !limited.is_finished());
        sleeper.kill();
        limited.kill();
    });
}

#[test]
fn a_ticker_ticks_while_others_keep_the_hub_alive() {
    bounded(|| {
        let (ticker, ticks) = ticker(millis(1));
        let own = Rc::clone(&ticks);
        let waits = spawn(move || {
            while own.get() < 3 {
                sleep(millis(1));
            }
        });
        Hub::current().join();
        assert!(waits.is_finished() && ticks.get() >= 3);
        ticker.kill();
    });
}

#[test]
fn a_ticker_does_not_hold_the_report_off() {
    bounded(|| {
        let (ticker, _) = ticker(millis(1));
        let never = spawn(|| sleep(Duration::MAX));
        let report = message(&*panic_of(|| never.wait()));
        assert!(report.contains("everything waits for ever"), "{report}");
        ticker.kill();
        never.kill();
    });
}

#[test]
fn a_limit_of_mains_own_holds_the_report_off_beside_a_ticker() {
    bounded(|| {
        let (ticker, ticks) = ticker(millis(1));
        sleep(millis(10));
        assert!(ticks.get() > 0);
        let never = spawn(|| sleep(Duration::MAX));
        assert!(!never.wait_for(millis(5)));
        ticker.kill();
        never.kill();
    });
}

#[test]
fn a_descriptor_that_is_waited_for_in_the_background_does_not_keep_the_hub_alive() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = background(move || listener.accept().map(drop));
        Hub::current().join();
        assert!(!server.is_finished());
        // It is served all the same, while main waits for something else.
        let client = std::net::TcpStream::connect(address).unwrap();
        assert!(server.wait_for(Duration::from_secs(10)));
        drop(client);
    });
}

#[test]
fn a_greenlet_can_be_put_into_the_background_while_it_waits() {
    bounded(|| {
        let sleeper = spawn(|| sleep(LONG));
        assert!(!Hub::current().join_for(millis(2)));
        sleeper.any().set_background(true);
        assert!(sleeper.any().is_background());
        assert!(Hub::current().join_for(LONG));
        sleeper.any().set_background(false);
        assert!(!Hub::current().join_for(millis(2)));
        sleeper.kill();
    });
}

#[test]
fn a_delayed_start_in_the_background_does_not_count() {
    bounded(|| {
        let later = Builder::new().background(true).delay(LONG).spawn(|| ()).unwrap();
        assert!(Hub::current().join_for(LONG));
        later.kill();
    });
}

#[test]
fn a_child_of_a_background_greenlet_counts_and_so_does_main() {
    bounded(|| {
        let child = background(|| spawn(|| sleep(millis(10)))).join().unwrap();
        assert!(!child.any().is_background());
        Hub::current().join();
        assert!(child.is_finished());

        current().set_background(true);
        assert!(!current().is_background());
    });
}

#[test]
fn an_id_that_was_a_background_greenlets_is_none_for_the_next() {
    bounded(|| {
        let gone = background(|| ());
        let id = gone.id();
        gone.join().unwrap();
        let next = spawn(|| sleep(millis(10)));
        assert_eq!(next.id(), id);
        Hub::current().join();
        assert!(next.is_finished());
    });
}
