//! One tap: from the last byte of a badge to the green event on the page, and where the time goes.

use std::path::Path;

use punchd::clock::Clock;
use punchd::config::reader::ReaderSettings;
use punchd::domain::id::ReaderName;
use punchd::domain::time::{Mono, Trust, UtcOffset};
use punchd::machine::Ticket;
use punchd::machine::core::{self, Core};
use punchd::machine::feedback::Feedback;
use punchd::reader::Reading;
use punchd::reader::protocol::Protocol;
use punchd::sim::reader::SimReader;
use punchd::terminal::display::Display;
use punchd::terminal::port::{self, PortEventKind};
use punchd::wire::entry::{Body, Stored};

use crate::disk::Floor;
use crate::fixture::{Journal, punch};
use crate::kiosk::{Kiosk, badge};
use crate::run::{Pace, Run};
use crate::stopwatch::{MS, Spread, US, now, timed, wait_until};
use crate::table::Figure;

const ROW: &str = "tap";
/// How long a person waits at most for an answer, in milliseconds.
const GREEN_MS_MAX: f64 = 150.0;
/// How much more the journal's commit may take than the disk's own work.
const COMMIT_RATIO_MAX: f64 = 1.5;
/// How much slower a full journal may be.
const GROWTH_RATIO_MAX: f64 = 1.3;
/// A large journal: years of a large centre.
pub(crate) const MANY: u64 = 1_000_000;

/// Taps at an empty journal and at a large one, then each stage alone.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let (empty, floor) = at(run, 0)?;
    let (full, _) = at(run, MANY)?;
    let pace = run.pace;
    let note = format!("{} taps, one each {} ms", empty.count(), pace.tap_every / 1_000_000);
    let mut figures = vec![
        Figure::new(ROW, "green, empty journal, p50", empty.p50() / MS, "ms")
            .beside("append + fdatasync at the same pace", floor.append.p50() / MS)
            .note(note.clone()),
        Figure::new(ROW, "green, empty journal, p99", empty.p99() / MS, "ms")
            .beside("append + fdatasync at the same pace", floor.append.p99() / MS)
            .at_most(GREEN_MS_MAX),
        Figure::new(ROW, "green, 1,000,000 punches stored, p50", full.p50() / MS, "ms").beside("empty", empty.p50() / MS).note(note),
        Figure::new(ROW, "green, 1,000,000 punches stored, p99", full.p99() / MS, "ms").at_most(GREEN_MS_MAX),
        Figure::new(ROW, "green, 1,000,000 punches stored, p99 beside empty", full.p99() / MS, "ms")
            .beside("empty", empty.p99() / MS)
            .ratio_at_most(GROWTH_RATIO_MAX),
    ];
    figures.extend(commit(run)?);
    figures.extend(stages(run.folder("stages")?.as_path(), &pace)?);
    Ok(figures)
}

/// Taps at a kiosk that holds so many punches; after each, what the disk takes at that pace.
fn at(run: &mut Run, punches: u64) -> anyhow::Result<(Spread, Floor)> {
    let folder = run.kiosk_folder(punches)?;
    let mut floor = Floor::new(&folder)?;
    let mut kiosk = Kiosk::start(&run.programs, &folder)?;
    kiosk.until_usable()?;
    let page = kiosk.page()?;
    let spread = kiosk.taps(&page, run.pace.taps, run.pace.tap_every, || floor.measure())?;
    kiosk.stop()?;
    Ok((spread, floor))
}

/// The commit path alone, tap by tap beside the disk's own work: append asked → appended.
fn commit(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let folder = run.folder("commit")?;
    let mut floor = Floor::new(&folder)?;
    let mut journal = Journal::open(&folder.join("data"), &[])?;
    let (clock, mut asked) = (Clock::system(), Spread::default());
    for number in 0..run.pace.commits {
        let draft = punch(number, clock.wall());
        let (stored, nanos) = timed(|| journal.ask(number, draft).and_then(|()| journal.stored()));
        stored?;
        asked.add(nanos);
        floor.measure()?;
    }
    journal.close()?;
    let figure = |what: &str, value| Figure::new(ROW, what, value, "µs");
    Ok(vec![
        figure("commit path alone, p50", asked.p50() / US)
            .beside("SQLite's own commit of a row", floor.commit.p50() / US)
            .ratio_at_most(COMMIT_RATIO_MAX),
        figure("commit path alone, p50, beside the disk", asked.p50() / US)
            .beside("append of 4 KiB + fdatasync", floor.append.p50() / US)
            .ratio_at_most(COMMIT_RATIO_MAX),
        figure("commit path alone, p99", asked.p99() / US).beside("SQLite's own commit of a row", floor.commit.p99() / US),
    ])
}

