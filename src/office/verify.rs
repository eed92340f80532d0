//! Proves that nothing the office holds was lost, added, changed or reordered: the chain of every journal, the terminals' signatures, the
//! office's own receipts. It reads everything and believes nothing; each declared hole is named.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use serde::Serialize;

use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::office::store::{AuditedEntry, AuditedStatement, JournalPlace, SiteId, Store, StoreError, Terminal};
use crate::wire::batch::{Batch, JournalState, Lost, Receipt};
use crate::wire::canonical::{self, Purpose};
use crate::wire::entry::{Body, CutOff};
use crate::wire::export::Header;

/// Entries read at a time.
const PAGE_ENTRIES: usize = 4_096;
/// Statements read at a time; one may be a whole batch.
const PAGE_STATEMENTS: usize = 64;
/// Most faults that are told; the rest is counted.
pub const FAULTS_MAX: usize = 1_000;

/// What the verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every journal.
    pub journals: Vec<JournalReport>,
    /// Everything that is not as it should be.
    pub faults: Vec<Fault>,
    /// How many faults there are altogether.
    pub faults_total: usize,
}

impl Report {
    /// Whether everything proved true.
    pub const fn is_good(&self) -> bool {
        self.faults_total == 0
    }

    fn add(&mut self, code: &'static str, terminal: &TerminalId, place: Option<(JournalId, Sequence)>, text: String) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_MAX {
            let (journal, sequence) = place.unzip();
            self.faults.push(Fault { code, terminal: terminal.clone(), journal, sequence, text });
        }
    }
}

/// One journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalReport {
    /// Whose.
    pub terminal: TerminalId,
    /// Which.
    pub journal: JournalId,
    /// How many entries are held.
    pub entries: u64,
    /// Everything up to here is held or declared lost.
    pub mark: Sequence,
    /// What was declared lost.
    pub holes: Vec<Lost>,
    /// What it says of entries that could no longer be read when a fork was healed.
    pub cut_off: Vec<CutOff>,
    /// What lies between entries held above the mark and has not come yet: first and last.
    pub pending: Vec<(Sequence, Sequence)>,
    /// Whether two writers of it were seen.
    pub forked: bool,
    /// How many copies are in quarantine.
    pub quarantined: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Its name.
    pub code: &'static str,
    /// Whose.
    pub terminal: TerminalId,
    /// In which journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalId>,
    /// At which place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
    /// What is wrong.
    pub text: String,
}

/// Verifies all that a site holds.
///
/// # Errors
/// When the store cannot be read; what is wrong in it is in the report.
pub async fn verify(store: &Store, site: SiteId, office_key: &VerifyingKey) -> Result<Report, StoreError> {
    let mut report = Report::default();
    for terminal in store.terminals(site).await? {
        let signed = signed_ends(store, &terminal, &mut report).await?;
        let receipts = receipts(store, &terminal, office_key, &mut report).await?;
        for journal in &terminal.journals {
            let place = JournalPlace { site, terminal: terminal.id.clone(), journal: journal.journal };
            let holes = store.holes(place.clone()).await?;
            let ends = ends_of(&signed, journal.journal);
            let receipt = receipts.get(&journal.journal).copied();
            let base = JournalReport {
                terminal: terminal.id.clone(),
                journal: journal.journal,
                entries: 0,
                mark: journal.mark,
                holes,
                cut_off: Vec::new(),
                pending: Vec::new(),
                forked: journal.forked,
                quarantined: journal.quarantined,
            };
            let mut walk = Walk {
                journal: base,
                report: &mut report,
                last: (Sequence::ZERO, EntryHash::NONE),
                vouched: BTreeSet::new(),
                ends,
                receipt,
                run_from: Sequence(1),
            };
            walk.all(store, place).await?;
            let done = walk.finish();
            report.journals.push(done);
        }
    }
    Ok(report)
}

fn ends_of(signed: &[SignedEnd], journal: JournalId) -> BTreeMap<Sequence, Vec<SignedEnd>> {
    let mut ends: BTreeMap<Sequence, Vec<SignedEnd>> = BTreeMap::new();
    for end in signed.iter().filter(|end| end.at.journal == journal) {
        ends.entry(end.at.sequence).or_default().push(*end);
    }
    ends
}

