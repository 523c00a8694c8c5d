//! What only greenhub shows: nothing here blocks the hub.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use greenhub::monkey::fs::{self, File, OpenOptions};
use greenhub::{Greenlet, JoinError, joinall, sleep, spawn, with_timeout, yield_now};

use crate::support::{Folder, alone, bounded, open_descriptors};

const TICK: Duration = Duration::from_millis(1);

/// Counts how often the hub came round, every millisecond at most.
fn ticker() -> (Greenlet<()>, Rc<Cell<u32>>) {
    let ticks = Rc::new(Cell::new(0));
    let counting = Rc::clone(&ticks);
    let ticker = spawn(move || {
        loop {
            sleep(TICK);
            counting.set(counting.get() + 1);
        }
    });
    (ticker, ticks)
}

/// Does something again and again until the ticker has ticked beside it; if it blocks the hub it
/// never does.
fn until_ticked_beside(mut action: impl FnMut()) {
    let (ticker, ticks) = ticker();
    while ticks.get() < 5 {
        action();
    }
    ticker.kill();
}

const MANY: usize = 20_000;

fn full_folder() -> Folder {
    let folder = Folder::new();
    let first = folder.file("0", b"");
    for number in 1..MANY {
        // A name for one file is made sooner than a file.
        std::fs::hard_link(&first, folder.at(&number.to_string())).unwrap();
    }
    folder
}

#[test]
fn a_ticker_goes_on_beside_a_listing_of_twenty_thousand_entries() {
    bounded(|| {
        let folder = full_folder();
        until_ticked_beside(|| assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MANY));
    });
}

#[test]
fn a_listing_waits_once_for_many_entries() {
    bounded(|| {
        let folder = full_folder();
        let turns = Rc::new(Cell::new(0u64));
        let counting = Rc::clone(&turns);
        let neighbour = spawn(move || {
            loop {
                counting.set(counting.get() + 1);
                yield_now();
            }
        });
        let mut listing = fs::read_dir(folder.path()).unwrap();
        let (mut entries, mut waits) = (0, 0);
        loop {
            let before = turns.get();
            let Some(entry) = listing.next() else { break };
            assert!(entry.unwrap().file_type().unwrap().is_file());
            entries += 1;
            waits += usize::from(turns.get() != before);
        }
        neighbour.kill();
        assert_eq!(entries, MANY);
        assert!((1..MANY / 100).contains(&waits), "{waits}");
    });
}

#[test]
fn a_ticker_goes_on_beside_a_large_copy() {
    bounded(|| {
        let folder = Folder::new();
        let (from, to) = (folder.file("from", &vec![7; 32 << 20]), folder.at("to"));
        until_ticked_beside(|| assert_eq!(fs::copy(&from, &to).unwrap(), 32 << 20));
        assert!(std::fs::read(&to).unwrap() == std::fs::read(&from).unwrap());
    });
}

#[test]
fn a_ticker_goes_on_beside_a_tree_that_is_removed() {
    bounded(|| {
        let folder = Folder::new();
        let tree = folder.at("tree");
        until_ticked_beside(|| {
            for branch in 0..50 {
                std::fs::create_dir_all(tree.join(format!("{branch}/a/b/c"))).unwrap();
            }
            fs::remove_dir_all(&tree).unwrap();
        });
        assert!(!fs::exists(&tree).unwrap());
    });
}

#[test]
fn a_ticker_goes_on_beside_a_lock_that_another_holds() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.file("file", b"");
        let (first, second) = (File::open(&path).unwrap(), File::open(&path).unwrap());
        first.lock().unwrap();
        let waiter = spawn(move || second.lock());
        let (ticker, ticks) = ticker();
        while ticks.get() < 30 {
            sleep(TICK);
        }
        assert!(!waiter.is_finished());
        first.unlock().unwrap();
        waiter.join().unwrap().unwrap();
        ticker.kill();
    });
}

#[test]
fn those_who_wait_for_a_lock_leave_the_threads_to_who_holds_it() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.file("file", b"");
        let mut holder = OpenOptions::new().append(true).open(&path).unwrap();
        holder.lock().unwrap();
        let waiters: Vec<_> = (0..100)
            .map(|_| {
                let path = path.clone();
                spawn(move || {
                    let mut file = OpenOptions::new().append(true).open(path).unwrap();
                    file.lock().unwrap();
                    file.write_all(b"w").unwrap();
                    file.unlock().unwrap();
                })
            })
            .collect();
        for _ in 0..50 {
            sleep(TICK);
            holder.write_all(b"h").unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), [b'h'; 50]);
        holder.unlock().unwrap();
        joinall(&waiters);
        assert_eq!(fs::read(&path).unwrap()[50..], [b'w'; 100]);
    });
}

