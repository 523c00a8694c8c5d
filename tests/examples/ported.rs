//! What the ported programs have in common: one source, one line, one OS thread.

use std::fs;

/// The arguments that choose between a program on std and its port.
pub(crate) const VARIANTS: [&[&str]; 2] = [&["--std"], &[]];

/// How many OS threads a process has, without those that greenhub lends to what would block.
#[track_caller]
pub(crate) fn threads(process: u32) -> usize {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    let names = tasks.map(|task| {
        // A thread that has ended since has no name.
        fs::read_to_string(task.expect("it can be listed").path().join("comm")).unwrap_or_default()
    });
    names.filter(|name| !name.is_empty() && !name.starts_with("greenhub-")).count()
}

/// The name of each program, what it is on std, and where it is compiled twice.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "chat",
        include_str!("../../examples/ported_chat/chat.rs"),
        include_str!("../../examples/ported_chat/main.rs"),
    ),
    (
        "files",
        include_str!("../../examples/ported_files/files.rs"),
        include_str!("../../examples/ported_files/main.rs"),
    ),
    (
        "jobs",
        include_str!("../../examples/ported_jobs/jobs.rs"),
        include_str!("../../examples/ported_jobs/main.rs"),
    ),
];

#[test]
fn each_port_is_one_line_and_then_the_original() {
    for (name, original, main) in PROGRAMS {
        let port = format!(
            "mod {name};\n\nmod {name}_greenhub {{\n    use greenhub::monkey as std;\n    \
             include!(\"{name}.rs\");\n}}\n"
        );
        assert_eq!(main.matches(&port).count(), 1, "{name}");
        let code = main.lines().filter(|line| !line.starts_with("//!"));
        assert_eq!(code.filter(|line| line.contains("use greenhub")).count(), 1, "{name}");
        assert!(!original.contains("greenhub"), "{name}: the original knows nothing of it");
        assert!(!original.contains("cfg"), "{name}: nothing tells the two apart");
    }
}
