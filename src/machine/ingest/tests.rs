//! Decisions over a store made of maps.

use proptest::prelude::*;

use super::*;
use crate::domain::id::BootId;
use crate::domain::time::{ClockReading, Mono, Trust};
use crate::wire::batch::LostReason;
use crate::wire::canonical;
use crate::wire::entry::{Body, Draft};

const JOURNAL: JournalId = JournalId([1; 16]);

#[test]
fn what_is_held_is_accepted_again_and_changes_nothing() {
    let (mut shelf, chain) = (Shelf::default(), chain(5, &[]));
    assert_eq!(shelf.take(&batch(&chain, 1, 5)).mark, Sequence(5));
    let before = shelf.clone();
    let answer = shelf.take(&batch(&chain, 2, 4));
    assert_eq!((answer.mark, answer.head, answer.fork), (Sequence(5), chain[4].stored.hash, None));
    assert_eq!(shelf, before);
}

#[test]
fn the_newest_are_kept_above_a_gap_and_the_mark_stays_contiguous() {
    let (mut shelf, chain) = (Shelf::default(), chain(9, &[]));
    assert_eq!(shelf.take(&batch(&chain, 1, 3)).mark, Sequence(3));
    assert_eq!(shelf.take(&batch(&chain, 7, 9)).mark, Sequence(3));
    assert_eq!(shelf.entries.len(), 6);
    assert_eq!(shelf.take(&batch(&chain, 4, 6)).mark, Sequence(9));
}

#[test]
fn other_bytes_under_a_key_are_a_fork_and_kept_as_evidence() {
    let (ours, twins) = (chain(6, &[]), chain(6, &[4]));
    let mut shelf = Shelf::holding(&ours, 6);
    let answer = shelf.take(&batch(&twins, 3, 6));
    assert_eq!((answer.fork, answer.mark, answer.head), (Some(Sequence(4)), Sequence(3), ours[2].stored.hash));
    assert_eq!(shelf.quarantine.values().copied().collect::<Vec<_>>(), [Reason::OtherBytes, Reason::AfterConflict, Reason::AfterConflict]);
    assert_eq!(shelf.hashes(), hashes(&ours));
    assert_eq!(shelf.take(&batch(&ours, 5, 6)).fork, None, "the untouched twin simply goes on");
}

#[test]
fn a_fork_whose_beginning_is_unknown_is_answered_with_an_earlier_mark_until_it_is_found() {
    let (ours, twins) = (chain(1_400, &[]), chain(1_400, &[300]));
    let mut shelf = Shelf::holding(&ours, 1_200);
    let answer = shelf.take(&batch(&twins, 1_201, 1_400));
    assert_eq!((answer.fork, answer.mark), (None, Sequence(688)));
    assert_eq!(shelf.quarantine.len(), 200, "nothing of it is thrown away");
    let answer = shelf.take(&batch(&twins, 689, 1_200));
    assert_eq!((answer.fork, answer.mark), (None, Sequence(176)));
    assert_eq!(shelf.take(&batch(&twins, 177, 688)).fork, Some(Sequence(300)));
}

#[test]
fn a_heartbeat_that_states_another_end_sends_its_writer_back() {
    let (ours, twins) = (chain(40, &[]), chain(20, &[18]));
    let mut shelf = Shelf::holding(&ours, 40);
    let answer = shelf.take(&heartbeat(&twins));
    assert_eq!((answer.fork, answer.mark), (None, Sequence::ZERO));
    assert!(shelf.forked);
    assert_eq!(shelf.take(&batch(&twins, 1, 10)).mark, Sequence(10), "told no more than what it has just sent");
    assert_eq!(shelf.take(&batch(&twins, 11, 20)).fork, Some(Sequence(18)));
}

#[test]
fn a_twin_that_lags_behind_is_never_told_that_more_is_held_than_it_has() {
    let ours = chain(40, &[]);
    let mut shelf = Shelf::holding(&ours, 40);
    let answer = shelf.take(&heartbeat(&ours[..25]));
    assert_eq!((answer.mark, answer.head, shelf.forked), (Sequence(25), ours[24].stored.hash, false));
}

