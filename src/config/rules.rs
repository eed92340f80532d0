//! `rules.toml` → the rules of one version, or everything that is wrong in it at once.
//!
//! What is checked here the judging relies on: an even number of checkpoints, coming and going in turn, in the order of the day, windows
//! around their due times.

use std::ops::Range;

use super::problem::Problems;
use super::table::{Placed, Section, parse};
use crate::domain::rules::{CHECKPOINTS_MAX, Checkpoint, CheckpointId, Direction, HalfDay, Rules};
use crate::domain::time::{ClockTime, UtcOffset, WorkDate};

/// Most minutes of grace (domain rule G2).
const GRACE_MAX_MIN: i64 = 10;
/// Most minutes that two punches may have to lie apart.
const GAP_MAX_MIN: i64 = 60;
/// Most minutes of an early leave that is still light.
const LIGHT_MAX_MIN: i64 = 60;
/// Most minutes after which a result asks for a look.
const SEVERE_MAX_MIN: i64 = 240;
/// Longest checkpoint id, version and document, in bytes.
const TEXT_MAX: usize = 200;

/// Reads one version of the rules.
///
/// # Errors
/// Everything that is wrong, each with its place and what to do.
pub fn read(file: &str, text: &str) -> Result<Rules, Problems> {
    let mut problems = Problems::of(file, text);
    let table = parse(text, &mut problems);
    let mut top = Section::top(&table);
    let sections = top.sections("checkpoint", &mut problems);
    let rules = head(&mut top, &mut problems);
    top.finish(&mut problems);
    let count = sections.len();
    if count == 0 || count > CHECKPOINTS_MAX || !count.is_multiple_of(2) {
        problems.add(None, format!("there are {count} checkpoints"), format!("write [[checkpoint]] 2, 4, 6 or {CHECKPOINTS_MAX} times"));
    }
    let read: Vec<_> = sections.into_iter().take(CHECKPOINTS_MAX).map(|section| checkpoint(section, &mut problems)).collect();
    let checkpoints: Option<Vec<_>> = read.into_iter().collect();
    if let Some(checkpoints) = &checkpoints {
        check_order(checkpoints, &mut problems);
    }
    let found = rules.zip(checkpoints);
    problems
        .or(found.map(|(rules, checkpoints)| Rules { checkpoints: checkpoints.into_iter().map(|placed| placed.value).collect(), ..rules }))
}

/// What stands above the checkpoints.
fn head(top: &mut Section<'_>, problems: &mut Problems) -> Option<Rules> {
    let version = name(top, "version", "\"2018-119 v1\"", problems);
    let document = name(top, "document", "\"周政办字〔2018〕119号\"", problems);
    let valid_from = date(top, "valid-from", problems);
    let utc_offset = top.parsed::<UtcOffset>("utc-offset", problems);
    let utc_offset = top.require("utc-offset", utc_offset, "\"+08:00\"", problems);
    let grace = minutes(top, "grace", GRACE_MAX_MIN, "0", problems);
    let minimum_gap = minutes(top, "minimum-gap", GAP_MAX_MIN, "5", problems);
    let light_early_leave = minutes(top, "light-early-leave", LIGHT_MAX_MIN, "10", problems);
    let severe_after = minutes(top, "severe-after", SEVERE_MAX_MIN, "30", problems);
    Some(Rules {
        version: version?,
        document: document?,
        valid_from: valid_from?,
        utc_offset: utc_offset?.value,
        grace: grace?,
        minimum_gap: minimum_gap?,
        light_early_leave: light_early_leave?,
        severe_after: severe_after?,
        checkpoints: Vec::new(),
    })
}

fn name(section: &mut Section<'_>, key: &'static str, example: &str, problems: &mut Problems) -> Option<String> {
    let text = section.text(key, problems);
    let text = section.require(key, text, example, problems)?;
    if text.value.trim().is_empty() || text.value.len() > TEXT_MAX {
        problems.add(Some(text.place), format!("`{key}` must be 1 to {TEXT_MAX} bytes long"), format!("write {key} = {example}"));
        return None;
    }
    Some(text.value)
}

