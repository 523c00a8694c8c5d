//! "Is the server up?": clients wait for an event, and give up after four tries.
//!
//! ```text
//! cargo run --example server_up -- [MILLISECONDS]
//! ```
//!
//! The server needs so long to start, 500 ms unless told otherwise. All clients wait at the same
//! time, and all go on when the event is set, in the order in which they came:
//!
//! ```text
//! client 1, try 1: the server is not up yet
//! client 2, try 1: the server is not up yet
//! …
//! the server is up
//! client 1 connects at try 3
//! client 2 connects at try 3
//! ```
//!
//! With 60000 they give up, and the program ends after 0.8 s.

use std::process::ExitCode;
use std::time::Duration;

use greenhub::sync::Event;
use greenhub::{joinall, sleep, spawn};

const CLIENTS: u32 = 3;
const TRIES: u32 = 4;
const PATIENCE: Duration = Duration::from_millis(200);

static UP: Event = Event::new();

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "500".to_owned());
    let Ok(millis) = argument.parse() else {
        eprintln!("{argument} is no number of milliseconds; usage: server_up [MILLISECONDS]");
        return ExitCode::from(2);
    };
    spawn(move || start_server(Duration::from_millis(millis)));
    let clients: Vec<_> = (1..=CLIENTS).map(|number| spawn(move || connect(number))).collect();
    joinall(&clients);
    ExitCode::SUCCESS
}

fn start_server(takes: Duration) {
    sleep(takes);
    println!("the server is up");
    UP.set();
}

fn connect(number: u32) {
    for attempt in 1..=TRIES {
        match UP.wait_for(PATIENCE) {
            Ok(()) => return println!("client {number} connects at try {attempt}"),
            Err(_) => println!("client {number}, try {attempt}: the server is not up yet"),
        }
    }
    println!("client {number} gives up");
}