#[test]
fn what_was_kept_above_a_gap_gives_way_to_the_chain() {
    let (ours, twins) = (chain(8, &[]), chain(8, &[4]));
    let mut shelf = Shelf::holding(&ours, 3);
    shelf.take(&batch(&twins, 7, 8));
    let answer = shelf.take(&batch(&ours, 4, 6));
    assert_eq!((answer.mark, answer.fork), (Sequence(6), None));
    assert_eq!(shelf.quarantine.keys().map(|(at, _)| at.0).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(shelf.take(&batch(&ours, 7, 8)).mark, Sequence(8));
    assert_eq!(shelf.hashes(), hashes(&ours));
    assert_eq!(shelf.take(&batch(&twins, 4, 8)).fork, Some(Sequence(4)), "the twin learns of it once it sends in order");
}

#[test]
fn of_two_versions_above_a_gap_the_first_is_held_until_the_chain_gets_there() {
    let (ours, twins) = (chain(8, &[]), chain(8, &[4]));
    let mut shelf = Shelf::holding(&ours, 2);
    shelf.take(&batch(&twins, 6, 8));
    let answer = shelf.take(&batch(&ours, 7, 8));
    assert_eq!((answer.mark, answer.fork, shelf.quarantine.len()), (Sequence(2), None, 2));
    assert_eq!(shelf.take(&batch(&ours, 3, 8)).mark, Sequence(8));
    assert_eq!(shelf.hashes(), hashes(&ours));
}

#[test]
fn of_a_journal_with_two_writers_nothing_is_taken_out_of_order() {
    let (ours, twins) = (chain(9, &[]), chain(9, &[3]));
    let mut shelf = Shelf::holding(&ours, 4);
    shelf.take(&batch(&twins, 3, 4));
    let before = shelf.clone();
    assert_eq!(shelf.take(&batch(&twins, 8, 9)).mark, Sequence(4));
    assert_eq!(shelf, before);
}

#[test]
fn a_declared_hole_lets_the_mark_pass_and_the_chain_hold() {
    let chain = chain(9, &[]);
    let mut shelf = Shelf::holding(&chain, 3);
    let hole = lost(4, 6, Some(chain[5].stored.hash));
    let answer = shelf.take(&CheckedBatch { lost: vec![hole.clone()], ..batch(&chain, 7, 9) });
    assert_eq!((answer.mark, answer.head, answer.fork), (Sequence(9), chain[8].stored.hash, None));
    assert_eq!(shelf.holes, [hole]);
    let mut other = Shelf::holding(&chain, 3);
    let wrong = lost(4, 6, Some(EntryHash([7; 32])));
    let answer = other.take(&CheckedBatch { lost: vec![wrong], ..batch(&chain, 7, 9) });
    assert_eq!((answer.mark, answer.fork), (Sequence(6), Some(Sequence(7))), "it cannot be resent, so the place is exact");
}

#[test]
fn a_hole_over_what_is_held_removes_nothing() {
    let chain = chain(6, &[]);
    let mut shelf = Shelf::holding(&chain, 6);
    let answer = shelf.take(&CheckedBatch { lost: vec![lost(2, 6, None)], ..heartbeat(&chain) });
    assert_eq!((answer.mark, answer.head), (Sequence(6), chain[5].stored.hash));
    assert_eq!(shelf.hashes(), hashes(&chain));
}

#[test]
fn entries_found_after_all_fill_their_hole() {
    let chain = chain(8, &[]);
    let mut shelf = Shelf::holding(&chain, 3);
    shelf.take(&CheckedBatch { lost: vec![lost(4, 6, None)], ..batch(&chain, 7, 8) });
    assert_eq!(shelf.take(&batch(&chain, 4, 6)).mark, Sequence(8));
    assert_eq!(shelf.hashes(), hashes(&chain));
}

#[test]
fn an_entry_and_what_a_healed_fork_wrote_again_are_one_record() {
    let chain = chain(3, &[]);
    let original = record(&chain[1].stored, None);
    assert_eq!(record(&chain[2].stored, Some(original)), original);
    assert_ne!(record(&chain[2].stored, None), original);
}

#[test]
fn a_terminal_is_complete_once_all_it_states_is_held_and_its_time_is_known() {
    let chain = chain(6, &[]);
    let state = heartbeat(&chain).state;
    let holding = |mark: u64, at: Option<usize>| Holding { mark: Sequence(mark), at_stated: at.map(|at| chain[at].stored.hash) };
    let ask =
        |state: &TerminalState, moments: &[TrustedMoment], holding, now| complete_by(state, moments, &[(JOURNAL, holding)].into(), now);
    let until = Some(Wall(1_000_000 - COMPLETE_MARGIN_MS));
    assert_eq!(ask(&state, &[], holding(6, Some(5)), Some(Wall(999_000))), until);
    assert_eq!(ask(&state, &[], holding(9, None), None), until, "the entry stated was declared lost");
    assert_eq!(ask(&state, &[], holding(5, None), None), None, "one is missing");
    assert_eq!(ask(&state, &[], holding(6, Some(4)), None), None, "another end");
    assert_eq!(ask(&state, &[], holding(6, Some(5)), Some(Wall(990_000))), None, "from the future");
    assert_eq!(complete_by(&state, &[], &BTreeMap::new(), None), None, "a journal of which nothing is known");
    let unset = TerminalState { clock: ClockReading { wall: Wall(7), trust: Trust::Unset, ..state.clock }, ..state };
    assert_eq!(ask(&unset, &[], holding(6, Some(5)), None), None, "nobody knows when that was");
    let moment = TrustedMoment { boot: BootId([5; 16]), mono: Mono(4_000), wall: Wall(999_000), uncertainty_ms: 20 };
    assert_eq!(ask(&unset, &[moment], holding(6, Some(5)), None), until, "counted from a trusted moment of its boot");
}

proptest! {
    #[test]
    fn whatever_the_order_each_entry_is_held_once_and_the_mark_is_contiguous(spans in prop::collection::vec((1_usize..=30, 0_usize..8), 1..30)) {
        let (mut shelf, chain) = (Shelf::default(), chain(30, &[]));
        let mut sent = std::collections::BTreeSet::new();
        for (first, more) in spans {
            let last = (first + more).min(30);
            let answer = shelf.take(&batch(&chain, first, last));
            sent.extend(first..=last);
            let contiguous = (1..=30).take_while(|at| sent.contains(at)).count();
            prop_assert_eq!((answer.mark, answer.fork), (Sequence(contiguous as u64), None));
        }
        prop_assert_eq!(shelf.entries.keys().map(|at| at.0).collect::<Vec<_>>(), sent.into_iter().map(|at| at as u64).collect::<Vec<_>>());
        prop_assert!(shelf.quarantine.is_empty() && !shelf.forked);
    }

    #[test]
    fn whatever_two_writers_send_the_chain_holds(sends in prop::collection::vec((any::<bool>(), 1_usize..=20, 0_usize..6), 1..40), from in 2_usize..20) {
        let (ours, twins) = (chain(20, &[]), chain(20, &[from]));
        let mut shelf = Shelf::default();
        for (twin, first, more) in sends {
            let of = if twin { &twins } else { &ours };
            let answer = shelf.take(&batch(of, first, (first + more).min(20)));
            prop_assert!(answer.fork.is_none_or(|fork| fork == Sequence(from as u64)));
            let mut before = EntryHash::NONE;
            for at in 1..=shelf.mark.0 {
                let entry = &shelf.entries[&Sequence(at)];
                prop_assert_eq!(entry.entry.previous, before);
                before = entry.stored.hash;
            }
        }
    }
}

/// One journal at the office.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shelf {
    entries: BTreeMap<Sequence, CheckedEntry>,
    quarantine: BTreeMap<(Sequence, EntryHash), Reason>,
    holes: Vec<Lost>,
    mark: Sequence,
    forked: bool,
}

