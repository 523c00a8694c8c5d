//! Children among the things that one waits for.

use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::process::{Child, Command};
use greenhub::sync::Event;
use greenhub::{Hub, Select, Waitable, iwait, sleep, spawn, wait, with_timeout};

use crate::support::{bounded, millis, ticks_beside};

fn child(script: &str) -> Child {
    Command::new("sh").args(["-c", script]).spawn().unwrap()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn wait_takes_children_and_leaves_their_status() {
    bounded(|| {
        let (mut slow, mut fast) = (child("sleep 0.3; exit 11"), child("exit 10"));
        let (ticks, order) = ticks_beside(|| {
            wait([&slow, &fast], None, None).iter().map(|child| child.id()).collect::<Vec<_>>()
        });
        assert_eq!(order, [fast.id(), slow.id()]);
        assert!(ticks > 5, "{ticks}");
        assert_eq!(fast.try_wait().unwrap().unwrap().code(), Some(10));
        assert_eq!(slow.wait().unwrap().code(), Some(11));
        assert!(fast.is_ready() && slow.is_ready(), "also when they were waited for");
        assert_eq!(wait([&slow, &fast], None, None).len(), 2);
    });
}

#[test]
fn a_wait_with_a_limit_leaves_the_child_and_no_greenlet() {
    bounded(|| {
        let slow = child("exec sleep 60");
        assert!(!slow.is_ready());
        assert!(wait([&slow], Some(millis(10)), None).is_empty());
        assert!(with_timeout(millis(10), || wait([&slow], None, None)).is_err());
        sleep(millis(5));
        let stats = Hub::current().stats();
        assert_eq!((stats.stacks_in_use, stats.sources), (0, 0));
        end(slow);
    });
}

#[test]
fn iwait_gives_children_as_they_end() {
    bounded(|| {
        let children: Vec<Rc<Child>> = ["0.2", "0", "0.1"]
            .iter()
            .map(|delay| Rc::new(child(&format!("sleep {delay}"))))
            .collect();
        let order: Vec<u32> = iwait(children.iter().cloned()).map(|child| child.id()).collect();
        assert_eq!(order, [children[1].id(), children[2].id(), children[0].id()]);
    });
}

#[test]
fn select_takes_the_first_of_a_child_and_others() {
    bounded(|| {
        let (slow, event) = (child("exec sleep 60"), Event::new());
        let first = Select::new()
            .wait(&slow, || "child")
            .wait(&event, || "event")
            .after(millis(10), || "limit")
            .run();
        assert_eq!(first, Ok("limit"));
        slow.send_signal(libc::SIGTERM).unwrap();
        let first = Select::new()
            .wait(&slow, || "child")
            .wait(&event, || "event")
            .after(Duration::from_secs(50), || "limit")
            .run();
        assert_eq!(first, Ok("child"));
        end(slow);
    });
}

#[test]
fn several_may_wait_for_one_child_in_several_threads() {
    bounded(|| {
        let child = child("sleep 0.1");
        std::thread::scope(|scope| {
            let others: Vec<_> =
                (0..3).map(|_| scope.spawn(|| wait([&child, &child], None, None).len())).collect();
            assert_eq!(wait([&child], None, None).len(), 1);
            for other in others {
                assert_eq!(other.join().unwrap(), 2);
            }
        });
        end(child);
    });
}

#[test]
fn a_watched_child_can_be_joined_beside_greenlets() {
    bounded(|| {
        let child = child("sleep 0.05");
        let greenlet = spawn(|| sleep(millis(5)));
        let objects: [&dyn Waitable; 2] = [&child, &greenlet];
        assert_eq!(wait(objects.map(|object| object as &dyn Waitable).iter(), None, None).len(), 2);
        end(child);
    });
}
