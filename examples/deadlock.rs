//! What would be a hang is a report: who waits for what.
//!
//! ```text
//! cargo run --example deadlock -- order
//! cargo run --example deadlock -- twice
//! ```
//!
//! `order`: Romeo takes the first lock and wants the second, while Juliet has the second and
//! wants the first. `twice`: one who holds a lock calls a function that takes it again. When nothing
//! can ever wake anyone, main panics, and the program ends with a list:
//!
//! ```text
//! everything waits for ever: no greenlet is ready, and no timer, socket, pool or other thread …
//!   in a circle: greenlet 1 'romeo' waits for a lock, held by greenlet 2 'juliet', which waits …
//!   main waits for the end of greenlet 1 'romeo'
//!   greenlet 1 'romeo' waits for a lock, held by greenlet 2 'juliet' (made at examples/deadlock.rs:…)
//!   greenlet 2 'juliet' waits for a lock, held by greenlet 1 'romeo' (made at examples/deadlock.rs:…)
//! ```
//!
//! With `--cure` after it, the same work is done: both take the locks in the same order; and
//! the lock that is taken twice is an `RLock`, which lets its owner in again.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use greenhub::sync::{Lock, RLock};
use greenhub::{Builder, Greenlet, joinall, sleep};

static FIRST: Lock = Lock::new();
static SECOND: Lock = Lock::new();
static OF_ITS_OWNER: RLock = RLock::new();

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["order"] => joinall(&[both("romeo", &FIRST, &SECOND)?, both("juliet", &SECOND, &FIRST)?]),
        ["order", "--cure"] => {
            joinall(&[both("romeo", &FIRST, &SECOND)?, both("juliet", &FIRST, &SECOND)?]);
        }
        ["twice"] => outer(with_lock),
        ["twice", "--cure"] => outer(with_rlock),
        _ => {
            eprintln!("usage: deadlock order|twice [--cure]");
            return Ok(ExitCode::from(2));
        }
    }
    println!("done");
    Ok(ExitCode::SUCCESS)
}

/// Takes one lock, and soon after the other as well.
fn both(name: &'static str, one: &'static Lock, other: &'static Lock) -> io::Result<Greenlet<()>> {
    Builder::new().name(name).spawn(move || {
        let _one = one.lock().expect("nothing unwinds here");
        println!("{name} has one lock");
        sleep(Duration::from_millis(50));
        let _other = other.lock().expect("nothing unwinds here");
        println!("{name} has both");
    })
}

/// Needs the lock, and calls what needs it as well.
fn outer(locked: fn(&dyn Fn())) {
    locked(&|| {
        println!("the outer function has the lock");
        locked(&|| println!("the inner function has it as well"));
    });
}

fn with_lock(work: &dyn Fn()) {
    let _held = FIRST.lock().expect("nothing unwinds here");
    work();
}

fn with_rlock(work: &dyn Fn()) {
    let _held = OF_ITS_OWNER.lock().expect("nothing unwinds here");
    work();
}
