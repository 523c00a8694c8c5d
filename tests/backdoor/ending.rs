//! Clients that go, stops, and what is left.

use std::cell::RefCell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenhub::backdoor::Backdoor;
use greenhub::{Greenlet, Hub, sleep, spawn};

use crate::support::{Client, Door, alone, bounded, millis, until};

#[test]
fn a_stop_ends_all_talks() {
    bounded(|| {
        let door = Door::open(Backdoor::new().command("stay", "", |_| {
            sleep(millis(10_000));
            String::new()
        }));
        let mut clients: Vec<_> = (0..5).map(|_| door.client()).collect();
        clients[0].send(b"stay\n");
        sleep(millis(2));
        assert_eq!(door.server.client_count(), 5);
        door.server.stop().unwrap();
        assert_eq!(door.server.client_count(), 0);
        for client in &mut clients {
            assert_eq!(client.rest().unwrap(), "");
        }
        assert_eq!(Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn a_stop_over_tcp_ends_all_talks() {
    bounded(|| {
        let door = Backdoor::new().open_tcp("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        let mut client = Client(greenhub::monkey::net::TcpStream::connect(address).unwrap());
        client.answer();
        door.stop().unwrap();
        assert_eq!(client.rest().unwrap(), "");
        assert!(greenhub::monkey::net::TcpStream::connect(address).is_err());
    });
}

#[test]
fn a_client_that_vanishes_leaves_nothing_and_holds_up_nobody() {
    alone("ending::a_client_that_vanishes_leaves_nothing_and_holds_up_nobody", || {
        let held = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let door = Door::open(Backdoor::new());
        // The first answer makes a thread, and what it takes.
        door.client().ask("ps");
        until(|| door.server.client_count() == 0);
        let before = (held(), Hub::current().stats().stacks_in_use);
        for order in [&b""[..], b"ps\n", b"ps", b"json\ntree\nps\nps\nps\n"] {
            for _ in 0..10 {
                let mut client = door.client();
                client.send(order);
                drop(client);
            }
        }
        door.client().ask("ps");
        until(|| door.server.client_count() == 0);
        assert_eq!((held(), Hub::current().stats().stacks_in_use), before);
    });
}

#[test]
fn a_client_that_does_not_read_waits_alone() {
    bounded(|| {
        let long = "x".repeat(100_000);
        let door = Door::open(Backdoor::new().command("long", "", move |_| long.clone()));
        let mut silent = door.client();
        // More than a socket holds.
        silent.0.write_all(&b"long\n".repeat(100)).unwrap();
        sleep(millis(10));
        assert_eq!(door.client().ask("kill 0"), "it is main, or raw: those are not killed\n");
        door.server.stop().unwrap();
        assert!(silent.rest().unwrap().len() < 100 * 100_000);
    });
}

#[test]
fn it_keeps_nothing_up() {
    bounded(|| {
        let door = Door::open(Backdoor::new());
        let client = door.client();
        Hub::current().join();
        assert!(door.server.is_open() && door.server.client_count() == 1);
        let other: Rc<RefCell<Option<Greenlet<()>>>> = Rc::default();
        let seen = Rc::clone(&other);
        let romeo = spawn(move || seen.borrow().clone().unwrap().wait());
        let beloved = romeo.clone();
        *other.borrow_mut() = Some(spawn(move || beloved.wait()));
        let stuck = catch_unwind(AssertUnwindSafe(|| romeo.wait()));
        let report = stuck.unwrap_err();
        assert!(report.downcast_ref::<String>().unwrap().contains("waits for ever"));
        drop(client);
        Hub::current().end(millis(1000)).unwrap();
    });
}
