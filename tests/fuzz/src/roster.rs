//! A roster: good rows or problems, never both; good rows read the same when they are written again, and planning them twice adds nothing.

use punchd::domain::person::{NAME_CHARS_MAX, Person, PostClass};
use punchd::domain::roster::Roster;
use punchd::domain::time::WorkDate;
use punchd::office::plan::roster::plan;
use punchd::office::roster_file::{COLUMNS, ROWS_MAX, RosterFile, RosterRow, read};

use super::text::cell;

/// Most problems of a file beyond those of its rows.
const PROBLEMS_MAX: usize = 2_000;

/// The bytes are the file.
pub fn holds(bytes: &[u8]) {
    let file = read(bytes);
    assert_eq!(file, read(bytes), "the same bytes read the same");
    assert!(file.rows.is_empty() || file.problems.is_empty(), "nothing is given out beside a problem");
    assert!(file.rows.len() <= ROWS_MAX && file.problems.len() <= PROBLEMS_MAX);
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    for problem in file.problems.iter().chain(&file.notices) {
        assert!(problem.line <= lines && !problem.zh.is_empty() && !problem.en.is_empty(), "{problem:?} of {lines} lines");
    }
    if file.problems.is_empty() {
        good(&file, lines);
    }
}

fn good(file: &RosterFile, lines: u64) {
    for row in &file.rows {
        assert!((2..=lines).contains(&row.line), "line {} of {lines}", row.line);
        assert!((1..=NAME_CHARS_MAX).contains(&row.person.name.chars().count()) && !row.person.department.is_empty());
        assert!(row.person.exit.is_none_or(|exit| exit >= row.person.joined));
    }
    let again = read(csv(&file.rows).as_bytes());
    let told = |rows: &[RosterRow]| rows.iter().map(|row| (row.person.clone(), row.card.clone())).collect::<Vec<_>>();
    assert_eq!((told(&again.rows), &again.problems), (told(&file.rows), &Vec::new()), "what is written reads the same");
    let today = WorkDate::from_ymd_opt(2026, 11, 23).unwrap();
    let (report, facts) = plan(file.clone(), &Roster::default(), Vec::new(), today);
    assert_eq!((report.added.len(), report.changed.len(), report.absent), (file.rows.len(), 0, 0));
    assert!(!report.problems.is_empty() || facts.len() >= file.rows.len());
    let people = file.rows.iter().map(|row| (row.person.staff_no.clone(), row.person.clone())).collect();
    let (report, _) = plan(file.clone(), &Roster { people, bindings: Vec::new() }, Vec::new(), today);
    assert_eq!((report.unchanged, report.added.len(), report.changed.len()), (file.rows.len(), 0, 0), "a second import adds nobody");
}

fn csv(rows: &[RosterRow]) -> String {
    let head: Vec<&str> = COLUMNS.iter().map(|(column, _)| *column).collect();
    let mut text = head.join(",") + "\n";
    for RosterRow { person, card, .. } in rows {
        let date = |date: Option<WorkDate>| date.map_or_else(String::new, |date| date.to_string());
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
        let Person { staff_no, name, name_pinyin, department, window, employment, note, .. } = person;
        let class = match person.post_class {
            PostClass::Window => "窗口",
            PostClass::BackOffice => "后台",
            PostClass::Other => "其他",
        };
        let values = [
            staff_no.to_string(),
            name.clone(),
            name_pinyin.clone(),
            department.clone(),
            window.clone(),
            class.to_owned(),
            if person.head { "是" } else { "否" }.to_owned(),
            employment.clone(),
            card.as_deref().map_or_else(String::new, |card| format!("em4100:{}", digits(card))),
            person.joined.to_string(),
            date(person.on_post_from),
            date(person.exit),
            person.order.0.to_string(),
            person.order.1.to_string(),
            note.clone(),
        ];
        text += &(values.map(|value| cell(&value)).join(",") + "\n");
    }
    text
}
