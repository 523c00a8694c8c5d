//! Calls that the kernel refuses, cuts short or puts off, each time it can.

use std::ffi::c_int;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use greenhub::monkey::io::pipe;
use greenhub::monkey::net::{TcpListener, TcpStream};
use greenhub::queue::Queue;
use greenhub::server::StreamServer;
use greenhub::{Builder, Hub, joinall, offload, sleep, spawn, yield_now};

use crate::descriptors::survives;
use crate::kernel::{Answer, Call, dice, judge_calls, refuse_calls};
use crate::support::{message, millis, panic_of};

/// What was done to calls, counted.
static INTERRUPTED: AtomicU32 = AtomicU32::new(0);
static PUT_OFF: AtomicU32 = AtomicU32::new(0);
static CUT_SHORT: AtomicU32 = AtomicU32::new(0);

fn count(counter: &AtomicU32, answer: Answer) -> Answer {
    counter.fetch_add(1, Relaxed);
    answer
}

/// Nearly each second call is disturbed.
fn disturb(call: &Call) -> Answer {
    match (call.number, dice(6)) {
        (libc::SYS_epoll_ctl, _) => Answer::Real,
        (_, 0) => count(&INTERRUPTED, Answer::Error(libc::EINTR)),
        (libc::SYS_epoll_pwait2, _) => Answer::Real,
        (_, 1) => count(&PUT_OFF, Answer::NotNow),
        (libc::SYS_recvfrom | libc::SYS_sendto, 2) => {
            count(&CUT_SHORT, Answer::Short(1 + dice(100)))
        }
        _ => Answer::Real,
    }
}

/// As many bytes as `index` says, which do not repeat soon.
fn request(index: usize) -> Vec<u8> {
    (0..1 + index * 37 % 9000).map(|n| ((n + index) % 251) as u8).collect()
}

/// Sends back what comes, until nothing will come any more.
fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => stream.write_all(&buffer[..length]).unwrap(),
            // As std's, it says so.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn of_thousands_of_requests_none_is_lost_whatever_calls_are_put_off_or_cut_short() {
    survives(
        "refused::of_thousands_of_requests_none_is_lost_whatever_calls_are_put_off_or_cut_short",
        || {
            let numbers = [
                libc::SYS_recvfrom,
                libc::SYS_sendto,
                libc::SYS_accept4,
                libc::SYS_epoll_ctl,
                libc::SYS_epoll_pwait2,
            ];
            judge_calls(&numbers, disturb);
            let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream));
            server.start().unwrap();
            let address = server.local_addr().unwrap();
            let client = move |client: usize| {
                let mut stream = TcpStream::connect(address).unwrap();
                for index in (0..250).map(|index| index * 8 + client) {
                    let sent = request(index);
                    stream.write_all(&sent).unwrap();
                    let mut got = vec![0; sent.len()];
                    stream.read_exact(&mut got).unwrap();
                    assert!(got == sent, "request {index}");
                }
            };
            let clients: Vec<_> = (0..8).map(|number| spawn(move || client(number))).collect();
            joinall(&clients);
            assert!(clients.iter().all(|client| client.is_successful()));
            server.stop(Duration::from_secs(5)).unwrap();
            for counter in [&INTERRUPTED, &PUT_OFF, &CUT_SHORT] {
                assert!(counter.load(Relaxed) > 500, "{}", counter.load(Relaxed));
            }
        },
    );
}

/// How often `accept` was refused.
static REFUSED: AtomicU32 = AtomicU32::new(0);

/// What accept(2) may say of one connection, or for want of something; each before every success.
const ACCEPT_ERRORS: [c_int; 8] = [
    libc::ECONNABORTED,
    libc::EINTR,
    libc::EPROTO,
    libc::EMFILE,
    libc::ENETDOWN,
    libc::ENFILE,
    libc::ENOBUFS,
    libc::ENOMEM,
];

fn refuse_accepts(_: &Call) -> Answer {
    let turn = REFUSED.fetch_add(1, Relaxed) as usize % (ACCEPT_ERRORS.len() + 1);
    ACCEPT_ERRORS.get(turn).map_or(Answer::Real, |error| Answer::Error(*error))
}

