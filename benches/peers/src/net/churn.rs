//! Connections that come and go: connect, one exchange, close.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::talks::{Echo, Pattern, Talk};
use crate::wait::{Interest, Wait};

/// So many at a time: enough that the server always has some to do.
const AT_ONCE: usize = 16;

const SIZE: usize = 64;

const PATIENCE: Duration = Duration::from_secs(20);

/// Time for `count` connections, of which [`AT_ONCE`] are open at any time. This side closes
/// first, so it is here that their ends are kept by the kernel for a minute.
pub(crate) fn run(address: SocketAddr, count: usize) -> Result<Duration, String> {
    let mut churn = Churn {
        wait: Wait::new().map_err(told)?,
        address,
        pattern: Pattern::new(SIZE),
        open: (0..AT_ONCE).map(|_| None).collect(),
        begun: 0,
    };
    let begin = Instant::now();
    for place in 0..AT_ONCE.min(count) {
        churn.begin(place).map_err(told)?;
    }
    let mut ended = 0;
    while ended < count {
        let reports = churn.wait.wait(Some(PATIENCE)).map_err(told)?;
        if reports == 0 {
            return Err(format!("silent for {PATIENCE:?}"));
        }
        for index in 0..reports {
            let (place, ..) = churn.wait.report(index);
            if churn.hear(place)? {
                churn.open[place] = None;
                ended += 1;
                if churn.begun < count {
                    churn.begin(place).map_err(told)?;
                }
            }
        }
    }
    Ok(begin.elapsed())
}

struct Churn {
    wait: Wait,
    address: SocketAddr,
    pattern: Arc<Pattern>,
    open: Vec<Option<(TcpStream, Echo)>>,
    begun: usize,
}

impl Churn {
    /// Connects and asks. Connecting to this machine does not sleep: the kernel does all of it in
    /// the call.
    fn begin(&mut self, place: usize) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nonblocking(true)?;
        let mut echo = Echo::new(&self.pattern, SIZE, self.begun);
        let mut message = Vec::with_capacity(SIZE);
        echo.ask(&mut message);
        stream.write_all(&message)?;
        self.wait.add(&stream, place, Interest::IN)?;
        self.open[place] = Some((stream, echo));
        self.begun += 1;
        Ok(())
    }

    /// Whether the whole echo is here.
    fn hear(&mut self, place: usize) -> Result<bool, String> {
        let (stream, echo) = self.open[place].as_mut().expect("it is reported because it is open");
        let mut buffer = [0; 2 * SIZE];
        let length = match stream.read(&mut buffer) {
            Ok(0) => return Err("the server has closed a connection".to_owned()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(told(error)),
        };
        Ok(echo.hear(&buffer[..length])? == 1)
    }
}

fn told(error: io::Error) -> String {
    error.to_string()
}
