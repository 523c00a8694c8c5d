//! Does one thing that unwinds elsewhere; built with `panic = "abort"`.

use std::time::Duration;

use greenhub::raw::Greenlet as Raw;
use greenhub::{current, sleep, spawn, with_timeout, yield_now};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("panic") => drop(spawn(|| panic!("on purpose")).join()),
        Some("kill") => {
            let victim = spawn(|| sleep(Duration::from_secs(60)));
            yield_now();
            victim.kill();
        }
        Some("kill unbegun") => spawn(|| unreachable!("it is killed first")).kill(),
        Some("kill oneself") => drop(spawn(|| current().kill()).join()),
        Some("drop") => {
            let main = greenhub::raw::main().takes::<()>();
            let raw = Raw::new(move |()| main.switch::<()>(()).unwrap_or(()));
            let _ = raw.switch::<()>(());
            drop(raw);
        }
        Some("limit") => drop(with_timeout(Duration::from_secs(1), || ())),
        Some("work") => {
            let sleeps = spawn(|| sleep(Duration::from_millis(1)));
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
            sleeps.wait();
        }
        what => panic!("nothing is called {what:?}"),
    }
}
