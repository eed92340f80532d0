//! The journal's thread over a folder: asked by commands, told by events.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use punchd::clock::Clock;
use punchd::domain::id::{BootId, JournalId, Sequence};
use punchd::domain::time::{ClockReading, Mono, Trust, Wall};
use punchd::health::Condition;
use punchd::machine::Ticket;
use punchd::machine::uplink::JournalView;
use punchd::terminal::journal::{Command, Event, OpenOptions, Options, run};
use punchd::wire::batch::Lost;
use punchd::wire::entry::{Body, Draft, Stored, TimeSource};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::rig::badge;

/// How long an answer may take: a hang is a fault of its own.
const LIMIT: Duration = Duration::from_secs(20);
/// 2026-11-23, a Monday, 07:55 at +08:00.
const MORNING: Wall = Wall(1_795_391_700_000);
/// Entries asked for at a time.
const PAGE: usize = 200;

/// A running thread and what it told.
pub(super) struct Journal {
    commands: SyncSender<Command>,
    events: mpsc::Receiver<Event>,
    told: VecDeque<Event>,
    thread: Option<JoinHandle<()>>,
    runtime: Runtime,
    tickets: u64,
}

impl Journal {
    /// Where power cuts are of no concern, and many starts are.
    pub(super) fn start(folder: &Path) -> Self {
        let pragmas = vec![("synchronous".to_owned(), "OFF".to_owned())];
        let open = OpenOptions { vfs: None, pragmas };
        let options = Options { ballast_bytes: 0, open, ..Options::new(folder.to_owned(), "machine-a".to_owned()) };
        let (commands, inbox) = sync_channel(4_096);
        let (outbox, events) = mpsc::channel(16_384);
        let thread = std::thread::spawn(move || run(options, Clock::system(), inbox, outbox));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { commands, events, told: VecDeque::new(), thread: Some(thread), runtime, tickets: 0 }
    }

    pub(super) fn ask(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    /// The first event, told already or to come, that `pick` takes; what it does not take stays for later.
    pub(super) fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        if let Some((at, found)) = self.told.iter().enumerate().find_map(|(at, event)| pick(event).map(|found| (at, found))) {
            self.told.remove(at);
            return found;
        }
        let (events, told) = (&mut self.events, &mut self.told);
        let telling = async {
            loop {
                let event = events.recv().await.expect("the thread goes on");
                match pick(&event) {
                    Some(found) => return found,
                    None => told.push_back(event),
                }
            }
        };
        let found = self.runtime.block_on(async { tokio::time::timeout(LIMIT, telling).await });
        found.unwrap_or_else(|_| panic!("{what}: no answer in time; told meanwhile: {:?}", self.told))
    }

    /// The journals once entries can be stored, or why they cannot.
    pub(super) fn opened(&mut self) -> Result<Vec<JournalView>, String> {
        self.wait("to open", |event| {
            if let Event::Unavailable { why } = event {
                return Some(Err(why.clone()));
            }
            if let Event::Available { journals, .. } = event { Some(Ok(journals.clone())) } else { None }
        })
    }

    /// The newest list of what is wrong; after the first, since that is told with every opening.
    pub(super) fn conditions(&mut self) -> Vec<Condition> {
        let pick = |event: &Event| if let Event::Conditions(conditions) = event { Some(conditions.clone()) } else { None };
        let mut newest = self.wait("what is wrong", pick);
        while let Some(at) = self.told.iter().position(|event| matches!(event, Event::Conditions(_))) {
            newest = self.told.remove(at).as_ref().and_then(pick).unwrap_or(newest);
        }
        newest
    }

    pub(super) fn store(&mut self, draft: Draft) -> Result<Stored, String> {
        self.tickets += 1;
        let wanted = Ticket(self.tickets);
        self.ask(Command::Append { ticket: wanted, draft });
        self.wait("to store", |event| {
            if let Event::Appended { ticket, stored } = event {
                return (*ticket == wanted).then(|| Ok(stored.clone()));
            }
            if let Event::NotAppended { ticket, why } = event { (*ticket == wanted).then(|| Err(why.clone())) } else { None }
        })
    }

    /// Everything of a journal as the uplink fetches it.
    pub(super) fn drain(&mut self, view: &JournalView) -> (Vec<Stored>, Vec<Lost>) {
        let (mut next, mut all, mut holes) = (view.first.0, Vec::new(), Vec::new());
        while next <= view.last.0 {
            let (entries, lost) = self.load(view.journal, Sequence(next));
            let end = entries.last().map(|stored| stored.sequence).or(lost.last().map(|hole| hole.to));
            next = end.unwrap_or_else(|| panic!("nothing is read or declared lost from {next} of {view:?}")).0 + 1;
            all.extend(entries);
            holes.extend(lost);
        }
        (all, holes)
    }

    /// A page of a journal from a place on.
    pub(super) fn load(&mut self, wanted: JournalId, from: Sequence) -> (Vec<Stored>, Vec<Lost>) {
        self.ask(Command::Load { journal: wanted, from, limit: PAGE });
        self.wait("to load", |event| {
            let Event::Loaded { journal, entries, lost } = event else { return None };
            (*journal == wanted).then(|| (entries.clone(), lost.clone()))
        })
    }

    pub(super) fn stop(mut self) {
        self.ask(Command::Stop);
        self.thread.take().unwrap().join().expect("the thread ends in good order");
    }
}

/// A reading of a badge of its own, one second after the one before.
pub(super) fn punch(number: u32) -> Draft {
    let credential = badge(number).1.parse().unwrap();
    draft(number, Body::Punch { reader: "badge".parse().unwrap(), credential })
}

/// A trusted moment.
pub(super) fn sync(number: u32) -> Draft {
    draft(number, Body::Sync { wall: MORNING.plus_millis(1_000 * i64::from(number)), uncertainty_ms: 12, source: TimeSource::Office })
}

fn draft(number: u32, body: Body) -> Draft {
    let wall = MORNING.plus_millis(1_000 * i64::from(number));
    let mono = Mono(60_000 + 1_000 * u64::from(number));
    Draft { clock: ClockReading { wall, mono, boot: BootId([7; 16]), trust: Trust::Synced, uncertainty_ms: 20 }, body, origin: None }
}