impl Shelf {
    fn holding(chain: &[CheckedEntry], count: usize) -> Self {
        let mut shelf = Self::default();
        for part in chain[..count].chunks(BATCH_ENTRIES_MAX) {
            shelf.take(&CheckedBatch { entries: part.to_vec(), ..heartbeat(&chain[..count]) });
        }
        shelf
    }

    fn hashes(&self) -> Vec<EntryHash> {
        self.entries.values().map(|entry| entry.stored.hash).collect()
    }

    fn take(&mut self, batch: &CheckedBatch) -> Answer {
        let held = |entry: &CheckedEntry| Held { previous: entry.entry.previous, hash: entry.stored.hash };
        let ranges = wanted(batch).into_iter().chain([(self.mark, self.mark)]);
        let held = ranges.flat_map(|(from, to)| self.entries.range(from..=to)).map(|(at, entry)| (*at, held(entry))).collect();
        let mut runs: Vec<Run> = Vec::new();
        for (at, entry) in self.entries.range(self.mark.next()..) {
            match runs.last_mut().filter(|run| run.to.next() == *at) {
                Some(run) => (run.to, run.head) = (*at, entry.stored.hash),
                None => runs.push(Run { from: *at, to: *at, previous: entry.entry.previous, head: entry.stored.hash }),
            }
        }
        let view = View { mark: self.mark, held, runs, holes: self.holes.clone(), forked: self.forked };
        let decision = decide(&view, batch);
        if let Some(above) = decision.demote_above {
            let dropped = self.entries.split_off(&above.next());
            self.quarantine.extend(dropped.into_iter().map(|(at, entry)| ((at, entry.stored.hash), Reason::Chain)));
        }
        for entry in decision.insert {
            self.quarantine.remove(&(entry.stored.sequence, entry.stored.hash));
            assert!(self.entries.insert(entry.stored.sequence, entry).is_none(), "what is held is never written over");
        }
        self.quarantine.extend(decision.quarantine.into_iter().map(|(entry, reason)| ((entry.stored.sequence, entry.stored.hash), reason)));
        self.holes.extend(decision.holes);
        assert!(decision.mark >= self.mark, "the office's own mark never goes back");
        (self.mark, self.forked) = (decision.mark, decision.forked);
        decision.answer
    }
}

