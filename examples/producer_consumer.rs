//! A baker and two guests, and between them a board with room for three loaves.
//!
//! ```text
//! cargo run --example producer_consumer
//! ```
//!
//! The queue has a limit, so the baker waits while the board is full, and the guests while it is
//! empty: nobody has to be told when. When the baker shuts it down, what is on it is still eaten, and
//! then the guests' loops end:
//!
//! ```text
//! loaf 1 is baked
//! loaf 2 is baked
//! loaf 3 is baked
//! ann takes loaf 1
//! …
//! the baker goes home
//! …
//! ann has had enough
//! bob has had enough
//! 10 loaves were eaten, and never more than 3 lay on the board
//! ```

use std::error::Error;
use std::time::Duration;

use greenhub::queue::{PutError, Queue};
use greenhub::{sleep, spawn};

const LOAVES: u32 = 10;

static BOARD: Queue<u32> = Queue::bounded(3);

fn main() -> Result<(), Box<dyn Error>> {
    let baker = spawn(bake);
    let guests = ["ann", "bob"].map(|guest| spawn(move || eat(guest)));
    let most = baker.join()??;
    let mut eaten = 0;
    for guest in guests {
        eaten += guest.join()?;
    }
    println!("{eaten} loaves were eaten, and never more than {most} lay on the board");
    Ok(())
}

/// Returns the most that lay on the board.
fn bake() -> Result<usize, PutError<u32>> {
    let mut most = 0;
    for loaf in 1..=LOAVES {
        BOARD.put(loaf)?;
        println!("loaf {loaf} is baked");
        most = most.max(BOARD.len());
    }
    BOARD.shutdown();
    println!("the baker goes home");
    Ok(most)
}

/// Returns how many there were for this guest.
fn eat(guest: &str) -> u32 {
    let mut eaten = 0;
    for loaf in &BOARD {
        println!("{guest} takes loaf {loaf}");
        sleep(Duration::from_millis(50));
        eaten += 1;
    }
    println!("{guest} has had enough");
    eaten
}
