//! What `echo_server` is told by its arguments.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
    echo_server [ADDR] [--upper] [--hubs N] [--processes P] [--max N] [--tls CERT KEY]";

/// Each has a thread, and no machine has more for them.
const MOST_HUBS: usize = 1000;
const MOST_PROCESSES: usize = 1000;

pub(crate) struct Options {
    pub(crate) address: String,
    pub(crate) upper: bool,
    pub(crate) hubs: usize,
    pub(crate) processes: usize,
    pub(crate) max: Option<usize>,
    /// The files of the chain of certificates, and of the key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
}

impl Options {
    pub(crate) fn given() -> Result<Options, String> {
        let mut address = None;
        let mut options = Options {
            address: String::new(),
            upper: false,
            hubs: 1,
            processes: 1,
            max: None,
            tls: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--upper" => options.upper = true,
                "--hubs" => options.hubs = number(&argument, arguments.next(), MOST_HUBS)?,
                "--processes" => {
                    options.processes = number(&argument, arguments.next(), MOST_PROCESSES)?;
                }
                "--max" => options.max = Some(number(&argument, arguments.next(), usize::MAX)?),
                "--tls" => {
                    let files = arguments.next().zip(arguments.next());
                    let (chain, key) = files.ok_or("--tls needs two files, CERT and KEY")?;
                    options.tls = Some((chain.into(), key.into()));
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ if address.is_none() => address = Some(argument),
                _ => return Err(format!("one address too many, {argument}")),
            }
        }
        options.address = address.unwrap_or_else(|| "127.0.0.1:7000".to_owned());
        Ok(options)
    }
}

fn number(option: &str, given: Option<String>, most: usize) -> Result<usize, String> {
    let given = given.ok_or(format!("{option} has no number"))?;
    match given.parse() {
        Ok(0) | Err(_) => Err(format!("{option} {given} is no number above zero")),
        Ok(number) if number > most => Err(format!("{option} {given} is more than {most}")),
        Ok(number) => Ok(number),
    }
}