/// A journal of that length; at the places named another machine wrote something else.
fn chain(count: usize, others: &[usize]) -> Vec<CheckedEntry> {
    let mut chain: Vec<CheckedEntry> = Vec::new();
    for at in 1..=count {
        let previous = chain.last().map_or(EntryHash::NONE, |entry| entry.stored.hash);
        let version = if others.contains(&at) { "other" } else { "0.1.0" };
        let draft = Draft { clock: clock(), body: Body::Boot { version: version.to_owned() }, origin: None };
        let stored: Stored = canonical::seal(draft, JOURNAL, Sequence(at as u64), previous).unwrap();
        let entry = canonical::open(&stored.text).unwrap();
        chain.push(CheckedEntry { stored, entry });
    }
    chain
}

fn hashes(chain: &[CheckedEntry]) -> Vec<EntryHash> {
    chain.iter().map(|entry| entry.stored.hash).collect()
}

fn clock() -> ClockReading {
    ClockReading { wall: Wall(1_000_000), mono: Mono(5_000), boot: BootId([5; 16]), trust: Trust::Synced, uncertainty_ms: 20 }
}

fn lost(from: u64, to: u64, head_after: Option<EntryHash>) -> Lost {
    Lost { from: Sequence(from), to: Sequence(to), reason: LostReason::Unreadable, head_after }
}

/// What a terminal with that journal says while it has nothing to send.
fn heartbeat(chain: &[CheckedEntry]) -> CheckedBatch {
    let end = chain.last().map(|entry| JournalState { journal: JOURNAL, sequence: entry.stored.sequence, head: entry.stored.hash });
    let state = TerminalState {
        clock: clock(),
        journals: end.into_iter().collect(),
        backlog: 0,
        software: "0.1.0".to_owned(),
        conditions: Vec::new(),
        bundle: None,
    };
    CheckedBatch { terminal: "hall-1".parse().unwrap(), journal: JOURNAL, entries: Vec::new(), lost: Vec::new(), state }
}

fn batch(chain: &[CheckedEntry], first: usize, last: usize) -> CheckedBatch {
    CheckedBatch { entries: chain[first - 1..last].to_vec(), ..heartbeat(chain) }
}