#[test]
fn a_server_goes_on_after_every_error_that_an_accept_can_have() {
    survives("refused::a_server_goes_on_after_every_error_that_an_accept_can_have", || {
        judge_calls(&[libc::SYS_accept4], refuse_accepts);
        let server = StreamServer::bind("127.0.0.1:0", |stream, _| echo(stream))
            .back_off(millis(1), millis(2));
        Hub::current().set_error_hook(|told| {
            assert!(told.message().is_some_and(|text| text.contains("cannot accept for now")));
        });
        server.start().unwrap();
        let address = server.local_addr().unwrap();
        let clients: Vec<_> = (0..20)
            .map(|index| {
                spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    let mut got = vec![0; request(index).len()];
                    stream.write_all(&request(index)).unwrap();
                    stream.read_exact(&mut got).unwrap();
                    got == request(index)
                })
            })
            .collect();
        assert!(clients.into_iter().all(|client| client.join().unwrap()));
        assert!(REFUSED.load(Relaxed) >= 20 * 9);
        server.stop(millis(100)).unwrap();
    });
}

#[test]
fn an_accept_that_fails_is_an_error_as_in_std_and_the_next_one_has_the_connection() {
    survives(
        "refused::an_accept_that_fails_is_an_error_as_in_std_and_the_next_one_has_the_connection",
        || {
            judge_calls(&[libc::SYS_accept4], refuse_accepts);
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            for error in ACCEPT_ERRORS.into_iter().filter(|error| *error != libc::EINTR) {
                let refused = listener.accept().map(drop).unwrap_err();
                assert_eq!(refused.raw_os_error(), Some(error));
            }
            assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
        },
    );
}

fn interrupt_most(_: &Call) -> Answer {
    if dice(4) == 0 { Answer::Real } else { count(&INTERRUPTED, Answer::Error(libc::EINTR)) }
}

#[test]
fn a_hub_whose_sleep_is_interrupted_wakes_nobody_early_and_all_in_order() {
    survives(
        "refused::a_hub_whose_sleep_is_interrupted_wakes_nobody_early_and_all_in_order",
        || {
            judge_calls(&[libc::SYS_epoll_pwait2], interrupt_most);
            let ended = Arc::new(Queue::new());
            for index in (1..=20).rev() {
                let ended = Arc::clone(&ended);
                spawn(move || {
                    let begin = Instant::now();
                    sleep(millis(5 * index));
                    assert!(begin.elapsed() >= millis(5 * index), "it woke early");
                    ended.put(index).unwrap();
                });
            }
            let order: Vec<u64> = (0..20).map(|_| ended.get().unwrap()).collect();
            assert!(order.is_sorted(), "{order:?}");
            assert!(INTERRUPTED.load(Relaxed) >= 20);
        },
    );
}

/// Whether what a test is about is refused now.
static REFUSES: AtomicBool = AtomicBool::new(false);

fn while_refused(error: c_int) -> Answer {
    if REFUSES.load(Relaxed) { Answer::Error(error) } else { Answer::Real }
}

fn refusing<R>(body: impl FnOnce() -> R) -> R {
    REFUSES.store(true, Relaxed);
    let answer = body();
    REFUSES.store(false, Relaxed);
    answer
}

#[test]
fn a_socket_that_the_kernel_has_no_watch_for_is_an_error_and_can_be_tried_again() {
    survives(
        "refused::a_socket_that_the_kernel_has_no_watch_for_is_an_error_and_can_be_tried_again",
        || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let mut served = std::net::TcpStream::connect(address).unwrap();
            let mut stream = listener.accept().unwrap().0;
            judge_calls(&[libc::SYS_epoll_ctl], |_| while_refused(libc::ENOSPC));
            let refused = refusing(|| stream.read(&mut [0; 8]).unwrap_err());
            assert_eq!(refused.raw_os_error(), Some(libc::ENOSPC), "{refused}");
            let reader = spawn(move || {
                let mut got = [0; 5];
                stream.read_exact(&mut got).map(|()| got)
            });
            yield_now();
            served.write_all(b"later").unwrap();
            assert_eq!(&reader.join().unwrap().unwrap(), b"later");
        },
    );
}

fn refuse_stacks(call: &Call) -> Answer {
    const MADV_GUARD_INSTALL: u64 = 102;
    let is_stack = match call.number {
        libc::SYS_mmap => call.arguments[3] & libc::MAP_NORESERVE as u64 != 0,
        libc::SYS_mprotect => call.arguments[2] == libc::PROT_NONE as u64,
        _ => call.arguments[2] == MADV_GUARD_INSTALL,
    };
    if is_stack { while_refused(libc::ENOMEM) } else { Answer::Real }
}

