//! Starting: on nothing, on what was left, on what belongs to somebody else, and where nothing can be opened.

use rusqlite::Connection;

use super::*;
use crate::terminal::journal::file::{JournalFile, Meta, Place};
use crate::terminal::journal::set::Set;
use crate::wire::entry::{AttemptReason, SuccessionReason, TimeSource};

#[test]
fn a_first_start_begins_a_journal_whose_first_entry_says_so() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let journals = rig.available();
    assert_eq!(journals.len(), 1);
    assert!(journals[0].open && journals[0].last == Sequence(1) && journals[0].first == Sequence(1));
    let (entries, lost) = rig.load(journals[0].journal, 1, 10);
    assert!(lost.is_empty());
    assert!(matches!(read(&entries[0]).body, Body::Opened { predecessor: None, .. }));
    rig.stop();
}

#[test]
fn entries_survive_a_restart_and_the_chain_goes_on() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let before = rig.available()[0];
    let stored = rig.store_many(300);
    assert_chain(&stored, 2);
    rig.stop();
    let mut rig = Rig::start(home.path());
    let after = rig.available()[0];
    assert_eq!((after.journal, after.last, after.head), (before.journal, Sequence(301), stored[299].hash));
    let next = rig.store(punch(300));
    assert_eq!((next.sequence, read(&next).previous), (Sequence(302), stored[299].hash));
    let all = rig.stream(None, 7);
    assert_eq!(all.len(), 302);
    assert_chain(&all, 1);
    assert_eq!(rig.stream(Some(Sequence(300)), 7).len(), 2);
    rig.stop();
}

#[test]
fn a_journal_left_without_a_goodbye_is_whole() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    let stored = rig.store_many(40);
    // What a killed process leaves: database and log as they are at this moment.
    let left = folder();
    for name in std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&name, left.path().join(name.file_name().unwrap())).unwrap();
    }
    rig.stop();
    let mut rig = Rig::start(left.path());
    let view = rig.available()[0];
    assert_eq!((view.last, view.head), (Sequence(41), stored[39].hash));
    rig.stop();
}

#[test]
fn the_entries_of_today_and_the_trusted_moments_of_this_boot_are_given_at_start() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    let (now, boot) = (Clock::system().wall(), Clock::system().read().boot);
    let at = |wall, boot| ClockReading { boot, ..reading(wall, Trust::Unset) };
    let sync = Body::Sync { wall: now, uncertainty_ms: 5, source: TimeSource::Kernel };
    rig.store(Draft { clock: at(Wall(0), boot), body: sync.clone(), origin: None });
    rig.store(Draft { clock: at(Wall(0), BootId([9; 16])), body: sync, origin: None });
    rig.store(Draft { clock: at(now.plus_millis(-DAY_MS), BootId([9; 16])), ..punch(0) });
    rig.store(Draft { clock: at(now.plus_millis(-3 * DAY_MS), BootId([9; 16])), ..punch(1) });
    rig.stop();
    let mut rig = Rig::start(home.path());
    let recent = rig.wait(|event| if let Event::Available { recent, .. } = event { Some(recent.clone()) } else { None });
    let sequences: Vec<u64> = recent.iter().map(|entry| entry.sequence.0).collect();
    assert_eq!(sequences, [1, 2, 4]);
    rig.stop();
}

#[test]
fn a_kept_value_is_there_after_a_restart() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    assert_eq!(rig.keep("pairing", "first"), Ok(()));
    assert_eq!(rig.keep("pairing", "second"), Ok(()));
    assert!(rig.keep("bundle", &"x".repeat(9 * 1024 * 1024)).is_err());
    rig.stop();
    let mut rig = Rig::start(home.path());
    let kept = rig.wait(|event| if let Event::Kept(kept) = event { Some(kept.clone()) } else { None });
    assert_eq!(kept, [("pairing".to_owned(), "second".to_owned())]);
    rig.stop();
}

#[test]
fn a_journal_of_a_newer_program_is_refused_and_left_untouched() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.store_many(3);
    rig.stop();
    let path = only_journal(home.path());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut rig = Rig::start(home.path());
    let why = rig.unavailable();
    assert!(why.contains("newer") && why.contains("schema 2"), "{why}");
    let ticket = rig.append(punch(0));
    assert!(rig.outcome(ticket).is_err());
    rig.stop();
    assert_eq!(std::fs::read(only_journal(home.path())).unwrap(), before);
}