#[test]
fn who_is_killed_or_late_at_a_lock_does_not_have_it() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.file("file", b"");
        let first = File::open(&path).unwrap();
        let second = Rc::new(File::open(&path).unwrap());
        first.lock().unwrap();
        let theirs = Rc::clone(&second);
        let waiter = spawn(move || theirs.lock());
        sleep(Duration::from_millis(5));
        waiter.kill();
        assert!(matches!(waiter.join(), Err(JoinError::Killed)));
        let late = with_timeout(Duration::from_millis(20), || second.lock_shared());
        assert!(late.is_err());
        first.unlock().unwrap();
        first.try_lock().unwrap();
        first.unlock().unwrap();
        second.lock().unwrap();
    });
}

#[test]
fn readers_that_are_killed_take_no_entry_of_a_listing_along() {
    bounded(|| {
        let folder = Folder::new();
        for number in 0..2000 {
            folder.file(&number.to_string(), b"");
        }
        let listing = Rc::new(RefCell::new(Some(fs::read_dir(folder.path()).unwrap())));
        let names = Rc::new(RefCell::new(Vec::new()));
        for _ in 0..100 {
            let (listing, found) = (Rc::clone(&listing), Rc::clone(&names));
            let reader = spawn(move || {
                for _ in 0..300 {
                    let next = listing.borrow_mut().as_mut().and_then(Iterator::next);
                    let Some(entry) = next else { break };
                    found.borrow_mut().push(entry.unwrap().file_name());
                }
            });
            yield_now();
            reader.kill();
        }
        let rest = listing.take().into_iter().flatten().map(|entry| entry.unwrap().file_name());
        names.borrow_mut().extend(rest);
        let mut names = names.take();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 2000);
    });
}

/// What a greenlet does over and over that is about to be killed.
fn work(round: usize, folder: &[PathBuf; 3]) {
    let [file, directory, locked] = folder;
    loop {
        match round % 5 {
            0 => drop(fs::read(file)),
            1 => drop(File::open(file).and_then(|mut it| it.read_to_end(&mut Vec::new()))),
            2 => drop(fs::read_dir(directory).map(|listing| listing.take(10).count())),
            3 => drop(File::open(locked).and_then(|it| it.lock())),
            _ => drop(fs::copy(file, directory.join(round.to_string()))),
        }
        yield_now();
    }
}

#[test]
fn greenlets_that_are_killed_leave_no_descriptor() {
    alone("green::greenlets_that_are_killed_leave_no_descriptor", || {
        let folder = Folder::new();
        let paths =
            [folder.file("file", &[1; 5000]), folder.folder("directory"), folder.file("lock", b"")];
        for number in 0..400 {
            std::fs::write(paths[1].join(format!("entry {number}")), b"").unwrap();
        }
        let held = File::open(&paths[2]).unwrap();
        held.lock().unwrap();
        let before = open_descriptors();
        for round in 0..200 {
            let paths = paths.clone();
            let worker = spawn(move || work(round, &paths));
            for _ in 0..round % 7 {
                sleep(Duration::from_micros(100));
            }
            worker.kill();
            assert!(matches!(worker.join(), Err(JoinError::Killed)));
        }
        assert_eq!(open_descriptors(), before);
    });
}

/// How many threads serve the calls on files.
fn file_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap().map(|task| {
        // A thread that has ended since has no name any more.
        std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
    });
    names.filter(|name| name.starts_with("greenhub-file")).count()
}

#[test]
fn two_hundred_read_at_once_with_sixteen_threads() {
    alone("green::two_hundred_read_at_once_with_sixteen_threads", || {
        let folder = Folder::new();
        let content = |reader: usize| -> Vec<u8> {
            (0..20_000).map(|at| ((at * 7 + reader) % 251) as u8).collect()
        };
        for reader in 0..200 {
            folder.file(&reader.to_string(), &content(reader));
        }
        let (ticker, ticks) = ticker();
        let readers: Vec<_> = (0..200)
            .map(|reader| {
                let path = folder.at(&reader.to_string());
                spawn(move || {
                    let mut file = File::open(path).unwrap();
                    let (mut all, mut piece) = (Vec::new(), [0; 777]);
                    loop {
                        match file.read(&mut piece).unwrap() {
                            0 => return all,
                            length => all.extend_from_slice(&piece[..length]),
                        }
                    }
                })
            })
            .collect();
        let mut most = 0;
        while readers.iter().any(|reader| !reader.is_finished()) {
            most = most.max(file_threads());
            sleep(TICK);
        }
        assert!((1..=16).contains(&most), "{most}");
        assert!(ticks.get() > 0);
        for (number, reader) in readers.iter().enumerate() {
            assert!(reader.join().unwrap() == content(number), "{number}");
        }
        ticker.kill();
    });
}

struct RemovesOnDrop(PathBuf);

impl Drop for RemovesOnDrop {
    fn drop(&mut self) {
        assert!(fs::exists(&self.0).unwrap());
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_destructor_of_a_killed_greenlet_may_remove_its_files() {
    bounded(|| {
        let folder = Folder::new();
        let path = folder.folder("scratch");
        let guard = RemovesOnDrop(path.clone());
        let greenlet = spawn(move || {
            fs::write(guard.0.join("file"), b"").unwrap();
            sleep(Duration::from_secs(3600));
        });
        sleep(Duration::from_millis(20));
        greenlet.kill();
        assert!(!fs::exists(&path).unwrap());
    });
}
