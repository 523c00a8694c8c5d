//! Fetches all pages at the same time, and tells of each when it arrives.
//!
//! ```text
//! cargo run --example crawler -- [--page MILLIS] [--overall MILLIS] [http://ADDRESS …]
//! ```
//!
//! A page may take 1000 ms unless `--page` says otherwise, and all together 10,000. Without an
//! address it crawls a little server of its own, one of whose pages is missing and one too slow:
//!
//! ```text
//!    3 ms  404       8 bytes  http://127.0.0.1:40193/missing
//!  104 ms  200  100000 bytes  http://127.0.0.1:40193/100000/100
//!  204 ms  200     300 bytes  http://127.0.0.1:40193/300/200
//!  303 ms  200    2000 bytes  http://127.0.0.1:40193/2000/300
//! 1003 ms  no page within 1s  http://127.0.0.1:40193/1/60000
//! 4 of 5 pages are here, 102308 bytes
//! ```
//!
//! The limit is that of the whole conversation with a server, whatever of it takes so long: the
//! blocks of `with_timeout` end wherever they wait.

#[path = "support/http.rs"]
mod http;
#[path = "support/pages.rs"]
mod pages;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use greenhub::{Greenlet, iwait, killall, spawn, with_timeout};
use http::{Address, Page};

struct Options {
    page: Duration,
    overall: Duration,
    addresses: Vec<Address>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut options = match options() {
        Ok(options) => options,
        Err(complaint) => {
            let usage = "crawler [--page MILLIS] [--overall MILLIS] [http://ADDRESS …]";
            eprintln!("{complaint}; usage: {usage}");
            return Ok(ExitCode::from(2));
        }
    };
    if options.addresses.is_empty() {
        let server = pages::serve()?;
        for path in ["/2000/300", "/100000/100", "/300/200", "/missing", "/1/60000"] {
            options.addresses.push(format!("{server}{path}").parse()?);
        }
    }
    crawl(&options);
    Ok(ExitCode::SUCCESS)
}

fn options() -> Result<Options, String> {
    let (mut page, mut overall, mut addresses) = (1000, 10_000, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut millis = || arguments.next().and_then(|millis| millis.parse().ok());
        match &*argument {
            "--page" => page = millis().ok_or("--page has no milliseconds")?,
            "--overall" => overall = millis().ok_or("--overall has no milliseconds")?,
            other => addresses
                .push(other.parse().map_err(|error| format!("{other} is no address: {error}"))?),
        }
    }
    let [page, overall] = [page, overall].map(Duration::from_millis);
    Ok(Options { page, overall, addresses })
}

fn crawl(options: &Options) {
    let start = Instant::now();
    let limit = options.page;
    let fetches: Vec<Greenlet<_>> = options
        .addresses
        .iter()
        .cloned()
        .map(|address| spawn(move || fetch(&address, limit, start)))
        .collect();

    let (mut arrived, mut bytes) = (0, 0);
    let all = with_timeout(options.overall, || {
        for fetch in iwait(&fetches) {
            let (line, page) = fetch.join().expect("a fetch does not panic");
            println!("{line}");
            if let Some(page) = page {
                arrived += 1;
                bytes += page.body.len();
            }
        }
    });
    if let Err(error) = all {
        println!("the rest is given up: {error}");
        killall(&fetches);
    }
    println!("{arrived} of {} pages are here, {bytes} bytes", fetches.len());
}

/// A line to show, and the page, if there is one.
fn fetch(address: &Address, limit: Duration, start: Instant) -> (String, Option<Page>) {
    let page = with_timeout(limit, || http::get(address));
    let what = match &page {
        Ok(Ok(page)) => format!("{}  {:6} bytes", page.status, page.body.len()),
        Ok(Err(error)) => format!("no page: {error}"),
        Err(_) => format!("no page within {limit:?}"),
    };
    let line = format!("{:4} ms  {what}  {address}", start.elapsed().as_millis());
    (line, page.ok().and_then(Result::ok))
}
