//! Each kind of queue by the same methods, with its model.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use greenhub::queue::{Channel, GetError, LifoQueue, PriorityQueue, PutError, Queue};

use super::model::{Item, Model, Order};

pub(super) trait AnyKind: fmt::Debug {
    fn model(&self) -> &Model;
    fn put(&self, item: Item, limit: Option<Duration>) -> Result<(), PutError<Item>>;
    fn try_put(&self, item: Item) -> Result<(), PutError<Item>>;
    fn get(&self, limit: Option<Duration>) -> Result<Item, GetError>;
    fn try_get(&self) -> Result<Item, GetError>;
    /// The number of the item that it shows; `None` if it shows none of its items.
    fn peek(&self, limit: Option<Duration>) -> Option<Result<u32, GetError>>;
    fn getters(&self) -> usize;
    fn putters(&self) -> usize;
    /// How many items anyone could get.
    fn free(&self) -> usize;
    fn is_full(&self) -> bool;
    fn is_open(&self) -> bool;
    fn shut_down(&self);
    fn shut_down_now(&self) -> Vec<Item>;
    fn task_done(&self) -> bool;
    fn unfinished(&self) -> usize;
    fn join(&self, limit: Option<Duration>) -> bool;
    /// Has the model see who was let in.
    fn follow(&self);
}

pub(super) struct Kind<Q> {
    queue: Rc<Q>,
    model: Model,
}

impl<Q> Kind<Q> {
    pub(super) fn new(queue: Rc<Q>, order: Order, capacity: Option<usize>) -> Kind<Q> {
        Kind { queue, model: Model::new(order, capacity) }
    }
}

impl<Q> fmt::Debug for Kind<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<Q>().split('<').next().unwrap_or_default())
    }
}

/// What all queues have.
macro_rules! common {
    () => {
        fn model(&self) -> &Model {
            &self.model
        }

        fn put(&self, item: Item, limit: Option<Duration>) -> Result<(), PutError<Item>> {
            match limit {
                Some(limit) => self.queue.put_for(item, limit),
                None => self.queue.put(item),
            }
        }

        fn try_put(&self, item: Item) -> Result<(), PutError<Item>> {
            self.queue.try_put(item)
        }

        fn get(&self, limit: Option<Duration>) -> Result<Item, GetError> {
            match limit {
                Some(limit) => self.queue.get_for(limit),
                None => self.queue.get(),
            }
        }

        fn try_get(&self) -> Result<Item, GetError> {
            self.queue.try_get()
        }

        fn getters(&self) -> usize {
            self.queue.getters()
        }

        fn putters(&self) -> usize {
            self.queue.putters()
        }

        fn is_open(&self) -> bool {
            !self.queue.is_shut_down()
        }

        fn shut_down(&self) {
            self.queue.shutdown();
        }

        fn shut_down_now(&self) -> Vec<Item> {
            self.queue.shutdown_now()
        }
    };
}

macro_rules! with_room {
    ($($kind:ident)*) => {$(
        impl AnyKind for Kind<$kind<Item>> {
            common!();

            fn peek(&self, limit: Option<Duration>) -> Option<Result<u32, GetError>> {
                let shown = match limit {
                    Some(limit) => self.queue.peek_for(limit),
                    None => self.queue.peek(),
                };
                Some(shown.map(|item| item.number()))
            }

            fn free(&self) -> usize {
                self.queue.len()
            }

            fn is_full(&self) -> bool {
                self.queue.is_full()
            }

            fn task_done(&self) -> bool {
                self.queue.task_done().is_ok()
            }

            fn unfinished(&self) -> usize {
                self.queue.unfinished()
            }

            fn join(&self, limit: Option<Duration>) -> bool {
                match limit {
                    Some(limit) => self.queue.join_for(limit).is_ok(),
                    None => self.queue.join().is_ok(),
                }
            }

            fn follow(&self) {
                self.model.follow(self.queue.putters());
            }
        }
    )*};
}

with_room!(Queue LifoQueue PriorityQueue);

impl AnyKind for Kind<Channel<Item>> {
    common!();

    fn peek(&self, _: Option<Duration>) -> Option<Result<u32, GetError>> {
        None
    }

    fn free(&self) -> usize {
        0
    }

    fn is_full(&self) -> bool {
        true
    }

    fn task_done(&self) -> bool {
        false
    }

    fn unfinished(&self) -> usize {
        0
    }

    fn join(&self, _: Option<Duration>) -> bool {
        true
    }

    fn follow(&self) {}
}
