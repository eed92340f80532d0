//! The journal as its thread shows it: asked by commands, judged by events and by the files it leaves.

mod damage;
mod examine;
mod fork;
mod full;
mod law;
mod model;
mod start;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::{Command, Event, OpenOptions, Options, run};
use crate::clock::Clock;
use crate::domain::id::{BootId, EntryHash, JournalId, Sequence};
use crate::domain::time::{ClockReading, Mono, Trust, Wall};
use crate::health::{Code, Condition};
use crate::machine::Ticket;
use crate::machine::uplink::JournalView;
use crate::wire::batch::{Lost, Receipt};
use crate::wire::canonical;
use crate::wire::entry::{Body, Draft, Entry, Stored};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// 2026-11-23, a Monday, 07:55 at +08:00.
pub(super) const MORNING: Wall = Wall(1_795_391_700_000);
const DAY_MS: i64 = 86_400_000;

/// A running journal thread and what it told.
struct Rig {
    commands: SyncSender<Command>,
    events: mpsc::Receiver<Event>,
    told: VecDeque<Event>,
    thread: Option<JoinHandle<()>>,
    runtime: Runtime,
    tickets: u64,
    /// The journals as last told.
    views: Vec<JournalView>,
}

impl Rig {
    fn start(directory: &Path) -> Self {
        Self::start_with(options(directory))
    }

    /// Where power cuts are of no concern, and many starts are.
    fn start_carelessly(directory: &Path) -> Self {
        let pragmas = vec![("synchronous".to_owned(), "OFF".to_owned())];
        Self::start_with(Options { open: OpenOptions { vfs: None, pragmas }, ..options(directory) })
    }

    fn start_with(options: Options) -> Self {
        let (commands, inbox) = sync_channel(4_096);
        let (outbox, events) = mpsc::channel(16_384);
        let thread = std::thread::spawn(move || run(options, Clock::system(), inbox, outbox));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { commands, events, told: VecDeque::new(), thread: Some(thread), runtime, tickets: 0, views: Vec::new() }
    }

    fn ask(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    /// The first event, told already or to come, that `pick` takes; what it does not take stays for later.
    fn wait<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        if let Some((at, found)) = self.told.iter().enumerate().find_map(|(at, event)| pick(event).map(|found| (at, found))) {
            self.told.remove(at);
            return found;
        }
        let (events, told, views) = (&mut self.events, &mut self.told, &mut self.views);
        let telling = async {
            loop {
                let event = events.recv().await.expect("the thread goes on");
                if let Some(journals) = told_journals(&event) {
                    *views = journals.to_vec();
                }
                match pick(&event) {
                    Some(found) => return found,
                    None => told.push_back(event),
                }
            }
        };
        let found = self.runtime.block_on(async { tokio::time::timeout(LIMIT, telling).await });
        found.unwrap_or_else(|_| panic!("no answer in time; told meanwhile: {told:?}"))
    }

    fn available(&mut self) -> Vec<JournalView> {
        self.wait(|event| if let Event::Available { journals, .. } = event { Some(journals.clone()) } else { None })
    }

    fn unavailable(&mut self) -> String {
        self.wait(|event| if let Event::Unavailable { why } = event { Some(why.clone()) } else { None })
    }

    fn condition(&mut self, code: Code) -> Condition {
        let pick = |condition: &&Condition| condition.code == code;
        self.wait(|event| if let Event::Conditions(conditions) = event { conditions.iter().find(pick).cloned() } else { None })
    }

    /// Asks for an append and tells its ticket.
    fn append(&mut self, draft: Draft) -> Ticket {
        self.tickets += 1;
        self.ask(Command::Append { ticket: Ticket(self.tickets), draft });
        Ticket(self.tickets)
    }

    fn outcome(&mut self, wanted: Ticket) -> Result<Stored, String> {
        self.wait(|event| {
            if let Event::Appended { ticket, stored } = event {
                return (*ticket == wanted).then(|| Ok(stored.clone()));
            }
            if let Event::NotAppended { ticket, why } = event { (*ticket == wanted).then(|| Err(why.clone())) } else { None }
        })
    }

    fn store(&mut self, draft: Draft) -> Stored {
        let ticket = self.append(draft);
        self.outcome(ticket).unwrap()
    }

    fn store_many(&mut self, count: u64) -> Vec<Stored> {
        let tickets: Vec<Ticket> = (0..count).map(|n| self.append(punch(n))).collect();
        tickets.into_iter().map(|ticket| self.outcome(ticket).unwrap()).collect()
    }

