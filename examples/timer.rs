//! An alarm that rings, one that is turned off, and one that is too late to turn off.
//!
//! ```text
//! cargo run --example timer
//! ```
//!
//! A timer calls its function later, in a greenlet of its own. To cancel it is to say "do
//! not begin": what has begun goes on to its end.
//!
//! ```text
//! three alarms are set
//! the second is turned off: true
//! the first rings
//! the third rings
//! the third is turned off: false
//! the third has rung long enough
//! ```

use std::time::Duration;

use greenhub::sync::Event;
use greenhub::{Timer, sleep};

static THIRD_RINGS: Event = Event::new();

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let first = Timer::new(Duration::from_millis(200), || println!("the first rings"));
    let second = Timer::new(Duration::from_millis(300), || println!("the second rings"));
    let third = Timer::new(Duration::from_millis(400), ring_for_long);
    for timer in [&first, &second, &third] {
        timer.start();
    }
    println!("three alarms are set");
    println!("the second is turned off: {}", second.cancel());

    THIRD_RINGS.wait()?;
    println!("the third is turned off: {}", third.cancel());
    third.wait();
    Ok(())
}

fn ring_for_long() {
    println!("the third rings");
    THIRD_RINGS.set();
    sleep(Duration::from_millis(200));
    println!("the third has rung long enough");
}
