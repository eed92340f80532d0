//! The kiosk's middle: read → both clocks → `Append`; `Appended` → whose, which checkpoint → feedback.
//!
//! Invariants: feedback with a sequence is caused only by [`Event::Appended`] (law 1); every reading leads to exactly one append and exactly
//! one feedback, whatever the roster, the calendar, the clock or the network are like (laws 2 and 5). Where no append is possible, the one
//! feedback says so at once, and the credential is open again for the next frame. While a reading waits for the disk for longer than a person
//! should, the page stands at fault; its feedback still comes with the commit. The kiosk's own facts are kept until they are durable, in order.

mod answer;
mod page;
mod records;
mod site;
mod today;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use self::page::Page;
use self::records::Records;
use self::site::Site;
use self::today::{Tap, Today};
use super::feedback::{Feedback, Reason, State};
use super::{Now, Ticket};
use crate::domain::credential::Credential;
use crate::domain::estimate::{Quality, TrustedMoment};
use crate::domain::id::ReaderName;
use crate::domain::time::{ClockReading, Mono, UtcOffset};
use crate::health::{Code, Condition};
use crate::reader::{Reading, Signal};
use crate::wire::bundle::{Bundle, Elsewhere};
use crate::wire::entry::{AttemptReason, Body, Draft, Entry, Stored};

/// Most appends under way: readings that come faster than the disk writes, for as long as a person would wait.
const PENDING_MAX: usize = 1_024;
/// Most readers whose tries are counted.
const READERS_MAX: usize = 64;
/// After how long the next try at a finger reader is somebody else's first, in milliseconds.
const TRIES_FORGOTTEN_MS: u64 = 10_000;

/// How long a reading may wait for the disk before the page says so, in milliseconds: whoever tapped must know within a second.
const STALL_MS: u64 = 700;
/// What a technician is told of it.
const STALLED: &str = "the disk does not answer; what was read waits, and is stored once it does";

/// What the core is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The configured civil time; a bundle's wins.
    pub utc_offset: UtcOffset,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A presentation that the gate admitted.
    Read {
        /// Which reader.
        reader: ReaderName,
        /// What it read.
        reading: Reading,
        /// When its last byte came.
        at: Mono,
    },
    /// The kiosk's own fact is to be recorded: a boot, a trusted moment, a clock step, settings, maintenance.
    Record(Body),
    /// The journal stored it.
    Appended {
        /// Which append.
        ticket: Ticket,
        /// As stored.
        stored: Stored,
    },
    /// The journal could not store it.
    NotAppended {
        /// Which append.
        ticket: Ticket,
        /// Why, in a technician's words.
        why: String,
    },
    /// The journal can take entries; these of the last two days are in it, oldest first.
    JournalAvailable {
        /// What is needed for today's boxes, and the trusted moments of this boot.
        recent: Vec<Entry>,
    },
    /// The journal cannot take entries.
    JournalUnavailable {
        /// Why, in a technician's words.
        why: String,
    },
    /// A new bundle is in force.
    Bundle(Arc<Bundle>),
    /// Today's punches made at other terminals.
    Elsewhere(Arc<Elsewhere>),
    /// What every datum carries along.
    Office {
        /// Whether the office is out of reach.
        offline: bool,
        /// Committed and not acknowledged.
        backlog: u64,
    },
    /// A reader's port is gone or back.
    Reader {
        /// Which.
        reader: ReaderName,
        /// Whether it can read.
        connected: bool,
    },
    /// A technician is at work, or has finished.
    Maintenance(bool),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Store it; the answer carries the ticket.
    Append {
        /// Which append.
        ticket: Ticket,
        /// What.
        draft: Draft,
    },
    /// Show it, sound it.
    Feedback(Feedback),
    /// Show it on the reader itself.
    Signal {
        /// Which reader.
        reader: ReaderName,
        /// What.
        signal: Signal,
    },
    /// It was not stored: the next frame of the same credential is a new presentation.
    Reopen {
        /// Which reader.
        reader: ReaderName,
        /// Which credential.
        credential: Credential,
    },
}

/// An append under way.
#[derive(Debug)]
enum Pending {
    Punch { reader: ReaderName, credential: Credential, clock: ClockReading },
    Attempt { reader: ReaderName, reason: AttemptReason, clock: ClockReading, tries: u32 },
    Record,
}

/// Whether entries can be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Journal {
    Opening,
    Available,
    Unavailable(String),
}

/// The machine.
#[derive(Debug)]
pub struct Core {
    site: Site,
    today: Today,
    page: Page,
    journal: Journal,
    records: Records,
    pending: BTreeMap<Ticket, Pending>,
    /// Whether a reading has waited for the disk for too long.
    stalled: bool,
    next_ticket: u64,
    tries: BTreeMap<ReaderName, (u32, Mono)>,
    actions: VecDeque<Action>,
}

