//! What the page promises: the event stream, the words, the look.

mod look;
mod stream;
mod wording;

use super::*;
use crate::domain::id::{JournalId, Sequence};
use crate::domain::rules::{Checkpoint, CheckpointId, Direction, HalfDay};
use crate::domain::time::{ClockTime, UtcOffset, Wall};
use crate::health::{Code, Condition};
use crate::machine::feedback::{LiveOutcome, Reason, TodayBox};

/// A page on an ordinary Monday at 08:21:37, its clock one that skips.
fn display() -> Display {
    let start = Wall::parse_rfc3339("2026-11-23T08:21:37+08:00").unwrap();
    let display = Display::new(Clock::skipping(start));
    display.page(page_state(&display.clock));
    display
}

fn page_state(clock: &Clock) -> PageState {
    PageState {
        site: "云州区政务服务中心".to_owned(),
        terminal: "一楼东厅 1号机".to_owned(),
        phone: "8210000".to_owned(),
        clock: Some(PageClock { best: clock.wall(), read: clock.mono(), doubtful: false, utc_offset: UtcOffset::china() }),
        checkpoints: checkpoints(),
        ..PageState::default()
    }
}

fn checkpoints() -> Vec<Checkpoint> {
    let time = |text: &str| text.parse::<ClockTime>().unwrap();
    [
        ("morning_in", HalfDay::Morning, Direction::In, "08:25", ("06:00", "09:26"), ("06:00", "09:26"), "08:30"),
        ("morning_out", HalfDay::Morning, Direction::Out, "11:50", ("10:50", "13:25"), ("10:50", "12:40"), "11:50"),
        ("afternoon_in", HalfDay::Afternoon, Direction::In, "13:25", ("12:00", "14:26"), ("12:40", "14:26"), "13:30"),
        ("afternoon_out", HalfDay::Afternoon, Direction::Out, "17:00", ("16:00", "24:00"), ("16:00", "24:00"), "17:00"),
    ]
    .map(|(id, half_day, direction, due, window, home, work_at)| Checkpoint {
        id: CheckpointId(id.to_owned()),
        half_day,
        direction,
        due: time(due),
        opens: time(window.0),
        closes: time(window.1),
        home_from: time(home.0),
        home_to: time(home.1),
        work_at: time(work_at),
        post_by: None,
    })
    .to_vec()
}

/// A recorded punch at a place of the journal.
fn recorded(sequence: u64) -> Feedback {
    Feedback {
        journal: Some(JournalId([0xAB; 16])),
        sequence: Some(Sequence(sequence)),
        at: Some("2026-11-23T08:21:37+08:00".to_owned()),
        name: Some("欧阳明月".to_owned()),
        checkpoint: Some("morning_in".to_owned()),
        outcome: Some(LiveOutcome::OnTime),
        due: Some("08:25".to_owned()),
        today: vec![
            today("morning_in", Some("08:21")),
            today("morning_out", None),
            today("afternoon_in", None),
            today("afternoon_out", None),
        ],
        ..Feedback::of(State::Recorded)
    }
}

fn today(checkpoint: &str, at: Option<&str>) -> TodayBox {
    TodayBox { checkpoint: checkpoint.to_owned(), at: at.map(str::to_owned) }
}

fn condition(code: Code) -> Condition {
    Condition { code, subject: String::new(), detail: String::new() }
}