fn minutes(section: &mut Section<'_>, key: &'static str, max: i64, example: &str, problems: &mut Problems) -> Option<u32> {
    let number = section.number(key, 0..=max, problems);
    let number = section.require(key, number, example, problems)?;
    u32::try_from(number.value).ok()
}

/// A date, written as TOML's own or in quotes.
fn date(section: &mut Section<'_>, key: &'static str, problems: &mut Problems) -> Option<WorkDate> {
    let example = "2018-10-18";
    let written = section.date_text(key, problems);
    let written = section.require(key, written, example, problems)?;
    let read = written.value.parse().ok();
    if read.is_none() {
        problems.add(Some(written.place), format!("`{key}` must be a date"), format!("write {key} = {example}"));
    }
    read
}

fn checkpoint(mut section: Section<'_>, problems: &mut Problems) -> Option<Placed<Checkpoint>> {
    let place = section.place();
    let id = section.text("id", problems);
    let id = section.require("id", id, "\"morning_in\"", problems).and_then(|id| checkpoint_id(id, problems));
    let half_day = section.one_of("half-day", &[("morning", HalfDay::Morning), ("afternoon", HalfDay::Afternoon)], problems);
    let half_day = section.require("half-day", half_day, "\"morning\"", problems);
    let direction = section.one_of("direction", &[("in", Direction::In), ("out", Direction::Out)], problems);
    let direction = section.require("direction", direction, "\"in\"", problems);
    let due = time(&mut section, "due", problems);
    let opens = time(&mut section, "opens", problems);
    let closes = time(&mut section, "closes", problems);
    let home_from = time(&mut section, "home-from", problems);
    let home_to = time(&mut section, "home-to", problems);
    let work_at = time(&mut section, "work-at", problems);
    let post_by = section.parsed::<ClockTime>("post-by", problems);
    section.finish(problems);
    let checkpoint = Checkpoint {
        id: id?,
        half_day: half_day?,
        direction: direction?,
        due: due?,
        opens: opens?,
        closes: closes?,
        home_from: home_from?,
        home_to: home_to?,
        work_at: work_at?,
        post_by: post_by.map(|post_by| post_by.value),
    };
    check_times(&checkpoint, &place, problems);
    Some(Placed { value: checkpoint, place })
}

fn time(section: &mut Section<'_>, key: &'static str, problems: &mut Problems) -> Option<ClockTime> {
    let time = section.parsed::<ClockTime>(key, problems);
    let time = section.require(key, time, "\"08:25\"", problems)?;
    if time.value.0 % 60 != 0 {
        problems.add(Some(time.place), format!("`{key}` must be a whole minute"), "leave the seconds out");
        return None;
    }
    Some(time.value)
}

fn checkpoint_id(id: Placed<String>, problems: &mut Problems) -> Option<CheckpointId> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if id.value.is_empty() || id.value.len() > TEXT_MAX || !id.value.chars().all(plain) {
        problems.add(Some(id.place), "`id` must consist of a-z, 0-9 and _", "write id = \"morning_in\"");
        return None;
    }
    Some(CheckpointId(id.value))
}

/// What must hold within a checkpoint.
fn check_times(checkpoint: &Checkpoint, place: &Range<usize>, problems: &mut Problems) {
    let id = &checkpoint.id;
    let mut must = |holds: bool, what: String, remedy: &str| {
        if !holds {
            problems.add(Some(place.clone()), what, remedy);
        }
    };
    let Checkpoint { opens, closes, due, home_from, home_to, work_at, .. } = *checkpoint;
    must(opens < closes, format!("`{id}` closes at {closes}, not after it opens at {opens}"), "let opens come before closes");
    must(opens <= due && due < closes, format!("`{id}` is due at {due}, outside its window {opens}–{closes}"), "let the window hold due");
    let home_inside = opens <= home_from && home_from < home_to && home_to <= closes;
    must(home_inside, format!("the home slot {home_from}–{home_to} of `{id}` is not within its window"), "let the window hold it");
    match checkpoint.direction {
        Direction::In => must(work_at >= due, format!("work starts at {work_at}, before `{id}` is due"), "let work-at be due or later"),
        Direction::Out => {
            must(work_at <= due, format!("work ends at {work_at}, after `{id}` is due"), "let work-at be due or earlier");
            must(checkpoint.post_by.is_none(), format!("`{id}` is going, and has post-by"), "remove post-by");
        }
    }
}

