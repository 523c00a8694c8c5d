//! Where a value waits for the fiber it was switched to.
//!
//! A fiber that switches away leaves a mailbox on its own stack, typed by what it expects.
//! Whoever switches to it puts the value in and runs it; it takes the value out at once.
//! A mailbox takes one value, of its own type, and nothing is allocated.
//!
//! # Why this file is unsafe
//!
//! A mailbox is reached through an untyped pointer, and cast back to its type after the
//! types were compared.
#![allow(unsafe_code)]

use std::any::{Any, TypeId, type_name};
use std::cell::Cell;

use super::fiber::Head;

/// What can come instead of a value.
pub(crate) enum Instead {
    /// A panic, of a child or thrown: it goes on in the one who receives it.
    Panic(Box<dyn Any + Send>),
    /// The child ended by [`Exit`](super::Exit), so it has no value.
    Exited,
    /// The child returned a value of another type.
    WrongType { returned: &'static str, expected: &'static str },
}

/// The part of a mailbox that does not depend on its type.
pub(crate) struct Header {
    expects: TypeId,
    expected: &'static str,
    instead: Cell<Option<Instead>>,
}

/// A mailbox for one `V`. The header is first, so that a pointer to it is one to the whole.
#[repr(C)]
pub(crate) struct Mailbox<V> {
    header: Header,
    value: Cell<Option<V>>,
}

impl<V: 'static> Mailbox<V> {
    pub(crate) fn new() -> Self {
        Mailbox {
            header: Header {
                expects: TypeId::of::<V>(),
                expected: type_name::<V>(),
                instead: Cell::new(None),
            },
            value: Cell::new(None),
        }
    }

    /// What has come, if anything has.
    pub(crate) fn take(&self) -> Option<Result<V, Instead>> {
        match self.header.instead.take() {
            Some(instead) => Some(Err(instead)),
            None => self.value.take().map(Ok),
        }
    }
}

/// Puts `value` into the open mailbox of `head`'s fiber, and closes it.
///
/// # Errors
///
/// The value, if the fiber expects another type, or nothing at all.
pub(crate) fn put<V: 'static>(head: &Head, value: V) -> Result<(), V> {
    let header = head.mailbox.get();
    // SAFETY: null, or an open mailbox. One on a stack stays there until its `Open` is dropped,
    // which closes it. A first one is kept by the body of its fiber, and closed by the value
    // that starts that body.
    let Some(found) = (unsafe { header.as_ref() }) else { return Err(value) };
    if found.expects != TypeId::of::<V>() {
        return Err(value);
    }
    // SAFETY:
    //   1. It is a `Mailbox<V>`: the header says so, and only `Mailbox::<V>::new` writes that.
    //   2. The pointer was made from the whole mailbox, not from its header.
    let mailbox = unsafe { &*header.cast::<Mailbox<V>>() };
    mailbox.value.set(Some(value));
    head.mailbox.set(std::ptr::null());
    Ok(())
}

/// Puts something that is no value into the open mailbox of `head`'s fiber, and closes it.
///
/// # Errors
///
/// What was to be put, if the fiber expects nothing.
pub(crate) fn put_instead(head: &Head, instead: Instead) -> Result<(), Instead> {
    // SAFETY: as in `put`.
    let Some(header) = (unsafe { head.mailbox.get().as_ref() }) else { return Err(instead) };
    head.thrown.set(matches!(instead, Instead::Panic(_)));
    header.instead.set(Some(instead));
    head.mailbox.set(std::ptr::null());
    Ok(())
}

/// The type that `head`'s fiber expects, if it is suspended in a switch.
pub(crate) fn expected(head: &Head) -> Option<&'static str> {
    // SAFETY: as in `put`.
    unsafe { head.mailbox.get().as_ref() }.map(|header| header.expected)
}

/// Keeps the mailbox of the running fiber open; closes it when dropped.
pub(crate) struct Open<'a>(&'a Head);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.mailbox.set(std::ptr::null());
    }
}

/// Opens a mailbox on the stack of `head`'s fiber, the running one, for as long as the answer lives.
pub(crate) fn open_here<'a, V: 'static>(mailbox: &'a Mailbox<V>, head: &'a Head) -> Open<'a> {
    head.mailbox.set((&raw const *mailbox).cast());
    Open(head)
}

/// Opens the mailbox for an unstarted fiber's first value.
pub(crate) fn open_first<V: 'static>(mailbox: &std::rc::Rc<Mailbox<V>>, head: &Head) {
    head.mailbox.set(std::rc::Rc::as_ptr(mailbox).cast());
}
