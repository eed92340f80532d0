//! Journals with many punches, written by the product's own journal thread. Only while they are made nothing waits for the disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use anyhow::{Context as _, bail, ensure};
use punchd::clock::Clock;
use punchd::domain::credential::{Credential, Technology};
use punchd::domain::id::{BootId, ReaderName};
use punchd::domain::time::{ClockReading, Mono, Trust, Wall};
use punchd::machine::Ticket;
use punchd::terminal::journal::{self, Command, Event, OpenOptions, Options};
use punchd::wire::entry::{Body, Draft, Stored};
use tokio::sync::mpsc;

use crate::kiosk::badge;

/// Milliseconds between two punches of a centre of 200 people: four each on a day.
pub(crate) const PUNCH_EVERY_MS: i64 = 108_000;
/// People of that centre.
pub(crate) const PEOPLE: u64 = 200;
/// Most appends under way.
pub(crate) const UNDER_WAY_MAX: usize = 512;

/// A journal's thread, as the kiosk runs it.
#[derive(Debug)]
pub(crate) struct Journal {
    commands: SyncSender<Command>,
    events: mpsc::Receiver<Event>,
    thread: JoinHandle<()>,
}

impl Journal {
    /// Opens the journals of a data directory and waits until they can take entries.
    pub(crate) fn open(directory: &Path, pragmas: &[(&str, &str)]) -> anyhow::Result<Self> {
        fs::create_dir_all(directory)?;
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
        let pragmas = pragmas.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let open = OpenOptions { pragmas, ..OpenOptions::default() };
        let options = Options { open, ..Options::new(directory.to_owned(), machine) };
        let (commands, asked) = std::sync::mpsc::sync_channel(1_024);
        let (told, events) = mpsc::channel(1_024);
        let thread = std::thread::spawn(move || journal::run(options, Clock::system(), asked, told));
        let mut journal = Self { commands, events, thread };
        while !matches!(journal.next()?, Event::Available { .. }) {}
        Ok(journal)
    }

    /// Asks for something to be stored.
    pub(crate) fn ask(&self, number: u64, draft: Draft) -> anyhow::Result<()> {
        self.commands.send(Command::Append { ticket: Ticket(number), draft }).context("the journal has ended")
    }

    /// Waits for the next that was stored.
    pub(crate) fn stored(&mut self) -> anyhow::Result<Stored> {
        loop {
            match self.next()? {
                Event::Appended { stored, .. } => return Ok(stored),
                Event::NotAppended { why, .. } | Event::Unavailable { why } => bail!("not stored: {why}"),
                Event::Kept(_)
                | Event::Available { .. }
                | Event::Journals(_)
                | Event::Loaded { .. }
                | Event::Conditions(_)
                | Event::Alive(_) => {}
            }
        }
    }

    /// Stores these, many under way at a time, and gives them back as stored.
    pub(crate) fn store(&mut self, drafts: impl Iterator<Item = Draft>, mut each: impl FnMut(Stored)) -> anyhow::Result<()> {
        let (mut asked, mut stored) = (0_u64, 0_u64);
        for draft in drafts {
            self.ask(asked, draft)?;
            asked += 1;
            if asked - stored >= UNDER_WAY_MAX as u64 {
                each(self.stored()?);
                stored += 1;
            }
        }
        for _ in stored..asked {
            each(self.stored()?);
        }
        Ok(())
    }

    /// Ends it.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        self.commands.send(Command::Stop).context("the journal has ended")?;
        while self.events.blocking_recv().is_some() {}
        ensure!(self.thread.join().is_ok(), "the journal's thread panicked");
        Ok(())
    }

    fn next(&mut self) -> anyhow::Result<Event> {
        self.events.blocking_recv().context("the journal has ended")
    }
}

/// A punch of the centre's people, at a moment of a boot that is past.
pub(crate) fn punch(number: u64, at: Wall) -> Draft {
    let reader: ReaderName = "badge".parse().expect("a reader's name");
    let credential = Credential::Badge { technology: Technology::Em4100, bytes: badge(number % PEOPLE) };
    let mono = Mono(number.saturating_mul(PUNCH_EVERY_MS.unsigned_abs()));
    let clock = ClockReading { wall: at, mono, boot: BootId([7; 16]), trust: Trust::Synced, uncertainty_ms: 20 };
    Draft { clock, body: Body::Punch { reader, credential }, origin: None }
}

/// Data directories with so many punches, each made once.
#[derive(Debug)]
pub(crate) struct Fixtures {
    folder: PathBuf,
    made: Vec<u64>,
    ends: Wall,
}

impl Fixtures {
    /// In a folder; the newest punch is of this moment.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), made: Vec::new(), ends: Clock::system().wall() }
    }

    /// Copies a data directory with so many punches to a place.
    pub(crate) fn give(&mut self, punches: u64, to: &Path) -> anyhow::Result<()> {
        self.make(punches)?;
        copy(&self.place(punches), to)
    }

    fn place(&self, punches: u64) -> PathBuf {
        self.folder.join(format!("journal-of-{punches}"))
    }

    fn make(&mut self, punches: u64) -> anyhow::Result<()> {
        if self.made.contains(&punches) {
            return Ok(());
        }
        let mut journal = Journal::open(&self.place(punches), &[("synchronous", "OFF")])?;
        let ago = |number: u64| i64::try_from(punches - number).unwrap_or_default() * PUNCH_EVERY_MS;
        let drafts = (0..punches).map(|number| punch(number, self.ends.plus_millis(-ago(number))));
        journal.store(drafts, |_| ())?;
        journal.close()?;
        self.made.push(punches);
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let copy = to.join(item.file_name());
        fs::copy(item.path(), &copy)?;
        File::open(copy)?.sync_all()?; // Or it would be written while something is measured.
    }
    Ok(())
}