#[test]
fn a_file_of_another_application_is_set_aside_and_punching_goes_on() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let first = rig.available()[0];
    rig.store_many(3);
    rig.stop();
    Connection::open(only_journal(home.path())).unwrap().pragma_update(None, "application_id", 42).unwrap();
    let mut rig = Rig::start(home.path());
    let journals = rig.available();
    assert_eq!((journals.len(), journals[0].journal, journals[1].open), (2, first.journal, true));
    let (entries, lost) = rig.drain(&journals[0]);
    assert!(lost.is_empty());
    assert_eq!(entries.len(), 4);
    rig.stop();
}

#[test]
fn a_data_directory_from_another_machine_begins_a_journal_that_names_the_one_before() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let old = rig.available()[0];
    let stored = rig.store_many(3);
    rig.stop();
    let mut rig = Rig::start_with(Options { machine: "machine-b".to_owned(), ..options(home.path()) });
    let journals = rig.available();
    assert_eq!((journals.len(), journals[0].open, journals[1].open), (2, false, true));
    let opened = rig.load(journals[1].journal, 1, 1).0;
    let Body::Opened { predecessor: Some(before), .. } = read(&opened[0]).body else { panic!("no predecessor") };
    assert_eq!((before.journal, before.sequence, before.head), (old.journal, Sequence(4), stored[2].hash));
    assert_eq!(before.reason, SuccessionReason::Moved);
    rig.stop();
    let mut rig = Rig::start_with(Options { machine: "machine-b".to_owned(), ..options(home.path()) });
    assert_eq!(rig.available().len(), 2, "it moved once");
    rig.stop();
}

#[test]
fn a_second_process_is_told_that_the_directory_is_in_use_and_takes_over_later() {
    let home = folder();
    let mut first = Rig::start(home.path());
    first.available();
    let mut second = Rig::start(home.path());
    assert!(second.unavailable().contains("another punchd"));
    first.stop();
    assert_eq!(second.available().len(), 1);
    second.store(punch(0));
    second.stop();
}

#[test]
fn a_missing_directory_or_a_file_in_its_place_is_unavailable_until_it_is_mended() {
    let home = folder();
    let place = home.path().join("data");
    let mut rig = Rig::start(&place);
    assert!(rig.unavailable().contains("create it, mount it"));
    let ticket = rig.append(punch(0));
    assert!(rig.outcome(ticket).unwrap_err().contains("data directory"));
    std::fs::write(&place, "in the way").unwrap();
    assert!(rig.unavailable().to_lowercase().contains("not a directory"));
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    rig.available();
    rig.store(punch(0));
    rig.stop();
}

#[test]
fn a_directory_that_is_taken_away_stops_the_green_and_an_empty_one_in_its_place_is_used_only_after_a_restart() {
    let home = folder();
    let (place, away) = (home.path().join("data"), home.path().join("elsewhere"));
    std::fs::create_dir(&place).unwrap();
    let mut rig = Rig::start(&place);
    let before = rig.available()[0].journal;
    rig.store(punch(0));
    std::fs::rename(&place, &away).unwrap();
    let ticket = rig.append(punch(1));
    assert!(rig.outcome(ticket).unwrap_err().contains("gone"));
    rig.unavailable();
    std::fs::create_dir(&place).unwrap();
    while !rig.unavailable().contains("another one is in its place") {}
    let ticket = rig.append(punch(1));
    assert!(rig.outcome(ticket).unwrap_err().contains("restart punchd to begin anew"));
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "nothing is stored where nobody would look for it");
    rig.stop();
    let mut rig = Rig::start(&place);
    assert_ne!(rig.available()[0].journal, before);
    rig.store(punch(1));
    rig.stop();
}

#[test]
fn a_directory_that_is_taken_away_while_nobody_taps_is_told_and_its_journal_goes_on_once_it_is_back() {
    let home = folder();
    let (place, away) = (home.path().join("data"), home.path().join("elsewhere"));
    std::fs::create_dir(&place).unwrap();
    let mut rig = Rig::start(&place);
    let before = rig.available()[0].journal;
    rig.settle();
    std::fs::rename(&place, &away).unwrap();
    assert!(rig.unavailable().contains("gone"));
    std::fs::rename(&away, &place).unwrap();
    assert_eq!(rig.available()[0].journal, before);
    rig.store(punch(0));
    rig.stop();
}