impl Core {
    /// Begins with no journal, no roster and no office.
    pub const fn new(settings: Settings) -> Self {
        Self {
            site: Site::new(settings.utc_offset),
            today: Today::new(),
            page: Page::new(),
            journal: Journal::Opening,
            records: Records::new(),
            pending: BTreeMap::new(),
            stalled: false,
            next_ticket: 1,
            tries: BTreeMap::new(),
            actions: VecDeque::new(),
        }
    }

    /// Takes in what happened. Each event adds at most five actions, drained by [`Core::poll_action`] before the next one.
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Read { reader, reading, at } => self.read(now, reader, reading, at),
            Event::Record(body) => self.records.keep(Draft { clock: now, body, origin: None }),
            Event::Appended { ticket, stored } => self.appended(now, ticket, &stored),
            Event::NotAppended { ticket, why: _ } => self.not_appended(now, ticket),
            Event::JournalAvailable { recent } => {
                self.journal = Journal::Available;
                self.today.learn(&recent, &self.site);
                self.page.announce(now.mono);
            }
            Event::JournalUnavailable { why } => {
                self.journal = Journal::Unavailable(why);
                self.page.announce(now.mono);
            }
            Event::Bundle(bundle) => {
                self.site.bundle(bundle);
                self.today.attribute(&self.site);
                self.page.announce(now.mono);
            }
            Event::Elsewhere(elsewhere) => self.site.elsewhere(elsewhere),
            Event::Office { offline, backlog } => self.page.office(now.mono, offline, backlog),
            Event::Reader { reader, connected } => self.page.reader(now.mono, reader, connected),
            Event::Maintenance(on) => self.page.maintenance(now.mono, on),
        }
        self.settle(now);
    }

    /// The moment that `poll_timeout` named has come.
    pub fn handle_timeout(&mut self, now: Now) {
        self.settle(now);
    }

    /// The next thing to do, until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When `handle_timeout` is wanted.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let record = self.records.retry_at().filter(|_| self.journal == Journal::Available);
        let stall = self.stalls_at().filter(|_| !self.stalled);
        [record, stall, self.page.announce_at()].into_iter().flatten().min()
    }

    /// Whether the journal has not yet answered for something that was read or recorded.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The clocks at the oldest reading that the journal has not yet answered for. Whoever states that everything up to a moment is in the
    /// journal must name no later one.
    pub fn oldest_waiting(&self) -> Option<ClockReading> {
        let clocks = self.pending.values().filter_map(|pending| match pending {
            Pending::Punch { clock, .. } | Pending::Attempt { clock, .. } => Some(*clock),
            Pending::Record => None,
        });
        clocks.min_by_key(|clock| clock.mono)
    }

    /// How things stand while nobody is there, for a page that connects.
    pub fn standing(&self, now: Now) -> Feedback {
        Feedback { replay: true, ..self.stands(now) }
    }

    /// What a technician should know of the journal and of what the office gave.
    pub fn conditions(&self, now: Now) -> Vec<Condition> {
        let journal = match &self.journal {
            Journal::Unavailable(why) => Some((Code::JournalUnavailable, why.clone())),
            Journal::Available if self.stalled => Some((Code::JournalUnavailable, STALLED.to_owned())),
            Journal::Opening | Journal::Available => None,
        };
        let (date, _) = self.site.civil(self.today.best(&now).at);
        let all = journal.into_iter().chain(self.site.conditions(date));
        all.map(|(code, detail)| Condition { code, subject: String::new(), detail }).collect()
    }

    /// The trusted moments of this boot that are durable.
    pub fn moments(&self) -> &[TrustedMoment] {
        self.today.moments()
    }

    fn read(&mut self, now: Now, reader: ReaderName, reading: Reading, at: Mono) {
        let clock = at_the_read(now, at);
        let pending = match reading {
            Reading::Credential(credential) => {
                self.tries.remove(&reader);
                Pending::Punch { reader, credential, clock }
            }
            Reading::NoMatch => self.attempt(reader, AttemptReason::NoMatch, clock),
            Reading::NotRead => self.attempt(reader, AttemptReason::NotRead, clock),
        };
        if self.journal != Journal::Available || self.pending.len() >= PENDING_MAX {
            self.say_not_recorded(now, pending);
            return;
        }
        let body = match &pending {
            Pending::Punch { reader, credential, .. } => Body::Punch { reader: reader.clone(), credential: credential.clone() },
            Pending::Attempt { reader, reason, .. } => Body::Attempt { reader: reader.clone(), reason: *reason },
            Pending::Record => return,
        };
        self.append(pending, Draft { clock, body, origin: None });
    }

    fn attempt(&mut self, reader: ReaderName, reason: AttemptReason, clock: ClockReading) -> Pending {
        let before = self.tries.get(&reader).filter(|(_, last)| clock.mono.millis_since(*last) < TRIES_FORGOTTEN_MS);
        let tries = before.map_or(1, |(tries, _)| tries.saturating_add(1));
        if self.tries.len() >= READERS_MAX {
            self.tries.clear();
        }
        self.tries.insert(reader.clone(), (tries, clock.mono));
        Pending::Attempt { reader, reason, clock, tries }
    }

    fn append(&mut self, pending: Pending, draft: Draft) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.pending.insert(ticket, pending);
        self.actions.push_back(Action::Append { ticket, draft });
        ticket
    }

    fn appended(&mut self, now: Now, ticket: Ticket, stored: &Stored) {
        match self.pending.remove(&ticket) {
            Some(Pending::Punch { reader, credential, clock }) => {
                let tap = Tap::new(stored.journal, stored.sequence, clock, reader.clone(), credential);
                let (feedback, signal) = answer::answer(&mut self.today, &self.site, tap);
                self.tell(now, Feedback { reader: Some(reader), ..feedback }, signal);
            }
            Some(Pending::Attempt { reader, reason, clock, tries }) => {
                let reason = match reason {
                    AttemptReason::NoMatch => Reason::NoMatch,
                    AttemptReason::NotRead => Reason::NotRead,
                };
                let read = self.read_at(State::Retry, reader, &clock);
                let (journal, sequence) = (Some(stored.journal), Some(stored.sequence));
                self.tell(now, Feedback { journal, sequence, reason: Some(reason), tries, ..read }, Signal::Retry);
            }
            Some(Pending::Record) => {
                if let Some(moment) = self.records.appended(ticket) {
                    self.today.moment(moment, &self.site);
                }
            }
            None => {}
        }
    }

    fn not_appended(&mut self, now: Now, ticket: Ticket) {
        match self.pending.remove(&ticket) {
            Some(Pending::Record) => self.records.not_appended(now.mono, ticket),
            Some(pending @ (Pending::Punch { .. } | Pending::Attempt { .. })) => self.say_not_recorded(now, pending),
            None => {}
        }
    }

    fn say_not_recorded(&mut self, now: Now, pending: Pending) {
        let (reader, clock, credential) = match pending {
            Pending::Punch { reader, clock, credential } => (reader, clock, Some(credential)),
            Pending::Attempt { reader, clock, .. } => (reader, clock, None),
            Pending::Record => return,
        };
        let feedback = self.read_at(State::NotRecorded, reader.clone(), &clock);
        self.tell(now, feedback, Signal::NotRecorded);
        if let Some(credential) = credential {
            self.actions.push_back(Action::Reopen { reader, credential });
        }
    }

    fn read_at(&self, state: State, reader: ReaderName, clock: &ClockReading) -> Feedback {
        let best = self.today.best(clock);
        let at = Some(self.site.rfc3339(best.at));
        Feedback { at, at_doubtful: best.quality != Quality::Trusted, reader: Some(reader), ..Feedback::of(state) }
    }

    fn tell(&mut self, now: Now, feedback: Feedback, signal: Signal) {
        self.page.told(now.mono);
        if let Some(reader) = feedback.reader.clone() {
            let feedback = self.page.with_office(feedback);
            self.actions.push_back(Action::Feedback(feedback));
            self.actions.push_back(Action::Signal { reader, signal });
        }
    }

    /// When the oldest reading under way will have waited for too long.
    fn stalls_at(&self) -> Option<Mono> {
        self.oldest_waiting().map(|clock| clock.mono.plus_millis(STALL_MS))
    }

    /// What is due: the next of the kiosk's own facts, and how things stand where that changed.
    fn settle(&mut self, now: Now) {
        let stalled = self.stalls_at().is_some_and(|at| at <= now.mono);
        if self.stalled != stalled {
            self.stalled = stalled;
            self.page.announce(now.mono);
        }
        if self.journal == Journal::Available
            && self.pending.len() < PENDING_MAX
            && let Some(draft) = self.records.next(now.mono)
        {
            let ticket = self.append(Pending::Record, draft);
            self.records.under_way(ticket);
        }
        if self.page.is_due(now.mono) {
            let stands = self.stands(now);
            if let Some(feedback) = self.page.changed(now.mono, stands) {
                self.actions.push_back(Action::Feedback(feedback));
            }
        }
    }

    fn stands(&self, now: Now) -> Feedback {
        let best = self.today.best(&now);
        let idle = self.site.idle(best.at);
        let at = Some(self.site.rfc3339(best.at));
        let idle = Feedback { at, at_doubtful: best.quality != Quality::Trusted, ..idle };
        self.page.stands(idle, self.journal == Journal::Available && !self.stalled, now.mono)
    }
}

/// Both clocks at an earlier moment: at the read's last byte.
fn at_the_read(now: Now, at: Mono) -> ClockReading {
    let mono = at.min(now.mono);
    ClockReading { wall: now.wall.minus_millis(now.mono.millis_since(mono)), mono, ..now }
}

#[cfg(test)]
mod tests;
