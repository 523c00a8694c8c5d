//! Two raw greenlets that switch to each other, as in greenlet's documentation.
//!
//! ```text
//! cargo run --example switch
//! ```
//!
//! It prints `12`, `56`, `34`, and what `test1` returned. Nothing here waits and no hub decides:
//! each line runs because another greenlet switched to it. Every number printed is a value that
//! came with a switch.
//!
//! ```text
//!   main ──12──▶ test1 ──56──▶ test2
//!                test1 ◀──34── test2     and here test2 stays
//!   main ◀─102── test1
//! ```
//!
//! `test2` never prints its 78: nobody switches to it again. When `test1` ends, the last handle of
//! `test2` goes with it, and `test2` unwinds from where it is, so that its destructors run.

use greenhub::raw::{self, Greenlet};

/// What `test2` begins with: a number, and who is to have the answer.
type Question = (u32, Greenlet<u32>);

fn main() {
    let second = Greenlet::new(test2);
    let first = Greenlet::new(move |number| test1(number, &second));
    let sum: u32 = first.switch(12).expect("test1 returns a u32 to its parent, main");
    println!("test1 returned {sum}");
}

fn test1(first: u32, test2: &Greenlet<Question>) -> u32 {
    println!("{first}");
    let second = 56;
    let third: u32 = test2.switch((second, raw::current().takes())).expect("test2 takes this");
    println!("{third}");
    first + second + third
}

fn test2((number, asker): Question) {
    println!("{number}");
    asker.switch::<u32>(34).expect("test1 waits for a u32");
    println!("78");
}
