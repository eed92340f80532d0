//! An office: the real decisions over a store made of maps, with backups and restores.

use std::collections::BTreeMap;

use punchd::domain::estimate::TrustedMoment;
use punchd::domain::id::{BootId, EntryHash, JournalId, Sequence, TerminalId};
use punchd::domain::time::Wall;
use punchd::machine::ingest::{self, Decision, Held, Holding, Reason, Run, View};
use punchd::wire::batch::{BATCH_VERSION, Batch, CheckedBatch, CheckedEntry, Lost, Receipt};
use punchd::wire::entry::{Body, Entry};

/// One journal as the office holds it.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    pub(super) entries: BTreeMap<Sequence, CheckedEntry>,
    pub(super) quarantine: BTreeMap<(Sequence, EntryHash), Reason>,
    pub(super) holes: Vec<Lost>,
    pub(super) mark: Sequence,
    pub(super) forked: bool,
}

/// Everything that a backup holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Office {
    pub(super) shelves: BTreeMap<(TerminalId, JournalId), Shelf>,
    pub(super) complete: BTreeMap<TerminalId, Wall>,
    /// Of each boot, as far as it was running when they came.
    moments: BTreeMap<(TerminalId, BootId), Vec<TrustedMoment>>,
}

impl Shelf {
    fn view(&self, batch: &CheckedBatch) -> View {
        let held = |entry: &CheckedEntry| Held { previous: entry.entry.previous, hash: entry.stored.hash };
        let ranges = ingest::wanted(batch).into_iter().chain([(self.mark, self.mark)]);
        let wanted = ranges.flat_map(|(from, to)| self.entries.range(from..=to)).map(|(at, entry)| (*at, held(entry))).collect();
        View { mark: self.mark, held: wanted, runs: self.runs(), holes: self.holes.clone(), forked: self.forked }
    }

    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (at, entry) in self.entries.range(self.mark.next()..) {
            let head = entry.stored.hash;
            match runs.last_mut().filter(|run| run.to.next() == *at) {
                Some(run) => (run.to, run.head) = (*at, head),
                None => runs.push(Run { from: *at, to: *at, previous: entry.entry.previous, head }),
            }
        }
        runs
    }

    fn apply(&mut self, decision: Decision) {
        if let Some(above) = decision.demote_above {
            for (at, entry) in self.entries.split_off(&above.next()) {
                self.quarantine.insert((at, entry.stored.hash), Reason::Chain);
            }
        }
        for entry in decision.insert {
            self.quarantine.remove(&(entry.stored.sequence, entry.stored.hash));
            let before = self.entries.insert(entry.stored.sequence, entry);
            assert!(before.is_none(), "an entry that is held is never written over");
        }
        let evidence = decision.quarantine.into_iter().map(|(entry, reason)| ((entry.stored.sequence, entry.stored.hash), reason));
        self.quarantine.extend(evidence);
        self.holes.extend(decision.holes);
        self.mark = decision.mark;
        self.forked = decision.forked;
    }
}

impl Office {
    /// Takes a body as it came; the answer is given after the commit.
    pub(super) fn receive(&mut self, now: Wall, body: &[u8], bundle: &str) -> Receipt {
        let batch = Batch::read(body).expect("a kiosk sends whole batches");
        let shelf = self.shelves.entry((batch.terminal.clone(), batch.journal)).or_default();
        let decision = ingest::decide(&shelf.view(&batch), &batch);
        let answer = decision.answer;
        let moments = self.moments.entry((batch.terminal.clone(), batch.state.clock.boot)).or_default();
        moments.extend(
            decision.insert.iter().filter_map(|entry| moment_of(&entry.entry)).filter(|moment| moment.boot == batch.state.clock.boot),
        );
        shelf.apply(decision);
        self.complete(now, &batch);
        Receipt {
            version: BATCH_VERSION,
            terminal: batch.terminal,
            journal: batch.journal,
            mark: answer.mark,
            head: answer.head,
            fork: answer.fork,
            at: now,
            at_trusted: true,
            bundle: bundle.to_owned(),
            elsewhere: String::new(),
        }
    }

    fn complete(&mut self, now: Wall, batch: &CheckedBatch) {
        let holding = |journal: JournalId, sequence: Sequence| {
            let shelf = self.shelves.get(&(batch.terminal.clone(), journal))?;
            let at_stated = shelf.entries.get(&sequence).map(|entry| entry.stored.hash);
            Some((journal, Holding { mark: shelf.mark, at_stated }))
        };
        let holdings = batch.state.journals.iter().filter_map(|stated| holding(stated.journal, stated.sequence)).collect();
        let moments = &self.moments[&(batch.terminal.clone(), batch.state.clock.boot)];
        if let Some(until) = ingest::complete_by(&batch.state, moments, &holdings, Some(now)) {
            let complete = self.complete.entry(batch.terminal.clone()).or_insert(until);
            *complete = (*complete).max(until);
        }
    }

    /// The highest sequence held of a journal, gaps or not.
    pub(super) fn highest(&self, terminal: &TerminalId, journal: JournalId) -> Sequence {
        let shelf = self.shelves.get(&(terminal.clone(), journal));
        shelf.and_then(|shelf| shelf.entries.keys().next_back().copied()).unwrap_or_default()
    }
}

/// The trusted moment that an entry records.
pub(super) fn moment_of(entry: &Entry) -> Option<TrustedMoment> {
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
