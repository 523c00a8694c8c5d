//! Waiting for a group, and killing it.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::Group;
use crate::clock::Moment;
use crate::greenlet::{AnyGreenlet, Join, current, joinall, joinall_for};

impl Group {
    /// Waits until the group has been empty once.
    ///
    /// Members that come while it waits are waited for as well, unless there was none in between. While
    /// the caller unwinds it does not wait. Mirrors `Group.join`.
    ///
    /// # Panics
    ///
    /// If the caller is a member; and in main, with a report, if everything waits for ever.
    pub fn join(&self) {
        self.refuse_member();
        // Refused only while the caller unwinds; then it must go on unwinding.
        let _ = self.members.empty.wait();
    }

    /// As [`join`](Self::join), for at most `limit`; returns whether the group has been empty. A
    /// limit of zero only looks.
    ///
    /// # Panics
    ///
    /// If the caller is a member.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let group = greenhub::Group::new();
    /// group.spawn(|| greenhub::sleep(Duration::from_millis(20)));
    /// assert!(!group.join_for(Duration::from_millis(1)));
    /// assert!(group.join_for(Duration::from_secs(60)));
    /// ```
    pub fn join_for(&self, limit: Duration) -> bool {
        self.refuse_member();
        self.members.empty.wait_for(limit).is_ok()
    }

    /// As [`join`](Self::join), and tells whether a member has panicked.
    ///
    /// That is any member that has ended since this was last asked: unlike gevent's
    /// `Group.join(raise_error=True)`, also one that had ended before the call. What it panicked
    /// with is with its handle, or was told to the hub's error hook if there is none.
    ///
    /// # Errors
    ///
    /// [`MembersPanicked`], with their number and the first of them.
    ///
    /// # Panics
    ///
    /// As `join`.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = greenhub::Group::new();
    /// group.spawn(|| ());
    /// let failing = group.spawn(|| std::panic::resume_unwind(Box::new("no luck")));
    /// failing.wait();
    /// assert_eq!(group.join_raise_error().unwrap_err().count(), 1);
    /// assert!(group.join_raise_error().is_ok(), "it has been told");
    /// # let _: Result<(), _> = failing.join();
    /// ```
    pub fn join_raise_error(&self) -> Result<(), MembersPanicked> {
        self.join();
        let panics = self.members.panics.take();
        match panics.first {
            None => Ok(()),
            Some(first) => Err(MembersPanicked { count: panics.count, first }),
        }
    }

    fn refuse_member(&self) {
        let is_member = self.members.contains(&current());
        assert!(!is_member, "a member cannot join its group: it would wait for ever");
    }

    /// Ends all members, and waits until there are none.
    ///
    /// [`Exit`](crate::Exit) is raised in each member once, however often this is called: one that
    /// catches it stays, and is waited for. Members that come meanwhile are ended as well. A
    /// caller that is a member itself is ended last, by unwinding from here. While the caller
    /// unwinds it does not wait. Mirrors `Group.kill`.
    ///
    /// # Panics
    ///
    /// If the caller is a member that has been killed by this before, and lived on; and in main,
    /// with a report, if everything waits for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = greenhub::Group::new();
    /// group.spawn(|| greenhub::sleep(std::time::Duration::MAX));
    /// group.kill();
    /// assert!(group.is_empty());
    /// ```
    pub fn kill(&self) {
        self.kill_by(None, AnyGreenlet::start_kill);
    }

    /// As [`kill`](Self::kill), but waits for at most `limit`; returns whether there are no members.
    ///
    /// Mirrors `Group.kill(timeout=…)`.
    ///
    /// # Panics
    ///
    /// As `kill`.
    pub fn kill_for(&self, limit: Duration) -> bool {
        self.kill_by(Some(limit), AnyGreenlet::start_kill)
    }

    /// As [`kill`](Self::kill), but clones of `payload` are raised in place of `Exit`.
    ///
    /// So members end as those that panicked with it; see
    /// [`Greenlet::kill_with`](crate::Greenlet::kill_with). Mirrors `Group.kill(exception)`.
    ///
    /// # Panics
    ///
    /// As `kill`.
    pub fn kill_with<P: Any + Send + Clone>(&self, payload: P) {
        self.kill_by(None, |member| member.start_kill_with(payload.clone()));
    }

    /// As [`kill`](Self::kill), without waiting. Mirrors `Group.kill(block=False)`.
    pub fn start_kill(&self) {
        self.tell_all(&AnyGreenlet::start_kill);
    }

    fn kill_by(&self, limit: Option<Duration>, throw: impl Fn(&AnyGreenlet)) -> bool {
        let deadline = limit.map(Moment::after);
        loop {
            self.tell_all(&throw);
            let members = self.members();
            if members.is_empty() {
                return true;
            }
            if std::thread::panicking() {
                return false;
            }
            match deadline {
                None => joinall(&members),
                Some(deadline) => {
                    let left = deadline.since(Moment::now());
                    if !joinall_for(&members, left) {
                        return false;
                    }
                }
            }
        }
    }

    /// Throws at each member at which nothing was thrown, at the caller last.
    fn tell_all(&self, throw: &impl Fn(&AnyGreenlet)) {
        let own = current();
        let untold = self.members.untold();
        let (me, others): (Vec<_>, Vec<_>) = untold.iter().partition(|member| **member == own);
        for member in others.into_iter().chain(me) {
            if self.members.tell(member) {
                throw(member);
            }
        }
    }

    /// Ends one member, and waits until it has ended. Another greenlet is left as it is.
    ///
    /// It counts as killed by [`kill`](Self::kill) as well, which raises in each member once.
    /// Mirrors `Group.killone`.
    ///
    /// # Panics
    ///
    /// As [`AnyGreenlet::wait`].
    pub fn killone<J: Join + ?Sized>(&self, greenlet: &J) {
        let greenlet = greenlet.without_type();
        if self.members.contains(&greenlet) {
            self.start_killone(&greenlet);
            greenlet.wait();
        }
    }

    /// As [`killone`](Self::killone), but waits for at most `limit`; returns whether it is no
    /// member any more. Mirrors `Group.killone(timeout=…)`.
    ///
    /// # Panics
    ///
    /// As `killone`.
    pub fn killone_for<J: Join + ?Sized>(&self, greenlet: &J, limit: Duration) -> bool {
        let greenlet = greenlet.without_type();
        self.start_killone(&greenlet);
        !self.members.contains(&greenlet) || greenlet.wait_for(limit)
    }

    /// As [`killone`](Self::killone), without waiting. Mirrors `Group.killone(block=False)`.
    pub fn start_killone<J: Join + ?Sized>(&self, greenlet: &J) {
        let greenlet = greenlet.without_type();
        if self.members.tell(&greenlet) {
            greenlet.start_kill();
        }
    }
}

/// Members of a group have panicked; see [`Group::join_raise_error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersPanicked {
    count: usize,
    first: String,
}

impl MembersPanicked {
    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first that did, as text: its number, its name, and where it was spawned.
    #[must_use]
    pub fn first(&self) -> &str {
        &self.first
    }
}

impl fmt::Display for MembersPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "a member of the group has panicked: {}", self.first),
            count => write!(f, "{count} members of the group have panicked, first {}", self.first),
        }
    }
}

impl Error for MembersPanicked {}
