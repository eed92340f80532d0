//! The journal thread's loop: take what is asked, answer it, and use quiet moments for upkeep.
//!
//! Invariants: `Appended` is told only after the commit; answers come in the order of the questions; whatever fails, every append is
//! answered; while nothing can be stored the thread tries again every 2 s and still reads what it can.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::ballast::Ballast;
use super::directory::Directory;
use super::error::JournalError;
use super::examine::Examination;
use super::inbox::{Inbox, Waited};
use super::reading::{Flow, Stream};
use super::set::Set;
use super::{Command, Event, Options};
use crate::clock::Clock;
use crate::domain::id::{JournalId, Sequence};
use crate::domain::time::Mono;
use crate::health::Condition;
use crate::machine::Ticket;
use crate::machine::uplink::JournalView;
use crate::wire::entry::{Draft, Stored};

/// Pause between two attempts to make the journal available, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// Most appends that share one transaction.
const GROUP_MAX: usize = 64;
/// Quiet time after which the disk is looked at and logs are written back, in milliseconds.
const TICK_MS: u64 = 2_000;
/// Pause between two looks at what is wrong, in milliseconds.
const CONDITIONS_MS: u64 = 500;
/// How long a mark may stay unwritten, in milliseconds: each writing costs a sync, and losing one only sends the entries of this time again.
const MARK_FLUSH_MS: u64 = 600_000;
/// Pause before a slow reader is offered the next entries, or the next slice of a background check begins, in milliseconds.
const PAUSE_MS: u64 = 20;
/// The same pause while that reader takes what it is offered.
const PAUSE_TAKING_MS: u64 = 1;
/// Most streams and most unanswered loads at a time.
const STREAMS_MAX: usize = 8;
const LOADS_MAX: usize = 16;
/// Most examinations that wait for their turn; one is under way at a time.
const EXAMINATIONS_MAX: usize = 4;

/// The thread's whole state.
#[derive(Debug)]
pub(super) struct Thread {
    options: Options,
    clock: Clock,
    inbox: Arc<Mutex<Inbox>>,
    events: mpsc::Sender<Event>,
    set: Option<Set>,
    /// Why nothing can be stored; `None` while it can.
    obstacle: Option<String>,
    retry_at: Mono,
    marks_written: Mono,
    streams: VecDeque<Stream>,
    loads: VecDeque<(JournalId, Sequence, usize)>,
    examinations: VecDeque<Examination>,
    /// Journals and conditions as last told.
    told: Vec<JournalView>,
    conditions: Option<Vec<Condition>>,
    conditions_at: Mono,
    /// Whether it became available or unavailable since conditions were last told.
    standing_changed: bool,
    /// Whether nobody listens any more.
    deaf: bool,
    pace: Pace,
}

/// How soon work that is under way should go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pace {
    /// When there is nothing else to do.
    Quiet,
    /// Soon: a stream's reader took something just now.
    Soon,
    /// At once.
    AtOnce,
}

impl Thread {
    /// A thread that has not begun.
    pub(super) fn new(options: Options, clock: Clock, inbox: Inbox, events: mpsc::Sender<Event>) -> Self {
        let now = clock.mono();
        Self {
            options,
            clock,
            inbox: Arc::new(Mutex::new(inbox)),
            events,
            set: None,
            obstacle: Some(String::new()),
            retry_at: now,
            marks_written: now,
            streams: VecDeque::new(),
            loads: VecDeque::new(),
            examinations: VecDeque::new(),
            told: Vec::new(),
            conditions: None,
            conditions_at: now,
            standing_changed: true,
            deaf: false,
            pace: Pace::Quiet,
        }
    }

    /// Until it is told to stop, or nobody listens.
    pub(super) fn run(mut self) {
        self.become_available();
        while !self.deaf {
            let waited = self.inbox().wait(self.patience());
            match waited {
                Waited::Command(command) => {
                    if self.obey(command).is_break() {
                        break;
                    }
                }
                Waited::Nothing if self.pace != Pace::AtOnce => self.use_quiet_moment(),
                Waited::Nothing => {}
                Waited::Closed => break,
            }
            self.go_on();
        }
        if let Some(set) = &mut self.set
            && let Err(error) = set.write_marks()
        {
            tracing::warn!(error = error.advice(), "marks were not written at the end; entries will be sent again");
        }
    }

