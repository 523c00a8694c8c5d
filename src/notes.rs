//! The notes on how it works.
//!
//! They are `arch-notes/` in the repository, built with the docs so that their code compiles.

#[doc = include_str!("../arch-notes/map.md")]
pub mod map {}
#[doc = include_str!("../arch-notes/words.md")]
pub mod words {}
#[doc = include_str!("../arch-notes/1-switching.md")]
pub mod switching {}
#[doc = include_str!("../arch-notes/2-the-loop.md")]
pub mod the_loop {}
#[doc = include_str!("../arch-notes/3-waiting.md")]
pub mod waiting {}
#[doc = include_str!("../arch-notes/4-deadlines-and-killing.md")]
pub mod deadlines_and_killing {}
#[doc = include_str!("../arch-notes/5-io.md")]
pub mod io {}
#[doc = include_str!("../arch-notes/6-stacks.md")]
pub mod stacks {}
#[doc = include_str!("../arch-notes/7-pools.md")]
pub mod pools {}
#[doc = include_str!("../arch-notes/8-monkey.md")]
pub mod monkey {}
#[doc = include_str!("../arch-notes/9-measured.md")]
pub mod measured {}
#[doc = include_str!("../arch-notes/10-sync.md")]
pub mod sync {}
#[doc = include_str!("../arch-notes/11-gevent.md")]
pub mod gevent {}
#[doc = include_str!("../arch-notes/12-queues.md")]
pub mod queues {}
#[doc = include_str!("../arch-notes/13-signals.md")]
pub mod signals {}
#[doc = include_str!("../arch-notes/14-forks.md")]
pub mod forks {}
#[doc = include_str!("../arch-notes/15-clusters.md")]
pub mod clusters {}
#[doc = include_str!("../arch-notes/16-servers.md")]
pub mod servers {}
#[doc = include_str!("../arch-notes/17-tls.md")]
pub mod tls {}
#[doc = include_str!("../arch-notes/18-prefork.md")]
pub mod prefork {}
#[doc = include_str!("../arch-notes/19-seeing.md")]
pub mod seeing {}
#[doc = include_str!("../arch-notes/20-attacks.md")]
pub mod attacks {}
#[doc = include_str!("../arch-notes/21-testing.md")]
pub mod testing {}
#[doc = include_str!("../arch-notes/22-monitor.md")]
pub mod monitor {}
#[doc = include_str!("../arch-notes/23-completions.md")]
pub mod completions {}