/// Stacks of a size that no greenlet had before, for which there is neither memory nor a guard.
fn there_is_no_stack_until_there_is_memory(calls: &[libc::c_long]) {
    spawn(|| ()).join().unwrap();
    judge_calls(calls, refuse_stacks);
    let waits = spawn(|| sleep(millis(5)));
    let of_size = || Builder::new().stack_size(1 << 21);
    refusing(|| {
        for _ in 0..3 {
            let refused = of_size().spawn(|| ()).expect_err("there is no memory");
            assert_eq!(refused.kind(), ErrorKind::OutOfMemory, "{refused}");
        }
        // Those that have a stack go on, and theirs are used again.
        waits.join().unwrap();
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
    let many: Vec<_> = (0..200).map(|_| of_size().spawn(|| sleep(millis(1))).unwrap()).collect();
    joinall(&many);
    assert!(many.iter().all(|greenlet| greenlet.is_successful()));
}

#[test]
fn no_memory_for_a_stack_is_an_error_and_the_hub_goes_on() {
    survives("refused::no_memory_for_a_stack_is_an_error_and_the_hub_goes_on", || {
        there_is_no_stack_until_there_is_memory(&[libc::SYS_mmap]);
    });
}

#[test]
fn no_memory_for_a_guard_is_an_error_and_the_stack_is_had_later() {
    survives("refused::no_memory_for_a_guard_is_an_error_and_the_stack_is_had_later", || {
        // The second is for kernels that do not have the first one's advice.
        there_is_no_stack_until_there_is_memory(&[libc::SYS_madvise, libc::SYS_mprotect]);
    });
}

#[test]
fn what_finds_no_thread_is_done_by_its_own() {
    survives("refused::what_finds_no_thread_is_done_by_its_own", || {
        refuse_calls(&[libc::SYS_clone3, libc::SYS_clone], libc::EAGAIN);
        let own = std::thread::current().id();
        let done_by: Vec<_> =
            (0..5).map(|_| spawn(|| offload(|| std::thread::current().id()))).collect();
        for done_by in done_by {
            assert_eq!(done_by.join().unwrap(), own);
        }
    });
}

#[test]
fn threads_share_locks_where_the_kernel_has_no_barrier_for_them() {
    survives("refused::threads_share_locks_where_the_kernel_has_no_barrier_for_them", || {
        judge_calls(&[libc::SYS_membarrier], |_| count(&INTERRUPTED, Answer::Error(libc::EPERM)));
        let numbers = Arc::new(Queue::bounded(3));
        let sender = Arc::clone(&numbers);
        let sent = std::thread::spawn(move || {
            let senders: Vec<_> = (0..4)
                .map(|_| {
                    let sender = Arc::clone(&sender);
                    spawn(move || (0..500u64).for_each(|number| sender.put(number).unwrap()))
                })
                .collect();
            joinall(&senders);
        });
        let sum: u64 = (0..2000).map(|_| numbers.get().unwrap()).sum();
        sent.join().unwrap();
        assert_eq!(sum, 4 * 499 * 500 / 2);
        assert!(INTERRUPTED.load(Relaxed) > 0, "nobody has asked for it");
    });
}

#[test]
fn pipes_pass_everything_where_the_kernel_cannot_say_that_they_would_block() {
    survives(
        "refused::pipes_pass_everything_where_the_kernel_cannot_say_that_they_would_block",
        || {
            judge_calls(&[libc::SYS_preadv2, libc::SYS_pwritev2], |_| {
                count(&PUT_OFF, Answer::Error(libc::EOPNOTSUPP))
            });
            let (mut reader, mut writer) = pipe().unwrap();
            let writing = spawn(move || writer.write_all(&request(4_000_000 / 37)));
            let mut got = Vec::new();
            reader.read_to_end(&mut got).unwrap();
            writing.join().unwrap().unwrap();
            assert!(got == request(4_000_000 / 37), "{} bytes", got.len());
        },
    );
}

#[test]
fn a_kernel_that_cannot_wait_for_descriptors_is_a_panic_in_main_and_no_hang() {
    survives(
        "refused::a_kernel_that_cannot_wait_for_descriptors_is_a_panic_in_main_and_no_hang",
        || {
            judge_calls(&[libc::SYS_epoll_pwait2], |_| while_refused(libc::EPERM));
            let sleeper = spawn(|| sleep(millis(5)));
            let told = refusing(|| message(&*panic_of(|| sleeper.wait())));
            assert!(told.contains("the hub can no longer wait for its descriptors"), "{told}");
            let error = io::Error::from_raw_os_error(libc::EPERM).to_string();
            assert!(told.contains(&error), "{told}");
            // Once that is over, it goes on.
            sleeper.join().unwrap();
        },
    );
}
