//! Pages are shown as they arrive, whichever comes first: by a callback, here called a link.
//!
//! ```text
//! cargo run --example pages
//! ```
//!
//! A link is called when its greenlet has ended, with that greenlet. Main holds none of them, and
//! waits only for the last page to be shown:
//!
//! ```text
//! four pages are on their way
//! b.html is here: 200 letters
//! d.html is lost: no such page
//! c.html is here: 300 letters
//! a.html is here: 100 letters
//! ```

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenhub::sync::{Event, WaitError};
use greenhub::{Greenlet, sleep, spawn};

/// What a page holds, or why there is none.
type Page = Result<String, &'static str>;

/// How many milliseconds each takes on its way.
const PAGES: [(&str, u64); 4] =
    [("a.html", 400), ("b.html", 100), ("c.html", 300), ("d.html", 200)];

static ALL_SHOWN: Event = Event::new();

fn main() -> Result<(), WaitError> {
    let left = Rc::new(Cell::new(PAGES.len()));
    for (name, millis) in PAGES {
        let left = Rc::clone(&left);
        let page = spawn(move || fetch(name, Duration::from_millis(millis)));
        page.link(move |page| show(name, &page, &left));
    }
    println!("four pages are on their way");
    ALL_SHOWN.wait()
}

fn fetch(name: &str, takes: Duration) -> Page {
    sleep(takes);
    match name {
        "a.html" => Ok("a".repeat(100)),
        "b.html" => Ok("b".repeat(200)),
        "c.html" => Ok("c".repeat(300)),
        _ => Err("no such page"),
    }
}

fn show(name: &str, page: &Greenlet<Page>, left: &Cell<usize>) {
    match page.join() {
        Ok(Ok(text)) => println!("{name} is here: {} letters", text.len()),
        Ok(Err(why)) => println!("{name} is lost: {why}"),
        Err(error) => println!("{name} is lost: {error}"),
    }
    left.set(left.get() - 1);
    if left.get() == 0 {
        ALL_SHOWN.set();
    }
}
