//! Who is in which span.

use std::rc::Rc;

use greenhub::spans::{Switching, in_current_span};
use greenhub::sync::Event;
use greenhub::{Hub, joinall, raw, sleep, spawn, yield_now};
use tracing::{Dispatch, Span, info, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{alone, millis, noted, noting};

#[test]
fn an_event_after_a_wait_is_in_its_own_span_and_a_neighbours_is_not() {
    noted(|seen| {
        let one = spawn(|| {
            let _span = info_span!("one").entered();
            info!("before");
            sleep(millis(2));
            info!("after");
        });
        let two = spawn(|| {
            info!("without");
            let _span = info_span!("two").entered();
            sleep(millis(1));
            info!("own");
        });
        joinall(&[one, two]);
        info!("main");
        let events = ["one: before", ": without", "two: own", "one: after", ": main"];
        assert_eq!(seen.events(), events);
    });
}

#[test]
fn spans_within_spans_are_entered_again_in_their_order() {
    noted(|seen| {
        let nested = spawn(|| {
            let _outer = info_span!("outer").entered();
            let inner = info_span!("inner");
            inner.in_scope(|| {
                sleep(millis(1));
                info!("deep");
            });
            yield_now();
            info!("shallow");
        });
        nested.join().unwrap();
        let told = "+outer +inner -inner -outer +outer +inner outer/inner: deep -inner -outer \
                    +outer outer: shallow -outer";
        assert_eq!(seen.take().join(" "), told);
    });
}

#[test]
fn mains_spans_are_its_own() {
    noted(|seen| {
        let _span = info_span!("main").entered();
        let greenlet = spawn(|| info!("greenlet"));
        info!("spawned");
        greenlet.join().unwrap();
        info!("joined");
        Hub::current().run_callback(|| info!("callback"));
        yield_now();
        info!("back");
        let events = ["main: spawned", ": greenlet", "main: joined", ": callback", "main: back"];
        assert_eq!(seen.events(), events);
    });
}

#[test]
fn a_greenlet_takes_its_spawners_span_along_if_it_is_told_to() {
    noted(|seen| {
        let request = info_span!("request");
        let child = request.in_scope(|| {
            spawn(in_current_span(|| {
                sleep(millis(1));
                info!("child");
                info_span!("own").in_scope(|| info!("deeper"));
            }))
        });
        drop(request);
        child.join().unwrap();
        let outside = spawn(in_current_span(|| info!("none")));
        outside.join().unwrap();
        assert_eq!(seen.events(), ["request: child", "request/own: deeper", ": none"]);
    });
}

#[test]
fn a_span_that_many_are_in_is_left_by_each_alone() {
    noted(|seen| {
        let shared = info_span!("shared");
        let event = Rc::new(Event::new());
        let greenlets: Vec<_> = (0..3)
            .map(|_| {
                let (shared, event) = (shared.clone(), Rc::clone(&event));
                spawn(move || {
                    shared.in_scope(|| event.wait().unwrap());
                    info!("left");
                })
            })
            .collect();
        yield_now();
        info!("main");
        event.set();
        joinall(&greenlets);
        assert_eq!(seen.events(), [": main", ": left", ": left", ": left"]);
    });
}

#[test]
fn raw_greenlets_have_spans_of_their_own() {
    noted(|seen| {
        let main = raw::main().takes::<()>();
        let greenlet = raw::Greenlet::new(move |()| {
            let _span = info_span!("raw").entered();
            info!("in");
            main.switch::<()>(()).unwrap();
            info!("again");
        });
        let _span = info_span!("main").entered();
        greenlet.switch::<()>(()).unwrap();
        info!("out");
        greenlet.switch::<()>(()).unwrap();
        info!("end");
        assert_eq!(seen.events(), ["raw: in", "main: out", "raw: again", "main: end"]);
    });
}

#[test]
fn a_raw_greenlet_that_is_dropped_leaves_its_own_span_and_not_the_droppers() {
    noted(|seen| {
        let shared = info_span!("shared");
        let (own, main) = (shared.clone(), raw::main().takes::<()>());
        let greenlet = raw::Greenlet::new(move |()| own.in_scope(|| drop(main.switch::<()>(()))));
        greenlet.switch::<()>(()).unwrap();
        info!("outside");
        let _span = shared.entered();
        drop(greenlet);
        info!("inside");
        yield_now();
        info!("still");
        assert_eq!(seen.events(), [": outside", "shared: inside", "shared: still"]);
    });
}

#[test]
fn the_current_span_is_the_greenlets() {
    noted(|_| {
        let name = || Span::current().metadata().map(|metadata| metadata.name());
        let greenlet = spawn(move || {
            let _span = info_span!("own").entered();
            yield_now();
            name()
        });
        yield_now();
        assert_eq!(name(), None);
        assert_eq!(greenlet.join().unwrap(), Some("own"));
    });
}

#[test]
fn a_hub_that_was_there_before_the_subscriber_switches_them_too() {
    alone("switching::a_hub_that_was_there_before_the_subscriber_switches_them_too", || {
        spawn(|| ()).join().unwrap();
        let (seen, _guard) = noting();
        let greenlet = spawn(|| {
            let _span = info_span!("own").entered();
            yield_now();
            info!("own");
        });
        let other = spawn(|| info!("other"));
        joinall(&[greenlet, other]);
        assert_eq!(seen.events(), [": other", "own: own"]);
    });
}

#[test]
fn a_span_that_main_was_in_before_its_hub_was_made_is_mains() {
    alone("switching::a_span_that_main_was_in_before_its_hub_was_made_is_mains", || {
        let (seen, _guard) = noting();
        let _span = info_span!("main").entered();
        spawn(|| info!("greenlet")).join().unwrap();
        info!("main");
        assert_eq!(seen.events(), [": greenlet", "main: main"]);
    });
}

#[test]
fn each_thread_has_its_own() {
    noted(|seen| {
        let _span = info_span!("here").entered();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                std::thread::spawn(|| {
                    noted(|seen| {
                        let greenlet = spawn(|| {
                            let _span = info_span!("there").entered();
                            sleep(millis(1));
                            info!("there");
                        });
                        greenlet.join().unwrap();
                        assert_eq!(seen.events(), ["there: there"]);
                    });
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        info!("here");
        assert_eq!(seen.events(), ["here: here"]);
    });
}

#[test]
fn what_is_within_is_found() {
    let subscriber = Switching::new(tracing_subscriber::registry().with(None::<Unused>));
    let dispatch = Dispatch::new(subscriber);
    assert!(dispatch.downcast_ref::<Registry>().is_some());
    assert!(dispatch.downcast_ref::<String>().is_none());
    assert!(
        dispatch.is::<Switching<tracing_subscriber::layer::Layered<Option<Unused>, Registry>>>()
    );
}

struct Unused;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Unused {}
