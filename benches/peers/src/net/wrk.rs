//! `wrk`, a load that others use as well, where it is installed.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) rate: f64,
    /// In microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Loads a server with 64 connections for whole seconds.
pub(crate) fn run(address: SocketAddr, time: Duration) -> Result<Load, String> {
    let seconds = format!("-d{}s", time.as_secs().max(1));
    let output = Command::new("wrk")
        .args(["-t1", "-c64", &seconds, "--latency", &format!("http://{address}/")])
        .output()
        .map_err(|error| format!("wrk: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    read(&said).ok_or_else(|| format!("wrk says {said:?}"))
}

fn read(said: &str) -> Option<Load> {
    if said.contains("Socket errors") || said.contains("Non-2xx") {
        return None;
    }
    let after = |label: &str| said.lines().find_map(|line| line.trim().strip_prefix(label));
    let requests = said.lines().find_map(|line| line.trim().split_once(" requests in "))?.0;
    Some(Load {
        requests: requests.parse().ok()?,
        rate: after("Requests/sec:")?.trim().parse().ok()?,
        p50: microseconds(after("50%")?)?,
        p99: microseconds(after("99%")?)?,
    })
}

fn microseconds(time: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.iter().find_map(|(unit, times)| {
        Some(time.trim().strip_suffix(unit)?.parse::<f64>().ok()? * times)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:7000/
  1 threads and 64 connections
  Latency Distribution
     50%  383.00us
     75%    1.20ms
     90%    2.00ms
     99%   11.41ms
  38512 requests in 1.00s, 5.00MB read
Requests/sec:  38411.02
Transfer/sec:      4.91MB
";

    #[test]
    fn what_wrk_says_is_understood() {
        let load = read(SAID).expect("it is what wrk says");
        assert_eq!((load.requests, load.rate), (38512, 38411.02));
        assert_eq!((load.p50, load.p99.round()), (383.0, 11410.0));
    }

    #[test]
    fn errors_that_wrk_tells_are_no_result() {
        let said = format!("{SAID}  Socket errors: connect 0, read 64, write 0, timeout 0\n");
        assert!(read(&said).is_none());
    }
}
