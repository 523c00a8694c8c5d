//! One connection, many things at once.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::{joinall, sleep, spawn, yield_now};
use socket2::SockRef;

use crate::support::{bounded, pair};

const MEGABYTES: usize = 8 << 20;

fn pattern(length: usize, step: usize) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(step) >> 3) as u8).collect()
}

#[test]
fn one_greenlet_reads_a_connection_while_another_writes_it() {
    bounded(|| {
        let (client, server) = pair();
        let ends = [(Rc::new(client), 3, 5), (Rc::new(server), 5, 3)];
        let greenlets: Vec<_> = ends
            .into_iter()
            .flat_map(|(stream, sent, expected)| {
                let reading = Rc::clone(&stream);
                let writer = spawn(move || {
                    (&*stream).write_all(&pattern(MEGABYTES, sent)).unwrap();
                    stream.shutdown(Shutdown::Write).unwrap();
                });
                let reader = spawn(move || {
                    let mut received = Vec::new();
                    (&*reading).read_to_end(&mut received).unwrap();
                    assert!(received == pattern(MEGABYTES, expected));
                });
                [writer, reader]
            })
            .collect();
        for greenlet in greenlets {
            greenlet.join().unwrap();
        }
    });
}

#[test]
fn several_readers_of_one_connection_share_what_comes() {
    bounded(|| {
        let (mut client, server) = pair();
        let server = Rc::new(server);
        let readers: Vec<_> = (0..10)
            .map(|_| {
                let server = Rc::clone(&server);
                spawn(move || {
                    let mut taken = 0;
                    loop {
                        match (&*server).read(&mut [0; 100]).unwrap() {
                            0 => return taken,
                            length => taken += length,
                        }
                    }
                })
            })
            .collect();
        for _ in 0..100 {
            client.write_all(&[1; 777]).unwrap();
            yield_now();
        }
        drop(client);
        let total: usize = readers.iter().map(|reader| reader.join().unwrap()).sum();
        assert_eq!(total, 77_700);
    });
}

#[test]
fn many_accepters_of_one_listener_take_each_connection_once() {
    bounded(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let accepters: Vec<_> = (0..20)
            .map(|_| {
                let listener = Rc::clone(&listener);
                spawn(move || listener.accept().map(|(stream, peer)| (peer, stream)).unwrap())
            })
            .collect();
        yield_now();
        let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
        let accepted: Vec<_> = accepters.iter().map(|accepter| accepter.join().unwrap()).collect();
        let mut accepted: Vec<_> = accepted.iter().map(|(peer, _)| *peer).collect();
        let mut expected: Vec<_> = clients.iter().map(|it| it.local_addr().unwrap()).collect();
        accepted.sort();
        expected.sort();
        assert_eq!(accepted, expected);
    });
}

#[test]
fn a_short_read_does_not_lose_what_comes_later() {
    bounded(|| {
        let (mut client, mut server) = pair();
        let reader = spawn(move || {
            let mut lengths = Vec::new();
            loop {
                match server.read(&mut [0; 1000]).unwrap() {
                    0 => return lengths,
                    length => lengths.push(length),
                }
            }
        });
        for length in 1..=200 {
            client.write_all(&vec![0; length]).unwrap();
            sleep(Duration::from_micros(if length % 3 == 0 { 300 } else { 0 }));
        }
        drop(client);
        let lengths = reader.join().unwrap();
        assert_eq!(lengths.iter().sum::<usize>(), (1..=200).sum::<usize>());
    });
}

#[test]
fn urgent_data_does_not_hang_a_reader() {
    bounded(|| {
        for inline in [false, true] {
            for pause in [false, true] {
                let (mut client, mut server) = pair();
                SockRef::from(&server).set_out_of_band_inline(inline).unwrap();
                let reader = spawn(move || {
                    let mut received = Vec::new();
                    server.read_to_end(&mut received).map(|_| received)
                });
                yield_now();
                for _ in 0..5 {
                    client.write_all(b"ab").unwrap();
                    SockRef::from(&client).send_out_of_band(b"!").unwrap();
                    client.write_all(b"cd").unwrap();
                    if pause {
                        sleep(Duration::from_millis(2));
                    }
                }
                drop(client);
                let mut received = reader.join().unwrap().unwrap();
                received.retain(|byte| *byte != b'!');
                assert_eq!(received, b"abcdabcdabcdabcdabcd", "{inline} {pause}");
            }
        }
    });
}

