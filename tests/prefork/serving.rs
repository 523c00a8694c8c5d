//! What clients see.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::driver::{Client, send, start};

const WORKERS: usize = 3;
const CLIENTS: usize = 4;
const REQUESTS: usize = if cfg!(debug_assertions) { 5_000 } else { 100_000 };

const RELOADS: u64 = 3;

static ANSWERED: AtomicUsize = AtomicUsize::new(0);
static IS_ENOUGH: AtomicBool = AtomicBool::new(false);

/// Asks until all clients together have had their answers, and have seen reloads. A connection that is kept is kept until
/// its server says that this was the last answer.
fn load(address: SocketAddr, is_kept: bool) -> Vec<u64> {
    let mut generations = Vec::new();
    let mut kept: Option<Client> = None;
    while !IS_ENOUGH.load(Ordering::Relaxed) {
        let mut client = match kept.take() {
            Some(client) => client,
            None => Client::connect(address).expect("no connection is refused"),
        };
        let request = if is_kept { "pid" } else { "last" };
        let (answer, is_last) = client.ask(request).expect("each request is answered");
        ANSWERED.fetch_add(1, Ordering::Relaxed);
        let (_, generation) = answer.split_once(' ').expect("process and generation");
        generations.push(generation.parse().unwrap());
        generations.dedup();
        if is_kept && !is_last {
            kept = Some(client);
        }
    }
    generations
}

pub(crate) fn a_reload_under_load_refuses_no_connection_and_fails_no_request() {
    let program = start("serve", &["workers=3"]);
    let address = program.address();
    program.all_ready(WORKERS, 0);
    let clients: Vec<_> =
        (0..CLIENTS).map(|n| thread::spawn(move || load(address, n % 2 == 0))).collect();
    let mut generation = 0;
    while ANSWERED.load(Ordering::Relaxed) < REQUESTS || generation < RELOADS {
        assert!(clients.iter().all(|client| !client.is_finished()), "a client has failed");
        generation += 1;
        program.signal(Signal::HUP);
        program.all_ready(WORKERS, generation);
    }
    IS_ENOUGH.store(true, Ordering::Relaxed);
    let seen = clients.into_iter().map(|client| client.join().expect("no client fails"));
    let seen: Vec<Vec<u64>> = seen.collect();
    println!("  {} requests, {generation} reloads", ANSWERED.load(Ordering::Relaxed));
    assert!(seen.iter().all(|generations| generations.len() >= 2), "{seen:?}");
    let died = program.lines().into_iter();
    let died: Vec<_> =
        died.filter(|it| it.starts_with("ended") && !it.ends_with("status: 0")).collect();
    assert!(died.is_empty(), "{died:?}");
    program.stop();
}

pub(crate) fn a_worker_that_is_killed_is_replaced_within_a_second_and_others_see_nothing() {
    let program = start("serve", &["workers=2"]);
    let address = program.address();
    program.all_ready(2, 0);
    let (first, second) = (program.ready(0, 1), program.ready(1, 1));
    let mut beside = Client::of(address, second);
    for count in 2..5 {
        let victim = program.ready(0, count - 1);
        let start = Instant::now();
        send(victim, Signal::KILL);
        let replacement = program.ready(0, count);
        let mut served = Client::of(address, replacement);
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(1), "its replacement serves after {elapsed:?}");
        assert_ne!(replacement, victim);
        assert!(served.ask("pid").is_ok());
        let (answer, is_last) = beside.ask("pid").expect("it sees nothing of that");
        assert_eq!((answer, is_last), (format!("{second} 0"), false));
    }
    assert_ne!(program.ready(0, 4), first);
    drop(beside);
    program.stop();
}

pub(crate) fn listeners_of_both_kinds_are_shared() {
    let path = std::env::temp_dir().join(format!("greenhub-prefork-{}", std::process::id()));
    let program = start("unix", &["workers=2", &format!("path={}", path.display())]);
    program.all_ready(2, 0);
    let mut answer = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer.trim(), program.address().to_string());
    std::fs::remove_file(path).unwrap();
    program.stop();
}
