//! A server in a process of its own, and what that has used.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How long a server may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

/// Processor time of all threads, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// By the scheduler's clock.
    pub(crate) total: f64,
    /// By ticks: in parts of it, good enough to divide the total.
    user: f64,
    system: f64,
}

impl Cpu {
    /// What was used since: in all, of that by the program, and by the kernel for it.
    pub(crate) fn since(self, before: Cpu) -> [f64; 3] {
        let total = self.total - before.total;
        let (user, system) = (self.user - before.user, self.system - before.system);
        let part = if user + system > 0.0 { user / (user + system) } else { f64::NAN };
        [total, total * part, total * (1.0 - part)]
    }
}

impl Server {
    /// Starts it on the last core, and waits until it listens. The calling thread stays on
    /// the first.
    pub(crate) fn start(mut command: Command) -> Result<Server, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = on_last_core(|| command.spawn())
            .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        // From here on it is ended when something fails.
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Server { child, stdout, address: none };
        server.address = server.hear_address()?;
        Ok(server)
    }

    fn hear_address(&mut self) -> Result<SocketAddr, String> {
        let mut ready = [PollFd::new(self.stdout.get_ref(), PollFlags::IN)];
        let limit = Timespec::try_from(PATIENCE).expect("a short time");
        match poll(&mut ready, Some(&limit)) {
            Ok(1..) => {}
            _ => return Err("it does not say where it listens".to_owned()),
        }
        let mut line = String::new();
        self.stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        if line.is_empty() {
            return Err("it ended before it listened".to_owned());
        }
        let address = line.trim().strip_prefix("listening on ");
        address
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| format!("it does not say where it listens, but {line:?}"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What its threads have used so far; those that have ended are forgotten.
    pub(crate) fn cpu(&self) -> Result<Cpu, String> {
        let folder = format!("/proc/{}", self.id());
        let stat = read(&format!("{folder}/stat"))?;
        // The name may contain anything; behind it, these are the 12th and the 13th.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let mut ticks = fields.skip(11).map(|field| field.parse().unwrap_or(f64::NAN));
        let mut next =
            || ticks.next().unwrap_or(f64::NAN) / rustix::param::clock_ticks_per_second() as f64;
        let (user, system) = (next(), next());
        let total = self.scheduled(&folder).unwrap_or(user + system);
        Ok(Cpu { total, user, system })
    }

    /// The sum over its threads of what the scheduler has counted, to the nanosecond.
    fn scheduled(&self, folder: &str) -> Option<f64> {
        let tasks = fs::read_dir(format!("{folder}/task")).ok()?;
        let one = |task: fs::DirEntry| -> Option<f64> {
            let counts = fs::read_to_string(task.path().join("schedstat")).ok()?;
            counts.split_whitespace().next()?.parse().ok()
        };
        let counted: Vec<f64> = tasks.flatten().filter_map(one).collect();
        (!counted.is_empty()).then(|| counted.iter().sum::<f64>() / 1e9)
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<f64, String> {
        let status = read(&format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0).ok_or_else(|| "VmRSS is missing".to_owned())
    }

    /// Closes its input, waits for its end, and returns what it said in the meantime.
    pub(crate) fn stop(mut self) -> Result<String, String> {
        drop(self.child.stdin.take());
        let begin = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => break,
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Ok(None) if begin.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(1)),
                Ok(None) => return Err("it does not end when its input does".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).map_err(|error| error.to_string())?;
        Ok(said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already if all went well; then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
}

/// Has a child started on the last core that this process may use, by being there for a moment,
/// and goes on to the first.
fn on_last_core<T>(start: impl FnOnce() -> T) -> T {
    let (first, last) = first_and_last();
    go_to(last);
    let started = start();
    go_to(first);
    started
}

/// The cores that this process had when this was first asked.
fn first_and_last() -> (usize, usize) {
    static CORES: std::sync::OnceLock<(usize, usize)> = std::sync::OnceLock::new();
    *CORES.get_or_init(|| {
        let cores = sched_getaffinity(None).unwrap_or_default();
        let mut mine = (0..CpuSet::MAX_CPU).filter(|core| cores.is_set(*core));
        let first = mine.next().unwrap_or(0);
        (first, mine.next_back().unwrap_or(first))
    })
}

fn go_to(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    // Where that is not allowed the kernel chooses.
    let _ = sched_setaffinity(None, &cores);
}
