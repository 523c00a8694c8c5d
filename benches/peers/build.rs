//! Tells the program which versions it was built of.

use std::process::Command;
use std::{env, fs};

const PEERS: [&str; 8] =
    ["corosensei", "greenhub", "hyper", "may", "may_minihttp", "monoio", "smol", "tokio"];

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rerun-if-changed=build.rs");
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock is beside Cargo.toml");
    let versions = PEERS.map(|peer| format!("{peer} {}", version(&lock, peer)));
    println!("cargo:rustc-env=PEERS_VERSIONS={}", versions.join(", "));
    println!("cargo:rustc-env=PEERS_RUSTC={}", rustc());
}

/// The version of a package, of which there must be one.
fn version<'a>(lock: &'a str, package: &str) -> &'a str {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = lock.split_once(&entry).expect("every peer is in Cargo.lock");
    assert!(!rest.contains(&entry), "two versions of {package} are in Cargo.lock");
    rest.split('"').next().expect("a version ends")
}

fn rustc() -> String {
    let rustc = env::var_os("RUSTC").expect("cargo tells it");
    let told = Command::new(rustc).arg("--version").output().expect("it has just been run");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}
