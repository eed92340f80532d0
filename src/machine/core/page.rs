//! What the page shows while nobody is there, and when it is told: a person's result is never wiped from the screen by news of the office.

use std::collections::BTreeMap;

use super::READERS_MAX;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::health::Code;
use crate::machine::feedback::{Feedback, State};

/// How long a person's result stays on the screen, in milliseconds (the longest of the page's states).
const RESULT_SHOWN_MS: u64 = 3_000;
/// How long a reader must be gone before the page says so, in milliseconds.
const READER_GONE_MS: u64 = Code::ReaderMissing.delay_ms();

/// The part of a standing datum that makes it news.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    state: State,
    reader: Option<ReaderName>,
    offline: bool,
    backlog: u64,
}

#[derive(Debug)]
pub(super) struct Page {
    offline: bool,
    backlog: u64,
    maintenance: bool,
    gone: BTreeMap<ReaderName, Mono>,
    told: Option<Mono>,
    announce_at: Option<Mono>,
    shown: Option<Shown>,
}

impl Page {
    pub(super) const fn new() -> Self {
        Self { offline: false, backlog: 0, maintenance: false, gone: BTreeMap::new(), told: None, announce_at: None, shown: None }
    }

    /// How things stand may have changed.
    pub(super) fn announce(&mut self, at: Mono) {
        self.announce_at = Some(self.announce_at.map_or(at, |before| before.min(at)));
    }

    pub(super) fn office(&mut self, now: Mono, offline: bool, backlog: u64) {
        let changed = (self.offline, self.backlog) != (offline, backlog);
        (self.offline, self.backlog) = (offline, backlog);
        if changed {
            self.announce(now.plus_millis(RESULT_SHOWN_MS));
        }
    }

    pub(super) fn reader(&mut self, now: Mono, reader: ReaderName, connected: bool) {
        if connected {
            self.gone.remove(&reader);
            self.announce(now);
        } else if self.gone.len() < READERS_MAX {
            self.gone.entry(reader).or_insert(now);
            self.announce(now.plus_millis(READER_GONE_MS));
        }
    }

    pub(super) fn maintenance(&mut self, now: Mono, on: bool) {
        self.maintenance = on;
        self.announce(now);
    }

    /// A person was told something.
    pub(super) fn told(&mut self, now: Mono) {
        self.told = Some(now);
        self.shown = None;
    }

    pub(super) const fn announce_at(&self) -> Option<Mono> {
        self.announce_at
    }

    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.announce_at.is_some_and(|at| at <= now)
    }

    /// The datum, if it is news and nobody is reading a result; a store at fault and maintenance do not wait for that.
    pub(super) fn changed(&mut self, now: Mono, stands: Feedback) -> Option<Feedback> {
        let urgent = match stands.state {
            State::Maintenance => true,
            State::Fault => stands.reader.is_none(),
            State::Idle
            | State::Recorded
            | State::Already
            | State::OffHours
            | State::Unknown
            | State::Disabled
            | State::Retry
            | State::Event
            | State::Out
            | State::Back
            | State::NotRecorded => false,
        };
        let free = self.told.map_or(now, |told| told.plus_millis(RESULT_SHOWN_MS));
        if !urgent && now < free {
            self.announce_at = Some(free);
            return None;
        }
        self.announce_at = self.gone.values().map(|since| since.plus_millis(READER_GONE_MS)).filter(|at| *at > now).min();
        let shown = Shown { state: stands.state, reader: stands.reader.clone(), offline: self.offline, backlog: self.backlog };
        if self.shown.as_ref() == Some(&shown) {
            return None;
        }
        self.shown = Some(shown);
        Some(stands)
    }

    /// How things stand, given what the page would say if nothing were wrong.
    pub(super) fn stands(&self, idle: Feedback, journal_available: bool, now: Mono) -> Feedback {
        let gone = self.gone.iter().find(|(_, since)| now.millis_since(**since) >= READER_GONE_MS);
        let stands = match (self.maintenance, journal_available, gone) {
            (true, ..) => Feedback { state: State::Maintenance, ..idle },
            (false, false, _) => Feedback { state: State::Fault, ..idle },
            (false, true, Some((reader, _))) => Feedback { state: State::Fault, reader: Some(reader.clone()), ..idle },
            (false, true, None) => idle,
        };
        self.with_office(stands)
    }

    pub(super) fn with_office(&self, feedback: Feedback) -> Feedback {
        Feedback { offline: self.offline, backlog: self.backlog, ..feedback }
    }
}
