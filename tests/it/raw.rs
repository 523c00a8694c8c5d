//! Switches: order, values, and what is refused.

use std::cell::RefCell;
use std::rc::Rc;

use greenhub::raw::{self, Greenlet, SwitchErrorKind};

use crate::support::{Log, bounded};

fn four_steps() {
    let log = Log::new();
    let inner = log.clone();
    let main = raw::main().takes::<()>();
    let child = Greenlet::new(move |()| {
        inner.note(1);
        main.switch::<()>(()).unwrap();
        inner.note(3);
    });
    log.note(0);
    child.switch::<()>(()).unwrap();
    log.note(2);
    child.switch::<()>(()).unwrap();
    log.note(4);
    assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
}

#[test]
fn switches_go_to_and_fro_in_order() {
    bounded(four_steps);
}

#[test]
fn ten_os_threads_switch_side_by_side() {
    bounded(|| {
        let threads: Vec<_> = (0..10).map(|_| std::thread::spawn(four_steps)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn two_children_run_the_same_function_and_both_die() {
    bounded(|| {
        let log = Log::new();
        let make = || {
            let (log, main) = (log.clone(), raw::main().takes::<()>());
            Greenlet::new(move |()| {
                log.note("x");
                main.switch::<()>(()).unwrap();
                log.note("x");
            })
        };
        let (first, second) = (make(), make());
        let mut lengths = Vec::new();
        for greenlet in [&first, &second, &first, &second] {
            greenlet.switch::<()>(()).unwrap();
            lengths.push(log.take().len());
        }
        assert_eq!(lengths, [1, 1, 1, 1]);
        assert!(first.is_dead() && second.is_dead());
    });
}

#[test]
fn a_child_makes_a_grandchild() {
    bounded(|| {
        let log = Log::new();
        let outer = log.clone();
        let child = Greenlet::new(move |()| {
            outer.note("b");
            let inner = outer.clone();
            Greenlet::new(move |()| inner.note("c")).switch::<()>(()).unwrap();
            outer.note("d");
        });
        log.note("a");
        child.switch::<()>(()).unwrap();
        assert_eq!(log.take(), ["a", "b", "c", "d"]);
        drop(child);
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 0);
    });
}

#[test]
fn values_pass_both_ways_and_the_last_is_returned() {
    bounded(|| {
        let main = raw::main().takes::<String>();
        let greenlet = Greenlet::new(move |first: u32| {
            let second: u32 = main.switch(format!("got {first}")).unwrap();
            let third: u32 = main.switch(format!("got {second}")).unwrap();
            (first, second + third)
        });
        assert_eq!(greenlet.switch::<String>(3).unwrap(), "got 3");
        assert_eq!(greenlet.switch::<String>(4).unwrap(), "got 4");
        assert_eq!(greenlet.switch::<(u32, u32)>(5).unwrap(), (3, 9));
    });
}

#[test]
fn nothing_runs_before_the_first_switch() {
    bounded(|| {
        let log = Log::new();
        let inner = log.clone();
        let greenlet = Greenlet::new(move |()| inner.note("ran"));
        assert!(log.take().is_empty() && !greenlet.is_dead());
        greenlet.switch::<()>(()).unwrap();
        assert_eq!(log.take(), ["ran"]);
    });
}

#[test]
fn a_returned_value_goes_to_the_parent_and_not_to_the_last_switcher() {
    bounded(|| {
        let child = Greenlet::new(|()| 7u32);
        let inner = child.clone();
        let switcher = Greenlet::new(move |()| {
            let _ = inner.switch::<()>(());
            unreachable!("the value went to main");
        });
        assert_eq!(switcher.switch::<u32>(()).unwrap(), 7);
        assert!(child.is_dead() && !switcher.is_dead());
    });
}

#[test]
fn a_value_of_the_wrong_type_comes_back_and_the_target_is_unharmed() {
    bounded(|| {
        let greenlet = Greenlet::new(|text: &'static str| text.len());
        let error = greenlet.any().takes::<u64>().switch::<usize>(5).unwrap_err();
        assert!(matches!(error.kind(), SwitchErrorKind::WrongType { expected: "&str" }));
        assert_eq!(error.into_value(), Some(5));
        assert_eq!(greenlet.switch::<usize>("four").unwrap(), 4);
    });
}

#[test]
fn a_wrong_result_type_is_an_error_for_the_parent() {
    bounded(|| {
        let greenlet = Greenlet::new(|()| "text");
        let error = greenlet.switch::<u32>(()).unwrap_err();
        assert!(matches!(
            error.kind(),
            SwitchErrorKind::ReturnedWrongType { returned: "&str", expected: "u32" }
        ));
    });
}

#[test]
fn a_switch_to_oneself_is_refused_with_the_value() {
    bounded(|| {
        let error = raw::main().takes::<u32>().switch::<()>(9).unwrap_err();
        assert_eq!((error.kind(), error.into_value()), (SwitchErrorKind::Current, Some(9)));
    });
}

#[test]
fn a_switch_to_a_dead_one_is_refused_with_the_value() {
    bounded(|| {
        let greenlet = Greenlet::new(|_: String| ());
        greenlet.switch::<()>("once".into()).unwrap();
        let error = greenlet.switch::<()>("twice".into()).unwrap_err();
        assert_eq!(error.kind(), SwitchErrorKind::Dead);
        assert_eq!(error.into_value().as_deref(), Some("twice"));
    });
}

#[test]
fn a_greenlet_is_not_dead_while_it_runs() {
    bounded(|| {
        let slot: Rc<RefCell<Option<Greenlet<()>>>> = Rc::default();
        let own = Rc::clone(&slot);
        let greenlet = Greenlet::new(move |()| own.borrow().as_ref().unwrap().is_dead());
        *slot.borrow_mut() = Some(greenlet.clone());
        assert!(!greenlet.switch::<bool>(()).unwrap());
        assert!(greenlet.is_dead());
        slot.take();
    });
}

#[test]
fn current_names_the_one_that_runs() {
    bounded(|| {
        assert!(raw::current().is_main() && raw::current() == raw::main());
        let greenlet = Greenlet::new(|()| raw::current().id());
        let id = greenlet.any().id();
        assert_eq!(greenlet.switch::<u32>(()).unwrap(), id);
        assert!(raw::current().is_main());
    });
}

#[test]
fn a_million_switches_leave_nothing_behind() {
    bounded(|| {
        let main = raw::main().takes::<u32>();
        let echo = Greenlet::new(move |mut n: u32| -> u32 {
            loop {
                n = main.switch(n + 1).unwrap();
            }
        });
        let mut n = 0;
        while n < 1_000_000 {
            n = echo.switch(n).unwrap();
        }
        assert_eq!(greenhub::Hub::current().stats().stacks_in_use, 1);
    });
}

#[test]
fn a_body_may_hold_more_than_a_page() {
    bounded(|| {
        let much = [7u8; 10_000];
        let child = Greenlet::new(move |()| much.iter().map(|byte| u32::from(*byte)).sum::<u32>());
        assert_eq!(child.switch::<u32>(()).unwrap(), 70_000);
        drop(Greenlet::new(move |()| much[0]));
    });
}
