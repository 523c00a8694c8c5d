//! What is measured.

use crate::aims::{Against, Aim};
use crate::child::{Cpu, Server};
use crate::churn;
use crate::load::{Load, Outcome};
use crate::programs::command;
use crate::rounds::Effort;
use crate::servers::{Job, Peer, ROOM};
use crate::talks::{Echo, Page, Pattern, Talk};
use crate::wrk;

/// Some work that servers can do.
pub(crate) struct Workload {
    /// What it is called on the command line.
    pub(crate) name: String,
    /// What is done.
    pub(crate) what: String,
    pub(crate) metrics: &'static [Metric],
    pub(crate) aims: Vec<Aim>,
    /// Which peers can do it.
    pub(crate) takes: fn(&Peer) -> bool,
    /// A program without which it cannot be measured.
    pub(crate) needs: Option<&'static str>,
    /// Where its rate belongs in the drawing of a size: at so many connections.
    pub(crate) curve: Option<(usize, usize)>,
    /// Measures a peer once, in a fresh process: a value for each metric.
    pub(crate) measure: Measure,
}

type Measure = Box<dyn Fn(&Peer, Effort) -> Result<Vec<f64>, String>>;

/// Something that is measured.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) better: Better,
    /// Whether the smallest and the largest value and the ratio are shown.
    pub(crate) wide: bool,
}

/// Which values of a metric are the better ones.
#[derive(Clone, Copy)]
pub(crate) enum Better {
    More,
    Less,
}

const fn wide(name: &'static str, better: Better) -> Metric {
    Metric { name, better, wide: true }
}

const fn narrow(name: &'static str) -> Metric {
    Metric { name, better: Better::Less, wide: false }
}

const CPU: Metric = wide("CPU, ms for 100,000", Better::Less);

static RATE_AND_CPU: [Metric; 8] = [
    wide("a second", Better::More),
    CPU,
    narrow("user"),
    narrow("system"),
    narrow("p50 us"),
    narrow("p99 us"),
    narrow("p99.9 us"),
    narrow("RSS MiB"),
];

/// Where they are in the table above.
const AT_RATE: usize = 0;
const AT_CPU: usize = 1;

const SIZES: [usize; 2] = [64, 16 * 1024];
const COUNTS: [usize; 4] = [1, 64, 1000, 10_000];

/// All of them, in the order in which they are measured.
pub(crate) fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    for size in SIZES {
        all.extend(COUNTS.map(|count| echo(size, count, 1)));
    }
    all.extend([echo(64, 64, 16), idle(), churning(), pages(), pages_by_wrk(), ticker()]);
    all
}

fn echo(size: usize, count: usize, depth: usize) -> Workload {
    let (name, under_way) = match depth {
        1 => (format!("echo_{size}_{count}"), "one message".to_owned()),
        _ => (format!("echo_{size}_{count}_by_{depth}"), format!("{depth} messages")),
    };
    let times = if count == 1 { "" } else { "s" };
    Workload {
        name,
        what: format!(
            "{count} connection{times}, {under_way} of {size} bytes under way on each; handlers \
             have room for twice that, and for {ROOM} at least"
        ),
        metrics: &RATE_AND_CPU,
        aims: vec![
            Aim { metric: AT_CPU, against: Against::Floor(1.05) },
            Aim { metric: AT_RATE, against: Against::EpollPeers },
        ],
        takes: |peer| peer.echoes,
        needs: None,
        curve: (depth == 1).then_some((size, count)),
        measure: Box::new(move |peer, effort| {
            // A read that fills its buffer to the last byte has those on edge-triggered epoll ask
            // once more, so that would be a measurement of the buffer's size.
            let room = (2 * size * depth).max(ROOM);
            let server = start(peer, Job::Echo { room })?;
            let pattern = Pattern::new(size);
            let talk = |number| Echo::new(&pattern, size, number);
            let load = Load::connect(server.address, count, depth, talk)?;
            rate_and_cpu(server, load, effort)
        }),
    }
}

fn pages() -> Workload {
    Workload {
        name: "http".to_owned(),
        what: "64 connections, kept alive, one request for a small page under way on each"
            .to_owned(),
        metrics: &RATE_AND_CPU,
        aims: vec![Aim { metric: AT_CPU, against: Against::Peers }],
        takes: |peer| peer.pages,
        needs: None,
        curve: None,
        measure: Box::new(|peer, effort| {
            let server = start(peer, Job::Page)?;
            let load = Load::connect(server.address, 64, 1, |_| Page::default())?;
            rate_and_cpu(server, load, effort)
        }),
    }
}

fn start(peer: &Peer, job: Job) -> Result<Server, String> {
    Server::start(command(peer, job)?)
}

/// Loads a server, and tells what is in [`RATE_AND_CPU`].
fn rate_and_cpu<T: Talk>(
    server: Server,
    mut load: Load<T>,
    effort: Effort,
) -> Result<Vec<f64>, String> {
    let mut outcome = load.run(effort.time, || Ok((server.cpu()?, server.resident()?)))?;
    let ((before, _), (after, resident)) = outcome.seen;
    let mut values = vec![rate(&outcome)];
    values.extend(for_100_000(after.since(before), outcome.answers));
    values.extend(outcome.times.per_mille(&[500, 990, 999]));
    values.push(resident / (1024.0 * 1024.0));
    drop(load);
    server.stop()?;
    Ok(values)
}