    fn obey(&mut self, command: Command) -> ControlFlow<()> {
        match command {
            Command::Append { ticket, draft } => self.append(ticket, draft),
            Command::Load { journal, from, limit } => self.queue_load(journal, from, limit),
            Command::Stream { after, into } => self.begin_stream(after, into),
            Command::Acknowledge { journal, mark, receipt } => {
                self.with_set("keep a mark", |set, _| set.acknowledge(journal, mark, *receipt));
            }
            Command::HealFork { journal, from } => self.with_set("heal a fork", |set, clock| set.heal_fork(journal, from, clock)),
            Command::Keep { key, value, done } => {
                let kept = match &mut self.set {
                    None => Err(self.obstacle.clone().unwrap_or_default()),
                    Some(set) => set.state.keep(key, &value).map_err(|error| error.advice()),
                };
                // Whoever asked may have gone: then nobody needs the answer.
                drop(done.send(kept));
            }
            Command::Prune { now } => {
                if let Some(set) = &mut self.set {
                    set.begin_pruning(now);
                }
            }
            Command::Examine { answer } if self.examinations.len() < EXAMINATIONS_MAX => {
                self.examinations.push_back(Examination::new(self.set.as_ref(), self.clock.mono(), answer));
            }
            Command::Examine { .. } => tracing::warn!("an examination was turned away: too many wait"),
            Command::Probe(number) => self.tell(Event::Alive(number)),
            Command::Stop => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// Stores what is asked together with the appends that already wait behind it, in one transaction.
    fn append(&mut self, ticket: Ticket, draft: Draft) {
        let (mut tickets, mut drafts) = (vec![ticket], vec![draft]);
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        while drafts.len() < GROUP_MAX {
            match inbox.next() {
                Some(Command::Append { ticket, draft }) => {
                    tickets.push(ticket);
                    drafts.push(draft);
                }
                Some(other) => {
                    inbox.put_back(other);
                    break;
                }
                None => break,
            }
        }
        drop(inbox);
        if let Some(why) = &self.obstacle {
            let why = why.clone();
            return self.refuse(tickets, &why);
        }
        let stored = self.set.as_mut().ok_or(JournalError::NoJournal).and_then(|set| set.append(&drafts, &self.clock));
        match stored {
            Ok(results) => {
                for (ticket, result) in tickets.into_iter().zip(results) {
                    self.tell_result(ticket, result);
                }
                self.with_set("write the log back", |set, _| set.write_back(false));
            }
            Err(error) => {
                self.refuse(tickets, &error.advice());
                self.notice_failure(&error);
            }
        }
    }

    fn refuse(&mut self, tickets: Vec<Ticket>, why: &str) {
        for ticket in tickets {
            self.tell(Event::NotAppended { ticket, why: why.to_owned() });
        }
    }

    fn tell_result(&mut self, ticket: Ticket, result: Result<Stored, JournalError>) {
        self.tell(match result {
            Ok(stored) => Event::Appended { ticket, stored },
            Err(error) => Event::NotAppended { ticket, why: error.advice() },
        });
    }

    /// Something that asks for no answer of its own.
    fn with_set(&mut self, what: &'static str, act: impl FnOnce(&mut Set, &Clock) -> Result<(), JournalError>) {
        let Some(set) = &mut self.set else { return };
        if let Err(error) = act(set, &self.clock) {
            tracing::warn!(error = error.advice(), "could not {what}");
            self.notice_failure(&error);
        }
    }

    fn queue_load(&mut self, journal: JournalId, from: Sequence, limit: usize) {
        if self.loads.len() < LOADS_MAX {
            self.loads.push_back((journal, from, limit));
        } else {
            self.tell(Event::Loaded { journal, entries: Vec::new(), lost: Vec::new() });
        }
    }

    fn begin_stream(&mut self, after: Option<Sequence>, into: mpsc::Sender<Stored>) {
        match &self.set {
            Some(set) if self.streams.len() < STREAMS_MAX => self.streams.push_back(Stream::new(set, after, into)),
            Some(_) | None => tracing::warn!("a reader of the journal was turned away"),
        }
    }

    /// What follows every command and every quiet moment.
    fn go_on(&mut self) {
        self.pace = Pace::Quiet;
        self.answer_loads();
        self.step_streams();
        self.step_examination();
        self.work();
        if self.obstacle.is_some() && self.clock.mono() >= self.retry_at {
            self.become_available();
        }
        if self.obstacle.is_none() && self.set.as_ref().is_none_or(|set| !set.is_writable()) {
            self.become_available();
        }
        self.tell_changes();
    }

    fn answer_loads(&mut self) {
        while let Some((journal, from, limit)) = self.loads.front().copied() {
            let page = self.set.as_mut().map_or(Ok(Some((Vec::new(), Vec::new()))), |set| set.load(journal, from, limit));
            let (entries, lost) = match page {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(error = error.advice(), "entries could not be read");
                    (Vec::new(), Vec::new())
                }
            };
            self.loads.pop_front();
            self.tell(Event::Loaded { journal, entries, lost });
        }
    }

    fn step_streams(&mut self) {
        let Some(set) = &mut self.set else { return self.streams.clear() };
        let mut pace = self.pace;
        self.streams.retain_mut(|stream| match stream.step(set) {
            Ok(flow) => {
                pace = pace.max(match flow {
                    Flow::Ready => Pace::AtOnce,
                    Flow::Taking => Pace::Soon,
                    Flow::Waiting | Flow::Ended => Pace::Quiet,
                });
                flow != Flow::Ended
            }
            Err(error) => {
                tracing::warn!(error = error.advice(), "a reader of the journal is given no more");
                false
            }
        });
        self.pace = pace;
    }

    /// One slice of the examination that is under way.
    fn step_examination(&mut self) {
        let Some(mut examination) = self.examinations.pop_front() else { return };
        let more = match &mut self.set {
            Some(set) => examination.step(set, self.clock.mono()),
            None => false,
        };
        if more {
            self.pace = self.pace.max(Pace::Soon);
            self.examinations.push_front(examination);
        } else {
            examination.finish(self.obstacle.clone(), self.set.as_ref());
        }
    }

    /// One slice of everything that is under way.
    fn work(&mut self) {
        let Some(set) = &mut self.set else { return };
        if set.salvage_slice() {
            self.pace = Pace::AtOnce;
        }
        if self.obstacle.is_some() {
            return;
        }
        match set.heal_slice(&self.clock).and_then(|healing| Ok(healing | set.prune_slice()?)) {
            Ok(true) => self.pace = Pace::AtOnce,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(error = error.advice(), "could not go on healing or pruning");
                set.pruning.1.clear();
                self.notice_failure(&error);
            }
        }
    }

