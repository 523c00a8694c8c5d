//! Each kind of wait: that a limit ends it, and what is left behind.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::fs;
use greenhub::monkey::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use greenhub::raw::{self, Yielder, generator};
use greenhub::{Hub, TimedOut, Timeout, offload, sleep, spawn, with_timeout, yield_now};
use socket2::{Domain, Socket, Type};

use crate::support::{
    Log, bounded, compute, in_main_and_in_a_greenlet, millis, pair, sleep_for_ever, timed,
};

/// Runs what waits for ever, for 10 ms.
fn briefly<T>(f: impl FnOnce() -> T) -> TimedOut {
    let mut ended = None;
    let took = timed(|| ended = with_timeout(millis(10), f).err());
    assert!(took >= millis(10) && took < millis(5000), "{took:?}");
    ended.expect("it waits for ever")
}

#[test]
fn a_join_ends_and_the_other_greenlet_runs_on() {
    in_main_and_in_a_greenlet(|| {
        let other = spawn(|| {
            sleep(millis(50));
            7
        });
        briefly(|| other.join());
        assert!(!other.is_finished());
        assert_eq!(other.join().unwrap(), 7);
    });
}

#[test]
fn joinall_and_kill_end_as_well() {
    in_main_and_in_a_greenlet(|| {
        let others: Vec<_> = (0..3).map(|_| spawn(sleep_for_ever)).collect();
        briefly(|| greenhub::joinall(&others));
        let stubborn = spawn(|| {
            drop(std::panic::catch_unwind(sleep_for_ever));
            sleep(millis(50));
        });
        yield_now();
        briefly(|| stubborn.kill());
        stubborn.join().unwrap();
        others.iter().for_each(|other| other.kill());
    });
}

#[test]
fn a_read_and_a_peek_end_and_the_stream_is_as_it_was() {
    in_main_and_in_a_greenlet(|| {
        let (mut client, mut server) = pair();
        briefly(|| server.read(&mut [0; 4]));
        briefly(|| server.peek(&mut [0; 4]));
        client.write_all(b"ab").unwrap();
        briefly(|| server.read_exact(&mut [0; 3]));
        client.write_all(b"cd").unwrap();
        let mut buffer = [0; 2];
        server.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"cd", "only what read_exact had taken is gone");
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_read_that_ends_as_its_data_comes_leaves_the_data() {
    bounded(|| {
        let (mut client, mut server) = pair();
        let mut expired = 0;
        for round in 0..200u64 {
            let sent = Rc::new(client.try_clone().unwrap());
            let writer = spawn(move || {
                sleep(Duration::from_micros(round * 10));
                (&*sent).write_all(b"x").unwrap();
            });
            let first = with_timeout(millis(1), || server.read(&mut [0; 4]));
            match first {
                Ok(read) => assert_eq!(read.unwrap(), 1),
                Err(_) => {
                    expired += 1;
                    assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
                }
            }
            writer.join().unwrap();
        }
        client.write_all(b"end").unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 3);
        assert!(expired > 0);
    });
}

#[test]
fn an_accept_ends_and_the_connection_is_left_to_the_next() {
    in_main_and_in_a_greenlet(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        briefly(|| listener.accept());
        // The connection comes, and the time is over, before the hub looks at either.
        let listener = Rc::new(listener);
        let accepting = Rc::clone(&listener);
        let accepter = spawn(move || with_timeout(millis(10), || accepting.accept()).is_err());
        yield_now();
        let client = std::net::TcpStream::connect(address).unwrap();
        compute(millis(20));
        assert!(accepter.join().unwrap());
        assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
    });
}

#[test]
fn a_connect_ends_and_leaves_no_source() {
    in_main_and_in_a_greenlet(|| {
        // No room: the fillers that come first are taken in, and whoever connects then waits.
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let _fillers: Vec<Socket> = (0..4)
            .map(|_| {
                let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                filler.set_nonblocking(true).unwrap();
                // In progress.
                let _ = filler.connect(&address.into());
                filler
            })
            .collect();
        briefly(|| TcpStream::connect(address));
        let stats = Hub::current().stats();
        assert_eq!((stats.sources, stats.timers), (0, 0));
    });
}

#[test]
fn a_write_ends_and_what_the_kernel_took_stays_sent() {
    in_main_and_in_a_greenlet(|| {
        let (client, mut server) = pair();
        let data: Vec<u8> = (0..32 << 20).map(|n: u32| n.to_le_bytes()[0]).collect();
        briefly(|| (&client).write_all(&data));
        briefly(|| while (&client).write(&data[..100]).is_ok() {});
        let reader = spawn(move || {
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received
        });
        drop(client);
        let received = reader.join().unwrap();
        assert!(!received.is_empty() && received.len() < data.len());
        assert_eq!(received[..1 << 16], data[..1 << 16]);
    });
}

