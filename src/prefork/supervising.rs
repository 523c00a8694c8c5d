//! What the parent does: one greenlet takes the news, one after the other, and sees to what is due.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::process::{Process, Program};
use super::settings::Settings;
use super::slot::Slot;
use super::status::{Event, News, Order, Shared, WorkerState, WorkerStatus};
use crate::clock::Moment;
use crate::greenlet::sleep;
use crate::hub::error_hook;
use crate::queue::GetError;

/// So often an index may fail before the first worker ever serves.
const FIRST_TRIES: u32 = 5;

/// So long that the hub has to look what has come from outside.
const A_TURN: Duration = Duration::from_millis(1);

pub(super) struct Supervising<'a> {
    settings: &'a Settings,
    program: Program,
    shared: Arc<Shared>,
    slots: Vec<Slot>,
    /// Those that were asked to end, and how many of their index had died.
    leaving: Vec<(Process, u64)>,
    generation: u64,
    last_key: u64,
    is_stopping: bool,
    /// None of the program's workers has ever been ready: perhaps none can be.
    is_unproven: bool,
    failure: Option<io::Error>,
}

impl<'a> Supervising<'a> {
    pub(super) fn new(settings: &'a Settings, program: Program, shared: Arc<Shared>) -> Self {
        Supervising {
            settings,
            program,
            shared,
            slots: (0..settings.workers).map(|_| Slot::default()).collect(),
            leaving: Vec::new(),
            generation: 0,
            last_key: 0,
            is_stopping: false,
            is_unproven: true,
            failure: None,
        }
    }

    /// Until all is over, and every worker has been reaped.
    pub(super) fn supervise(&mut self) -> io::Result<()> {
        loop {
            // One moment for all: who is not due by it is waited for.
            let now = Moment::now();
            if self.next_overdue() <= now {
                self.hear_what_was_said();
            }
            self.end_overdue(now);
            self.start_missing(now);
            self.shared.publish(self.status());
            if self.is_stopping && self.leaving.is_empty() {
                return self.failure.take().map_or(Ok(()), Err);
            }
            let left = self.next_deadline(now).since(Moment::now());
            match self.shared.news.get_for(left) {
                Ok(news) => self.take(news),
                Err(GetError::Empty) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Ready(key) => self.note_ready(key),
            News::Ended(key, status) => self.note_end(key, status),
            News::Order(Order::Stop) if !self.is_stopping => self.stop(),
            News::Order(Order::Stop | Order::StopNow) => self.stop_now(),
            // It is over.
            News::Order(_) if self.is_stopping => {}
            News::Order(Order::Reload) => self.generation += 1,
            News::Order(Order::More) => self.slots.push(Slot::default()),
            News::Order(Order::Fewer) if self.slots.len() == 1 => {}
            News::Order(Order::Fewer) => {
                if let Some(slot) = self.slots.pop() {
                    self.dismiss_all(slot);
                }
            }
        }
    }

    /// If this process was busy, or stopped, workers may have got ready or have ended in time and
    /// nobody has heard of it.
    fn hear_what_was_said(&mut self) {
        // The hub asks the kernel, and those who listen to workers have their turns.
        sleep(A_TURN);
        while let Ok(news) = self.shared.news.get_for(Duration::ZERO) {
            self.take(news);
        }
    }

    /// One by one: an index whose worker serves has to wait until all others are whole.
    fn start_missing(&mut self, now: Moment) {
        for index in 0..self.slots.len() {
            // Asked each time: to start one may be to give up.
            if self.may_start(index, now) {
                self.start(index);
            }
        }
    }

    fn may_start(&self, index: usize, now: Moment) -> bool {
        let Some(slot) = self.slots.get(index) else { return false };
        let mut others = self.slots.iter().enumerate().filter(|(other, _)| *other != index);
        slot.wants_one(self.generation)
            && slot.is_due(now)
            && (slot.serving.is_none() || others.all(|(_, other)| other.is_whole(now)))
    }

    fn start(&mut self, index: usize) {
        self.last_key += 1;
        let names = (self.last_key, index, self.generation);
        match Process::start(&self.program, &self.shared, names) {
            Ok(mut process) => {
                process.deadline = Moment::after(self.settings.start_limit);
                let event = Event::Started(process.status(self.slots[index].restarts));
                let slot = &mut self.slots[index];
                slot.not_before = None;
                slot.coming = Some(process);
                self.tell(event);
            }
            Err(error) => {
                let (pause, is_news) = self.slots[index].not_started();
                let text = error.to_string();
                if is_news {
                    self.complain(&format!("worker {index} cannot be started: {text}"));
                }
                self.tell(Event::NotStarted { index, error: text.clone(), pause });
                self.give_up_if_hopeless(index, &text);
            }
        }
    }

    fn note_ready(&mut self, key: u64) {
        let coming = |slot: &Slot| slot.coming.as_ref().is_some_and(|coming| coming.key == key);
        // It was asked to end meanwhile, or is dead.
        let Some(index) = self.slots.iter().position(coming) else { return };
        let slot = &mut self.slots[index];
        let Some(mut process) = slot.coming.take() else { return };
        process.state = WorkerState::Ready;
        process.deadline = Moment::NEVER;
        let event = Event::Ready(process.status(slot.restarts));
        let (before, restarts) = (slot.serving.replace(process), slot.restarts);
        self.is_unproven = false;
        self.tell(event);
        if let Some(before) = before {
            self.dismiss(before, restarts);
        }
    }

    fn note_end(&mut self, key: u64, status: Option<ExitStatus>) {
        if let Some(place) = self.leaving.iter().position(|(process, _)| process.key == key) {
            let (process, restarts) = self.leaving.remove(place);
            return self.tell(Event::Ended { worker: process.status(restarts), status });
        }
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let restarts = slot.restarts;
            let Some((process, is_news)) = slot.bury(key) else { continue };
            let worker = process.status(restarts);
            let how = how(status);
            if is_news {
                self.complain(&format!("worker {index} (process {}) has died: {how}", worker.pid));
            }
            self.tell(Event::Ended { worker, status });
            return self.give_up_if_hopeless(index, &how);
        }
    }

