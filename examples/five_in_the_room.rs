//! A small room: twelve guests want in, and a semaphore lets in five at a time.
//!
//! ```text
//! cargo run --example five_in_the_room
//! ```
//!
//! Five enter at once. From then on, whenever one leaves, the one enters who has waited longest:
//!
//! ```text
//! guest 1 enters: 1 in the room
//! …
//! guest 5 enters: 5 in the room
//! guest 3 leaves: 4 in the room
//! guest 6 enters: 5 in the room
//! …
//! all twelve were in, and never more than 5 at once
//! ```

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::sync::{Semaphore, WaitError};
use greenhub::{JoinError, sleep, spawn};

const GUESTS: u64 = 12;

static PLACES: Semaphore = Semaphore::new(5);

/// Greenlets take turns on one thread, so a plain cell is enough to count.
#[derive(Default)]
struct Room {
    inside: Cell<u32>,
    most: Cell<u32>,
}

fn main() -> Result<(), JoinError> {
    let room = Rc::new(Room::default());
    let visits: Vec<_> = (1..=GUESTS)
        .map(|guest| {
            let room = Rc::clone(&room);
            spawn(move || visit(guest, &room))
        })
        .collect();
    for visit in visits {
        visit.join()?.expect("no guest is thrown out while it waits");
    }
    println!("all twelve were in, and never more than {} at once", room.most.get());
    Ok(())
}

fn visit(guest: u64, room: &Room) -> Result<(), WaitError> {
    let _place = PLACES.permit()?;
    room.inside.set(room.inside.get() + 1);
    room.most.set(room.most.get().max(room.inside.get()));
    println!("guest {guest} enters: {} in the room", room.inside.get());
    // The guests 3, 6, 9 and 12 are in a hurry.
    sleep(Duration::from_millis(50 + guest % 3 * 50));
    room.inside.set(room.inside.get() - 1);
    println!("guest {guest} leaves: {} in the room", room.inside.get());
    Ok(())
}