/// A journal's end that a terminal signed.
#[derive(Debug, Clone, Copy)]
struct SignedEnd {
    at: JournalState,
    statement: u64,
    /// Kept because it shows a fork or a hole: it may contradict what is held.
    evidence: bool,
}

/// Checks every kept signature, and gives the ends that the good ones vouch for.
async fn signed_ends(store: &Store, terminal: &Terminal, report: &mut Report) -> Result<Vec<SignedEnd>, StoreError> {
    let mut ends = Vec::new();
    let mut after = 0;
    loop {
        let page = store.audit_statements(terminal.site, terminal.id.clone(), after, PAGE_STATEMENTS).await?;
        let Some(last) = page.last() else { return Ok(ends) };
        after = last.number;
        for statement in &page {
            match vouched(terminal, statement) {
                Ok(states) => {
                    ends.extend(states.into_iter().map(|at| SignedEnd { at, statement: statement.number, evidence: statement.evidence }));
                }
                Err(why) => {
                    let text = format!("statement {} of {}: {why}", statement.number, terminal.id);
                    report.add(
                        "signature",
                        &terminal.id,
                        (statement.reach > Sequence::ZERO).then_some((statement.journal, statement.reach)),
                        text,
                    );
                }
            }
        }
    }
}

fn vouched(terminal: &Terminal, statement: &AuditedStatement) -> Result<Vec<JournalState>, String> {
    if !terminal.keys.iter().any(|key| key.public_key == statement.public_key) {
        return Err("its key was never this terminal's".to_owned());
    }
    let key = canonical::key_from_text(&statement.public_key).map_err(|error| error.to_string())?;
    canonical::verify(&key, statement.purpose, &statement.body, &statement.signature).map_err(|error| error.to_string())?;
    if statement.purpose == Purpose::Export {
        let header: Header = serde_json::from_slice(&statement.body).map_err(|error| error.to_string())?;
        return whose(terminal, &header.terminal).map(|()| header.state.journals);
    }
    let batch: Batch = serde_json::from_slice(&statement.body).map_err(|error| error.to_string())?;
    whose(terminal, &batch.terminal)?;
    let mut ends = batch.state.journals.clone();
    // A batch of which a part is in quarantine vouches for the other part entry by entry; otherwise the last one vouches for all.
    let wanted = if statement.evidence { batch.entries.len() } else { 1 };
    for text in batch.entries.iter().rev().take(wanted).map(|entry| entry.get()) {
        let entry = canonical::open(text).map_err(|error| error.to_string())?;
        ends.push(JournalState { journal: batch.journal, sequence: entry.sequence, head: canonical::entry_hash(text) });
    }
    Ok(ends)
}

fn whose(terminal: &Terminal, named: &TerminalId) -> Result<(), String> {
    if terminal.id == *named { Ok(()) } else { Err(format!("it names {named}")) }
}

async fn receipts(
    store: &Store,
    terminal: &Terminal,
    office_key: &VerifyingKey,
    report: &mut Report,
) -> Result<BTreeMap<JournalId, (Sequence, EntryHash)>, StoreError> {
    let mut good = BTreeMap::new();
    for kept in store.audit_receipts(terminal.site, terminal.id.clone()).await? {
        let signature = canonical::verify(office_key, Purpose::Receipt, &kept.body, &kept.signature);
        match serde_json::from_slice::<Receipt>(&kept.body) {
            Ok(receipt) if signature.is_ok() && receipt.journal == kept.journal => {
                good.insert(kept.journal, (receipt.mark, receipt.head));
            }
            Ok(_) | Err(_) => {
                report.add(
                    "receipt-signature",
                    &terminal.id,
                    Some((kept.journal, Sequence::ZERO)),
                    "the office's own receipt does not verify".to_owned(),
                );
            }
        }
    }
    Ok(good)
}

/// One walk along a journal.
struct Walk<'a> {
    journal: JournalReport,
    report: &'a mut Report,
    last: (Sequence, EntryHash),
    run_from: Sequence,
    vouched: BTreeSet<Sequence>,
    ends: BTreeMap<Sequence, Vec<SignedEnd>>,
    receipt: Option<(Sequence, EntryHash)>,
}

