use super::*;

fn pool_with_limit(idle_limit: usize) -> StackPool {
    let pool = StackPool::new();
    let stride = Stride::of(config::STACK_BYTES).unwrap();
    pool.classes.borrow_mut().push(Class::new(stride, idle_limit));
    pool
}

fn taken(pool: &StackPool, bytes: Option<usize>) -> Stack {
    pool.take(pool.reserve(bytes).unwrap())
}

#[test]
fn the_stack_released_last_is_taken_first() {
    let pool = StackPool::new();
    let first = taken(&pool, None);
    let second = taken(&pool, None);
    let bottom = second.bottom();
    pool.release(first);
    pool.release(second);
    let again = taken(&pool, None);
    assert_eq!(again.bottom(), bottom);
    pool.release(again);
}

#[test]
fn stacks_of_one_size_do_not_overlap() {
    let pool = StackPool::new();
    let mut stacks: Vec<Stack> = (0..500).map(|_| taken(&pool, None)).collect();
    stacks.sort_unstable_by_key(Stack::bottom);
    for pair in stacks.windows(2) {
        assert!(pair[1].bottom() >= pair[0].bottom() + config::STACK_BYTES + config::GUARD_BYTES);
    }
    assert_eq!(pool.in_use(), 500);
    stacks.into_iter().for_each(|stack| pool.release(stack));
    assert_eq!((pool.in_use(), pool.idle()), (0, 500));
}

#[test]
fn beyond_the_bound_the_coldest_give_their_pages_back_and_are_used_again() {
    let pool = pool_with_limit(4);
    let stacks: Vec<Stack> = (0..9).map(|_| taken(&pool, None)).collect();
    stacks.into_iter().for_each(|stack| pool.release(stack));
    let classes = pool.classes.borrow();
    assert_eq!((classes[0].warm.len(), classes[0].cold.len()), (4, 5));
    drop(classes);
    let again: Vec<Stack> = (0..9).map(|_| taken(&pool, None)).collect();
    assert_eq!(pool.classes.borrow()[0].chunks.len(), 1, "nothing new was mapped");
    again.into_iter().for_each(|stack| pool.release(stack));
}

#[test]
fn a_wish_is_rounded_up_to_a_power_of_two() {
    let pool = StackPool::new();
    let small = taken(&pool, Some(1));
    let odd = taken(&pool, Some(100_000));
    assert_eq!(small.stride().usable_bytes(), config::MIN_STACK_BYTES);
    assert_eq!(odd.stride().usable_bytes(), 131_072);
    pool.release(small);
    pool.release(odd);
}

#[test]
fn what_is_reserved_counts_as_in_use_and_is_the_hottest_when_it_is_taken() {
    let pool = StackPool::new();
    let [first, second, given_up] = [(); 3].map(|()| pool.reserve(None).unwrap());
    assert_eq!((pool.in_use(), pool.idle()), (3, 0));
    pool.give_up(given_up);
    assert_eq!((pool.in_use(), pool.idle()), (2, 1));
    let stack = pool.take(first);
    let bottom = stack.bottom();
    pool.release(stack);
    let stack = pool.take(second);
    assert_eq!(stack.bottom(), bottom);
    pool.release(stack);
    assert_eq!((pool.in_use(), pool.idle()), (0, 3));
}
