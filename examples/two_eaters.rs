//! One eats while the other plays: two greenlets sleep at the same time.
//!
//! ```text
//! cargo run --example two_eaters
//! ```
//!
//! Each greenlet runs until it waits, and then the other has its turn. So both begin at once,
//! the shorter sleep ends first, and all is over after 2 s, not 3:
//!
//! ```text
//! 1 eat: begins
//! 2 play: begins
//! play: ends
//! eat: ends
//! after 2.0 s
//! ```

use std::time::{Duration, Instant};

use greenhub::{joinall, sleep, spawn};

fn main() {
    let start = Instant::now();
    joinall(&[spawn(eat), spawn(play)]);
    println!("after {:.1} s", start.elapsed().as_secs_f64());
}

fn eat() {
    println!("1 eat: begins");
    sleep(Duration::from_secs(2));
    println!("eat: ends");
}

fn play() {
    println!("2 play: begins");
    sleep(Duration::from_secs(1));
    println!("play: ends");
}
