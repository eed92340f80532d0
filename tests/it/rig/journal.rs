//! The kiosk's journal on its own thread, as the daemon runs it, asked and heard by a test. Its clock skips, so that nobody waits for a retry.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test waits for one kind of event and leaves all others for later")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use punchd::clock::Clock;
use punchd::domain::id::{BootId, JournalId, Sequence};
use punchd::domain::time::{ClockReading, Mono, Trust, Wall};
use punchd::health::Condition;
use punchd::machine::Ticket;
use punchd::machine::uplink::JournalView;
use punchd::terminal::journal::{Command, Event, OpenOptions, Options, run};
use punchd::wire::batch::{Lost, Receipt};
use punchd::wire::entry::{Body, Draft, Stored};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::{PATIENCE, badge};

/// 2026-11-23, a Monday, 07:55 at +08:00.
pub(crate) const MORNING: Wall = Wall(1_795_391_700_000);
/// The journal tries again after so long, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// After so long without anything else to do, marks are written, in milliseconds.
const MARKS_MS: u64 = 600_000;
/// Entries asked for at once.
const PAGE: usize = 512;

/// What the journal told when it could take entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Available {
    pub(crate) journals: Vec<JournalView>,
    pub(crate) kept: Vec<(String, String)>,
}

/// A running journal.
pub(crate) struct Journal {
    commands: SyncSender<Command>,
    events: mpsc::Receiver<Event>,
    told: VecDeque<Event>,
    thread: Option<JoinHandle<()>>,
    runtime: Runtime,
    clock: Clock,
    tickets: u64,
    /// As last told.
    available: bool,
}

impl Journal {
    pub(crate) fn start(options: Options) -> Self {
        let clock = Clock::skipping(MORNING);
        let (commands, inbox) = sync_channel(4_096);
        let (outbox, events) = mpsc::channel(16_384);
        let its_clock = clock.clone();
        let thread = std::thread::spawn(move || run(options, its_clock, inbox, outbox));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { commands, events, told: VecDeque::new(), thread: Some(thread), runtime, clock, tickets: 0, available: false }
    }

