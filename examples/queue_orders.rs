//! Three queues get the same items in the same order, and give them in three.
//!
//! ```text
//! cargo run --example queue_orders
//! ```
//!
//! Each item is a number and a word. In the third queue the least number is the most urgent:
//!
//! ```text
//! first in, first out: 3 wash, 1 fetch water, 4 sleep, 2 cook
//! last in, first out: 2 cook, 4 sleep, 1 fetch water, 3 wash
//! the least first: 1 fetch water, 2 cook, 3 wash, 4 sleep
//! ```

use greenhub::queue::{LifoQueue, PriorityQueue, Queue};

type Task = (u32, &'static str);

const TASKS: [Task; 4] = [(3, "wash"), (1, "fetch water"), (4, "sleep"), (2, "cook")];

static FIFO: Queue<Task> = Queue::new();
static LIFO: LifoQueue<Task> = LifoQueue::new();
static LEAST_FIRST: PriorityQueue<Task> = PriorityQueue::new();

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for task in TASKS {
        FIFO.put(task)?;
        LIFO.put(task)?;
        LEAST_FIRST.put(task)?;
    }
    // No more come, so that the loops over them end.
    FIFO.shutdown();
    LIFO.shutdown();
    LEAST_FIRST.shutdown();

    println!("first in, first out: {}", list(&FIFO));
    println!("last in, first out: {}", list(&LIFO));
    println!("the least first: {}", list(&LEAST_FIRST));
    Ok(())
}

fn list(tasks: impl IntoIterator<Item = Task>) -> String {
    let words: Vec<_> = tasks.into_iter().map(|(rank, what)| format!("{rank} {what}")).collect();
    words.join(", ")
}
