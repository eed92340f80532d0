//! An office: the real decisions over a store made of maps, with backups and restores.

use std::collections::BTreeMap;

use punchd::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use punchd::domain::time::Wall;
use punchd::machine::ingest::{self, Decision, Held, Holding, Reason, Run, View};
use punchd::wire::batch::{BATCH_VERSION, Batch, CheckedBatch, CheckedEntry, Lost, Receipt};

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
        if let Some(until) = ingest::complete_up_to(&batch.state, &holdings, Some(now)) {
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
