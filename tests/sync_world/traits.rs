//! Auto traits: each type has those of std's, whatever it holds.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync as real;

use greenhub::monkey::sync as green;

/// Whether a type has a trait, as a value.
macro_rules! has {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait Otherwise {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

macro_rules! traits_of {
    ($type:ty) => {
        [
            ("Send", has!($type: Send)),
            ("Sync", has!($type: Sync)),
            ("Unpin", has!($type: Unpin)),
            ("UnwindSafe", has!($type: UnwindSafe)),
            ("RefUnwindSafe", has!($type: RefUnwindSafe)),
            ("Clone", has!($type: Clone)),
            ("Debug", has!($type: std::fmt::Debug)),
            ("Display", has!($type: std::fmt::Display)),
            ("Default", has!($type: Default)),
            ("Iterator", has!($type: Iterator)),
            ("PartialEq", has!($type: PartialEq)),
        ]
    };
}

/// What it may hold: what both threads and unwinding may have, and what lacks one or the other.
type Plain = u32;
type SendNotSync = Cell<u32>;
type SyncNotSend = real::MutexGuard<'static, u32>;
type Neither = Rc<Cell<u32>>;
type NotUnwindSafe = &'static mut u32;

macro_rules! alike {
    ($($name:ident)::+ [$($lifetime:lifetime)?]) => {
        alike!(@ $($name)::+ [$($lifetime)?] Plain);
        alike!(@ $($name)::+ [$($lifetime)?] SendNotSync);
        alike!(@ $($name)::+ [$($lifetime)?] SyncNotSend);
        alike!(@ $($name)::+ [$($lifetime)?] Neither);
        alike!(@ $($name)::+ [$($lifetime)?] NotUnwindSafe);
    };
    (@ $($name:ident)::+ [$($lifetime:lifetime)?] $held:ty) => {
        assert_eq!(
            traits_of!(green::$($name)::+<$($lifetime,)? $held>),
            traits_of!(real::$($name)::+<$($lifetime,)? $held>),
            concat!(stringify!($($name)::+), " of ", stringify!($held)),
        );
    };
}

#[test]
fn locks_have_the_traits_of_stds() {
    alike!(Mutex []);
    alike!(RwLock []);
}

#[test]
fn guards_have_the_traits_of_stds() {
    alike!(MutexGuard ['static]);
    alike!(RwLockReadGuard ['static]);
    alike!(RwLockWriteGuard ['static]);
}

#[test]
fn cells_have_the_traits_of_stds() {
    alike!(OnceLock []);
    alike!(LazyLock []);
}

#[test]
fn a_lazy_cell_has_the_traits_of_stds_whatever_its_maker_holds() {
    macro_rules! maker {
        ($($maker:ty),*) => {$(
            assert_eq!(
                traits_of!(green::LazyLock<u32, $maker>),
                traits_of!(real::LazyLock<u32, $maker>),
                stringify!($maker),
            );
        )*};
    }
    maker!(Plain, SendNotSync, SyncNotSend, Neither, NotUnwindSafe);
}

#[test]
fn ends_of_channels_have_the_traits_of_stds() {
    alike!(mpsc::Sender []);
    alike!(mpsc::SyncSender []);
    alike!(mpsc::Receiver []);
    alike!(mpsc::IntoIter []);
    alike!(mpsc::Iter ['static]);
    alike!(mpsc::TryIter ['static]);
}

#[test]
fn those_that_hold_nothing_have_the_traits_of_stds() {
    macro_rules! same {
        ($($name:ident),*) => {$(
            let (ours, theirs) = (traits_of!(green::$name), traits_of!(real::$name));
            assert_eq!(ours, theirs, stringify!($name));
        )*};
    }
    same!(Condvar, Barrier, BarrierWaitResult, Once, OnceState, WaitTimeoutResult);
}

#[test]
fn what_is_the_same_is_stds_own() {
    fn same<T>(_: fn(T), _: fn(T)) {}
    same(|_: green::Arc<u32>| (), |_: real::Arc<u32>| ());
    same(|_: green::Weak<u32>| (), |_: real::Weak<u32>| ());
    same(|_: green::PoisonError<u32>| (), |_: real::PoisonError<u32>| ());
    same(|_: green::TryLockError<u32>| (), |_: real::TryLockError<u32>| ());
    same(|_: green::atomic::AtomicU8| (), |_: real::atomic::AtomicU8| ());
    same(|_: green::mpsc::SendError<u32>| (), |_: real::mpsc::SendError<u32>| ());
}
