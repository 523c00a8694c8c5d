//! What a program is, and how it is read from bytes.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};

/// Nobody has to do more.
const MOST_STEPS: usize = 200;

const MOST_ACTORS: u8 = 6;

/// How long something takes, in few different lengths, so that many end at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Ticks(pub Duration);

impl<'a> Arbitrary<'a> for Ticks {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        const MILLISECONDS: [u64; 8] = [0, 1, 1, 2, 2, 3, 5, 8];
        let byte = usize::from(u8::arbitrary(bytes)?);
        Ok(Ticks(Duration::from_millis(MILLISECONDS[byte % MILLISECONDS.len()])))
    }
}

/// A limit, or none.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub Option<Duration>);

impl<'a> Arbitrary<'a> for Limit {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let has_one = u8::arbitrary(bytes)? % 4 > 0;
        let limit = Ticks::arbitrary(bytes)?;
        Ok(Limit(has_one.then_some(limit.0)))
    }
}

/// One of the greenlets, once it is known how many there are.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Someone(pub u8);

/// What a greenlet does next.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    Yield,
    Sleep(Ticks),
    /// Does so many of its next steps within a limit.
    Within(Limit, u8),
    /// Cancels a limit around it.
    Cancel(u8),
    /// Restarts a limit around it.
    Restart(u8),
    /// Does so many of its next steps, and goes on if it is killed in them.
    Survive(u8),
    Kill(Someone),
    KillAndWait(Someone, Limit),
    Join(Someone, Limit),
    Start(Someone, Ticks),
    Link(Someone),
    Unlink(Someone),
}

/// A step, or an act of the target's.
#[derive(Clone, Debug)]
pub enum Do<A> {
    Step(Step),
    Act(A),
}

impl<'a, A: Arbitrary<'a>> Arbitrary<'a> for Do<A> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        if u8::arbitrary(bytes)? < 96 {
            Ok(Do::Step(Step::arbitrary(bytes)?))
        } else {
            Ok(Do::Act(A::arbitrary(bytes)?))
        }
    }
}

/// What each of some greenlets does, and by what order they run.
#[derive(Clone, Debug)]
pub struct Program<A> {
    /// First come, first served without one.
    pub seed: Option<u64>,
    /// A choice of the target's.
    pub mode: u8,
    pub actors: Vec<Vec<Do<A>>>,
}

impl<'a, A: Arbitrary<'a>> Arbitrary<'a> for Program<A> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let seed = u8::arbitrary(bytes)?;
        let mode = u8::arbitrary(bytes)?;
        let count = usize::from(u8::arbitrary(bytes)? % MOST_ACTORS + 1);
        let mut actors: Vec<Vec<Do<A>>> = (0..count).map(|_| Vec::new()).collect();
        for _ in 0..MOST_STEPS {
            if bytes.is_empty() {
                break;
            }
            let who = usize::from(u8::arbitrary(bytes)?) % count;
            actors[who].push(Do::arbitrary(bytes)?);
        }
        Ok(Program { seed: (seed > 63).then_some(u64::from(seed)), mode, actors })
    }
}
