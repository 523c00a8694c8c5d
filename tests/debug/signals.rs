//! A dump when a signal comes, in processes of their own.

use std::cell::RefCell;
use std::hint::black_box;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::sync::mpsc;

use greenhub::debug::dump_on;
use greenhub::signal::{SIGUSR1, SIGUSR2};
use greenhub::{Builder, Greenlet, Hub, sleep, spawn};
use rustix::process::{Signal, getpid, kill_process};

use crate::support::{LONG, alone, child, message, millis, panic_of};

#[inline(never)]
fn doze() {
    sleep(LONG);
    black_box(());
}

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

#[test]
fn a_signal_has_all_hubs_written_to_standard_error_with_traces() {
    let name = "signals::a_signal_has_all_hubs_written_to_standard_error_with_traces";
    let told = child(name, || {
        dump_on(SIGUSR2).unwrap().keep();
        let _sleeper = Builder::new().name("sleeper").spawn(doze).unwrap();
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let busy = std::thread::Builder::new().name("blocked".into()).spawn(move || {
            let _hub = Hub::current();
            begun.send(()).unwrap();
            assert!(ends.recv().is_err());
        });
        begins.recv().unwrap();
        sleep(millis(1));
        send(Signal::USR2);
        // Until the dump's thread has come and gone.
        let has_dumper = || {
            let threads = std::fs::read_dir("/proc/self/task").unwrap();
            let names =
                threads.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("comm")).ok());
            names.into_iter().any(|name| name.trim() == "greenhub-dump")
        };
        while !has_dumper() {
            sleep(millis(1));
        }
        while has_dumper() {
            sleep(millis(1));
        }
        drop(end);
        busy.unwrap().join().unwrap();
    });
    let Some((output, text)) = told else { return };
    assert!(output.status.success(), "{text}");
    for told in [
        "greenhub: all hubs of process ",
        "greenlet 1 'sleeper' waits in a sleep, spawned at tests/debug/signals.rs:",
        "doze at ",
        "thread 'blocked': busy, did not answer within 100ms",
        "main waits in a sleep",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn without_its_guard_the_signal_does_again_what_it_did() {
    let name = "signals::without_its_guard_the_signal_does_again_what_it_did";
    let told = child(name, || {
        drop(dump_on(SIGUSR1).unwrap());
        send(Signal::USR1);
        sleep(LONG);
    });
    let Some((output, text)) = told else { return };
    assert_eq!(output.status.signal(), Some(SIGUSR1), "{text}");
}

#[test]
fn the_guard_does_not_keep_the_report_away_that_everything_waits_for_ever() {
    alone(
        "signals::the_guard_does_not_keep_the_report_away_that_everything_waits_for_ever",
        || {
            let _guard = dump_on(SIGUSR1).unwrap();
            let slot: Rc<RefCell<Option<Greenlet<()>>>> = Rc::default();
            let other = Rc::clone(&slot);
            let romeo = spawn(move || other.borrow().clone().unwrap().wait());
            let beloved = romeo.clone();
            *slot.borrow_mut() = Some(spawn(move || beloved.wait()));
            let report = message(&*panic_of(|| romeo.wait()));
            assert!(report.contains("waits for ever"), "{report}");
            romeo.kill();
        },
    );
}

#[test]
fn a_signal_that_cannot_be_handled_is_refused() {
    assert_eq!(dump_on(9).unwrap_err().kind(), ErrorKind::InvalidInput);
}