    /// Nobody asks for anything.
    fn use_quiet_moment(&mut self) {
        if self.obstacle.is_some() {
            return;
        }
        let now = self.clock.mono();
        let inbox = Arc::clone(&self.inbox);
        let marks_due = now.millis_since(self.marks_written) >= MARK_FLUSH_MS;
        let Some(set) = &mut self.set else { return };
        set.ballast.keep();
        let done = if !set.directory.is_there() {
            Err(JournalError::Gone { path: set.directory.path().to_owned() })
        } else if !set.unwalked.is_empty() {
            set.walk_slice().map(drop)
        } else if !set.unchecked.is_empty() {
            set.finish_check(move || inbox.lock().unwrap_or_else(PoisonError::into_inner).is_waiting())
        } else if marks_due || set.is_further_than_known() {
            self.marks_written = now;
            set.write_marks()
        } else {
            set.write_back(true)
        };
        if let Err(error) = done {
            tracing::warn!(error = error.advice(), "upkeep of the journal failed");
            self.notice_failure(&error);
        }
    }

    /// After an error: can entries still be stored, and where they belong?
    fn notice_failure(&mut self, error: &JournalError) {
        let in_place = |set: &Set| set.is_writable() && set.directory.is_there();
        let writable = |set: &mut Set| set.open_file().is_ok_and(|file| file.is_there().and_then(|()| file.prove_writable()).is_ok());
        let usable = self.set.as_mut().is_some_and(|set| in_place(set) && writable(set));
        if !usable {
            self.become_unavailable(error);
        }
    }

