//! What need not wait does not allocate, and what a thread has allocated goes with it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;

use greenhub::queue::{LifoQueue, PriorityQueue, Queue};
use greenhub::sync::{
    AsyncResult, Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore,
};
use greenhub::{monkey, spawn};

#[path = "support/alone.rs"]
mod alone;
#[allow(dead_code, reason = "`alone` has a limit of its own")]
#[path = "support/bounded.rs"]
mod bounded;

use alone::alone;

struct Counting;

/// Bytes that the whole process has.
static BYTES: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is done by the system's allocator; the count is a `Cell` without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn queues_with_room_do_not_allocate() {
    let (queue, stack, heap) =
        (Queue::bounded(4), LifoQueue::bounded(4), PriorityQueue::bounded(4));
    // The room itself is allocated once.
    let go_round = || {
        for item in 0..4 {
            queue.put(item).unwrap();
            stack.put(item).unwrap();
            heap.put(item).unwrap();
        }
        for _ in 0..4 {
            queue.get().unwrap();
            stack.get().unwrap();
            heap.get().unwrap();
            queue.task_done().unwrap();
        }
        queue.join().unwrap();
    };
    go_round();
    let before = ALLOCATIONS.get();
    (0..100).for_each(|_| go_round());
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[test]
fn the_mirrors_of_stds_locks_do_not_allocate() {
    static MUTEX: monkey::sync::Mutex<u32> = monkey::sync::Mutex::new(0);
    static LOCK: monkey::sync::RwLock<u32> = monkey::sync::RwLock::new(0);
    let (once, cell) = (monkey::sync::Once::new(), monkey::sync::OnceLock::new());
    let (condvar, barrier) = (monkey::sync::Condvar::new(), monkey::sync::Barrier::new(1));
    let lazy = monkey::sync::LazyLock::new(|| 7);
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        *MUTEX.lock().unwrap() += 1;
        *MUTEX.try_lock().unwrap() += 1;
        *LOCK.write().unwrap() += *MUTEX.lock().unwrap();
        drop((LOCK.read().unwrap(), LOCK.try_read().unwrap()));
        once.call_once(|| ());
        assert_eq!((*cell.get_or_init(|| 7), *lazy), (7, 7));
        condvar.notify_all();
        assert!(barrier.wait().is_leader());
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[test]
fn uncontended_paths_do_not_allocate() {
    static LOCK: Lock = Lock::new();
    let (event, semaphore, bounded) = (Event::new(), Semaphore::new(1), BoundedSemaphore::new(1));
    let (rlock, condition, barrier) = (RLock::new(), Condition::new(), Barrier::new(1));
    let result = AsyncResult::<u32>::new();
    result.set(7);
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        event.set();
        event.wait().unwrap();
        event.clear();
        drop(semaphore.permit().unwrap());
        bounded.acquire().unwrap();
        bounded.release().unwrap();
        drop(LOCK.lock().unwrap());
        drop((rlock.lock().unwrap(), rlock.lock().unwrap()));
        condition.notify_all();
        assert!(barrier.wait().unwrap());
        assert_eq!(result.get().unwrap(), 7);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

/// How many bytes are left of each of many threads that do the same, one after the other.
fn left_by_each(run_thread: fn()) -> isize {
    const THREADS: isize = 100;
    (0..10).for_each(|_| run_thread());
    let before = BYTES.load(Ordering::Relaxed);
    (0..THREADS).for_each(|_| run_thread());
    (BYTES.load(Ordering::Relaxed) - before) / THREADS
}

#[test]
fn a_thread_with_a_hub_leaves_no_memory_behind() {
    alone("a_thread_with_a_hub_leaves_no_memory_behind", || {
        let left = left_by_each(|| thread::spawn(|| spawn(|| ()).wait()).join().unwrap());
        assert_eq!(left, 0);
    });
}

extern "C" fn have_a_hub(_: *mut c_void) -> *mut c_void {
    spawn(|| ()).wait();
    ptr::null_mut()
}

fn run_foreign_thread() {
    let mut thread = 0;
    // SAFETY: the function wants no argument, and the thread is joined once, when it was made.
    unsafe {
        let made = libc::pthread_create(&mut thread, ptr::null(), have_a_hub, ptr::null_mut());
        assert_eq!(made, 0);
        assert_eq!(libc::pthread_join(thread, ptr::null_mut()), 0);
    }
}

#[test]
fn a_thread_that_rust_did_not_make_leaves_no_memory_behind() {
    alone("a_thread_that_rust_did_not_make_leaves_no_memory_behind", || {
        assert_eq!(left_by_each(run_foreign_thread), 0);
    });
}