    fn load(&mut self, wanted: JournalId, from: u64, limit: usize) -> (Vec<Stored>, Vec<Lost>) {
        self.ask(Command::Load { journal: wanted, from: Sequence(from), limit });
        self.wait(|event| {
            let Event::Loaded { journal, entries, lost } = event else { return None };
            (*journal == wanted).then(|| (entries.clone(), lost.clone()))
        })
    }

    /// Everything of a journal as the uplink would fetch it.
    fn drain(&mut self, view: &JournalView) -> (Vec<Stored>, Vec<Lost>) {
        let (mut next, mut all, mut holes) = (view.first.0, Vec::new(), Vec::new());
        while next <= view.last.0 {
            let (entries, lost) = self.load(view.journal, next, 100);
            let end = entries.last().map(|stored| stored.sequence).or(lost.last().map(|hole| hole.to));
            next = end.expect("something is read or declared lost").0 + 1;
            all.extend(entries);
            holes.extend(lost);
        }
        (all, holes)
    }

    fn stream(&mut self, after: Option<Sequence>, room: usize) -> Vec<Stored> {
        let (into, mut from) = mpsc::channel(room);
        self.ask(Command::Stream { after, into });
        let mut all = Vec::new();
        while let Some(stored) = self.runtime.block_on(async { tokio::time::timeout(LIMIT, from.recv()).await }).unwrap() {
            all.push(stored);
        }
        all
    }

    fn acknowledge(&self, stored: &Stored) {
        let receipt = receipt(stored.journal, stored.sequence, stored.hash);
        self.ask(Command::Acknowledge { journal: stored.journal, mark: stored.sequence, receipt: Box::new(receipt) });
    }

    fn keep(&mut self, key: &'static str, value: &str) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        self.ask(Command::Keep { key, value: value.to_owned(), done });
        self.runtime.block_on(async { tokio::time::timeout(LIMIT, answer).await }).unwrap().unwrap()
    }

    /// Waits until everything asked before was obeyed.
    fn settle(&mut self) {
        let nobody = JournalId([0xFF; 16]);
        assert!(self.load(nobody, 1, 1).0.is_empty());
    }

    /// The journals as last told, after everything asked before.
    fn journals(&mut self) -> Vec<JournalView> {
        self.settle();
        self.settle();
        self.views.clone()
    }

    fn stop(mut self) {
        self.ask(Command::Stop);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The journals that an event tells.
fn told_journals(event: &Event) -> Option<&[JournalView]> {
    if let Event::Journals(views) | Event::Available { journals: views, .. } = event { Some(views) } else { None }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn options(directory: &Path) -> Options {
    Options { ballast_bytes: 65_536, ..Options::new(directory.to_owned(), "machine-a".to_owned()) }
}

fn reading(wall: Wall, trust: Trust) -> ClockReading {
    ClockReading { wall, mono: Mono(60_000), boot: BootId([7; 16]), trust, uncertainty_ms: 20 }
}

fn draft(wall: Wall, trust: Trust, body: Body) -> Draft {
    Draft { clock: reading(wall, trust), body, origin: None }
}

/// A reading of one of the published test badges, one second after the one before.
fn punch(n: u64) -> Draft {
    const BADGES: [&str; 4] = ["67003B51C6", "67003BA86C", "6F007B3972", "3C00CE754C"];
    let credential = format!("em4100:{}", BADGES[usize::try_from(n).unwrap() % BADGES.len()]).parse().unwrap();
    let wall = MORNING.plus_millis(1_000 * i64::try_from(n).unwrap());
    draft(wall, Trust::Synced, Body::Punch { reader: "badge".parse().unwrap(), credential })
}

fn receipt(journal: JournalId, mark: Sequence, head: EntryHash) -> Receipt {
    let terminal = "east-hall-1".parse().unwrap();
    let (bundle, elsewhere) = (String::new(), String::new());
    Receipt { version: 1, terminal, journal, mark, head, fork: None, at: MORNING, at_trusted: true, bundle, elsewhere }
}

fn read(stored: &Stored) -> Entry {
    canonical::open(&stored.text).unwrap()
}

/// Every entry follows the one before, from `first` on.
fn assert_chain(entries: &[Stored], first: u64) {
    for (stored, sequence) in entries.iter().zip(first..) {
        assert_eq!((stored.sequence.0, canonical::entry_hash(&stored.text)), (sequence, stored.hash));
    }
    for pair in entries.windows(2) {
        assert_eq!(read(&pair[1]).previous, pair[0].hash);
    }
}

/// The database files whose name begins like this, oldest name first.
fn files(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix) && path.extension().is_some_and(|end| end == "db"));
    found.sort();
    found
}

fn only_journal(directory: &Path) -> PathBuf {
    let found = files(directory, "journal-");
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}
