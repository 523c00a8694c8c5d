//! Tells the program what it was built by, and for what.

use std::env;
use std::ffi::OsString;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = variable("TARGET").into_string().expect("a target's name is plain");
    println!("cargo:rustc-env=COUNTS_TARGET={target}");
    println!("cargo:rustc-env=COUNTS_RUSTC={}", rustc());
}

fn rustc() -> String {
    let told = Command::new(variable("RUSTC")).arg("--version").output();
    let told = told.expect("it has just been run");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}

fn variable(name: &str) -> OsString {
    env::var_os(name).expect("cargo tells it")
}
