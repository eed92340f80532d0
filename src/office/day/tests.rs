//! Sheets from a basis in memory.

use std::io::Write as _;

use serde_json::Value;

use super::*;
use crate::domain::credential::Credential;
use crate::domain::estimate::{BestTime, Quality};
use crate::domain::id::{BootId, EntryHash, EntryKey, JournalId, Sequence};
use crate::domain::person::Person;
use crate::domain::punch::{Origin, Punch};
use crate::domain::time::{ClockReading, Mono, Trust, UtcOffset};
use crate::office::seed::{CALENDAR, RULES};
use crate::office::store::TerminalKey;

const JOURNAL: JournalId = JournalId([7; 16]);

#[test]
fn each_persons_part_is_what_the_judge_says_of_the_same_punches() {
    let taps = [
        ("0145", "08:21:04"),
        ("0145", "11:55:00"),
        ("0145", "13:20:00"),
        ("0145", "17:01:00"),
        ("0200", "08:28:30"),
        ("0200", "12:31:00"),
        ("0200", "15:00:00"),
    ];
    let items: Vec<FeedItem> = (1..).zip(taps).map(|(sequence, (who, time))| tap(sequence, who, time)).collect();
    let basis = basis(&["0145", "0200", "0300"], vec![terminal("hall-1", None, true)]);
    let sheet = basis.sheet(date(23), &items, wall("24:00")).unwrap();
    let ours: Vec<Value> = sheet.people.iter().map(|person| serde_json::to_value(&person.day).unwrap()).collect();
    assert_eq!(ours.len(), 3);
    assert_eq!(ours[..2], judged(&taps));
    assert!(ours[2]["checkpoints"].as_array().unwrap().iter().all(|line| line["outcome"] == "missing"));
}

#[test]
fn nothing_is_missing_while_a_terminal_has_not_told_everything_and_the_terminal_is_named() {
    let silent = terminal("hall-2", Some(wall("08:00")), false);
    let sheet = |terminals| basis(&["0145"], terminals).sheet(date(23), &[], wall("18:00")).unwrap();
    let outcomes = |sheet: &DaySheet| sheet.people[0].day.checkpoints.iter().map(|line| line.outcome.clone()).collect::<Vec<_>>();
    let waiting = sheet(vec![terminal("hall-1", Some(wall("18:00")), false), silent]);
    assert_eq!(outcomes(&waiting)[0], "pending_data");
    let waited = Incomplete { terminal: "hall-2".parse().unwrap(), complete_up_to: Some("2026-11-23T08:00:00+08:00".to_owned()) };
    assert_eq!(waiting.incomplete, [waited]);
    assert_eq!(waiting.complete_through.as_deref(), Some("2026-11-23T08:00:00+08:00"));
    let revoked = sheet(vec![terminal("hall-1", Some(wall("18:00")), false), terminal("hall-2", None, true)]);
    assert_eq!((outcomes(&revoked)[0].as_str(), revoked.incomplete.len()), ("missing", 0));
    let unpaired = sheet(Vec::new());
    assert_eq!((outcomes(&unpaired)[0].as_str(), unpaired.complete_through), ("pending_data", None));
}

