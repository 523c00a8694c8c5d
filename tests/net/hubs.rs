//! Sockets and several hubs, each on its own OS thread.

use std::io::{Read, Write};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use greenhub::io::Cooperative;
use greenhub::monkey::fs::File;
use greenhub::monkey::net::{TcpListener, TcpStream, UdpSocket};
use greenhub::{Hub, sleep, spawn, yield_now};

use crate::support::{bounded, pair};

fn on_a_thread<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    thread::spawn(body).join().unwrap()
}

/// Reads three bytes, having had to wait for them.
fn read_waiting(mut reading: TcpStream, mut writing: TcpStream) -> (TcpStream, TcpStream) {
    let reader = spawn(move || {
        reading.read_exact(&mut [0; 3]).unwrap();
        reading
    });
    yield_now();
    writing.write_all(b"abc").unwrap();
    (reader.join().unwrap(), writing)
}

#[test]
fn sockets_and_files_are_send_and_sync_as_in_std() {
    fn needs<T: Send + Sync + Unpin + 'static>() {}
    needs::<TcpStream>();
    needs::<TcpListener>();
    needs::<UdpSocket>();
    needs::<File>();
    needs::<Cooperative<std::io::PipeReader>>();
}

#[test]
fn a_socket_is_used_in_one_hub_after_another() {
    bounded(|| {
        let (mut client, mut server) = pair();
        for _ in 0..20 {
            (client, server) = read_waiting(client, server);
            (client, server) = on_a_thread(move || read_waiting(server, client));
        }
    });
}

#[test]
fn a_socket_goes_on_when_the_hub_that_it_waited_in_has_ended() {
    // The inbox of an ended hub is given to a later one, which knows nothing of the socket.
    bounded(|| {
        let (mut client, mut server) = on_a_thread(|| {
            let (client, server) = pair();
            read_waiting(client, server)
        });
        for _ in 0..50 {
            (server, client) = on_a_thread(move || read_waiting(client, server));
            (server, client) = on_a_thread(move || read_waiting(client, server));
        }
    });
}

#[test]
fn a_socket_is_used_in_two_hubs_at_once() {
    bounded(|| {
        let (client, server) = pair();
        let server = Arc::new(server);
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    let mut total = 0;
                    loop {
                        match (&*server).read(&mut [0; 1000]).unwrap() {
                            0 => return total,
                            length => total += length,
                        }
                    }
                })
            })
            .collect();
        for round in 0..300u64 {
            (&client).write_all(&[0; 3001]).unwrap();
            if round % 10 == 0 {
                sleep(Duration::from_micros(round));
            }
        }
        drop(client);
        let total: usize = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert_eq!(total, 300 * 3001);
    });
}

#[test]
fn a_listener_is_shared_by_hubs() {
    bounded(|| {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let hubs: Vec<_> = (0..3)
            .map(|_| {
                let listener = Arc::clone(&listener);
                thread::spawn(move || {
                    let mut accepted = 0;
                    while let Ok((mut stream, _)) = listener.accept() {
                        accepted += 1;
                        spawn(move || stream.write_all(b"hi").unwrap()).join().unwrap();
                    }
                    accepted
                })
            })
            .collect();
        let clients: Vec<_> = (0..100)
            .map(|_| {
                spawn(move || {
                    let mut answer = String::new();
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.read_to_string(&mut answer).unwrap();
                    assert_eq!(answer, "hi");
                })
            })
            .collect();
        clients.iter().for_each(|client| client.join().unwrap());
        listener.close().unwrap();
        assert_eq!(hubs.into_iter().map(|hub| hub.join().unwrap()).sum::<i32>(), 100);
    });
}

#[test]
fn a_socket_that_is_dropped_in_another_thread_is_no_source_any_more() {
    bounded(|| {
        let before = Hub::current().stats().sources;
        let (client, server) = pair();
        let (client, server) = read_waiting(client, server);
        assert!(Hub::current().stats().sources > before);
        on_a_thread(move || drop((client, server)));
        sleep(Duration::from_millis(5));
        assert_eq!(Hub::current().stats().sources, before);
    });
}

#[test]
fn a_socket_outlives_the_thread_that_made_it() {
    bounded(|| {
        let (sender, receiver) = mpsc::channel();
        on_a_thread(move || {
            let (client, server) = pair();
            sender.send(read_waiting(client, server)).unwrap();
        });
        let (mut client, mut server) = receiver.recv().unwrap();
        server.write_all(b"later").unwrap();
        let mut received = [0; 5];
        client.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"later");
    });
}

#[test]
fn a_clone_dropped_in_another_thread_does_not_disturb_the_next_clone() {
    // The next clone has the same number and the same open file.
    bounded(|| {
        let (mut client, server) = pair();
        for _ in 0..50 {
            let mut clone = server.try_clone().unwrap();
            let reader = spawn(move || {
                clone.read_exact(&mut [0; 3]).unwrap();
                clone
            });
            yield_now();
            client.write_all(b"abc").unwrap();
            let clone = reader.join().unwrap();
            on_a_thread(move || drop(clone));
        }
    });
}

#[test]
fn a_thread_without_a_hub_may_drop_a_socket_of_a_hub_that_has_ended() {
    bounded(|| {
        let pair = on_a_thread(|| {
            let (client, server) = pair();
            read_waiting(client, server)
        });
        on_a_thread(move || drop(pair));
    });
}

#[test]
fn a_close_from_another_thread_is_never_missed() {
    bounded(|| {
        for round in 0..500u32 {
            let (reader, _writer) = std::io::pipe().unwrap();
            let reader = Arc::new(Cooperative::new(reader).unwrap());
            let closing = Arc::clone(&reader);
            let gate = Arc::new(Barrier::new(2));
            let theirs = Arc::clone(&gate);
            let closer = thread::spawn(move || {
                theirs.wait();
                (0..round % 50).for_each(|_| std::hint::spin_loop());
                // Nothing reaches the kernel: only the wake itself can end the wait.
                closing.close_with(|_| Ok(())).unwrap();
            });
            gate.wait();
            let error = reader.wait_readable().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
            closer.join().unwrap();
        }
    });
}

#[test]
fn sockets_that_wander_between_hubs_lose_nothing() {
    bounded(|| {
        let (sender, receiver) = mpsc::channel();
        let threads: Vec<_> = (0..4u64)
            .map(|number| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for round in 0..50 {
                        let (client, server) = pair();
                        let (client, mut server) = read_waiting(client, server);
                        if (number + round) % 3 == 0 {
                            server.write_all(b"old").unwrap();
                        } else {
                            let late = server.try_clone().unwrap();
                            spawn(move || (&late).write_all(b"old").unwrap());
                            yield_now();
                        }
                        sender.send((client, server)).unwrap();
                    }
                })
            })
            .collect();
        drop(sender);
        let mut readers = Vec::new();
        for (mut client, server) in receiver {
            readers.push(spawn(move || {
                client.read_exact(&mut [0; 3]).unwrap();
                drop(server);
                assert_eq!(client.read(&mut [0; 3]).unwrap(), 0);
            }));
        }
        assert_eq!(readers.len(), 200);
        readers.iter().for_each(|reader| reader.join().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(Hub::current().stats().sources, 0);
    });
}
