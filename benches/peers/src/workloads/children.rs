//! 1,000 child processes are run, 16 at once.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::peers::{Local, Smol, on_tokio};
use crate::programs::Program;
use crate::rounds::{Figures, Kind, Workload, peers};

const AT_ONCE: u64 = 16;

/// It does nothing and succeeds.
const CHILD: &str = "true";

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "children",
        what: "1,000 child processes that do nothing are run, 16 at once",
        operation: "a child",
        operations: 1_000,
        source: include_str!("children.rs"),
        kind: Kind::Fresh { figures: &["ns for a child"], rounds: 7 },
        // May, monoio and Boost.Fiber have nothing for processes.
        peers: peers![
            "greenhub": greenhub,
            "tokio": tokio,
            "smol": smol,
            "Go": go by Go,
            "gevent": gevent by Gevent,
            "threads": threads,
        ],
    }]
}

/// The numbers of the children that one of those at once runs.
fn share(of: u64, children: u64) -> impl Iterator<Item = u64> {
    (of..children).step_by(AT_ONCE as usize)
}

/// `monkey::process::Command::status`.
fn greenhub(children: u64) -> Duration {
    let start = Instant::now();
    let parents: Vec<_> = (0..AT_ONCE)
        .map(|parent| {
            greenhub::spawn(move || {
                for _ in share(parent, children) {
                    let status = greenhub::monkey::process::Command::new(CHILD).status();
                    assert!(status.expect("it can be run").success());
                }
            })
        })
        .collect();
    for parent in parents {
        parent.join().expect("it does not panic");
    }
    start.elapsed()
}

/// `process::Command::status`.
fn tokio(children: u64) -> Duration {
    on_tokio(async move {
        let start = Instant::now();
        let parents: Vec<_> = (0..AT_ONCE)
            .map(|parent| {
                tokio::spawn(async move {
                    for _ in share(parent, children) {
                        let status = tokio::process::Command::new(CHILD).status().await;
                        assert!(status.expect("it can be run").success());
                    }
                })
            })
            .collect();
        for parent in parents {
            parent.await.expect("it does not panic");
        }
        start.elapsed()
    })
}

/// `process::Command::status`.
fn smol(children: u64) -> Duration {
    Smol::run(async move {
        let start = Instant::now();
        let parents: Vec<_> = (0..AT_ONCE)
            .map(|parent| {
                Smol::spawn(async move {
                    for _ in share(parent, children) {
                        let status = smol::process::Command::new(CHILD).status().await;
                        assert!(status.expect("it can be run").success());
                    }
                })
            })
            .collect();
        for parent in parents {
            parent.await;
        }
        start.elapsed()
    })
}

/// 16 OS threads and `process::Command::status`, on all cores.
fn threads(children: u64) -> Duration {
    let start = Instant::now();
    let parents: Vec<_> = (0..AT_ONCE)
        .map(|parent| {
            thread::spawn(move || {
                for _ in share(parent, children) {
                    let status = Command::new(CHILD).status();
                    assert!(status.expect("it can be run").success());
                }
            })
        })
        .collect();
    for parent in parents {
        parent.join().expect("it does not panic");
    }
    start.elapsed()
}

/// `exec.Command` and `Run`; GOMAXPROCS is 1.
fn go(children: u64) -> Figures {
    Program::Go.run("children", &[children, AT_ONCE])
}

/// `gevent.subprocess.call`.
fn gevent(children: u64) -> Figures {
    Program::Gevent.run("children", &[children, AT_ONCE])
}
