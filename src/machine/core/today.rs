//! What was tapped here of late: kept raw, with each tap's best-known time and owner, so that a late roster or a trusted moment puts every tap right.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::Days;

use super::site::Site;
use crate::domain::credential::Credential;
use crate::domain::estimate::{BestTime, Quality, TrustedMoment, best_time};
use crate::domain::id::{JournalId, ReaderName, Sequence, StaffNo};
use crate::domain::roster::Match;
use crate::domain::time::{ClockReading, WorkDate};
use crate::wire::entry::{Body, Entry};

/// Most taps that are remembered: four a day of two thousand people. The oldest go first.
const TAPS_MAX: usize = 8_192;
/// Most taps of one person's day that are judged: the first and the last of them.
const PERSON_TAPS_MAX: usize = 256;
/// Most trusted moments that are remembered. The oldest go first.
const MOMENTS_MAX: usize = 64;

/// A durable reading of a credential.
#[derive(Debug, Clone)]
pub(super) struct Tap {
    pub(super) journal: JournalId,
    pub(super) sequence: Sequence,
    pub(super) clock: ClockReading,
    pub(super) reader: ReaderName,
    pub(super) credential: Credential,
    pub(super) best: BestTime,
    pub(super) date: WorkDate,
    owner: Option<StaffNo>,
}

impl Tap {
    pub(super) fn new(journal: JournalId, sequence: Sequence, clock: ClockReading, reader: ReaderName, credential: Credential) -> Self {
        let best = BestTime { at: clock.wall, quality: Quality::Suspect };
        Self { journal, sequence, clock, reader, credential, best, date: WorkDate::default(), owner: None }
    }
}

#[derive(Debug)]
pub(super) struct Today {
    taps: VecDeque<Tap>,
    moments: Vec<TrustedMoment>,
}

impl Today {
    pub(super) const fn new() -> Self {
        Self { taps: VecDeque::new(), moments: Vec::new() }
    }

    /// What the journal holds of late replaces what was remembered. A punch that a healed fork wrote again is one.
    pub(super) fn learn(&mut self, recent: &[Entry], site: &Site) {
        self.moments = recent.iter().filter_map(moment).collect();
        self.bound_moments();
        let mut seen = BTreeSet::new();
        let taps = recent.iter().rev().filter(|entry| seen.insert(identity(entry))).filter_map(tap);
        self.taps = taps.take(TAPS_MAX).collect();
        self.taps.make_contiguous().reverse();
        self.attribute(site);
    }

    /// A trusted moment is durable: the taps of its boot have another best-known time.
    pub(super) fn moment(&mut self, moment: TrustedMoment, site: &Site) {
        self.moments.push(moment);
        self.bound_moments();
        self.attribute(site);
    }

    pub(super) fn moments(&self) -> &[TrustedMoment] {
        &self.moments
    }

    pub(super) fn best(&self, clock: &ClockReading) -> BestTime {
        best_time(clock, &self.moments)
    }

    /// Remembers a tap, dates it and finds whose it is.
    pub(super) fn add(&mut self, mut tap: Tap, site: &Site) -> &Tap {
        self.date(&mut tap, site);
        tap.owner = owner(&site.whose(&tap.reader, &tap.credential, tap.date));
        if tap.best.quality != Quality::Suspect {
            self.forget_before(tap.date);
        }
        if self.taps.len() >= TAPS_MAX {
            self.taps.pop_front();
        }
        self.taps.push_back(tap);
        self.taps.back().expect("it was put there")
    }

    /// Dates every tap and finds whose it is, by the roster and the moments in force.
    pub(super) fn attribute(&mut self, site: &Site) {
        let mut owners: BTreeMap<(ReaderName, Credential, WorkDate), Option<StaffNo>> = BTreeMap::new();
        let mut taps = std::mem::take(&mut self.taps);
        for tap in &mut taps {
            self.date(tap, site);
            let key = (tap.reader.clone(), tap.credential.clone(), tap.date);
            let whose = owners.entry(key).or_insert_with_key(|(reader, credential, date)| owner(&site.whose(reader, credential, *date)));
            tap.owner.clone_from(whose);
        }
        self.taps = taps;
    }

    /// A person's taps of a day, oldest first.
    pub(super) fn of(&self, staff_no: &StaffNo, date: WorkDate) -> Vec<&Tap> {
        let all: Vec<&Tap> = self.taps.iter().filter(|tap| tap.date == date && tap.owner.as_ref() == Some(staff_no)).collect();
        let (half, count) = (PERSON_TAPS_MAX / 2, all.len());
        all.into_iter().enumerate().filter(|(place, _)| *place < half || *place + half >= count).map(|(_, tap)| tap).collect()
    }

    fn date(&self, tap: &mut Tap, site: &Site) {
        tap.best = self.best(&tap.clock);
        (tap.date, _) = site.civil(tap.best.at);
    }

    /// Yesterday is still asked for around midnight; a tap without a certain time may yet turn out to be today's.
    fn forget_before(&mut self, date: WorkDate) {
        let yesterday = date.checked_sub_days(Days::new(1)).unwrap_or(date);
        if self.taps.front().is_some_and(|oldest| oldest.date < yesterday) {
            self.taps.retain(|tap| tap.date >= yesterday || tap.best.quality == Quality::Suspect);
        }
    }

    fn bound_moments(&mut self) {
        let surplus = self.moments.len().saturating_sub(MOMENTS_MAX);
        self.moments.drain(..surplus);
    }
}

fn owner(found: &Match<'_>) -> Option<StaffNo> {
    match found {
        Match::Person(person, _) => Some(person.staff_no.clone()),
        Match::Disabled(_) | Match::Unknown => None,
    }
}

fn identity(entry: &Entry) -> (JournalId, Sequence) {
    entry.origin.map_or((entry.journal, entry.sequence), |origin| (origin.journal, origin.sequence))
}

fn tap(entry: &Entry) -> Option<Tap> {
    match &entry.body {
        Body::Punch { reader, credential } => {
            Some(Tap::new(entry.journal, entry.sequence, entry.clock, reader.clone(), credential.clone()))
        }
        Body::Opened { .. }
        | Body::Attempt { .. }
        | Body::Sync { .. }
        | Body::Boot { .. }
        | Body::ClockStep { .. }
        | Body::Settings { .. }
        | Body::Maintenance { .. } => None,
    }
}

fn moment(entry: &Entry) -> Option<TrustedMoment> {
    match entry.body {
        Body::Sync { wall, uncertainty_ms, .. } => {
            Some(TrustedMoment { boot: entry.clock.boot, mono: entry.clock.mono, wall, uncertainty_ms })
        }
        Body::Opened { .. }
        | Body::Punch { .. }
        | Body::Attempt { .. }
        | Body::Boot { .. }
        | Body::ClockStep { .. }
        | Body::Settings { .. }
        | Body::Maintenance { .. } => None,
    }
}
