//! What is counted: each function does so many operations, and looks whether the result is right.

use std::io::{Read, Write};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use greenhub::monkey::net::TcpStream;
use greenhub::queue::Queue;
use greenhub::raw;
use greenhub::sync::{Lock, Semaphore};
use greenhub::{Greenlet, Select, with_timeout};

/// Some work that is counted.
pub(crate) struct Workload {
    /// What it is called on the command line, and in the record.
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) operation: &'static str,
    /// Does so many of them: a multiple of 64.
    pub(crate) run: fn(u64),
}

/// All of them, in the order in which they are counted.
pub(crate) const ALL: &[Workload] = &[
    Workload { name: "yield", operation: "a yield, of two greenlets", run: yields },
    Workload { name: "raw-switch", operation: "a raw switch there and back", run: raw_switches },
    Workload { name: "spawn", operation: "spawn and join, of an empty greenlet", run: spawns },
    Workload {
        name: "park",
        operation: "two semaphores, released and acquired in turns by two greenlets",
        run: parks,
    },
    Workload { name: "limit", operation: "a limit set and cancelled", run: limits },
    Workload {
        name: "timer",
        operation: "a sleep that ends, 32 of them in one turn of the hub",
        run: timers,
    },
    Workload { name: "lock", operation: "lock and unlock, uncontended", run: locks },
    Workload { name: "queue", operation: "put and get, uncontended", run: puts_and_gets },
    Workload {
        name: "round-trip",
        operation: "there and back through two queues of one",
        run: round_trips,
    },
    Workload { name: "select", operation: "a select of two queues that are ready", run: selects },
    Workload {
        name: "echo",
        operation: "64 bytes there and back over TCP, without a wait for a socket",
        run: echoes,
    },
];

/// So many sleep at once.
const SLEEPERS: u64 = 32;
const SLEEP: Duration = Duration::from_millis(2);

fn end(greenlet: Greenlet<()>) {
    greenlet.join().expect("it does not panic");
}

fn yields(operations: u64) {
    let yielder =
        || greenhub::spawn(move || (0..operations / 2).for_each(|_| greenhub::yield_now()));
    [yielder(), yielder()].into_iter().for_each(end);
}

fn raw_switches(operations: u64) {
    let main = raw::main().takes::<u64>();
    let partner = raw::Greenlet::new(move |mut n: u64| {
        loop {
            n = main.switch(n + 1).expect("main waits for a number");
        }
    });
    let sum = (0..operations).fold(0, |n, _| {
        let answer: Result<u64, _> = partner.switch(n);
        answer.expect("the partner waits for a number")
    });
    assert_eq!(sum, operations);
}

fn spawns(operations: u64) {
    (0..operations).for_each(|_| end(greenhub::spawn(|| ())));
}

fn parks(operations: u64) {
    let turns = Rc::new([Semaphore::new(0), Semaphore::new(0)]);
    let partner = turns.clone();
    let partner = greenhub::spawn(move || {
        for _ in 0..operations {
            partner[0].acquire().expect("it does not unwind");
            partner[1].release();
        }
    });
    end(greenhub::spawn(move || {
        for _ in 0..operations {
            turns[0].release();
            turns[1].acquire().expect("it does not unwind");
        }
    }));
    end(partner);
}

fn limits(operations: u64) {
    for _ in 0..operations {
        assert!(with_timeout(Duration::from_secs(60), || ()).is_ok(), "it ends at once");
    }
}

/// The last of those who run in a turn holds up the thread until all sleeps are over, so that the next
/// turn ends them all, however slow the machine is.
fn timers(operations: u64) {
    let rounds = operations / SLEEPERS;
    let sleeper = move || (0..rounds).for_each(|_| greenhub::sleep(SLEEP));
    let sleepers: Vec<_> = (0..SLEEPERS).map(|_| greenhub::spawn(sleeper)).collect();
    let last = greenhub::spawn(move || {
        for _ in 0..rounds {
            thread::sleep(SLEEP * 2);
            greenhub::sleep(Duration::from_nanos(1));
        }
    });
    sleepers.into_iter().chain([last]).for_each(end);
}

fn locks(operations: u64) {
    let lock = Lock::new();
    for _ in 0..operations {
        drop(lock.lock().expect("nobody holds it"));
    }
    assert!(!lock.is_locked());
}

fn puts_and_gets(operations: u64) {
    let queue = Queue::new();
    let sum: u64 = (0..operations)
        .map(|item| {
            queue.put(item).expect("it is open");
            queue.get().expect("it is open")
        })
        .sum();
    assert_eq!(sum, (0..operations).sum());
}

fn round_trips(operations: u64) {
    let (there, back) = (Rc::new(Queue::bounded(1)), Rc::new(Queue::bounded(1)));
    let (hears, answers) = (there.clone(), back.clone());
    let partner = greenhub::spawn(move || {
        for _ in 0..operations {
            let number: u64 = hears.get().expect("it is open");
            answers.put(number + 1).expect("it is open");
        }
    });
    end(greenhub::spawn(move || {
        let number = (0..operations).fold(0, |number, _| {
            there.put(number).expect("it is open");
            back.get().expect("it is open")
        });
        assert_eq!(number, operations);
    }));
    end(partner);
}

fn selects(operations: u64) {
    let queues = [Queue::new(), Queue::new()];
    queues.iter().for_each(|queue| queue.put(1).expect("it is open"));
    for _ in 0..operations {
        let select = Select::new().get(&queues[0], Result::ok).get(&queues[1], Result::ok);
        let item: u64 = select.run().expect("it does not unwind").expect("it is open");
        // Both stay ready.
        queues[0].put(item).expect("it is open");
    }
    assert_eq!(queues[0].len() + queues[1].len(), 2);
}

/// Each reads only when there is something, so that nobody waits: valgrind 3.19 does not know
/// `epoll_pwait2`.
fn echoes(operations: u64) {
    let (client, server) = connection();
    let rounds = move |mut stream: TcpStream, is_client: bool| {
        let mut buffer = [0; 64];
        for _ in 0..operations {
            if is_client {
                stream.write_all(&[b'x'; 64]).expect("room for it");
                greenhub::yield_now();
            }
            stream.read_exact(&mut buffer).expect("it is there");
            assert_eq!(buffer, [b'x'; 64], "all of it, and nothing else");
            if !is_client {
                stream.write_all(&buffer).expect("room for it");
                greenhub::yield_now();
            }
        }
    };
    let client = greenhub::spawn(move || rounds(client, true));
    let server = greenhub::spawn(move || rounds(server, false));
    [client, server].into_iter().for_each(end);
}

/// Made by std, because to connect is to wait.
fn connection() -> (TcpStream, TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let client = std::net::TcpStream::connect(address).expect("it listens");
    let (server, _) = listener.accept().expect("it has just connected");
    (TcpStream::from(client), TcpStream::from(server))
}