    fn become_unavailable(&mut self, error: &JournalError) {
        let why = error.advice();
        self.retry_at = self.clock.mono().plus_millis(RETRY_MS);
        if self.obstacle.as_ref() != Some(&why) {
            tracing::error!(why, "nothing can be stored");
            self.standing_changed = true;
            self.obstacle = Some(why.clone());
            self.tell(Event::Unavailable { why });
        }
    }

    /// Opens what is not open, and tells when entries can be stored.
    fn become_available(&mut self) {
        match self.try_available() {
            Err(error) => self.become_unavailable(&error),
            Ok(kept) => {
                self.obstacle = None;
                self.standing_changed = true;
                let Some(set) = &mut self.set else { return };
                set.changed = false;
                self.told = set.views();
                let (journals, recent) = (self.told.clone(), set.recent(self.clock.read()));
                self.tell(Event::Kept(kept));
                self.tell(Event::Available { journals, recent });
            }
        }
    }

    fn try_available(&mut self) -> Result<Vec<(String, String)>, JournalError> {
        if let Some(set) = &mut self.set {
            match set.make_ready(&self.clock) {
                Ok(()) => return set.state.kept(),
                Err(error) if error.is_full() => {
                    // Whatever becomes of it: what is stored can still be read and sent, so the files stay open.
                    let relieved = set.ballast.release();
                    let ready = if relieved { set.make_ready(&self.clock) } else { Err(error) };
                    return ready.and_then(|()| set.state.kept());
                }
                Err(error) if set.must_be_held() => return Err(error),
                Err(_) => {}
            }
        }
        self.set = None;
        // A file system that was unmounted shows the empty directory below it: what is stored there is out of sight once it is mounted again.
        if !self.told.is_empty() && Directory::is_blank(&self.options.directory) {
            return Err(JournalError::Replaced { path: self.options.directory.clone() });
        }
        let opened = Set::open(&self.options, &self.clock).or_else(|error| {
            let relieved = Ballast::new(&self.options.directory, self.options.ballast_bytes).release_if_low();
            if relieved { Set::open(&self.options, &self.clock) } else { Err(error) }
        });
        let set = self.set.insert(opened?);
        match set.make_ready(&self.clock) {
            Err(error) if error.is_full() && set.ballast.release() => set.make_ready(&self.clock)?,
            other => other?,
        }
        set.state.kept()
    }

    fn tell_changes(&mut self) {
        let changed = self.set.as_mut().is_some_and(|set| std::mem::take(&mut set.changed));
        if let Some(set) = self.set.as_ref().filter(|_| changed) {
            let journals = set.views();
            if journals != self.told {
                self.told.clone_from(&journals);
                self.tell(Event::Journals(journals));
            }
        }
        let now = self.clock.mono();
        if !changed && !self.standing_changed && now < self.conditions_at {
            return;
        }
        self.standing_changed = false;
        self.conditions_at = now.plus_millis(CONDITIONS_MS);
        let conditions = self.set.as_ref().map(Set::conditions).unwrap_or_default();
        if self.conditions.as_ref() != Some(&conditions) {
            self.conditions = Some(conditions.clone());
            self.tell(Event::Conditions(conditions));
        }
    }

    fn patience(&self) -> Duration {
        let pending = |set: &Set| !set.unwalked.is_empty() || !set.unchecked.is_empty();
        if self.pace == Pace::AtOnce {
            Duration::ZERO
        } else if self.pace == Pace::Soon {
            Duration::from_millis(PAUSE_TAKING_MS)
        } else if !self.streams.is_empty() || self.set.as_ref().is_some_and(pending) && self.obstacle.is_none() {
            Duration::from_millis(PAUSE_MS)
        } else if self.obstacle.is_some() {
            self.clock.until(self.retry_at).max(Duration::from_millis(PAUSE_MS))
        } else {
            Duration::from_millis(TICK_MS)
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&mut self, event: Event) {
        self.deaf |= self.events.blocking_send(event).is_err();
    }
}
