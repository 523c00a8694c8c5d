//! Handlers in a pool.

use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;

use greenhub::monkey::net::TcpStream;
use greenhub::server::StreamServer;
use greenhub::sync::Event;
use greenhub::{Pool, sleep, spawn};

use crate::support::{SECOND, ask, bounded, echo, millis, started, until};

#[test]
fn ten_clients_of_a_pool_of_two_are_all_served_two_at_a_time() {
    bounded(|| {
        let (now, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (own_now, own_most) = (Rc::clone(&now), Rc::clone(&most));
        let pool = Pool::new(2);
        let (server, address) = started(
            StreamServer::bind("127.0.0.1:0", move |mut stream, _| {
                own_now.set(own_now.get() + 1);
                own_most.set(own_most.get().max(own_now.get()));
                sleep(millis(5));
                own_now.set(own_now.get() - 1);
                stream.write_all(b"served")
            })
            .pool(&pool),
        );
        let clients: Vec<_> = (0..10)
            .map(|_| {
                spawn(move || {
                    let mut said = String::new();
                    TcpStream::connect(address).unwrap().read_to_string(&mut said).unwrap();
                    said
                })
            })
            .collect();
        for client in clients {
            assert_eq!(client.join().unwrap(), "served");
        }
        assert_eq!((now.get(), most.get()), (0, 2));
        until(|| pool.free_count() == 2);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_full_pool_keeps_clients_waiting_in_the_kernel() {
    bounded(|| {
        let pool = Pool::new(1);
        let (server, address) =
            started(StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).pool(&pool));
        let mut first = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut first, b"1").unwrap(), b"1");
        let mut second = TcpStream::connect(address).unwrap();
        second.write_all(b"2").unwrap();
        sleep(millis(20));
        assert_eq!((server.handler_count(), pool.is_full()), (1, true));
        assert!(server.is_accepting());
        drop(first);
        let mut answer = [0];
        second.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"2");
        drop(second);
        server.stop(SECOND).unwrap();
    });
}

#[test]
fn a_stop_while_the_pool_is_full_works() {
    bounded(|| {
        let pool = Pool::new(1);
        let (server, address) =
            started(StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).pool(&pool));
        let mut first = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut first, b"1").unwrap(), b"1");
        let mut second = TcpStream::connect(address).unwrap();
        sleep(millis(5));
        server.stop(millis(10)).unwrap();
        assert!(second.read(&mut [0; 4]).is_err(), "it was never accepted");
        assert_eq!((server.handler_count(), pool.free_count()), (0, 1));
    });
}

#[test]
fn two_servers_share_a_pool_and_a_stop_ends_only_its_own() {
    bounded(|| {
        let pool = Pool::new(2);
        let make = || StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).pool(&pool);
        let ((one, one_at), (two, two_at)) = (started(make()), started(make()));
        let other = pool.spawn(|| sleep(millis(30)));
        let mut client = TcpStream::connect(one_at).unwrap();
        assert_eq!(ask(&mut client, b"a").unwrap(), b"a");
        let mut waiting = TcpStream::connect(two_at).unwrap();
        waiting.write_all(b"b").unwrap();
        one.stop(millis(0)).unwrap();
        assert!(!other.is_dead(), "it is no handler of that server");
        let mut answer = [0];
        waiting.read_exact(&mut answer).unwrap();
        drop(waiting);
        two.stop(SECOND).unwrap();
        other.join().unwrap();
        assert_eq!(pool.free_count(), 2);
    });
}

#[test]
fn what_was_accepted_while_others_took_the_slot_is_not_lost() {
    bounded(|| {
        for pause in [false, true] {
            let pool = Pool::new(1);
            let (server, address) =
                started(StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).pool(&pool));
            // The server found a free slot, and waits for a client.
            sleep(millis(5));
            let release = Rc::new(Event::new());
            let held = Rc::clone(&release);
            let thief = pool.spawn(move || held.wait());
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(b"x").unwrap();
            sleep(millis(20));
            if pause {
                server.stop_accepting();
                sleep(millis(5));
            }
            release.set();
            thief.wait();
            if pause {
                server.start_accepting().unwrap();
            }
            let mut answer = [0];
            client.read_exact(&mut answer).unwrap();
            drop(client);
            server.stop(SECOND).unwrap();
        }
    });
}

#[test]
fn what_was_accepted_without_a_slot_gets_one_during_a_stop() {
    bounded(|| {
        let pool = Pool::new(1);
        let (server, address) = started(
            StreamServer::bind("127.0.0.1:0", |mut stream, _| stream.write_all(b"late"))
                .pool(&pool),
        );
        sleep(millis(5));
        let thief = pool.spawn(|| sleep(millis(40)));
        let mut client = TcpStream::connect(address).unwrap();
        sleep(millis(10));
        server.stop(SECOND * 30).unwrap();
        assert!(thief.is_dead());
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "late");
    });
}

#[test]
fn what_was_accepted_and_finds_no_slot_during_a_stop_is_closed() {
    bounded(|| {
        let pool = Pool::new(1);
        let (server, address) =
            started(StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream)).pool(&pool));
        sleep(millis(5));
        let thief = pool.spawn(|| sleep(SECOND * 3600));
        let mut client = TcpStream::connect(address).unwrap();
        sleep(millis(10));
        server.stop(millis(10)).unwrap();
        assert_eq!(client.read(&mut [0; 4]).unwrap(), 0);
        assert!(!thief.is_dead());
        thief.kill();
    });
}
