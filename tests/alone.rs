//! What a program with one thread is told when everything waits for ever.
//!
//! The test harness would be a second thread, so this binary has none.
#![allow(unsafe_code)]

use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use greenhub::queue::Queue;
use greenhub::sync::{Event, Lock, Semaphore};
use greenhub::{Builder, Select, ThreadPool, offload, signal, spawn, wait, yield_now};

static EVENT: Event = Event::new();

fn main() {
    // Reports are expected here, and not worth a line.
    panic::set_hook(Box::new(|panic| {
        if panic.location().is_none_or(|place| !place.file().ends_with("hub/core.rs")) {
            eprintln!("{panic}");
        }
    }));
    // There can be no thread that watches, so the kernel does.
    // SAFETY: it sets a timer, whose signal ends the process.
    unsafe { libc::alarm(20) };
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let told = report_of(|| EVENT.wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
    all_who_wait_are_named();
    queues_and_selects_are_named();
    threads_of_our_own_pools_do_not_count();
    an_idle_pool_of_the_programs_does_not_count();
    a_task_that_runs_keeps_the_report_away();
    the_report_comes_when_a_task_has_ended_that_woke_nobody();
    tasks_that_no_thread_will_do_are_waited_for_in_vain();
    a_thread_that_could_help_keeps_the_report_away();
    work_that_an_ended_thread_has_left_to_a_pool_keeps_the_report_away();
    the_report_comes_back_when_that_thread_has_ended();
    a_wait_for_a_signal_is_not_for_ever();
    a_pool_without_room_is_reported();
    println!("ok");
}

fn report_of(body: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(body)).expect_err("it is reported");
    payload.downcast_ref::<String>().expect("the report is text").clone()
}

fn all_who_wait_are_named() {
    let lock = Rc::new(Lock::new());
    lock.acquire().unwrap();
    let waits = Rc::clone(&lock);
    let clerk = Builder::new().name("clerk").spawn(move || waits.acquire()).unwrap();
    let semaphore = Semaphore::new(0);
    let told = report_of(|| semaphore.acquire().unwrap());
    assert!(told.contains("'clerk' waits for a lock (made at tests/alone.rs"), "{told}");
    assert!(told.contains("main waits for a semaphore"), "{told}");
    lock.release().unwrap();
    clerk.join().unwrap().unwrap();
    semaphore.release();
    assert!(semaphore.try_acquire(), "who was interrupted has left the line");
}

fn queues_and_selects_are_named() {
    let queue = Rc::new(Queue::bounded(1));
    let told = report_of(|| assert!(queue.get().is_ok()));
    assert!(told.contains("main waits to get from a queue"), "{told}");
    let told = report_of(|| assert!(queue.peek().is_ok()));
    assert!(told.contains("main waits to peek into a queue"), "{told}");
    assert!(queue.peek_for(Duration::from_millis(1)).is_err(), "it is no wait for ever");
    queue.put(1).unwrap();
    let told = report_of(|| queue.put(2).unwrap());
    assert!(told.contains("main waits to put into a queue"), "{told}");
    let told = report_of(|| queue.join().unwrap());
    assert!(told.contains("main waits for the items of a queue to be done"), "{told}");
    let told = report_of(|| Select::new().wait(Event::new(), || ()).run().unwrap());
    assert!(told.contains("main waits in a select"), "{told}");
    let told = report_of(|| drop(wait([&Event::new()], None, None)));
    assert!(told.contains("main waits for one of several"), "{told}");
    let limited = queue.put_for(2, Duration::from_millis(1));
    assert!(limited.is_err() && queue.putters() == 0 && queue.getters() == 0);
}