#[test]
fn a_reader_that_never_reads_holds_up_only_its_writer() {
    bounded(|| {
        let ((mut stuck, _silent), (mut lively, mut echo)) = (pair(), pair());
        stuck.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        let writer = spawn(move || {
            let start = Instant::now();
            let error = stuck.write_all(&vec![0; 64 << 20]).unwrap_err();
            (error.kind(), start.elapsed())
        });
        let server = spawn(move || {
            let mut byte = [0];
            while echo.read(&mut byte).unwrap() == 1 {
                echo.write_all(&byte).unwrap();
            }
        });
        let mut rounds = 0;
        while !writer.is_finished() {
            lively.write_all(b"x").unwrap();
            lively.read_exact(&mut [0]).unwrap();
            rounds += 1;
        }
        drop(lively);
        server.join().unwrap();
        let (kind, elapsed) = writer.join().unwrap();
        assert_eq!(kind, ErrorKind::WouldBlock);
        assert!(elapsed >= Duration::from_millis(100));
        assert!(rounds > 10, "{rounds}");
    });
}

#[test]
fn an_always_ready_socket_starves_neither_a_neighbour_nor_a_timer() {
    bounded(|| {
        let ((source, sink), (mut near, mut far)) = (pair(), pair());
        let stop = Rc::new(Cell::new(false));
        let (stop_writing, stop_reading) = (Rc::clone(&stop), Rc::clone(&stop));
        let writer = spawn(move || {
            while !stop_writing.get() {
                (&source).write_all(&[0; 4096]).unwrap();
            }
        });
        let reader =
            spawn(move || while !stop_reading.get() && (&sink).read(&mut [0; 64]).unwrap() > 0 {});
        let echo = spawn(move || {
            let mut byte = [0];
            while far.read(&mut byte).unwrap() == 1 {
                far.write_all(&byte).unwrap();
            }
        });
        for _ in 0..20 {
            near.write_all(b"x").unwrap();
            near.read_exact(&mut [0]).unwrap();
            sleep(Duration::from_millis(1));
        }
        stop.set(true);
        drop(near);
        reader.join().unwrap();
        // The reader's end is gone, so the writer's last write may fail.
        writer.wait();
        let _ = writer.join();
        joinall([&echo]);
    });
}

#[test]
fn datagrams_that_are_always_there_do_not_starve_a_timer() {
    bounded(|| {
        let socket = greenhub::monkey::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        let ended = Rc::new(Cell::new(false));
        let seen = Rc::clone(&ended);
        spawn(move || {
            sleep(Duration::from_millis(20));
            seen.set(true);
        });
        while !ended.get() {
            socket.send(b"to myself").unwrap();
            socket.recv(&mut [0; 16]).unwrap();
        }
    });
}

#[test]
fn two_hundred_clients_and_servers_echo_in_one_hub() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                spawn(move || {
                    let mut buffer = [0; 512];
                    loop {
                        match stream.read(&mut buffer).unwrap() {
                            0 => return,
                            length => stream.write_all(&buffer[..length]).unwrap(),
                        }
                    }
                });
            }
        });
        let clients: Vec<_> = (0..200u32)
            .map(|number| {
                spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    for round in 0..20u32 {
                        let message = (number * 1000 + round).to_be_bytes().repeat(20);
                        stream.write_all(&message).unwrap();
                        let mut answer = vec![0; message.len()];
                        stream.read_exact(&mut answer).unwrap();
                        assert_eq!(answer, message);
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        acceptor.kill();
    });
}

#[test]
fn greenlets_that_only_yield_do_not_starve_a_socket() {
    bounded(|| {
        let (mut near, mut far) = pair();
        let stop = Rc::new(Cell::new(false));
        let busy: Vec<_> = (0..100)
            .map(|_| {
                let stop = Rc::clone(&stop);
                spawn(move || {
                    while !stop.get() {
                        yield_now()
                    }
                })
            })
            .collect();
        let echo = spawn(move || {
            let mut byte = [0];
            while far.read(&mut byte).unwrap() == 1 {
                far.write_all(&byte).unwrap();
            }
        });
        for _ in 0..20 {
            near.write_all(b"x").unwrap();
            near.read_exact(&mut [0]).unwrap();
        }
        stop.set(true);
        drop(near);
        joinall(&busy);
        joinall([&echo]);
    });
}
