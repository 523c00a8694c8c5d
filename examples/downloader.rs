//! Downloads many files into a folder, eight at a time, under a progress bar.
//!
//! ```text
//! cargo run --example downloader -- FOLDER [http://ADDRESS …]
//! ```
//!
//! Every file has a greenlet from the beginning; a semaphore lets eight of them work at once.
//! Without an address it downloads 40 files from a little server of its own. The bar is the crate
//! `indicatif`, as it is: it is drawn on standard error, if that is a terminal.
//!
//! ```text
//! ████████████████████░░░░░░░░░░░░░░░░░░░░ 20/40 18-17000-29
//! ```
//!
//! A file is written when it is complete, in another thread, while the greenlets go on. The exit code is
//! 1 if any is missing in the end, and 2 for arguments that it does not understand.

#[path = "support/http.rs"]
mod http;
#[path = "support/pages.rs"]
mod pages;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::fs;
use greenhub::sync::Semaphore;
use greenhub::{spawn, with_timeout};
use http::Address;
use indicatif::{ProgressBar, ProgressStyle};

const LIMIT: Duration = Duration::from_secs(30);

static TURNS: Semaphore = Semaphore::new(8);

fn main() -> ExitCode {
    let (folder, addresses) = match arguments() {
        Ok(arguments) => arguments,
        Err(complaint) => {
            eprintln!("{complaint}; usage: downloader FOLDER [http://ADDRESS …]");
            return ExitCode::from(2);
        }
    };
    match download(&folder, addresses) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_missing) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot download into {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(PathBuf, Vec<Address>), String> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("FOLDER is missing")?;
    let addresses = arguments
        .map(|text| text.parse().map_err(|error| format!("{text} is no address: {error}")))
        .collect::<Result<_, _>>()?;
    Ok((folder.into(), addresses))
}

/// Returns how many are missing in the end.
fn download(folder: &Path, mut addresses: Vec<Address>) -> Result<usize, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    if addresses.is_empty() {
        let server = pages::serve()?;
        for number in 0..40 {
            let path = format!("/{}/{}", number * 1000, number * 37 % 100);
            addresses.push(format!("{server}{path}").parse()?);
        }
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?;
    let bar = ProgressBar::new(addresses.len() as u64).with_style(style);
    let folder: Rc<Path> = folder.into();
    let downloads: Vec<_> = (1..)
        .zip(addresses)
        .map(|(number, address)| {
            let (folder, bar) = (Rc::clone(&folder), bar.clone());
            spawn(move || {
                let file = name(number, &address);
                let saved = save(&address, &folder.join(&file));
                if let Err(error) = &saved {
                    bar.suspend(|| eprintln!("{address}: {error}"));
                }
                bar.inc(1);
                bar.set_message(file);
                saved.ok()
            })
        })
        .collect();

    let (mut files, mut bytes) = (0, 0);
    let count = downloads.len();
    for download in downloads {
        if let Some(length) = download.join()? {
            files += 1;
            bytes += length;
        }
    }
    bar.finish_and_clear();
    println!("{files} of {count} files, {bytes} bytes, are in {}", folder.display());
    Ok(count - files)
}

/// Returns the length of the file.
fn save(address: &Address, file: &Path) -> Result<usize, Box<dyn Error>> {
    let _turn = TURNS.permit()?;
    let page = with_timeout(LIMIT, || http::get(address))??;
    if page.status != 200 {
        return Err(io::Error::other(format!("the status is {}", page.status)).into());
    }
    fs::write(file, &page.body)?;
    Ok(page.body.len())
}

/// `07-notes.txt` for the seventh, `/notes.txt`.
fn name(number: usize, address: &Address) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let path: String = address.path.chars().take(100).map(plain).collect();
    format!("{number:02}{path}")
}
