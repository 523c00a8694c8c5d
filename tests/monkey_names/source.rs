//! What `src/monkey` defines, read off its text.

use std::fs;
use std::path::Path;

use super::lists::{Lists, module_of};

/// The source files, by their paths relative to `src`.
pub(crate) struct Source(Vec<(String, String)>);

impl Source {
    pub(crate) fn read() -> Source {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        Source(files)
    }

    /// Whether `monkey` has an item or a method of this name that is not std's.
    pub(crate) fn defines(&self, name: &str, lists: &Lists) -> bool {
        let (outside, last) = name.rsplit_once("::").unwrap();
        let files = self.files_of(module_of(name));
        if lists.is_item(name) {
            return files.iter().any(|text| declares(text, last) || re_exports(text, last));
        }
        let kind = outside.rsplit_once("::").unwrap().1;
        if files.iter().any(|text| declares(text, kind)) {
            return files.iter().any(|text| has_method(text, kind, last));
        }
        // Re-exported from another place of the crate.
        files.iter().any(|text| re_exports(text, kind))
            && self.0.iter().any(|(_, text)| has_method(text, kind, last))
    }

    /// The files of a module without those of the modules of the list that are inside of it; or,
    /// where it has none, those of the module around it.
    fn files_of(&self, module: &str) -> Vec<&String> {
        let folder = format!("monkey/{}", module.replace("::", "/"));
        let own: Vec<&String> = self
            .0
            .iter()
            .filter(|(path, _)| {
                let rest = path.strip_prefix(&folder);
                let inside = rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
                inside && !(module == "sync" && path.starts_with("monkey/sync/mpsc"))
            })
            .map(|(_, text)| text)
            .collect();
        match module.rsplit_once("::") {
            Some((around, _)) if own.is_empty() => self.files_of(around),
            _ => own,
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.push((relative, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The words of a line of code, and `::` between them.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Whether there is a `pub struct Name`, or another item: no method, so at the line's beginning.
fn declares(text: &str, name: &str) -> bool {
    const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "mod", "union"];
    text.lines().filter_map(|line| line.strip_prefix("pub ")).any(|line| {
        let mut words = words(line).skip_while(|word| ["unsafe", "const"].contains(word));
        match words.next() {
            Some(item) if ITEMS.contains(&item) => words.next() == Some(name),
            // A constant: its keyword was passed over.
            Some(word) => word == name && line.starts_with("const "),
            None => false,
        }
    })
}

/// Whether a `pub use` of what is not std's brings the name.
fn re_exports(text: &str, name: &str) -> bool {
    text.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()).any(|path| {
        let ours = path.starts_with("crate::") || path.starts_with("self::");
        ours && words(path).any(|word| word == name)
    })
}

/// Whether a block that implements the type, or declares the trait, has a method.
fn has_method(text: &str, kind: &str, method: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter(|&at| opens(&lines[at..], kind)).any(|at| {
        let indent = lines[at].len() - lines[at].trim_start().len();
        let end = format!("{}}}", &lines[at][..indent]);
        let block = lines[at..].iter().take_while(|line| **line != end);
        let is_trait = lines[at].contains("pub trait ");
        block.map(|line| line.trim()).filter(|line| is_trait || line.starts_with("pub ")).any(
            |line| {
                line.find("fn ")
                    .is_some_and(|start| words(&line[start + 3..]).next() == Some(method))
            },
        )
    })
}

/// Whether a block for the type begins in the first of these lines.
fn opens(lines: &[&str], kind: &str) -> bool {
    let first = lines[0].trim_start();
    if let Some(rest) = first.strip_prefix("pub trait ") {
        return words(rest).next() == Some(kind);
    }
    if !first.starts_with("impl") || first.contains(" for ") {
        return false;
    }
    let header = lines.iter().take_while(|line| !line.trim_start().starts_with("fn "));
    let header: String = header.copied().collect::<Vec<_>>().join(" ");
    let header = header.split(['{', ';']).next().unwrap_or_default();
    let header = header.split(" where ").next().unwrap_or_default();
    !header.contains(" for ") && words(header).any(|word| word == kind)
}
