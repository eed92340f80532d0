//! One person's day as a value: what a page, a CSV and an interface show is made from this and from nothing else.
//!
//! The field names and their order are an interface that others rely on.

use serde::{Deserialize, Serialize};

use super::judge::{CheckpointResult, DayJudgement, Evidence, HalfDayResult, Mark};
use super::rules::{HalfDay, Rules};
use super::time::{ClockTime, WorkDate};
use super::why_text::{Sentence, mark_sentence, sentence, symbol};

/// A person's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonDay {
    /// Who.
    pub person: String,
    /// The civil day.
    pub date: WorkDate,
    /// What kind of day: `workday`, `rest_day`, `holiday`, `makeup_workday`, `unknown`.
    pub day: String,
    /// In the order of the day.
    pub checkpoints: Vec<CheckpointLine>,
    /// Morning and afternoon.
    pub half_days: Vec<HalfDayLine>,
    /// Punches that count for nothing, RFC 3339, by time.
    pub surplus: Vec<String>,
}

/// One checkpoint of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointLine {
    /// `morning_in`.
    pub checkpoint: String,
    /// When it was due, RFC 3339.
    pub due: String,
    /// What counts, RFC 3339; none where nothing does.
    pub counted: Option<String>,
    /// `on_time`, `late`, …
    pub outcome: String,
    /// Minutes late or early; 0 where none.
    pub minutes: u32,
    /// Asks for a look.
    pub severe: bool,
    /// A terminal is not complete past the window.
    pub provisional: bool,
    /// Why.
    pub why: Sentence,
}

/// One half-day of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfDayLine {
    /// Which half.
    pub half_day: HalfDay,
    /// The sheet's symbol; empty where not required or not concluded.
    pub mark: String,
    /// Where it counts 0.5: `present`, `leave`, `absent`, `to_verify`, `open`, `not_required`.
    pub column: String,
    /// Further symbols, for the note.
    pub notes: Vec<String>,
    /// Minutes of leave that do not cover it.
    pub leave_minutes: u32,
    /// What asks for a look.
    pub marks: Vec<Sentence>,
}

impl PersonDay {
    /// The value of a judgement.
    pub fn of(person: &str, judged: &DayJudgement<'_>) -> Self {
        let at = |time: ClockTime| rfc3339(judged.rules, judged.date, time);
        let line = |result: &CheckpointResult<'_>| CheckpointLine {
            checkpoint: result.checkpoint.id.to_string(),
            due: at(result.due),
            counted: result.evidence.as_ref().map(Evidence::time).map(at),
            outcome: result.outcome.code().to_owned(),
            minutes: result.outcome.minutes(),
            severe: result.severe,
            provisional: result.provisional,
            why: sentence(result, judged.rules),
        };
        Self {
            person: person.to_owned(),
            date: judged.date,
            day: judged.day.code().to_owned(),
            checkpoints: judged.checkpoints.iter().map(line).collect(),
            half_days: judged.half_days.iter().map(|half| HalfDayLine::of(half, &judged.marks)).collect(),
            surplus: judged.surplus.iter().map(|punch| at(punch.time)).collect(),
        }
    }
}

impl HalfDayLine {
    fn of(half: &HalfDayResult, marks: &[Mark<'_>]) -> Self {
        Self {
            half_day: half.half_day,
            mark: symbol(half.mark).to_owned(),
            column: half.column.code().to_owned(),
            notes: half.notes.iter().map(|note| symbol(*note).to_owned()).filter(|note| !note.is_empty()).collect(),
            leave_minutes: half.leave_minutes,
            marks: marks.iter().filter(|mark| mark.half_day == half.half_day).map(mark_sentence).collect(),
        }
    }
}

fn rfc3339(rules: &Rules, date: WorkDate, time: ClockTime) -> String {
    rules.utc_offset.rfc3339(rules.utc_offset.wall(date, time))
}
