//! The judging, by cases and by laws. The rules are the default rules; the day is an ordinary Monday, judged the next day with everything in.

mod boundaries;
mod exact;
mod excuses;
mod laws;
mod live;
mod precedence;
mod reference;
mod words;

use super::super::leave::{Cause, Entered, Excuse, RequestState};
use super::super::rules::{CheckpointId, Direction, HalfDay};
use super::super::time::UtcOffset;
use super::*;
use crate::domain::id::{JournalId, Sequence};

/// A person's day that can be judged.
#[derive(Debug, Clone)]
struct Day {
    rules: Rules,
    kind: DayKind,
    standing: Standing,
    post_class: PostClass,
    punches: Vec<DayPunch>,
    adrift: Vec<Span>,
    facts: DayFacts,
    complete_through: Option<Wall>,
    as_of: Wall,
}

impl Day {
    /// An ordinary day with these punches: `08:20 11:52 13:20 17:03`.
    fn with(times: &str) -> Self {
        let times: Vec<_> = times.split_whitespace().map(time).collect();
        Self::of(&times)
    }

    fn of(times: &[ClockTime]) -> Self {
        let punches = (1..).zip(times).map(|(sequence, time)| punch(*time, sequence)).collect();
        Self {
            rules: default_rules(),
            kind: DayKind::Workday,
            standing: Standing::OnPost,
            post_class: PostClass::BackOffice,
            punches,
            adrift: Vec::new(),
            facts: DayFacts::default(),
            complete_through: Some(at("24:00").plus_millis(3_600_000)),
            as_of: at("24:00").plus_millis(3_600_000),
        }
    }

    fn judged_at(mut self, text: &str) -> Self {
        self.as_of = at(text);
        self
    }

    fn excused(mut self, cause: Cause, from: &str, to: &str) -> Self {
        self.facts.excuses.push(excuse(cause, from, to, RequestState::Approved));
        self
    }

    fn input(&self) -> DayInput<'_> {
        DayInput {
            date: date(),
            rules: &self.rules,
            day: &self.kind,
            standing: self.standing,
            post_class: self.post_class,
            punches: &self.punches,
            adrift: &self.adrift,
            facts: &self.facts,
            complete_through: self.complete_through,
            as_of: self.as_of,
        }
    }

    fn judged(&self) -> DayJudgement<'_> {
        judge(&self.input())
    }

    /// What counts and what it comes to, a text for each checkpoint: `11:40 early_leave 10`, `- missing`.
    fn results(&self) -> Vec<String> {
        self.judged().checkpoints.iter().map(shown).collect()
    }

    fn surplus(&self) -> String {
        self.judged().surplus.iter().map(|punch| punch.time.to_string()).collect::<Vec<_>>().join(" ")
    }
}

fn shown(result: &CheckpointResult<'_>) -> String {
    let counted = result.evidence.map_or_else(|| "-".to_owned(), |evidence| evidence.time().to_string());
    match result.outcome.minutes() {
        0 => format!("{counted} {}", result.outcome.code()),
        minutes => format!("{counted} {} {minutes}", result.outcome.code()),
    }
}

fn punch(time: ClockTime, sequence: u64) -> DayPunch {
    let key = EntryKey { terminal: "hall-1".parse().unwrap(), journal: JournalId([1; 16]), sequence: Sequence(sequence) };
    DayPunch { time, quality: Quality::Trusted, key }
}

fn excuse(cause: Cause, from: &str, to: &str, state: RequestState) -> Excuse {
    Excuse { span: span(from, to), cause, state, entered: entered(0) }
}

fn entered(at: i64) -> Entered {
    Entered { at: Wall(at), by: "kaoqin".to_owned(), paper: String::new() }
}

fn span(from: &str, to: &str) -> Span {
    Span { from: time(from), to: time(to) }
}

fn time(text: &str) -> ClockTime {
    text.parse().unwrap()
}

fn date() -> WorkDate {
    WorkDate::from_ymd_opt(2026, 11, 23).unwrap()
}

/// A time of the day as a moment.
fn at(text: &str) -> Wall {
    UtcOffset::china().wall(date(), time(text))
}

fn id(text: &str) -> CheckpointId {
    CheckpointId(text.to_owned())
}

fn default_rules() -> Rules {
    let checkpoint =
        |name, half_day, direction, [due, opens, closes, home_from, home_to, work_at]: [&str; 6], post_by: Option<&str>| Checkpoint {
            id: id(name),
            half_day,
            direction,
            due: time(due),
            opens: time(opens),
            closes: time(closes),
            home_from: time(home_from),
            home_to: time(home_to),
            work_at: time(work_at),
            post_by: post_by.map(time),
        };
    let (morning, afternoon) = (HalfDay::Morning, HalfDay::Afternoon);
    Rules {
        version: "2018-119 v1".to_owned(),
        document: "周政办字〔2018〕119号".to_owned(),
        valid_from: WorkDate::from_ymd_opt(2018, 10, 18).unwrap(),
        utc_offset: UtcOffset::china(),
        grace: 0,
        minimum_gap: 5,
        light_early_leave: 10,
        severe_after: 30,
        checkpoints: vec![
            checkpoint("morning_in", morning, Direction::In, ["08:25", "06:00", "09:26", "06:00", "09:26", "08:30"], Some("08:20")),
            checkpoint("morning_out", morning, Direction::Out, ["11:50", "10:50", "13:25", "10:50", "12:40", "11:50"], None),
            checkpoint("afternoon_in", afternoon, Direction::In, ["13:25", "12:00", "14:26", "12:40", "14:26", "13:30"], Some("13:20")),
            checkpoint("afternoon_out", afternoon, Direction::Out, ["17:00", "16:00", "24:00", "16:00", "24:00", "17:00"], None),
        ],
    }
}
