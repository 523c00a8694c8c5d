//! A picture of what ran when.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use greenhub::debug::Recorder;
use greenhub::{Builder, raw, sleep, spawn, yield_now};

use crate::support::{alone, bounded, child, millis, python};

/// What was written, for who looks at it later.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_greenlet_has_a_row_with_its_name_and_a_bar_for_each_slice() {
    bounded(|| {
        let written = Written::default();
        let recorder = Recorder::new(written.clone());
        let recording = recorder.record().unwrap();
        let name = "a \"b\" \\ \u{1}\nü";
        let greenlet = Builder::new().name(name).spawn(|| {
            yield_now();
            sleep(millis(5));
        });
        greenlet.unwrap().wait();
        raw::Greenlet::new(|()| ()).switch::<()>(()).unwrap();
        recording.stop().unwrap();
        drop(recorder);
        let text = written.text();
        assert!(text.starts_with("[\n") && text.ends_with("\n]\n"), "{text}");
        let program = r#"
bars = [it for it in data if it['ph'] == 'X']
rows = {it['tid']: it['args']['name'] for it in data if it['name'] == 'thread_name'}
assert len(bars) + len(rows) + 1 == len(data)
assert data[0]['name'] == 'process_name' and data[0]['args']['name'].startswith('hub ')
assert rows[1] == 'main'
name = 'greenlet 1 \'a "b" \\ \x01\nü\''
assert rows[2].startswith(name + ' (tests/debug/recording.rs:'), rows
of = lambda row: [it['args']['then'] for it in bars if it['tid'] == row]
assert of(2) == ['yielded', 'waited in a sleep', 'ended'], of(2)
assert of(1) == ['waited for the end of ' + name, 'switched'], of(1)
assert of(3) == ['ended']
pauses = [it['ts'] for it in bars if it['tid'] == 2]
assert pauses[2] - pauses[1] >= 5000
ends = [it['ts'] + it['dur'] for it in bars]
assert all(end <= bar['ts'] + 0.001 for end, bar in zip(ends, bars[1:])), 'one after the other'
print('good')"#;
        assert!(python(&text, program).is_none_or(|told| told == "good"));
    });
}

#[test]
fn threads_record_to_one_picture_and_numbers_used_again_are_other_rows() {
    bounded(|| {
        let written = Written::default();
        let recorder = Recorder::new(written.clone());
        let record = |recorder: &Recorder| {
            let _recording = recorder.record().unwrap();
            (0..300).for_each(|_| spawn(|| ()).wait());
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let recorder = recorder.clone();
                std::thread::spawn(move || record(&recorder))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(recorder);
        let program = "
rows = {(it['pid'], it['tid']) for it in data if it['name'] == 'thread_name'}
bars = [it for it in data if it['ph'] == 'X']
print(len(rows), len(bars))";
        let told = python(&written.text(), program);
        // A hub may come after another that has had its number.
        assert!(told.is_none_or(|told| told == "602 1200" || told == "301 1200"));
    });
}

#[test]
fn nothing_recorded_is_an_empty_list() {
    let written = Written::default();
    drop(Recorder::new(written.clone()));
    assert_eq!(written.text(), "[]\n");
}

struct Fails;

impl Write for Fails {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_first_error_ends_the_writing_and_is_told() {
    bounded(|| {
        let recorder = Recorder::new(Fails);
        let recording = recorder.record().unwrap();
        (0..1_000).for_each(|_| yield_now());
        assert_eq!(recording.stop().unwrap_err().to_string(), "the disk is full");
    });
}

struct Panics;

impl Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("in the writer");
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It waits as greenlets do, which nobody can in the loop.
struct Waits;

impl Write for Waits {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        sleep(millis(1));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_panics_or_waits_in_the_loop_is_an_error_and_harms_nobody() {
    bounded(|| {
        let writers: [Box<dyn Write + Send>; 2] = [Box::new(Panics), Box::new(Waits)];
        for writer in writers {
            let recorder = Recorder::new(writer);
            let recording = recorder.record().unwrap();
            let greenlet = spawn(|| (0..1_000).for_each(|_| sleep(millis(0))));
            greenlet.wait();
            (0..1_000).for_each(|_| yield_now());
            assert!(recording.stop().is_err());
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
        }
    });
}

#[test]
fn a_writer_that_waits_where_one_stops_holds_up_no_other_recording() {
    /// Waits where that is allowed, and counts its bytes.
    struct Slow(Arc<Mutex<usize>>);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            sleep(millis(20));
            *self.0.lock().unwrap() += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    bounded(|| {
        let count = Arc::new(Mutex::new(0));
        let recorder = Recorder::new(Slow(Arc::clone(&count)));
        let (first, second) = (recorder.record().unwrap(), recorder.record().unwrap());
        let stops = spawn(move || first.stop().unwrap());
        // Its events, of some 130 bytes, are more than are kept once and less than twice, while the writer
        // waits in the other greenlet.
        (0..200).for_each(|_| yield_now());
        assert_eq!(*count.lock().unwrap(), 0, "it waits");
        stops.wait();
        assert!(*count.lock().unwrap() > 16 * 1024, "the other's events were written as well");
        second.stop().unwrap();
    });
}

#[test]
fn a_greenlet_that_is_recorded_may_end_the_recording() {
    bounded(|| {
        let written = Written::default();
        let recorder = Recorder::new(written.clone());
        let recording = recorder.record().unwrap();
        spawn(move || recording.stop().unwrap()).wait();
        spawn(|| ()).wait();
        drop(recorder);
        assert!(written.text().ends_with("]\n"));
        assert!(!written.text().contains("greenlet 2"));
    });
}

#[test]
fn what_a_program_wrote_that_ended_at_once_can_be_read() {
    let name = "recording::what_a_program_wrote_that_ended_at_once_can_be_read";
    let told = child(name, || {
        let recorder = Recorder::new(io::stdout());
        let _recording = recorder.record().unwrap();
        println!("begin");
        spawn(|| (0..500).for_each(|_| yield_now())).wait();
        std::process::exit(3);
    });
    let Some((output, text)) = told else { return };
    assert_eq!(output.status.code(), Some(3), "{text}");
    let list = text.split_once("begin\n").unwrap().1.trim_end();
    assert!(!list.ends_with(']'), "it was not closed: {list}");
    assert!(python(&format!("{list}]"), "print(len(data) > 100)").is_none_or(|it| it == "True"));
}

#[test]
fn memory_is_bounded_however_long_it_goes_on() {
    alone("recording::memory_is_bounded_however_long_it_goes_on", || {
        struct Largest(Arc<Mutex<usize>>);
        impl Write for Largest {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let mut largest = self.0.lock().unwrap();
                *largest = bytes.len().max(*largest);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let largest = Arc::new(Mutex::new(0));
        let recorder = Recorder::new(Largest(Arc::clone(&largest)));
        let _recording = recorder.record().unwrap();
        spawn(|| (0..20_000).for_each(|_| yield_now())).wait();
        let largest = *largest.lock().unwrap();
        assert!((16_000..18_000).contains(&largest), "{largest}");
    });
}
