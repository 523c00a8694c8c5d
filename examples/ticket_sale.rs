//! Three tickets and ten buyers, each of whom looks, pays, and takes one.
//!
//! ```text
//! cargo run --example ticket_sale
//! cargo run --example ticket_sale -- --unlocked
//! ```
//!
//! Between two waits a greenlet is alone, so counting needs no lock. But to pay is to wait: what
//! was true before it need not be true after it. With a lock held from the look to the taking,
//! three buyers get a ticket. Without one, all ten have looked before the first has paid:
//!
//! ```text
//! 10 tickets were sold, of 3
//! ```
//!
//! The exit code is 1 if more were sold than there are.

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use greenhub::sync::Lock;
use greenhub::{joinall, sleep, spawn};

const TICKETS: usize = 3;

static COUNTER: Lock = Lock::new();

fn main() -> ExitCode {
    let locked = match std::env::args().nth(1).as_deref() {
        None => true,
        Some("--unlocked") => false,
        Some(other) => {
            eprintln!("what is {other}? usage: ticket_sale [--unlocked]");
            return ExitCode::from(2);
        }
    };
    let sold = Rc::new(Cell::new(0));
    let buyers: Vec<_> = (1..=10)
        .map(|number| {
            let sold = Rc::clone(&sold);
            spawn(move || {
                let _turn = locked.then(|| COUNTER.lock().expect("no buyer is thrown out"));
                buy(number, &sold);
            })
        })
        .collect();
    joinall(&buyers);
    println!("{} tickets were sold, of {TICKETS}", sold.get());
    if sold.get() > TICKETS { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn buy(number: u32, sold: &Cell<usize>) {
    if sold.get() >= TICKETS {
        return println!("buyer {number}: sold out");
    }
    // Paying takes its time.
    sleep(Duration::from_millis(50));
    sold.set(sold.get() + 1);
    println!("buyer {number} has ticket {}", sold.get());
}
