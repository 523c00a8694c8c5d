//! What a program with one thread is told when everything waits for ever.
//!
//! The test harness would be a second thread, so this binary has none.
#![allow(unsafe_code)]

#[path = "alone/holders.rs"]
mod holders;

use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use greenhub::monitor::{self, Monitor};
use greenhub::queue::Queue;
use greenhub::sync::{Event, Lock, Semaphore};
use greenhub::{Builder, Hub, Select, ThreadPool, monkey, offload, signal, spawn, wait, yield_now};

static EVENT: Event = Event::new();

fn main() {
    // Reports are expected here, and not worth a line.
    panic::set_hook(Box::new(|panic| {
        let is_report = panic.location().is_some_and(|place| place.file().ends_with("hub/core.rs"));
        if !is_report && !panic.to_string().contains("cannot wait") {
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
    holders::all();
    queues_and_selects_are_named();
    mirrors_of_stds_locks_and_channels_are_reported_too();
    a_destructor_that_nobody_could_help_is_told_so();
    threads_of_our_own_pools_do_not_count();
    an_idle_pool_of_the_programs_does_not_count();
    a_task_that_runs_keeps_the_report_away();
    the_report_comes_when_a_task_has_ended_that_woke_nobody();
    tasks_that_no_thread_will_do_are_waited_for_in_vain();
    a_thread_that_could_help_keeps_the_report_away();
    work_that_an_ended_thread_has_left_to_a_pool_keeps_the_report_away();
    the_report_comes_back_when_that_thread_has_ended();
    a_look_at_other_threads_is_still_to_come_when_something_wakes_the_hub_before_it();
    a_wait_for_a_signal_is_not_for_ever();
    a_pool_without_room_is_reported();
    a_monitor_does_not_count_but_what_it_has_to_tell_does();
    println!("ok");
}

fn report_of(body: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(body)).expect_err("it is reported");
    payload.downcast_ref::<String>().expect("the report is text").clone()
}

fn a_monitor_does_not_count_but_what_it_has_to_tell_does() {
    static IS_BLOCKED: AtomicBool = AtomicBool::new(false);
    static GOES_ON: Event = Event::new();
    let monitor = Monitor::new().tell_ends(true).on_event(|event| match event {
        monitor::Event::Ended(_) => GOES_ON.set(),
        _ => IS_BLOCKED.store(true, Ordering::SeqCst),
    });
    let monitoring = monitor.start().unwrap();
    let never = Event::new();
    let told = report_of(|| never.wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
    let rude = spawn(|| {
        while !IS_BLOCKED.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    rude.join().unwrap();
    GOES_ON.wait().unwrap();
    let told = report_of(|| never.wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
    drop(monitoring);
}

fn all_who_wait_are_named() {
    let lock = Rc::new(Lock::new());
    lock.acquire().unwrap();
    let waits = Rc::clone(&lock);
    let clerk = Builder::new().name("clerk").spawn(move || waits.acquire()).unwrap();
    let semaphore = Semaphore::new(0);
    let told = report_of(|| semaphore.acquire().unwrap());
    assert!(
        told.contains("'clerk' waits for a lock, held by main (made at tests/alone.rs"),
        "{told}"
    );
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

fn mirrors_of_stds_locks_and_channels_are_reported_too() {
    let mutex = monkey::sync::Mutex::new(7);
    let guard = mutex.lock().unwrap();
    let told = report_of(|| drop(mutex.lock()));
    assert!(told.contains("main waits for a mutex"), "{told}");
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), 7, "who was interrupted has left the line");

    let lock = monkey::sync::RwLock::new(7);
    let guard = lock.read().unwrap();
    let told = report_of(|| drop(lock.write()));
    assert!(told.contains("main waits to write what others read"), "{told}");
    assert!(lock.try_read().is_ok(), "nobody waits to write any more");
    drop(guard);

    let (_sender, receiver) = monkey::sync::mpsc::channel::<u32>();
    let told = report_of(|| assert_eq!(receiver.recv(), Ok(7)));
    assert!(told.contains("main waits to get from a queue"), "{told}");
    let once = monkey::sync::Once::new();
    let told = report_of(|| once.wait());
    assert!(told.contains("main waits for what is done once"), "{told}");
}

/// What is told to one who unwinds, by a panic that it catches.
fn told_while_unwinding(body: impl FnOnce()) -> String {
    struct AtLast<'a, F: FnOnce()>(Option<F>, &'a mut String);
    impl<F: FnOnce()> Drop for AtLast<'_, F> {
        fn drop(&mut self) {
            let body = AssertUnwindSafe(self.0.take().expect("it is dropped once"));
            let payload = panic::catch_unwind(body).expect_err("it cannot wait");
            *self.1 = payload.downcast_ref::<String>().expect("a text").clone();
        }
    }
    let mut told = String::new();
    let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
        let _at_last = AtLast(Some(body), &mut told);
        panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(unwound.is_err());
    told
}

fn a_destructor_that_nobody_could_help_is_told_so() {
    static KEPT: monkey::sync::Mutex<u32> = monkey::sync::Mutex::new(7);
    std::thread::spawn(|| std::mem::forget(KEPT.lock().unwrap())).join().unwrap();
    let told = told_while_unwinding(|| drop(KEPT.lock()));
    assert!(told.contains("cannot wait for a lock, and there is no other thread"), "{told}");

    let (mutex, condvar) = (monkey::sync::Mutex::new(7), monkey::sync::Condvar::new());
    let told = told_while_unwinding(|| drop(condvar.wait(mutex.lock().unwrap())));
    assert!(told.contains("cannot wait for a notification, and there is no"), "{told}");
    assert!(mutex.try_lock().is_ok());
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

fn a_look_at_other_threads_is_still_to_come_when_something_wakes_the_hub_before_it() {
    let remote = Hub::current().remote();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        remote.run_callback(|| ());
        drop(remote);
        std::thread::sleep(Duration::from_millis(30));
    });
    let told = report_of(|| Event::new().wait().unwrap());
    assert!(told.contains("main waits for an event"), "{told}");
    thread.join().unwrap();
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
