//! A kiosk that was offline for weeks: its journal holds thousands of punches before it starts.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;

use punchd::clock::Clock;
use punchd::domain::time::{ClockReading, Trust};
use punchd::machine::Ticket;
use punchd::terminal::journal::{Command, Event, Options, run};
use punchd::wire::entry::{Body, Draft};

use super::super::rig::{EntryPlace, Place, Tally, badge};

/// Most appends that wait for the journal at once: they share a commit.
const TOGETHER: usize = 512;

/// Stores so many punches, each of a badge of its own from this number on, as the kiosk's own journal does; none is lost that is stored.
pub(super) fn store(place: &Place, first: u32, count: u32) -> Tally {
    let data = place.path("data");
    std::fs::create_dir_all(&data).unwrap();
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
    let (commands, inbox) = sync_channel(TOGETHER);
    let (events, mut told) = tokio::sync::mpsc::channel(TOGETHER);
    let journal = std::thread::spawn(move || run(Options::new(data, machine), Clock::system(), inbox, events));
    let asking = std::thread::spawn(move || {
        let raw = Clock::system().read();
        let clock = ClockReading { wall: raw.wall, mono: raw.mono, boot: raw.boot, trust: Trust::Unset, uncertainty_ms: 0 };
        for number in first..first + count {
            let credential = badge(number).1.parse().unwrap();
            let body = Body::Punch { reader: "badge".parse().unwrap(), credential };
            let draft = Draft { clock, body, origin: None };
            commands.send(Command::Append { ticket: Ticket(number.into()), draft }).unwrap();
        }
        commands
    });
    let mut stored: Vec<EntryPlace> = Vec::new();
    while stored.len() < usize::try_from(count).unwrap() {
        let event = told.blocking_recv().unwrap();
        if let Event::NotAppended { why, .. } | Event::Unavailable { why } = &event {
            panic!("{why}");
        }
        if let Event::Appended { stored: entry, .. } = event {
            stored.push((entry.journal.to_string(), entry.sequence.0));
        }
    }
    let commands = asking.join().unwrap();
    commands.send(Command::Stop).unwrap();
    while told.blocking_recv().is_some() {}
    journal.join().unwrap();
    let fed: BTreeSet<String> = (first..first + count).map(|number| badge(number).1).collect();
    Tally { fed, confirmed: stored, held: Vec::new() }
}