    /// As long as none has ever served, that is for who has started this program to know.
    fn give_up_if_hopeless(&mut self, index: usize, last: &str) {
        let failures = self.slots[index].failures();
        if self.is_unproven && failures >= FIRST_TRIES && !self.is_stopping {
            let text = format!("no worker gets ready; worker {index}, {failures} times: {last}");
            self.failure = Some(io::Error::other(text));
            self.stop_now();
        }
    }

    fn stop(&mut self) {
        self.is_stopping = true;
        for slot in std::mem::take(&mut self.slots) {
            self.dismiss_all(slot);
        }
    }

    fn stop_now(&mut self) {
        self.stop();
        self.leaving.iter_mut().for_each(|(process, _)| process.kill());
    }

    fn dismiss_all(&mut self, slot: Slot) {
        for process in [slot.serving, slot.coming].into_iter().flatten() {
            self.dismiss(process, slot.restarts);
        }
    }

    fn dismiss(&mut self, mut process: Process, restarts: u64) {
        process.ask_to_end(self.settings.grace);
        let event = Event::Ending(process.status(restarts));
        self.leaving.push((process, restarts));
        self.tell(event);
    }

    /// Kills who was not ready in time, or has not ended in time.
    fn end_overdue(&mut self, now: Moment) {
        let mut overdue = Vec::new();
        let slots = self.slots.iter_mut().flat_map(|slot| {
            let restarts = slot.restarts;
            slot.processes().map(move |process| (process, restarts))
        });
        let leaving = self.leaving.iter_mut().map(|(process, restarts)| (process, *restarts));
        for (process, restarts) in slots.chain(leaving) {
            if process.deadline <= now {
                process.kill();
                overdue.push(process.status(restarts));
            }
        }
        for worker in overdue {
            let (index, pid) = (worker.index, worker.pid);
            let what = if worker.state == WorkerState::Ending { "end" } else { "get ready" };
            self.complain(&format!(
                "worker {index} (process {pid}) did not {what} in time, and is killed"
            ));
            self.tell(Event::Overdue(worker));
        }
    }

    fn next_deadline(&mut self, now: Moment) -> Moment {
        let generation = self.generation;
        let starts = self.slots.iter().filter(|slot| slot.wants_one(generation));
        // One that was due and was not made waits for another index: for news, or for its start.
        let starts = starts.filter_map(|slot| slot.not_before).filter(|moment| *moment > now).min();
        starts.into_iter().chain([self.next_overdue()]).min().unwrap_or(Moment::NEVER)
    }

    /// When the next worker is to be killed.
    fn next_overdue(&mut self) -> Moment {
        let slots = self.slots.iter_mut().flat_map(Slot::processes).map(|process| process.deadline);
        let leaving = self.leaving.iter().map(|(process, _)| process.deadline);
        slots.chain(leaving).min().unwrap_or(Moment::NEVER)
    }

    fn status(&self) -> Vec<WorkerStatus> {
        let in_slot = |slot: &Slot| {
            let restarts = slot.restarts;
            let both = slot.serving.iter().chain(&slot.coming);
            both.map(|process| process.status(restarts)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = self.slots.iter().flat_map(in_slot).collect();
        all.extend(self.leaving.iter().map(|(process, restarts)| process.status(*restarts)));
        all.sort_by_key(|worker| worker.index);
        all
    }

    fn tell(&self, event: Event) {
        if let Some(hook) = &self.settings.on_event {
            self.shared.publish(self.status());
            hook(&event);
        }
    }

    /// Who has a hook says it himself.
    fn complain(&self, text: &str) {
        if self.settings.on_event.is_none() {
            error_hook::complain("prefork", text.to_owned());
        }
    }
}

fn how(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "nobody knows how".to_owned(), |status| status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_one_has_died() {
        use std::os::unix::process::ExitStatusExt as _;
        assert_eq!(how(Some(ExitStatus::from_raw(256))), "exit status: 1");
        assert_eq!(how(None), "nobody knows how");
    }

    #[test]
    fn the_first_tries_are_over_within_a_second() {
        let mut slot = Slot::default();
        let pauses = (1..FIRST_TRIES).map(|_| slot.not_started().0);
        assert!(pauses.sum::<Duration>() < Duration::from_secs(1));
    }

    #[test]
    fn a_start_that_comes_due_meanwhile_is_not_forgotten() {
        let settings = Settings { workers: 2, ..Settings::default() };
        let program = Program::own(Vec::new(), Duration::ZERO).unwrap();
        let mut supervising = Supervising::new(&settings, program, Arc::default());
        let now = Moment::now();
        let (pause, _) = supervising.slots[0].not_started();
        std::thread::sleep(pause * 2);
        assert!(supervising.next_deadline(now) < Moment::now());
    }
}
