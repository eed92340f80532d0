//! What must hold, whatever happened: watched while the world runs, and asked once it is quiet.

use std::collections::{BTreeMap, BTreeSet};

use punchd::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use punchd::domain::time::Wall;
use punchd::machine::ingest;
use punchd::wire::batch::CheckedEntry;
use punchd::wire::canonical;
use punchd::wire::entry::{Body, CutOff, Entry};

use super::clocks::true_wall;
use super::kiosk::Kiosk;
use super::office::{Office, Shelf};

/// Most violations that are written down.
const VIOLATIONS_MAX: usize = 20;

/// A light that turned green.
#[derive(Debug, Clone)]
struct Green {
    terminal: TerminalId,
    journal: JournalId,
    sequence: Sequence,
    tap: String,
    /// When it was read, in true time.
    read: u64,
}

/// What was seen, and what was wrong with it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    greens: Vec<Green>,
    /// Greens that no statement of completeness has covered yet.
    open: Vec<Green>,
    complete: BTreeMap<TerminalId, Wall>,
    pub(super) fed: BTreeMap<String, u64>,
    pub(super) violations: Vec<String>,
    was_restored: bool,
}

/// The text of the credential that an entry records.
pub(super) fn tap_of(entry: &Entry) -> Option<String> {
    match &entry.body {
        Body::Punch { credential, .. } => Some(credential.to_string()),
        Body::Opened { .. }
        | Body::Attempt { .. }
        | Body::Sync { .. }
        | Body::Boot { .. }
        | Body::ClockStep { .. }
        | Body::Settings { .. }
        | Body::Maintenance { .. } => None,
    }
}

impl Ledger {
    pub(super) fn violation(&mut self, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(what);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.greens.len()
    }

    /// Law 1: a light is green only for what is on the disk.
    pub(super) fn green(&mut self, kiosk: &Kiosk, journal: JournalId, sequence: Sequence) {
        let tap = kiosk.disk.find(journal, sequence).and_then(|kept| tap_of(&kept.entry));
        let Some(tap) = tap else {
            return self.violation(format!("{}: green for {journal}/{sequence}, which is no punch on the disk", kiosk.name));
        };
        let Some(read) = self.fed.get(&tap).copied() else {
            return self.violation(format!("{}: green for {tap}, which nobody presented", kiosk.name));
        };
        let green = Green { terminal: kiosk.name.clone(), journal, sequence, tap, read };
        self.greens.push(green.clone());
        if !kiosk.twin {
            self.open.push(green);
        }
    }

    /// Law 8: once a terminal is complete up to a moment, every green before it is at the office.
    pub(super) fn completeness(&mut self, office: &Office) {
        let changed: Vec<(TerminalId, Wall)> = office
            .complete
            .iter()
            .filter(|(terminal, until)| self.complete.get(*terminal).is_none_or(|known| known < *until))
            .map(|(terminal, until)| (terminal.clone(), *until))
            .collect();
        for (terminal, until) in changed {
            let covered = |green: &Green| green.terminal == terminal && true_wall(green.read) < until;
            let missing: Vec<String> =
                self.open.iter().filter(|green| covered(green) && !at_office(office, green)).map(|green| green.tap.clone()).collect();
            for tap in missing {
                self.violation(format!("{terminal}: complete up to {until:?}, but {tap} is not there"));
            }
            self.open.retain(|green| !covered(green));
            self.complete.insert(terminal, until);
        }
    }

    /// The office was set back: what it claimed before says nothing any more.
    pub(super) fn restored(&mut self, kiosks: &[Kiosk], office: &Office) {
        self.was_restored = true;
        self.complete = office.complete.clone();
        let twins: BTreeSet<&TerminalId> = kiosks.iter().filter(|kiosk| kiosk.twin).map(|kiosk| &kiosk.name).collect();
        self.open = self.greens.iter().filter(|green| !twins.contains(&green.terminal)).cloned().collect();
    }

    /// A second machine under this name: what one of them states says nothing of the other.
    pub(super) fn twinned(&mut self, terminal: &TerminalId) {
        self.open.retain(|green| green.terminal != *terminal);
    }

    /// Asked once the world is quiet; `end` is when taps and faults ended.
    pub(super) fn close(&mut self, kiosks: &[Kiosk], office: &Office, end: u64) {
        self.exactly_once(kiosks, office);
        self.nothing_else(kiosks, office);
        for ((terminal, journal), shelf) in &office.shelves {
            if let Err(what) = chain(*journal, shelf) {
                self.violation(format!("{terminal}/{journal}: {what}"));
            }
        }
        for kiosk in kiosks {
            let standing = kiosk.running.as_ref().map(|machines| machines.uplink.standing().clone()).unwrap_or_default();
            let unanswered = kiosk.running.as_ref().map_or(0, |machines| machines.unanswered);
            if unanswered != 0 {
                self.violation(format!("{}: {unanswered} more presentations than answers", kiosk.name));
            }
            if standing.backlog != 0 {
                self.violation(format!("{}: {} entries are still waiting: {:?}", kiosk.name, standing.backlog, standing.failure));
            }
            if office.complete.get(&kiosk.name).is_none_or(|until| *until < true_wall(end)) {
                let doubt = kiosk.running.as_ref().map(|machines| machines.keeper.condition());
                self.violation(format!("{}: never complete after the faults ended ({doubt:?})", kiosk.name));
            }
        }
    }

