//! A while without signals.
//!
//! # Why this file is unsafe
//!
//! It calls `pthread_sigmask`, which std has no function for.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;

/// This thread gets no signals until this is dropped; then those that came. A thread that is made
/// meanwhile gets none for as long as it lives.
pub(crate) struct Masked {
    before: libc::sigset_t,
}

impl Masked {
    pub(crate) fn all() -> Masked {
        let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both sets are ours to be written to, and zero bytes are a valid set. It does not
        // fail, as the request is one that exists.
        let before = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            before.assume_init()
        };
        Masked { before }
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        // SAFETY: it restores what was set before.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}