#[test]
fn a_journal_whose_beginning_was_cut_short_is_begun_anew() {
    let home = folder();
    std::fs::write(home.path().join(format!("journal-{}.db", JournalId([3; 16]))), "").unwrap();
    let mut rig = Rig::start(home.path());
    let journals = rig.available();
    assert_eq!(journals.len(), 1);
    assert_ne!(journals[0].journal, JournalId([3; 16]));
    rig.stop();
}

#[test]
fn a_probe_is_answered_while_nothing_can_be_stored() {
    let home = folder();
    let mut rig = Rig::start(&home.path().join("missing"));
    rig.ask(Command::Probe(17));
    assert_eq!(rig.wait(|event| if let Event::Alive(number) = event { Some(*number) } else { None }), 17);
    rig.stop();
}

#[test]
fn a_check_that_takes_too_long_is_stopped_and_finished_while_nobody_taps() {
    let home = folder();
    let mut rig = Rig::start_carelessly(home.path());
    let journal = rig.available()[0].journal;
    rig.store_many(3_000);
    rig.stop();
    let mut set = Set::open(&options(home.path()), &Clock::system()).unwrap();
    set.unchecked.insert(journal);
    set.finish_check(|| true).unwrap();
    assert!(set.conditions().iter().any(|condition| condition.code == Code::JournalChecking), "it was stopped at once");
    set.finish_check(|| false).unwrap();
    assert!(set.unchecked.is_empty() && set.conditions().is_empty());
    while set.walk_slice().unwrap() {}
    assert!(set.is_writable());
}

const FIXTURE_JOURNAL: &str = "0f5e1c0de00000000000000000000001";
const FIXTURE_HEAD: &str = "c96e5cb565e48751eb227a24b3107ad039384021bac0aca39c19941ad464cf65";

#[test]
fn the_journal_written_by_schema_version_1_opens_and_goes_on() {
    let home = folder();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-v1.db");
    let journal: JournalId = FIXTURE_JOURNAL.parse().unwrap();
    std::fs::copy(kept, home.path().join(format!("journal-{journal}.db"))).unwrap();
    let mut rig = Rig::start(home.path());
    let view = rig.available()[0];
    assert_eq!((view.journal, view.first, view.last, view.open), (journal, Sequence(1), Sequence(9), true));
    assert_eq!(view.head.to_string(), FIXTURE_HEAD);
    let (entries, lost) = rig.drain(&view);
    assert!(lost.is_empty());
    assert_chain(&entries, 1);
    for (stored, draft) in entries.iter().zip(fixture_drafts()) {
        let entry = read(stored);
        assert_eq!((entry.clock, entry.body, entry.origin), (draft.clock, draft.body, draft.origin));
    }
    assert_eq!(rig.store(punch(0)).sequence, Sequence(10));
    rig.stop();
}

/// How the fixture was made; the same drafts must give the same bytes for ever.
#[test]
fn the_fixtures_entries_are_written_today_as_they_were() {
    let home = folder();
    let journal = FIXTURE_JOURNAL.parse().unwrap();
    let meta = Meta { journal, ordinal: 1, machine: "machine-a".to_owned(), predecessor: None, heal: None, pruned: Place::START };
    let mut drafts = fixture_drafts();
    let path = home.path().join("journal.db");
    let mut file = JournalFile::create(&path, &OpenOptions::default(), meta, drafts.remove(0)).unwrap();
    file.append(&drafts, None, &mut Vec::new()).unwrap();
    assert_eq!(file.tail().hash.to_string(), FIXTURE_HEAD);
}

/// One entry of every kind.
fn fixture_drafts() -> Vec<Draft> {
    let reader = || "finger".parse().unwrap();
    let version = || "0.1.0".to_owned();
    let bodies = vec![
        Body::Opened { predecessor: None, version: version() },
        Body::Boot { version: version() },
        Body::Attempt { reader: reader(), reason: AttemptReason::NoMatch },
        Body::Sync { wall: MORNING, uncertainty_ms: 12, source: TimeSource::Office },
        Body::ClockStep { step_ms: -3_600_000 },
        Body::Settings { digest: "00".repeat(32) },
        Body::Maintenance { action: "enrol finger:7 at finger".to_owned() },
        Body::Punch { reader: reader(), credential: "finger:7".parse().unwrap() },
    ];
    bodies.into_iter().map(|body| draft(MORNING, Trust::Holdover, body)).chain([punch(0)]).collect()
}