#[test]
fn a_limit_counts_for_the_whole_of_a_write_though_the_peer_reads_on() {
    in_main_and_in_a_greenlet(|| {
        let (mut client, mut server) = pair();
        // Each single write soon makes progress; the whole would take more than a minute.
        let reader = spawn(move || {
            while server.read(&mut [0; 1 << 16]).unwrap() > 0 {
                sleep(millis(10));
            }
        });
        let data = vec![0; 500 << 20];
        let took = timed(|| {
            assert!(with_timeout(millis(100), || client.write_all(&data)).is_err());
        });
        assert!(took >= millis(100) && took < Duration::from_secs(10), "{took:?}");
        reader.kill();
    });
}

#[test]
fn a_datagram_is_left_to_the_next() {
    in_main_and_in_a_greenlet(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        briefly(|| socket.recv(&mut [0; 4]));
        socket.send_to(b"hi", socket.local_addr().unwrap()).unwrap();
        assert_eq!(socket.recv(&mut [0; 4]).unwrap(), 2);
    });
}

#[test]
fn a_resolve_ends_and_its_answer_finds_nobody() {
    in_main_and_in_a_greenlet(|| {
        let zero = Timeout::new(Duration::ZERO);
        // On a busy machine the answer may be there before anyone has to wait.
        while zero.run(|_| "localhost:80".to_socket_addrs().map(drop)).is_ok() {}
        sleep(millis(20));
        assert!("localhost:80".to_socket_addrs().unwrap().count() > 0);
    });
}

#[test]
fn a_file_and_lent_work_are_done_to_their_end_and_the_next_wait_ends() {
    in_main_and_in_a_greenlet(|| {
        let path = std::env::temp_dir().join(format!("greenhub-timeout-{}", std::process::id()));
        let log = Log::default();
        let ended = with_timeout(Duration::ZERO, || {
            fs::write(&path, b"whole").unwrap();
            log.note("written");
            yield_now();
            log.note("went on");
        });
        assert!(ended.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"whole");

        let mut lent = 0;
        let ended = with_timeout(millis(5), || {
            offload(|| {
                std::thread::sleep(millis(30));
                lent += 1;
            });
            log.note("lent");
        });
        assert_eq!((ended, lent), (Ok(()), 1));
        let ended = with_timeout(millis(5), || {
            offload(|| std::thread::sleep(millis(30)));
            log.note("waits");
            sleep(millis(1));
            log.note("went on");
        });
        assert!(ended.is_err());
        assert_eq!(log.take(), ["written", "lent", "waits"]);
        sleep(millis(1));
    });
    let _ = std::fs::remove_file(
        std::env::temp_dir().join(format!("greenhub-timeout-{}", std::process::id())),
    );
}

#[test]
fn a_raw_switch_ends_and_its_partner_gets_the_value_back() {
    bounded(|| {
        let log = Log::default();
        let inner = log.clone();
        let main = raw::main().takes::<u32>();
        let partner = raw::Greenlet::new(move |n: u32| {
            sleep(millis(30));
            let late = main.switch::<u32>(n).unwrap_err();
            inner.note(format!("{late}"));
            0u32
        });
        briefly(|| partner.switch::<u32>(7));
        sleep(millis(50));
        assert_eq!(log.take().len(), 1, "main does not wait in a switch any more");
    });
}

#[test]
fn a_generator_whose_body_waits_ends() {
    in_main_and_in_a_greenlet(|| {
        let mut numbers = generator(|yielder: &Yielder<u32>| {
            yielder.give(1);
            sleep_for_ever();
        });
        assert_eq!(numbers.next(), Some(1));
        briefly(|| numbers.next());
        drop(numbers);
        assert_eq!(Hub::current().stats().timers, 0);
    });
}

#[test]
fn a_generator_that_sets_a_limit_itself_is_ended_where_it_waits() {
    bounded(|| {
        let numbers = generator(|yielder: &Yielder<u32>| {
            for n in 0..3 {
                if with_timeout(millis(5), sleep_for_ever).is_err() {
                    yielder.give(n);
                }
            }
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [0, 1, 2]);
    });
}

#[test]
fn a_greenlet_that_only_yields_ends() {
    in_main_and_in_a_greenlet(|| {
        briefly(|| {
            loop {
                yield_now();
            }
        });
    });
    bounded(|| {
        let spinners: Vec<_> = (0..100)
            .map(|_| {
                spawn(|| {
                    with_timeout(millis(10), || {
                        loop {
                            yield_now();
                        }
                    })
                })
            })
            .collect();
        assert!(spinners.iter().all(|spinner| matches!(spinner.join(), Ok(Err(TimedOut { .. })))));
    });
}

#[test]
fn a_greenlet_whose_socket_always_has_something_to_do_ends() {
    bounded(|| {
        let (client, server) = pair();
        let writer = spawn(move || while (&client).write_all(&[0; 100]).is_ok() {});
        briefly(|| while (&server).read(&mut [0; 1]).is_ok() {});
        writer.kill();
    });
}