/// What must hold between checkpoints.
fn check_order(checkpoints: &[Placed<Checkpoint>], problems: &mut Problems) {
    for (place, one) in checkpoints.iter().enumerate() {
        let expected = if place % 2 == 0 { Direction::In } else { Direction::Out };
        if one.value.direction != expected {
            let what = format!("`{}` breaks the turn of coming and going", one.value.id);
            problems.add(Some(one.place.clone()), what, "write in, out, in, out, …, in the order of the day");
        }
    }
    for (one, next) in checkpoints.iter().zip(checkpoints.iter().skip(1)) {
        let (a, b) = (&one.value, &next.value);
        if a.due >= b.due || a.half_day > b.half_day || a.opens > b.opens || a.closes > b.closes {
            let what = format!("`{}` stands after `{}` and is not later in the day", b.id, a.id);
            problems.add(Some(next.place.clone()), what, "let half-day, due, opens and closes rise from one to the next");
        }
    }
    for (place, one) in checkpoints.iter().enumerate() {
        if checkpoints.iter().take(place).any(|earlier| earlier.value.id == one.value.id) {
            problems.add(Some(one.place.clone()), format!("`{}` stands there twice", one.value.id), "give each checkpoint its own id");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/rules.toml");

    #[test]
    fn the_shipped_rules_are_the_default_rules() {
        let rules = read("rules.toml", SHIPPED).unwrap();
        let shown: Vec<_> = rules
            .checkpoints
            .iter()
            .map(|c| format!("{} {} {}–{} {}–{} {}", c.id, c.due, c.opens, c.closes, c.home_from, c.home_to, c.work_at))
            .collect();
        assert_eq!(
            shown,
            [
                "morning_in 08:25 06:00–09:26 06:00–09:26 08:30",
                "morning_out 11:50 10:50–13:25 10:50–12:40 11:50",
                "afternoon_in 13:25 12:00–14:26 12:40–14:26 13:30",
                "afternoon_out 17:00 16:00–24:00 16:00–24:00 17:00",
            ]
        );
        assert_eq!((rules.grace, rules.minimum_gap, rules.light_early_leave, rules.severe_after), (0, 5, 10, 30));
    }

    #[test]
    fn everything_wrong_in_the_rules_is_told_at_once() {
        let text = SHIPPED
            .replace("grace = 0", "grace = 11")
            .replace("due = \"08:25\"", "due = \"8:25\"")
            .replace("home-to = \"12:40\"", "home-to = \"13:40\"")
            .replace("direction = \"out\"\ndue = \"17:00\"", "direction = \"sideways\"\ndue = \"17:00\"")
            .replace("minimum-gap = 5", "minimum-gp = 5");
        let shown = read("rules.toml", &text).unwrap_err().to_string();
        for part in [
            "`grace`",
            "“8:25” is not a time",
            "13:40",
            "`checkpoint.direction` must be one of in, out",
            "`minimum-gap` is missing",
            "unknown key `minimum-gp`",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }

    #[test]
    fn checkpoints_out_of_turn_are_refused() {
        let text = SHIPPED.replace("direction = \"in\"", "direction = \"out\"").replace("post-by", "# post-by");
        let shown = read("rules.toml", &text).unwrap_err().to_string();
        assert!(shown.contains("breaks the turn"), "{shown}");
        let odd = SHIPPED.split("[[checkpoint]]").take(4).collect::<Vec<_>>().join("[[checkpoint]]");
        assert!(read("rules.toml", &odd).unwrap_err().to_string().contains("there are 3 checkpoints"));
    }
}
