//! Peers that are programs of other languages, built when they are first needed.
//!
//! Their sources are in the folder `programs`, and what is built of them lies beside this program.
//! A machine that has not the language leaves them out, with a line that tells so. Each is called
//! with the name of a kind of work and some numbers, and prints its figures in one line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::fresh::{LIMIT, figures_of};
use crate::rounds::Figures;

#[derive(Clone, Copy)]
pub(crate) enum Program {
    Go,
    Fiber,
    Gevent,
}

const ALL: [Program; 3] = [Program::Go, Program::Fiber, Program::Gevent];

/// The versions of those that there are.
pub(crate) fn versions() -> String {
    ALL.iter().filter_map(|program| program.version()).map(|told| format!(", {told}")).collect()
}

impl Program {
    /// Runs it; the numbers begin with that of the operations.
    pub(crate) fn run(self, work: &str, numbers: &[u64]) -> Figures {
        self.run_in(Path::new("/"), work, numbers)
    }

    /// Runs it in a folder.
    pub(crate) fn run_in(self, folder: &Path, work: &str, numbers: &[u64]) -> Figures {
        let mut command = self.ready()?;
        command.current_dir(folder);
        command.arg(work).args(numbers.iter().map(u64::to_string));
        figures_of(command, LIMIT)
    }

    /// The command to run it, or why there is none.
    pub(crate) fn ready(self) -> Result<Command, String> {
        match self {
            Program::Go => built("go/main.go", |source, program| {
                let mut go = Command::new("go");
                go.args(["build", "-o"]).args([program, source]).env("GO111MODULE", "off");
                go
            }),
            Program::Fiber => built("fiber/main.cpp", |source, program| {
                let mut compiler = Command::new("g++");
                compiler.args(["-std=c++17", "-O2", "-DNDEBUG", "-pthread", "-o"]);
                compiler.args([program, source]).args(["-lboost_fiber", "-lboost_context"]);
                compiler
            }),
            Program::Gevent => {
                told(python().args(["-c", "import gevent"]))?;
                let mut command = python();
                command.arg(sources().join("gevent/main.py"));
                Ok(command)
            }
        }
    }

    fn version(self) -> Option<String> {
        let (name, mut command) = match self {
            Program::Go => ("", Command::new("go")),
            Program::Fiber => ("Boost.Fiber ", Command::new("g++")),
            Program::Gevent => ("gevent ", python()),
        };
        match self {
            Program::Go => command.arg("version"),
            Program::Fiber => command.args(["-xc++", "-E", "-P", "-"]).stdin(version_hpp()?),
            Program::Gevent => command.args(["-c", "import gevent; print(gevent.__version__)"]),
        };
        let told = told(&mut command).ok()?;
        let last = told.lines().last()?.trim().trim_start_matches("go version ").trim_matches('"');
        Some(format!("{name}{last}"))
    }
}

/// Two lines of C++ that come to the version of Boost, as a file that can be read.
fn version_hpp() -> Option<fs::File> {
    let path = beside().join("version.cpp");
    fs::create_dir_all(beside()).ok()?;
    fs::write(&path, "#include <boost/version.hpp>\nBOOST_LIB_VERSION\n").ok()?;
    fs::File::open(path).ok()
}

/// The python that has gevent.
fn python() -> Command {
    Command::new(env::var_os("PEERS_PYTHON").unwrap_or_else(|| "python3".into()))
}

fn sources() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/programs"))
}

/// Where programs are built: in the target directory.
fn beside() -> PathBuf {
    let this = env::current_exe().expect("the system tells it");
    this.parent().expect("it is in a folder").join("programs")
}

/// The program of a source file, built if it is older.
fn built(source: &str, build: fn(&Path, &Path) -> Command) -> Result<Command, String> {
    let program = beside().join(source.replace('/', "-")).with_extension("bin");
    let source = sources().join(source);
    let changed = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    if changed(&program) < changed(&source) {
        fs::create_dir_all(beside()).map_err(|error| error.to_string())?;
        told(&mut build(&source, &program))?;
    }
    Ok(Command::new(program))
}

/// What a command prints; if it fails, the first thing that it complains of.
fn told(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let told = command.output().map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if told.status.success() {
        return Ok(text(&told.stdout));
    }
    let errors = text(&told.stderr);
    let last = errors.lines().rfind(|line| !line.is_empty()).unwrap_or("it failed");
    Err(format!("{name}: {last}"))
}