    pub(crate) fn ask(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    /// The first event, told already or to come, that `pick` takes; what it does not take stays for later.
    pub(crate) fn wait<T>(&mut self, pick: impl Fn(&Event) -> Option<T>) -> T {
        if let Some((at, found)) = self.told.iter().enumerate().find_map(|(at, event)| pick(event).map(|found| (at, found))) {
            self.told.remove(at);
            return found;
        }
        loop {
            let event = self.next();
            match pick(&event) {
                Some(found) => return found,
                None => self.told.push_back(event),
            }
        }
    }

    fn next(&mut self) -> Event {
        let (runtime, events) = (&self.runtime, &mut self.events);
        let event = runtime.block_on(async { tokio::time::timeout(PATIENCE, events.recv()).await });
        let event = event.unwrap_or_else(|_| panic!("no answer in time; told meanwhile: {:?}", self.told)).expect("the thread goes on");
        self.available = match event {
            Event::Available { .. } => true,
            Event::Unavailable { .. } => false,
            _ => self.available,
        };
        event
    }

    /// Waits until it can take entries, or tells why it cannot.
    pub(crate) fn opened(&mut self) -> Result<Available, String> {
        self.wait(|event| match event {
            Event::Available { journals, .. } => Some(Ok(journals.clone())),
            Event::Unavailable { why } => Some(Err(why.clone())),
            _ => None,
        })
        .map(|journals| Available { journals, kept: self.kept() })
    }

    /// Waits until it can take entries, as often as it has to try.
    pub(crate) fn opened_at_last(&mut self) -> Available {
        let mut opened = self.opened();
        while opened.is_err() {
            self.recover();
            opened = self.opened();
        }
        opened.unwrap()
    }

    /// Whether it can take entries, after everything asked before.
    pub(crate) fn is_available(&mut self) -> bool {
        self.settle();
        self.available
    }

    /// Lets the time of retries pass until it can take entries.
    pub(crate) fn recover(&mut self) {
        while !self.is_available() {
            self.quiet_for(RETRY_MS);
        }
    }

    fn kept(&mut self) -> Vec<(String, String)> {
        self.wait(|event| if let Event::Kept(kept) = event { Some(kept.clone()) } else { None })
    }

    /// Two quiet moments, the first of them after ten minutes: whatever is due gets done.
    pub(crate) fn quiet(&mut self) {
        self.quiet_for(MARKS_MS);
        self.quiet_for(0);
    }

    /// Lets time pass; the journal takes note by way of a sign of life, and uses the quiet moment.
    pub(crate) fn quiet_for(&mut self, millis: u64) {
        self.clock.skip(millis);
        self.tickets += 1;
        let number = self.tickets;
        self.ask(Command::Probe(number));
        self.wait(|event| matches!(event, Event::Alive(alive) if *alive == number).then_some(()));
        self.settle();
    }

    /// Asks for an append and tells its ticket.
    pub(crate) fn append(&mut self, draft: Draft) -> Ticket {
        self.tickets += 1;
        self.ask(Command::Append { ticket: Ticket(self.tickets), draft });
        Ticket(self.tickets)
    }

    /// Stores an entry, or tells why that cannot be.
    pub(crate) fn store(&mut self, draft: Draft) -> Result<Stored, String> {
        let ticket = self.append(draft);
        self.outcome(ticket)
    }

    pub(crate) fn outcome(&mut self, wanted: Ticket) -> Result<Stored, String> {
        self.wait(|event| match event {
            Event::Appended { ticket, stored } if *ticket == wanted => Some(Ok(stored.clone())),
            Event::NotAppended { ticket, why } if *ticket == wanted => Some(Err(why.clone())),
            _ => None,
        })
    }

    /// A page of a journal from a place on.
    pub(crate) fn load(&mut self, wanted: JournalId, from: Sequence) -> (Vec<Stored>, Vec<Lost>) {
        self.ask(Command::Load { journal: wanted, from, limit: PAGE });
        self.wait(|event| match event {
            Event::Loaded { journal, entries, lost } if *journal == wanted => Some((entries.clone(), lost.clone())),
            _ => None,
        })
    }

    /// Everything of a journal as the uplink would fetch it.
    pub(crate) fn drain(&mut self, view: &JournalView) -> (Vec<Stored>, Vec<Lost>) {
        let (mut next, mut all, mut holes) = (view.first, Vec::new(), Vec::new());
        while next <= view.last {
            let (entries, lost) = self.load(view.journal, next);
            let Some(end) = entries.last().map(|stored| stored.sequence).or(lost.last().map(|hole| hole.to)) else { break };
            next = end.next();
            all.extend(entries);
            holes.extend(lost);
        }
        (all, holes)
    }

    pub(crate) fn keep(&mut self, key: &'static str, value: String) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        self.ask(Command::Keep { key, value, done });
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await }).unwrap().unwrap()
    }

    /// The office's word that it holds everything up to here.
    pub(crate) fn acknowledge(&self, stored: &Stored) {
        let receipt = Receipt {
            version: 1,
            terminal: "east-hall-1".parse().unwrap(),
            journal: stored.journal,
            mark: stored.sequence,
            head: stored.hash,
            fork: None,
            at: MORNING,
            at_trusted: true,
            bundle: String::new(),
            elsewhere: String::new(),
        };
        self.ask(Command::Acknowledge { journal: stored.journal, mark: stored.sequence, receipt: Box::new(receipt) });
    }

    /// Waits until everything asked before was obeyed; the journals as told meanwhile, if they were.
    pub(crate) fn settle(&mut self) -> Option<Vec<JournalView>> {
        let nobody = JournalId([0xFF; 16]);
        assert!(self.load(nobody, Sequence(1)).0.is_empty());
        let mut views = None;
        self.told.retain(|event| match event {
            Event::Journals(journals) => {
                views = Some(journals.clone());
                false
            }
            _ => true,
        });
        views
    }

    /// Everything that is wrong, as last told.
    pub(crate) fn conditions(&mut self) -> Vec<Condition> {
        self.settle();
        let told = self.told.iter().rev().find_map(|event| if let Event::Conditions(told) = event { Some(told.clone()) } else { None });
        told.unwrap_or_default()
    }

    pub(crate) fn stop(mut self) {
        self.ask(Command::Stop);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// As the daemon runs it, without ballast.
pub(crate) fn options(folder: &Path, vfs: Option<&str>) -> Options {
    let open = OpenOptions { vfs: vfs.map(ToOwned::to_owned), pragmas: Vec::new() };
    Options { ballast_bytes: 0, open, ..Options::new(folder.to_owned(), "machine-a".to_owned()) }
}

/// A reading of a badge of its own.
pub(crate) fn punch(number: u64) -> Draft {
    let credential = badge(u32::try_from(number).unwrap()).1.parse().unwrap();
    draft(number, Body::Punch { reader: "badge".parse().unwrap(), credential })
}

/// Each is a second after the one before.
pub(crate) fn draft(number: u64, body: Body) -> Draft {
    let (wall, mono) = (MORNING.plus_millis(1_000 * i64::try_from(number).unwrap()), Mono(60_000 + 1_000 * number));
    Draft { clock: ClockReading { wall, mono, boot: BootId([7; 16]), trust: Trust::Synced, uncertainty_ms: 20 }, body, origin: None }
}
