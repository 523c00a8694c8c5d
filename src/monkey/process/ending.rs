//! How one learns that a child has ended, without waiting for it in the kernel.
//!
//! Linux has descriptors for processes: such a one becomes readable when its process has ended. So
//! it takes no handler for `SIGCHLD`, and works in any thread. Where there are none (on other
//! systems, in a sandbox, or because no descriptor is left) one asks again and again, at longer
//! and longer intervals up to 50 ms. A thread of the pool that waited instead would be missing
//! for the file that the child waits for.
//!
//! Nothing here takes a child's status, unless what is asked does.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, waitid, waitpid,
};

use crate::clock::Moment;
use crate::greenlet;
use crate::hub::core;
use crate::io::Cooperative;

pub(super) struct Ending {
    /// None where one has to ask.
    descriptor: Option<Cooperative<OwnedFd>>,
    given_up: AtomicBool,
}

impl Ending {
    /// Of a child that has not been waited for, so that its number is its own.
    pub(super) fn of(child: Pid) -> Ending {
        Ending::by(open(child))
    }

    fn by(descriptor: Option<OwnedFd>) -> Ending {
        let descriptor = descriptor.map(Cooperative::from_fresh);
        Ending { descriptor, given_up: AtomicBool::new(false) }
    }

    /// Asks until there is an answer, and waits in between; `None` if `deadline` came first, or if
    /// it was given up.
    pub(super) fn wait_until<R>(
        &self,
        deadline: Moment,
        mut ask: impl FnMut() -> io::Result<Option<R>>,
    ) -> io::Result<Option<R>> {
        let Some(descriptor) = &self.descriptor else {
            return self.ask_until(deadline, ask);
        };
        let answer = descriptor
            .read_until(deadline, |_| ask()?.ok_or_else(|| io::ErrorKind::WouldBlock.into()));
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ask(),
            Err(_) if self.is_given_up() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn ask_until<R>(
        &self,
        deadline: Moment,
        mut ask: impl FnMut() -> io::Result<Option<R>>,
    ) -> io::Result<Option<R>> {
        let mut pause = Duration::from_millis(1);
        loop {
            let answer = ask()?;
            let left = deadline.since(Moment::now());
            if answer.is_some() || left.is_zero() || self.is_given_up() {
                return Ok(answer);
            }
            greenlet::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Ends the waiting of everyone else.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        if let Some(descriptor) = &self.descriptor {
            // An error means that it was given up before.
            let _ = descriptor.close_with(|_| Ok(()));
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

/// Kills a child when this is dropped, and has a greenlet wait for it.
pub(super) struct Held(pub(super) Pid);

impl Held {
    /// For a child whose status was taken.
    pub(super) fn release(self) {
        mem::forget(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let child = self.0;
        if !has_ended(child) {
            // It may not be ours to kill.
            let _ = kill_process(child, Signal::KILL);
        }
        if core::is_available() {
            // Where there is no memory for it, the child stays as a zombie.
            let _ = greenlet::Builder::new().spawn(move || {
                let take = || Ok(waitpid(Some(child), WaitOptions::NOHANG)?);
                // An error means that someone else has taken its status.
                let _ = Ending::of(child).wait_until(Moment::NEVER, take);
            });
        }
    }
}

#[cfg(target_os = "linux")]
fn open(child: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(child, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open(_: Pid) -> Option<OwnedFd> {
    None
}

/// Whether a child has ended. Its status stays to be taken.
pub(super) fn has_ended(child: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(child), options) {
        Ok(status) => status.is_some(),
        // Someone else has taken it.
        Err(error) => error == Errno::CHILD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn asked() -> Ending {
        Ending::by(None)
    }

    fn child(script: &str) -> (Child, Pid) {
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn without_a_descriptor_one_asks_until_it_has_ended() {
        let (mut child, _) = child("sleep 0.05; exit 7");
        let beside = crate::spawn(|| 5);
        let status = asked().wait_until(Moment::NEVER, || child.try_wait()).unwrap();
        assert_eq!(status.unwrap().code(), Some(7));
        assert!(beside.is_finished());
    }

    #[test]
    fn without_a_descriptor_a_limit_ends_the_asking() {
        let (mut child, pid) = child("exec sleep 60");
        let deadline = Moment::after(Duration::from_millis(20));
        assert_eq!(asked().wait_until(deadline, || child.try_wait()).unwrap(), None);
        assert!(!has_ended(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(pid));
    }

    #[test]
    fn what_is_given_up_ends_in_either_way() {
        let (mut child, pid) = child("exec sleep 60");
        for ending in [asked(), Ending::of(pid)] {
            let ending = std::rc::Rc::new(ending);
            let theirs = std::rc::Rc::clone(&ending);
            let waits = crate::spawn(move || {
                theirs.wait_until(Moment::NEVER, || Ok(has_ended(pid).then_some(()))).unwrap()
            });
            crate::sleep(Duration::from_millis(5));
            ending.give_up();
            assert_eq!(waits.join().unwrap(), None);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