/// Every stage by itself, at the pace of people: byte → read → append asked → durable → event out.
fn stages(folder: &Path, pace: &Pace) -> anyhow::Result<Vec<Figure>> {
    let (mut read, mut decided, mut durable, mut answered, mut shown) =
        (Spread::default(), Spread::default(), Spread::default(), Spread::default(), Spread::default());
    let reader = SimReader::spawn(punchd::sim::reader::Protocol::Em4100, &folder.join("badge"))?;
    let name = "badge".parse::<ReaderName>()?;
    let settings = ReaderSettings::new(name, folder.join("badge"), Protocol::Em4100.settings());
    let (handle, commands) = port::commands();
    let (events, mut told) = tokio::sync::mpsc::channel(64);
    let serving = std::thread::spawn(move || port::run(&settings, &Clock::system(), &events, &commands));
    let mut journal = Journal::open(&folder.join("data"), &[])?;
    let mut core = open_core();
    let (display, page) = page()?;
    let mut next = now();
    for number in 0..pace.taps as u64 {
        wait_until(next);
        next = now() + pace.tap_every;
        let began = now();
        reader.badge(&badge(number))?;
        let event = loop {
            let event = told.blocking_recv().ok_or_else(|| anyhow::anyhow!("the port has ended"))?;
            if let PortEventKind::Reading(reading) = event.kind {
                break (event.reader, reading, event.at);
            }
        };
        read.add(now() - began);
        let (ticket, draft, nanos) = decide(&mut core, event)?;
        decided.add(nanos);
        let (stored, nanos) = timed(|| journal.ask(ticket.0, draft).and_then(|()| journal.stored()));
        durable.add(nanos);
        let (feedback, nanos) = answer(&mut core, ticket, stored?)?;
        answered.add(nanos);
        let began = now();
        display.show(feedback);
        shown.add(page.result()?.saturating_sub(began));
    }
    handle.stop();
    drop(told);
    drop(reader);
    serving.join().ok();
    journal.close()?;
    let stage = |what: &str, spread: &Spread| {
        Figure::new(ROW, format!("stage {what}, p50"), spread.p50() / US, "µs").note(format!("p99 {:.0} µs", spread.p99() / US))
    };
    Ok(vec![
        stage("1 last byte → reading told by the port", &read),
        stage("2 reading → append asked (core)", &decided),
        stage("3 append asked → durable (journal)", &durable),
        stage("4 durable → feedback (core, judging)", &answered),
        stage("5 feedback → event at the page (display)", &shown),
    ])
}

fn now_of() -> punchd::machine::Now {
    let raw = Clock::system().read();
    punchd::machine::Now { wall: raw.wall, mono: raw.mono, boot: raw.boot, trust: Trust::Synced, uncertainty_ms: 20 }
}

/// A core whose journal is open.
fn open_core() -> Core {
    let mut core = Core::new(core::Settings { utc_offset: UtcOffset::china() });
    core.handle(now_of(), core::Event::JournalAvailable { recent: Vec::new() });
    while core.poll_action().is_some() {}
    core
}

fn decide(
    core: &mut Core,
    (reader, reading, at): (ReaderName, Reading, Mono),
) -> anyhow::Result<(Ticket, punchd::wire::entry::Draft, u64)> {
    let (asked, nanos) = timed(|| {
        core.handle(now_of(), core::Event::Read { reader, reading, at });
        std::iter::from_fn(|| core.poll_action()).find_map(|action| match action {
            core::Action::Append { ticket, draft } if matches!(draft.body, Body::Punch { .. }) => Some((ticket, draft)),
            core::Action::Append { .. } | core::Action::Feedback(_) | core::Action::Signal { .. } | core::Action::Reopen { .. } => None,
        })
    });
    let (ticket, draft) = asked.ok_or_else(|| anyhow::anyhow!("the core asked for nothing"))?;
    Ok((ticket, draft, nanos))
}

fn answer(core: &mut Core, ticket: Ticket, stored: Stored) -> anyhow::Result<(Feedback, u64)> {
    let (told, nanos) = timed(|| {
        core.handle(now_of(), core::Event::Appended { ticket, stored });
        let actions: Vec<_> = std::iter::from_fn(|| core.poll_action()).collect();
        actions.into_iter().find_map(|action| match action {
            core::Action::Feedback(feedback) if feedback.sequence.is_some() => Some(feedback),
            core::Action::Append { .. } | core::Action::Feedback(_) | core::Action::Signal { .. } | core::Action::Reopen { .. } => None,
        })
    });
    Ok((told.ok_or_else(|| anyhow::anyhow!("the core answered nothing"))?, nanos))
}

/// A page that is served, and a client of it.
fn page() -> anyhow::Result<(Display, crate::kiosk::Page)> {
    let display = Display::new(Clock::system());
    let (served, address) = (display.clone(), std::sync::mpsc::channel());
    let (told, listening) = address;
    std::thread::spawn(move || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            told.send(listener.local_addr()?)?;
            Ok(served.serve(listener, std::future::pending()).await?)
        })
    });
    let page = crate::kiosk::Page::open(&listening.recv()?.to_string())?;
    Ok((display, page))
}