#[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
fn rate<S>(outcome: &Outcome<S>) -> f64 {
    outcome.answers as f64 / outcome.spent.as_secs_f64()
}

/// Seconds for so many as milliseconds for 100,000.
#[expect(clippy::cast_precision_loss, reason = "no figure is that exact")]
fn for_100_000(seconds: [f64; 3], count: usize) -> [f64; 3] {
    seconds.map(|seconds| seconds * 1e3 * 1e5 / count as f64)
}

fn idle() -> Workload {
    const COUNT: usize = 10_000;
    static METRICS: [Metric; 2] = [wide("bytes each", Better::Less), narrow("before MiB")];
    Workload {
        name: "idle".to_owned(),
        what: "10,000 connections that have had one echo; resident memory of the server for each"
            .to_owned(),
        metrics: &METRICS,
        aims: vec![Aim { metric: 0, against: Against::Figure(5400.0) }],
        takes: |peer| peer.echoes,
        needs: None,
        curve: None,
        measure: Box::new(|peer, _effort| {
            let server = start(peer, Job::Echo { room: ROOM })?;
            let before = server.resident()?;
            let pattern = Pattern::new(64);
            let talk = |number| Echo::new(&pattern, 64, number);
            let mut load = Load::connect(server.address, COUNT, 1, talk)?;
            load.once_each()?;
            #[expect(clippy::cast_precision_loss, reason = "it is exact")]
            let each = (server.resident()? - before) / COUNT as f64;
            drop(load);
            server.stop()?;
            Ok(vec![each, before / (1024.0 * 1024.0)])
        }),
    }
}

fn churning() -> Workload {
    // Each leaves a port that is taken for a minute, and there are 28,000.
    const COUNT: usize = 20_000;
    static METRICS: [Metric; 4] =
        [wide("a second", Better::More), CPU, narrow("user"), narrow("system")];
    Workload {
        name: "churn".to_owned(),
        what: "connect, one echo of 64 bytes, close; 16 at a time".to_owned(),
        metrics: &METRICS,
        aims: vec![Aim { metric: AT_RATE, against: Against::Peers }],
        takes: |peer| peer.echoes,
        needs: None,
        curve: None,
        measure: Box::new(|peer, effort| {
            let server = start(peer, Job::Echo { room: ROOM })?;
            let count = COUNT / effort.divisor;
            churn::run(server.address, count / 10)?;
            let before: Cpu = server.cpu()?;
            let spent = churn::run(server.address, count)?;
            let used = for_100_000(server.cpu()?.since(before), count);
            server.stop()?;
            #[expect(clippy::cast_precision_loss, reason = "it is exact")]
            let rate = count as f64 / spent.as_secs_f64();
            Ok(vec![rate, used[0], used[1], used[2]])
        }),
    }
}

fn pages_by_wrk() -> Workload {
    static METRICS: [Metric; 6] = [
        wide("a second", Better::More),
        CPU,
        narrow("user"),
        narrow("system"),
        narrow("p50 us"),
        narrow("p99 us"),
    ];
    Workload {
        name: "wrk".to_owned(),
        what: "the same pages; the load is wrk, with one thread and 64 connections".to_owned(),
        metrics: &METRICS,
        aims: vec![Aim { metric: AT_CPU, against: Against::Peers }],
        takes: |peer| peer.pages,
        needs: Some("wrk"),
        curve: None,
        measure: Box::new(|peer, effort| {
            let server = start(peer, Job::Page)?;
            let before = server.cpu()?;
            let load = wrk::run(server.address, effort.time)?;
            let used = server.cpu()?.since(before);
            server.stop()?;
            let mut values = vec![load.rate];
            values.extend(for_100_000(used, load.requests));
            values.extend([load.p50, load.p99]);
            Ok(values)
        }),
    }
}

fn ticker() -> Workload {
    static METRICS: [Metric; 4] = [
        wide("lag, p99 us", Better::Less),
        narrow("p50 us"),
        narrow("most us"),
        narrow("a second"),
    ];
    Workload {
        name: "ticker".to_owned(),
        what: "how late a sleep of 1 ms ends beside one connection with 256 messages of 64 bytes \
               under way; and the rate of their echoes"
            .to_owned(),
        metrics: &METRICS,
        aims: Vec::new(),
        takes: |peer| peer.echoes,
        needs: None,
        curve: None,
        measure: Box::new(|peer, effort| {
            let server = start(peer, Job::Ticker)?;
            let pattern = Pattern::new(64);
            let talk = |number| Echo::new(&pattern, 64, number);
            let mut load = Load::connect(server.address, 1, 256, talk)?;
            let outcome = load.run(effort.time, || Ok(()))?;
            let said = server.stop()?;
            let lags: Vec<f64> = said
                .lines()
                .find_map(|line| line.strip_prefix("lags "))
                .map(|lags| lags.split_whitespace().flat_map(str::parse).collect())
                .unwrap_or_default();
            let [p50, p99, most] = lags[..] else { return Err(format!("it said {said:?}")) };
            Ok(vec![p99, p50, most, rate(&outcome)])
        }),
    }
}