fn threads_of_our_own_pools_do_not_count() {
    assert_eq!(offload(|| 7), 7);
    let told = report_of(|| EVENT.wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
}

fn an_idle_pool_of_the_programs_does_not_count() {
    let pool = ThreadPool::new(3);
    pool.set_idle_timeout(None);
    assert_eq!(pool.map(|n: u8| n, [1, 2, 3]), [1, 2, 3]);
    let told = report_of(|| EVENT.wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
    for _ in 0..100 {
        pool.kill().unwrap();
        assert_eq!(pool.map(|n: u8| n, [1, 2, 3]), [1, 2, 3]);
    }
    pool.kill().unwrap();
    report_of(|| EVENT.wait().unwrap());
}

fn a_task_that_runs_keeps_the_report_away() {
    let pool = ThreadPool::new(1);
    drop(pool.spawn(|| {
        std::thread::sleep(Duration::from_millis(300));
        EVENT.set();
    }));
    EVENT.wait().unwrap();
    EVENT.clear();
    let slow = pool.spawn(|| std::thread::sleep(Duration::from_millis(300)));
    slow.result().unwrap();
}

fn the_report_comes_when_a_task_has_ended_that_woke_nobody() {
    let pool = ThreadPool::new(1);
    for millis in [1, 50, 150, 350] {
        drop(pool.spawn(move || std::thread::sleep(Duration::from_millis(millis))));
        let told = report_of(|| Event::new().wait().unwrap());
        assert!(told.contains("main waits for an event"), "{told}");
        assert!(pool.is_empty(), "not before it has ended");
    }
}

fn tasks_that_no_thread_will_do_are_waited_for_in_vain() {
    let pool = ThreadPool::new(0);
    let queued = pool.spawn(|| 7);
    let told = report_of(|| drop(queued.result()));
    assert!(told.contains("main waits for a task of a pool"), "{told}");
    let told = report_of(|| pool.join().unwrap());
    assert!(told.contains("main waits for the tasks of a pool"), "{told}");
    let told = report_of(|| drop(pool.spawn(|| 8)));
    assert!(told.contains("main waits for room in a pool of threads"), "{told}");
    pool.set_maxsize(1).unwrap();
    assert_eq!(queued.result().unwrap(), 7);
}

fn a_thread_that_could_help_keeps_the_report_away() {
    let thread = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(50));
        EVENT.set();
    });
    let waiter = spawn(|| EVENT.wait());
    EVENT.wait().unwrap();
    waiter.join().unwrap().unwrap();
    thread.join().unwrap();
}

fn work_that_an_ended_thread_has_left_to_a_pool_keeps_the_report_away() {
    EVENT.clear();
    let thread = std::thread::spawn(|| {
        let work = || {
            std::thread::sleep(Duration::from_millis(50));
            EVENT.set();
        };
        drop(spawn(move || offload(work)));
        yield_now();
    });
    thread.join().unwrap();
    EVENT.wait().unwrap();
}

fn the_report_comes_back_when_that_thread_has_ended() {
    for _ in 0..20 {
        std::thread::spawn(|| ()).join().unwrap();
        let told = report_of(|| Event::new().wait().unwrap());
        assert!(told.contains("main waits for an event"), "{told}");
    }
}

fn a_wait_for_a_signal_is_not_for_ever() {
    let command = format!("sleep 0.5; kill -USR1 {}", std::process::id());
    let shell = std::process::Command::new("sh").args(["-c", &command]).spawn();
    signal::wait(signal::SIGUSR1, None).unwrap();
    assert!(shell.unwrap().wait().unwrap().success());
    let told = report_of(|| Event::new().wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
}

fn a_pool_without_room_is_reported() {
    let pool = greenhub::Pool::new(1);
    let stays = pool.spawn(|| greenhub::sleep(Duration::MAX));
    let told = report_of(|| drop(pool.spawn(|| ())));
    assert!(told.contains("main waits for a semaphore"), "{told}");
    let told = report_of(|| pool.join());
    assert!(told.contains("main waits for an event"), "{told}");
    stays.kill();
    assert_eq!((pool.len(), pool.free_count()), (0, 1));
}
