//! A generator that listens: what is sent into it is the answer of the `give` where it stands.
//!
//! ```text
//! cargo run --example fibonacci
//! ```
//!
//! Asked for the next, it gives the next number. Sent a number, it skips so many, or, sent
//! zero, begins anew. When a number no longer fits, it ends, and has a result of its own:
//!
//! ```text
//! the first ten: 0 1 1 2 3 5 8 13 21 34
//! five skipped: 610
//! from the start: 0 1 1
//! the last of all 94: 12200160415121876738
//! ```

use greenhub::raw::{Generator, Yielder, generator};

fn main() {
    let mut numbers: Generator<u64, u32, u32> = generator(fibonacci);
    let first: Vec<_> = numbers.by_ref().take(10).map(|number| number.to_string()).collect();
    println!("the first ten: {}", first.join(" "));

    if let Some(number) = numbers.send(5) {
        println!("five skipped: {number}");
    }
    let start: Vec<_> = numbers.send(0).into_iter().chain(numbers.by_ref().take(2)).collect();
    println!("from the start: {} {} {}", start[0], start[1], start[2]);

    let last = numbers.by_ref().last();
    if let (Some(number), Some(count)) = (last, numbers.take_result()) {
        println!("the last of all {count}: {number}");
    }
}

/// Returns how many numbers there are.
fn fibonacci(yielder: &Yielder<u64, u32>) -> u32 {
    let mut place = 0;
    while let Some(number) = number_at(place) {
        place = match yielder.give(number) {
            None => place + 1,
            Some(0) => 0,
            Some(skipped) => (place + 1).saturating_add(skipped),
        };
    }
    place
}

/// The Fibonacci number with this place, if it fits.
fn number_at(place: u32) -> Option<u64> {
    let (mut number, mut next) = (0_u64, Some(1_u64));
    for _ in 0..place {
        (number, next) = (next?, number.checked_add(next?));
    }
    Some(number)
}
