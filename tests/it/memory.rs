//! What happens when there is no memory for another stack, and that greenlets leave none behind.
#![allow(unsafe_code)]

use std::io::ErrorKind;

use greenhub::raw;
use greenhub::{Builder, Greenlet, Hub, sleep, spawn};

use crate::support::{child_with_address_space, is_child, message, millis, panic_of, stderr};

#[test]
fn a_refusal_is_an_error_from_the_builder_and_a_sentence_from_spawn() {
    if !is_child() {
        let name = "memory::a_refusal_is_an_error_from_the_builder_and_a_sentence_from_spawn";
        let output = child_with_address_space(name, 1024 * 1024);
        assert!(output.status.success(), "{:?} {}", output.status, stderr(&output));
        return;
    }
    let mut held: Vec<Greenlet<()>> = Vec::new();
    let error = loop {
        let one = Builder::new().stack_size(1 << 20).spawn(|| sleep(millis(60_000)));
        match one {
            Ok(greenlet) => held.push(greenlet),
            Err(error) => break error,
        }
        assert!(held.len() < 10_000, "nothing is refused");
    };
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("vm.max_map_count"), "{error}");
    Hub::current().set_stack_size(1 << 30);
    let told = message(&*panic_of(|| spawn(|| ())));
    assert!(told.contains("no memory for another greenlet's stack"), "{told}");
    // Those that are there go on, and once some have ended there is room again.
    held.iter().for_each(Greenlet::kill);
    held.clear();
    let again = Builder::new().stack_size(1 << 20).spawn(|| 7).unwrap();
    assert_eq!(again.join().unwrap(), 7);
}

fn resident_pages() -> usize {
    let figures = std::fs::read_to_string("/proc/self/statm").expect("the kernel tells");
    figures.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("it is a number")
}

/// Makes greenlets on a thread that ends, and drops them where they are suspended.
fn drop_unfinished() {
    let drop_them = || {
        for _ in 0..100 {
            let main = raw::main().takes::<()>();
            let greenlet = raw::Greenlet::new(move |()| {
                let _kept = vec![7; 5000];
                main.switch::<()>(()).unwrap();
            });
            greenlet.switch::<()>(()).unwrap();
        }
    };
    std::thread::spawn(drop_them).join().unwrap();
}

#[test]
fn greenlets_dropped_unfinished_in_threads_that_end_leave_no_memory() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    if !is_child() {
        let name = "memory::greenlets_dropped_unfinished_in_threads_that_end_leave_no_memory";
        let output = child_with_address_space(name, 1024 * 1024);
        assert!(output.status.success(), "{:?} {}", output.status, stderr(&output));
        return;
    }
    (0..20).for_each(|_| drop_unfinished());
    let before = resident_pages();
    (0..100).for_each(|_| drop_unfinished());
    let grown = resident_pages().saturating_sub(before);
    assert!(grown < 512, "{grown} pages more for 10,000 greenlets");
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_hub_that_ends_gives_the_memory_of_its_queues_back() {
    if !is_child() {
        let output =
            crate::support::child("memory::a_hub_that_ends_gives_the_memory_of_its_queues_back");
        assert!(output.status.success(), "{:?} {}", output.status, stderr(&output));
        return;
    }
    let allocated = || {
        // SAFETY: it takes nothing, and tells how much memory is allocated.
        unsafe { libc::mallinfo2() }.uordblks
    };
    let make_ready_and_end = || {
        let body = || {
            let ready: Vec<_> = (0..64).map(|_| spawn(|| ())).collect();
            let called: Vec<_> = (0..64).map(|_| Hub::current().run_callback(|| ())).collect();
            ready.iter().for_each(|greenlet| greenlet.wait());
            drop(called);
        };
        std::thread::spawn(body).join().unwrap();
    };
    (0..20).for_each(|_| make_ready_and_end());
    let before = allocated();
    (0..200).for_each(|_| make_ready_and_end());
    let grown = allocated().saturating_sub(before);
    assert!(grown < 20_000, "{grown} bytes more for 200 hubs");
}
