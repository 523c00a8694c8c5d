//! A program without unwinding: what it panics with is told, and so is a kill.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The program that `aborts/` holds, built with `panic = "abort"`.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let greenhub = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aborts");
        fs::create_dir_all(&folder).unwrap();
        let manifest = format!(
            "[package]\nname = \"aborts\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [workspace]\n[[bin]]\nname = \"aborts\"\npath = {:?}\n\
             [dependencies]\ngreenhub = {{ path = {:?} }}\n\
             [profile.dev]\npanic = \"abort\"\ndebug = false\n",
            greenhub.join("tests/hostile/aborts/main.rs"),
            greenhub
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        // The versions that greenhub itself was built with, so that nothing is asked of the network.
        fs::copy(greenhub.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let target = folder.join("target");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--offline", "--target-dir"])
            .arg(&target)
            .current_dir(&folder)
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        target.join("debug/aborts")
    })
}

fn run(what: &str) -> (Output, String) {
    let output = Command::new(program()).arg(what).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, told)
}

#[test]
fn a_panic_aborts_with_its_message() {
    let (output, told) = run("panic");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{told}");
    assert!(told.contains("on purpose"), "{told}");
}

#[test]
fn a_kill_aborts_and_says_why() {
    for kill in ["kill", "kill unbegun", "kill oneself", "drop"] {
        let (output, told) = run(kill);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{kill}: {told}");
        let why = "with `panic = \"abort\"` nothing can be: aborting";
        assert!(told.contains(why), "{kill}: {told}");
    }
}

#[test]
fn a_limit_is_refused_before_it_begins() {
    let (output, told) = run("limit");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{told}");
    assert!(told.contains("panic = \"abort\""), "{told}");
}

#[test]
fn what_unwinds_nothing_works() {
    let (output, told) = run("work");
    assert!(output.status.success(), "{told}");
}
