//! The journal against a plain list: any order of appends, acknowledgements, prunings, restarts and forks.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// So many punches on the next day.
    Append(u8),
    /// Acknowledge this share of the open journal, in percent; may be less than before.
    Acknowledge(u8),
    /// Prune as if so many days had gone by since the first.
    Prune(u16),
    /// Stop and start.
    Restart,
    /// The office found a conflict at this share of the open journal, in percent.
    Fork(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1_u8..40).prop_map(Step::Append),
        3 => (0_u8..=100).prop_map(Step::Acknowledge),
        2 => (0_u16..400).prop_map(Step::Prune),
        2 => Just(Step::Restart),
        1 => (50_u8..=100).prop_map(Step::Fork),
    ];
    prop::collection::vec(step, 1..24)
}

/// One journal as a plain list.
#[derive(Debug, Default, Clone)]
struct Model {
    entries: Vec<(Stored, i64)>,
    pruned: usize,
    mark: usize,
    /// How much of it counts; the rest was written again elsewhere.
    end: Option<usize>,
}

impl Model {
    fn end(&self) -> usize {
        self.end.unwrap_or(self.entries.len())
    }

    /// The law: acknowledged, and before or at the last trusted entry that is older than 180 days.
    fn prune(&mut self, day: i64) {
        let old = self.entries.iter().take(self.mark.min(self.end())).rposition(|(_, written)| *written >= 0 && *written < day - 180);
        self.pruned = self.pruned.max(old.map_or(0, |at| at + 1));
    }
}

struct World {
    home: TempDir,
    rig: Rig,
    journals: Vec<Model>,
    day: i64,
}

impl World {
    fn new() -> Self {
        let home = folder();
        let mut rig = Rig::start_carelessly(home.path());
        let view = rig.available()[0];
        let opened = rig.load(view.journal, 1, 1).0.remove(0);
        Self { home, rig, journals: vec![Model { entries: vec![(opened, -1)], ..Model::default() }], day: 0 }
    }

    fn open(&mut self) -> &mut Model {
        self.journals.last_mut().unwrap()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(count) => {
                self.day += 1;
                for _ in 0..*count {
                    let clock = ClockReading { uncertainty_ms: 0, ..reading(MORNING.plus_millis(self.day * DAY_MS), Trust::Synced) };
                    let stored = self.rig.store(Draft { clock, ..punch(0) });
                    let day = self.day;
                    self.open().entries.push((stored, day));
                }
            }
            Step::Acknowledge(share) => {
                let open = self.open();
                open.mark = open.entries.len() * usize::from(*share) / 100;
                if let Some((stored, _)) = open.mark.checked_sub(1).map(|at| open.entries[at].clone()) {
                    self.rig.acknowledge(&stored);
                } else {
                    let journal = self.open().entries[0].0.journal;
                    let nothing = receipt(journal, Sequence::ZERO, EntryHash::NONE);
                    self.rig.ask(Command::Acknowledge { journal, mark: Sequence::ZERO, receipt: Box::new(nothing) });
                }
            }
            Step::Prune(days) => {
                let now = MORNING.plus_millis(i64::from(*days) * DAY_MS);
                self.rig.ask(Command::Prune { now });
                (0..self.journals.len() + 4).for_each(|_| self.rig.settle());
                self.journals.iter_mut().for_each(|journal| journal.prune(i64::from(*days)));
                let last = self.journals.len() - 1;
                let mut at = 0;
                self.journals.retain(|journal| {
                    at += 1;
                    at > last || journal.pruned < journal.entries.len()
                });
            }
            Step::Restart => {
                let rig = std::mem::replace(&mut self.rig, Rig::start_carelessly(&self.home.path().join("nowhere")));
                rig.stop();
                std::mem::replace(&mut self.rig, Rig::start_carelessly(self.home.path())).stop();
                self.rig.available();
            }
            Step::Fork(share) => self.fork(usize::from(*share)),
        }
    }

    fn fork(&mut self, share: usize) {
        let open = self.open();
        let from = (open.entries.len() * share / 100).max(open.pruned + 1).max(2);
        if from > open.entries.len() {
            return;
        }
        let journal = open.entries[0].0.journal;
        let copied: Vec<(Stored, i64)> = open.entries.split_off(from - 1);
        let whole = copied.clone();
        open.entries.extend(whole);
        open.end = Some(from - 1);
        self.rig.ask(Command::HealFork { journal, from: Sequence(from as u64) });
        let wanted = copied.len() + 1;
        let healed = |view: &&JournalView| view.journal != journal && view.last.0 == wanted as u64;
        let view = self.rig.wait(|event| told_journals(event)?.last().filter(healed).copied());
        let (entries, lost) = self.rig.drain(&view);
        assert!(lost.is_empty());
        for (copy, (first, _)) in entries.iter().skip(1).map(read).zip(&copied) {
            let first_entry = read(first);
            assert_eq!((copy.body, copy.clock), (first_entry.body.clone(), first_entry.clock));
            let origin = copy.origin.unwrap();
            assert_eq!(
                origin,
                first_entry.origin.unwrap_or(crate::domain::punch::Origin {
                    journal: first.journal,
                    sequence: first.sequence,
                    hash: first.hash
                })
            );
        }
        let days = std::iter::once(-1).chain(copied.iter().map(|(_, day)| *day));
        self.journals.push(Model { entries: entries.into_iter().zip(days).collect(), ..Model::default() });
    }

    fn compare(&mut self) {
        let all = self.rig.stream(None, 32);
        let wanted: Vec<Stored> = self
            .journals
            .iter()
            .flat_map(|journal| journal.entries.iter().take(journal.end()).skip(journal.pruned).map(|(stored, _)| stored.clone()))
            .collect();
        let places = |entries: &[Stored]| entries.iter().map(|stored| (stored.journal, stored.sequence)).collect::<Vec<_>>();
        assert_eq!(places(&all), places(&wanted));
        assert!(all == wanted, "the same places hold other texts");
        self.rig.ask(Command::Stop);
        self.rig.thread.take().unwrap().join().unwrap();
        let mut rig = Rig::start_carelessly(self.home.path());
        let views = rig.available();
        assert_eq!(views.len(), self.journals.len());
        for (view, journal) in views.iter().zip(&self.journals) {
            let end = journal.end();
            assert_eq!((view.first.0, view.last.0, view.acknowledged.0), (journal.pruned as u64 + 1, end as u64, journal.mark as u64));
            assert_eq!(view.head, journal.entries[end - 1].0.hash);
        }
        assert!(views.last().unwrap().open && views.iter().filter(|view| view.open).count() == 1);
        rig.stop();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_holds_what_a_plain_list_would(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.compare();
    }
}
