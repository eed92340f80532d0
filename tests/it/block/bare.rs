//! The proof that the cuts can find a loss: the journal alone, opened through the library by this test program started again, which says on
//! standard output what was stored. With `synchronous = FULL` nothing of it may be missing; with `NORMAL` something must be.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use punchd::clock::Clock;
use punchd::domain::time::{ClockReading, Trust};
use punchd::machine::Ticket;
use punchd::terminal::journal::{Command, Event, OpenOptions, Options, run};
use punchd::wire::entry::{Body, Draft};
use tokio::sync::mpsc;

use super::super::rig::badge;
use super::super::world::random::Random;
use super::cut::{self, Past};
use super::device::{self, Mounted, Served};
use super::log::Log;

/// The test under whose name this program is started again.
const CHILD_TEST: &str = "block::the_same_cuts_lose_confirmed_punches_from_a_journal_that_does_not_wait_for_the_disk";
/// Where the child keeps its journal, and how SQLite waits for the disk there.
const DIRECTORY: &str = "PUNCH_BLOCK_CHILD";
const SYNCHRONOUS: &str = "PUNCH_BLOCK_CHILD_SYNCHRONOUS";
/// What the child says of each stored punch.
const STORED: &str = "stored ";
/// Punches of the child.
const PUNCHES: u32 = 400;
const MEBIBYTES: u64 = 16;

/// What the cuts found.
#[derive(Debug, Default)]
pub(super) struct Losses {
    pub(super) owed: usize,
    /// Cuts after which something was missing.
    pub(super) cuts_hurt: usize,
    pub(super) lost_most: usize,
    pub(super) lost: usize,
}

/// Whether this is the child; it then stores its punches and ends.
pub(super) fn is_child() -> bool {
    let Ok(directory) = std::env::var(DIRECTORY) else { return false };
    let pragmas = vec![("synchronous".to_owned(), std::env::var(SYNCHRONOUS).unwrap())];
    let mut journal = Journal::open(Path::new(&directory), OpenOptions { vfs: None, pragmas });
    for number in 1..=PUNCHES {
        println!("{STORED}{}", journal.store(number));
    }
    journal.close();
    true
}

/// Records the child on a disk of its own, cuts the power, and counts what it said and what is there.
pub(super) fn lost(synchronous: &str, cuts: usize, random: &mut Random) -> Losses {
    let folder = device::folder();
    let (base, live) = (folder.path().join("base.img"), folder.path().join("live.img"));
    device::make_file_system(&base, MEBIBYTES);
    std::fs::copy(&base, &live).unwrap();
    let served = Served::start(&live, folder.path(), "live");
    let at = folder.path().join("disk");
    std::fs::create_dir(&at).unwrap();
    let mounted = Mounted::at(&served.exported, &at, "");
    let stored = record(&served, &at, synchronous);
    drop(mounted);
    let log = served.log().to_owned();
    drop(served);
    let log = Log::read(&log);
    println!("{synchronous}: {} writes and {} flushes recorded", log.asked.len(), log.flushes());
    let mut past = Past::new(&base, &log);
    let mut losses = Losses::default();
    let confirmed: Vec<u64> = stored.iter().map(|(_, logged)| *logged).collect();
    for (n, cut) in cut::moments(&log, &confirmed, cuts, random).into_iter().enumerate() {
        let image = folder.path().join(format!("cut-{n}.img"));
        past.cut(cut, random, &image);
        device::repair(&image).unwrap();
        let mounted = Mounted::at(&image, &at, "");
        let there = Journal::open(&at, OpenOptions::default()).into_places();
        drop(mounted);
        std::fs::remove_file(&image).unwrap();
        let owed = stored.iter().filter(|(_, logged)| *logged <= cut.end);
        let (owed, lost) = owed.fold((0, 0), |(owed, lost), (place, _)| (owed + 1, lost + usize::from(!there.contains(place))));
        losses.owed += owed;
        losses.lost += lost;
        losses.lost_most = losses.lost_most.max(lost);
        losses.cuts_hurt += usize::from(lost > 0);
    }
    losses
}

/// What the child said, each with the length of the record at that moment.
fn record(served: &Served, directory: &Path, synchronous: &str) -> Vec<(String, u64)> {
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD_TEST, "--nocapture"])
        .env(DIRECTORY, directory)
        .env(SYNCHRONOUS, synchronous)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // The test harness begins the first line itself.
    let stored = said.filter_map(|line| line.split_once(STORED).map(|(_, place)| (place.to_owned(), served.logged())));
    let stored: Vec<_> = stored.collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(stored.len(), usize::try_from(PUNCHES).unwrap());
    stored
}

/// A journal's thread in this process.
struct Journal {
    commands: SyncSender<Command>,
    events: mpsc::Receiver<Event>,
    thread: JoinHandle<()>,
}

impl Journal {
    fn open(directory: &Path, open: OpenOptions) -> Self {
        let options = Options { open, ballast_bytes: 0, ..Options::new(directory.to_owned(), "one machine".to_owned()) };
        let (commands, inbox) = sync_channel(16);
        let (outbox, events) = mpsc::channel(1_024);
        let thread = std::thread::spawn(move || run(options, Clock::system(), inbox, outbox));
        let mut journal = Self { commands, events, thread };
        while !matches!(journal.event(), Event::Available { .. }) {}
        journal
    }

    fn event(&mut self) -> Event {
        self.events.blocking_recv().expect("the journal goes on")
    }

    /// Stores a punch; where it stands.
    fn store(&mut self, number: u32) -> String {
        let now = Clock::system().read();
        let clock = ClockReading { wall: now.wall, mono: now.mono, boot: now.boot, trust: Trust::Unset, uncertainty_ms: 0 };
        let body = Body::Punch { reader: "badge".parse().unwrap(), credential: badge(number).1.parse().unwrap() };
        let ticket = Ticket(u64::from(number));
        self.commands.send(Command::Append { ticket, draft: Draft { clock, body, origin: None } }).unwrap();
        loop {
            let event = self.event();
            if let Event::Appended { stored, .. } = event {
                return format!("{}/{}", stored.journal, stored.sequence);
            }
            assert!(!matches!(event, Event::NotAppended { .. } | Event::Unavailable { .. }), "not stored: {event:?}");
        }
    }

    /// Every entry's place.
    fn into_places(self) -> BTreeSet<String> {
        let (into, mut stream) = mpsc::channel(1_024);
        self.commands.send(Command::Stream { after: None, into }).unwrap();
        let mut places = BTreeSet::new();
        while let Some(stored) = stream.blocking_recv() {
            places.insert(format!("{}/{}", stored.journal, stored.sequence));
        }
        self.close();
        places
    }

    fn close(self) {
        self.commands.send(Command::Stop).unwrap();
        drop(self.events);
        self.thread.join().unwrap();
    }
}
