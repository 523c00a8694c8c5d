//! What need not wait does not allocate.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use greenhub::monkey;
use greenhub::queue::{LifoQueue, PriorityQueue, Queue};
use greenhub::sync::{
    AsyncResult, Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is done by the system's allocator; the count is a `Cell` without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
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
