//! Greenlets that belong together: groups of them, pools that run so many at a time, and sets that
//! keep what they return.
//!
//! | to | use | as gevent's |
//! | --- | --- | --- |
//! | wait for many, or kill them, without a list of handles | [`Group`] | `pool.Group` |
//! | the same, so many at a time | [`Pool`] | `pool.Pool` |
//! | call a function for each of many items, so many at a time | [`Group::map`], [`Group::imap`] | `Pool.map`, `Pool.imap` |
//! | have the result of each, in the order in which they end | [`JoinSet`] | – |
//!
//! A group knows who of it runs: a greenlet that has ended is no member any more. So a group costs
//! nothing for those that have ended, and may live as long as the program. What they returned
//! is with their handles; a [`JoinSet`] is for those who want to have it all. That some have
//! panicked is not forgotten either: see [`Group::join_raise_error`].
//!
//! A [`Pool`] is a [`Group`] with so many slots, and dereferences to it. What starts a member
//! waits for a slot, first come first served. Wherever a group is asked for, a pool will do,
//! and is not overfilled.
//!
//! All of this belongs to one thread, as greenlets do.

mod applying;
mod ending;
mod ends;
mod group;
mod imap;
mod join_set;
mod mapping;
mod members;
mod sized;
mod slots;

pub use self::ending::MembersPanicked;
pub use self::group::Group;
pub use self::imap::IMap;
pub use self::join_set::JoinSet;
pub use self::sized::{Pool, PoolFull};