    fn exactly_once(&mut self, kiosks: &[Kiosk], office: &Office) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut records = BTreeSet::new();
        for entry in office.shelves.values().flat_map(|shelf| shelf.entries.values()) {
            let Some(tap) = tap_of(&entry.entry) else { continue };
            let record = ingest::record(&entry.stored, entry.entry.origin);
            if records.insert((record.journal, record.sequence, record.hash)) {
                *counts.entry(tap).or_default() += 1;
            } else if !self.was_restored {
                self.violation(format!("{tap} and its copy are held by an office that was never set back"));
            }
        }
        let doubled: Vec<&String> = counts.iter().filter(|(_, count)| **count > 1).map(|(tap, _)| tap).collect();
        if !doubled.is_empty() {
            self.violation(format!("more than once at the office: {doubled:?}"));
        }
        let declared = |terminal: &TerminalId, tap: &str| {
            let own = kiosks.iter().filter(|kiosk| kiosk.name == *terminal);
            own.flat_map(|kiosk| kiosk.disk.places(tap)).any(|(journal, sequence)| is_hole(office, terminal, journal, sequence))
        };
        let mut missing: BTreeSet<String> = BTreeSet::new();
        for kiosk in kiosks {
            let taps = kiosk.disk.entries().filter_map(|kept| tap_of(&kept.entry)).filter(|tap| !counts.contains_key(tap));
            // One twin may have declared what the other could still send.
            missing.extend(taps.filter(|tap| !kiosk.twin || !declared(&kiosk.name, tap)));
        }
        if !missing.is_empty() {
            self.violation(format!("on a disk and not at the office: {missing:?}"));
        }
        let cut_off = cut_off(office);
        let was_cut_off = |green: &Green| {
            let own = kiosks.iter().filter(|kiosk| kiosk.twin && kiosk.name == green.terminal);
            let covers = |(terminal, hole): &(TerminalId, CutOff), (journal, sequence): (JournalId, Sequence)| {
                *terminal == green.terminal && hole.journal == journal && (hole.from..=hole.to).contains(&sequence)
            };
            own.flat_map(|kiosk| kiosk.disk.places(&green.tap)).any(|place| cut_off.iter().any(|hole| covers(hole, place)))
        };
        let lost = |green: &Green| !counts.contains_key(&green.tap) && !declared(&green.terminal, &green.tap) && !was_cut_off(green);
        let lost: Vec<String> = self.greens.iter().filter(|green| lost(green)).map(|green| green.tap.clone()).collect();
        if !lost.is_empty() {
            self.violation(format!("green and neither at the office nor declared lost: {lost:?}"));
        }
    }

    fn nothing_else(&mut self, kiosks: &[Kiosk], office: &Office) {
        let all = kiosks.iter().flat_map(|kiosk| &kiosk.disk.files).flat_map(|file| &file.entries);
        let committed: BTreeSet<EntryHash> = all.map(|kept| kept.stored.hash).collect();
        for ((terminal, journal), shelf) in &office.shelves {
            let strange = shelf.entries.values().filter(|entry| !committed.contains(&entry.stored.hash)).count();
            if strange > 0 {
                self.violation(format!("{terminal}/{journal}: {strange} entries that nobody committed"));
            }
            let twins = kiosks.iter().any(|kiosk| kiosk.twin && kiosk.name == *terminal);
            if !twins && (shelf.forked || !shelf.quarantine.is_empty()) {
                self.violation(format!("{terminal}/{journal}: a fork without a twin"));
            }
        }
    }
}

/// What terminals say of entries that were unreadable before a fork cut them off.
fn cut_off(office: &Office) -> Vec<(TerminalId, CutOff)> {
    let entries = office.shelves.iter().flat_map(|((terminal, _), shelf)| shelf.entries.values().map(move |entry| (terminal, entry)));
    let said = |(terminal, entry): (&TerminalId, &CheckedEntry)| {
        let Body::Maintenance { action } = &entry.entry.body else { return None };
        action.parse().ok().map(|cut_off| (terminal.clone(), cut_off))
    };
    entries.filter_map(said).collect()
}

fn at_office(office: &Office, green: &Green) -> bool {
    let shelf = office.shelves.get(&(green.terminal.clone(), green.journal));
    let held = shelf.is_some_and(|shelf| shelf.entries.contains_key(&green.sequence));
    held || is_hole(office, &green.terminal, green.journal, green.sequence)
}

fn is_hole(office: &Office, terminal: &TerminalId, journal: JournalId, sequence: Sequence) -> bool {
    let shelf = office.shelves.get(&(terminal.clone(), journal));
    shelf.is_some_and(|shelf| shelf.holes.iter().any(|lost| lost.covers(sequence)))
}

/// Law 9: from the first entry to the mark there is nothing but entries that carry on from one another, and declared holes.
fn chain(journal: JournalId, shelf: &Shelf) -> Result<(), String> {
    let mut before = Some(EntryHash::NONE);
    for at in (1..=shelf.mark.0).map(Sequence) {
        let hole = shelf.holes.iter().filter(|lost| lost.covers(at)).collect::<Vec<_>>();
        let Some(entry) = shelf.entries.get(&at) else {
            if hole.is_empty() {
                return Err(format!("nothing at {at}, below the mark"));
            }
            before = hole.iter().find(|lost| lost.to == at).and_then(|lost| lost.head_after);
            continue;
        };
        let whole =
            entry.entry.journal == journal && entry.entry.sequence == at && canonical::entry_hash(&entry.stored.text) == entry.stored.hash;
        if !whole || before.is_some_and(|hash| hash != entry.entry.previous) {
            return Err(format!("the chain does not hold at {at}"));
        }
        before = Some(entry.stored.hash);
    }
    Ok(())
}