impl Walk<'_> {
    async fn all(&mut self, store: &Store, place: JournalPlace) -> Result<(), StoreError> {
        loop {
            let page = store.audit_entries(place.clone(), self.last.0, PAGE_ENTRIES).await?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in &page {
                self.entry(entry);
            }
        }
    }

    fn fault(&mut self, code: &'static str, at: Sequence, text: String) {
        self.report.add(code, &self.journal.terminal, Some((self.journal.journal, at)), text);
    }

    fn entry(&mut self, entry: &AuditedEntry) {
        let at = entry.sequence;
        self.journal.entries += 1;
        let hash = canonical::entry_hash(&entry.text);
        if hash != entry.hash {
            self.fault("changed", at, format!("entry {at} is not what it was when it was received"));
        }
        let previous = match canonical::open(&entry.text) {
            Ok(read) if read.sequence == at && read.journal == self.journal.journal => {
                if let Body::Maintenance { action } = &read.body {
                    self.journal.cut_off.extend(action.parse::<CutOff>());
                }
                Some(read.previous)
            }
            Ok(_) | Err(_) => {
                self.fault("misplaced", at, format!("the text at {at} is not that entry"));
                None
            }
        };
        if at == self.last.0.next() {
            let before = self.last.1;
            if previous.is_some_and(|previous| previous != before) {
                self.fault("chain", at, format!("entry {at} does not carry on from the one before it"));
            }
        } else {
            self.end_run();
            self.absent(self.last.0.next(), Sequence(at.0 - 1), previous);
            self.run_from = at;
        }
        self.agree(at, hash);
        self.last = (at, hash);
    }

    /// Compares what is held at a place with what was signed of it.
    fn agree(&mut self, at: Sequence, hash: EntryHash) {
        for end in self.ends.remove(&at).unwrap_or_default() {
            if end.at.head == hash {
                self.vouched.insert(at);
            } else if !end.evidence && !self.journal.forked {
                self.fault("disagrees", at, format!("entry {at} is not the one that statement {} signed", end.statement));
            }
        }
        if let Some((mark, head)) = self.receipt
            && mark == at
            && head != hash
            && head != EntryHash::NONE
        {
            self.fault("receipt-disagrees", at, format!("entry {at} is not the one that the office acknowledged"));
        }
    }

    /// Entries that are not there.
    fn absent(&mut self, from: Sequence, to: Sequence, next: Option<EntryHash>) {
        let mut at = from;
        while at <= to {
            let hole = self.journal.holes.iter().filter(|lost| lost.covers(at)).max_by_key(|lost| lost.to).cloned();
            if let Some(hole) = hole {
                let ends_here = hole.to == to;
                if ends_here && hole.head_after.zip(next).is_some_and(|(after, next)| after != next) {
                    self.fault("chain", to.next(), format!("entry {} does not carry on from the hole before it", to.next()));
                }
                at = hole.to.next();
                continue;
            }
            let next_hole = self.journal.holes.iter().map(|lost| lost.from).filter(|first| *first > at).min();
            let until = next_hole.map_or(to, |first| to.min(Sequence(first.0 - 1)));
            if at > self.journal.mark {
                self.journal.pending.push((at, until));
            } else {
                self.fault("missing", at, format!("entries {at} to {until} are missing and were not declared lost"));
            }
            at = until.next();
        }
    }

    /// The end of a run of entries must be signed; the chain vouches for the rest of the run.
    fn end_run(&mut self) {
        let (from, to) = (self.run_from, self.last.0);
        if to < from {
            return;
        }
        let vouched = self.vouched.range(from..=to).next_back().copied();
        if vouched != Some(to) {
            let first = vouched.map_or(from, Sequence::next);
            self.fault("unsigned", first, format!("entries {first} to {to} are vouched for by no signature"));
        }
    }

    fn finish(mut self) -> JournalReport {
        self.end_run();
        if self.last.0 < self.journal.mark {
            self.absent(self.last.0.next(), self.journal.mark, None);
        }
        if let Some((mark, _)) = self.receipt
            && mark > self.journal.mark
        {
            self.fault("receipt-beyond", mark, format!("the office acknowledged up to {mark} and holds up to {}", self.journal.mark));
        }
        self.journal
    }
}