#[test]
fn people_stand_in_the_offices_order_from_joining_to_leaving_and_with_punches_also_before() {
    let mut basis = basis(&["0145", "0200", "0300", "0400"], Vec::new());
    let mut change = |staff_no: &str, change: fn(&mut Person)| change(basis.roster.people.get_mut(&staff_no.parse().unwrap()).unwrap());
    change("0145", |person| person.order = (2, 1));
    change("0200", |person| person.exit = Some(date(20)));
    change("0300", |person| person.joined = date(25));
    let people = |items: &[FeedItem]| {
        let sheet = basis.sheet(date(23), items, wall("12:00")).unwrap();
        sheet.people.iter().map(|person| person.staff_no.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(people(&[]), ["0400", "0145"]);
    assert_eq!(people(&[tap(1, "0300", "08:20:00")]), ["0300", "0400", "0145"]);
}

#[test]
fn a_tap_that_is_nobodys_is_counted_and_accuses_nobody() {
    let mut unknown = tap(1, "0145", "08:20:00");
    unknown.whose = Whose::Unknown;
    let sheet = basis(&["0145"], Vec::new()).sheet(date(23), &[unknown], wall("08:30")).unwrap();
    assert_eq!((sheet.unknown_punches, sheet.people[0].day.checkpoints[0].counted.is_none()), (1, true));
}

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: crate::office::judge::JudgeArgs,
}

/// The lines of `punch-office judge` for these taps.
fn judged(taps: &[(&str, &str)]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(place("rules.toml"), RULES).unwrap();
    std::fs::write(place("calendar.csv"), CALENDAR).unwrap();
    let mut file = std::fs::File::create(place("punches.csv")).unwrap();
    writeln!(file, "person,at").unwrap();
    for (who, time) in taps {
        writeln!(file, "{who},2026-11-23T{time}+08:00").unwrap();
    }
    let (rules, calendar, punches) = (place("rules.toml"), place("calendar.csv"), place("punches.csv"));
    let words = ["judge", "--rules", &rules, "--calendar", &calendar, "--punches", &punches, "--json"];
    let line = <Line as clap::Parser>::try_parse_from(words).unwrap();
    let mut out = Vec::new();
    crate::office::judge::run(&line.args, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(in crate::office) fn basis(staff: &[&str], terminals: Vec<Terminal>) -> Basis {
    let offset = UtcOffset::china();
    let rules = crate::config::rules::read("rules.toml", RULES).unwrap();
    let people = staff.iter().map(|staff_no| person(staff_no)).map(|person| (person.staff_no.clone(), person)).collect();
    Basis {
        site: Site { id: SiteId::FIRST, name: "示例县政务服务中心".to_owned(), utc_offset: offset },
        roster: Roster { people, bindings: Vec::new() },
        rules: RuleBook { versions: vec![rules] },
        calendar: crate::config::calendar::read("calendar.csv", CALENDAR).unwrap(),
        terminals,
        adrift: Vec::new(),
    }
}

fn person(staff_no: &str) -> Person {
    Person {
        staff_no: staff_no.parse().unwrap(),
        name: format!("甲{staff_no}"),
        name_pinyin: String::new(),
        department: "税务局".to_owned(),
        window: "A01".to_owned(),
        post_class: PostClass::Other,
        head: false,
        employment: String::new(),
        joined: date(2),
        on_post_from: None,
        exit: None,
        order: (1, 0),
        note: String::new(),
    }
}

pub(in crate::office) fn terminal(id: &str, complete_up_to: Option<Wall>, revoked: bool) -> Terminal {
    let paired = wall("07:00");
    Terminal {
        site: SiteId::FIRST,
        id: id.parse().unwrap(),
        added_at: paired,
        contact_at: None,
        state: None,
        complete_up_to,
        keys: vec![TerminalKey { public_key: "ab".to_owned(), added_at: paired, revoked_at: revoked.then_some(paired) }],
        code_until: None,
        journals: Vec::new(),
    }
}

pub(in crate::office) fn tap(sequence: u64, staff_no: &str, time: &str) -> FeedItem {
    let at = wall(time);
    let key = EntryKey { terminal: "hall-1".parse().unwrap(), journal: JOURNAL, sequence: Sequence(sequence) };
    let credential: Credential = "em4100:67003B51C6".parse().unwrap();
    let clock = ClockReading { wall: at, mono: Mono(1_000 * sequence), boot: BootId([1; 16]), trust: Trust::Synced, uncertainty_ms: 5 };
    let best = BestTime { at, quality: Quality::Trusted };
    let punch = Punch { key, origin: None, reader: "badge".parse().unwrap(), credential, clock, best };
    let whose = Whose::Person(staff_no.parse().unwrap());
    let record = Origin { journal: JOURNAL, sequence: Sequence(sequence), hash: EntryHash([9; 32]) };
    FeedItem {
        version: sequence,
        punch,
        record,
        whose,
        name: Some(format!("甲{staff_no}")),
        day: date(23),
        received_at: at.plus_millis(900),
    }
}

pub(in crate::office) fn date(day: u32) -> WorkDate {
    WorkDate::from_ymd_opt(2026, 11, day).unwrap()
}

/// A moment of Monday, 23 November 2026.
pub(in crate::office) fn wall(time: &str) -> Wall {
    UtcOffset::china().wall(date(23), time.parse().unwrap())
}
