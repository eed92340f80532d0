//! The answers to a known person: what was recorded, for which checkpoint, and their day so far.

use super::page::{PageState, label, short_time};
use super::words::{Colour, Icon, Words, checkpoint_of, due_of, exact_time_of, marks, screen, time_of};
use crate::domain::rules::Direction;
use crate::machine::feedback::{Feedback, LiveOutcome, Reason};

/// A screen headed by the person's name; without one, what would stand under it takes its place.
fn named(feedback: &Feedback, page: &PageState, look: (Colour, Icon), message: &str, english: &str, hold_ms: u64) -> Words {
    let (colour, icon) = look;
    let message = message.trim_end();
    let (title, message) = match &feedback.name {
        Some(name) => (name.as_str(), message),
        None => (message, ""),
    };
    let sub = feedback.department.clone().unwrap_or_default();
    Words { sub, marks: marks(feedback, page), ..screen(colour, icon, title, message, english, hold_ms) }
}

/// Durable, and it counts. Late and before due look and sound the same as on time; only the hint differs.
pub(super) fn recorded(feedback: &Feedback, page: &PageState) -> Words {
    let look = (Colour::Green, Icon::Check);
    let [checkpoint, english] = checkpoint_of(feedback, page);
    let time = time_of(feedback);
    if feedback.reason == Some(Reason::TapAgainAfterLunch) {
        let message = format!("{checkpoint} 已记录 {time}").trim().to_owned();
        let again =
            next_in(feedback, page).map_or_else(|| "下午上班请再打卡".to_owned(), |(label, due)| format!("{label}请于 {due} 前再打卡"));
        let words = named(feedback, page, look, &message, "Recorded. Please tap again when you come back.", 3_000);
        return Words { hints: vec![again], ..words };
    }
    match feedback.outcome {
        Some(LiveOutcome::Late | LiveOutcome::BeforeDue) => {
            let due = due_of(feedback);
            let english =
                format!("Recorded {time}. Time on the rota: {due}. On duty, on leave or otherwise: please tell your window head.");
            let words = named(feedback, page, look, &format!("已记录 {time}"), &english, 3_000);
            Words {
                hints: vec![format!("考勤时间 {due}"), "因公、请假或其他情况，请向窗口负责人说明".to_owned()], ..words
            }
        }
        Some(LiveOutcome::OnTime) | None => {
            let message = if checkpoint.is_empty() { "打卡成功".to_owned() } else { format!("{checkpoint} 打卡成功") };
            let english = if english.is_empty() { "Recorded".to_owned() } else { format!("Recorded: {english}") };
            Words { hints: vec![exact_time_of(feedback)], ..named(feedback, page, look, &message, &english, 2_500) }
        }
    }
}

/// The first in-checkpoint after the one this punch counted for that has no punch yet: its name and due time.
fn next_in(feedback: &Feedback, page: &PageState) -> Option<(String, String)> {
    let mut after = page.checkpoints.iter().skip_while(|checkpoint| Some(&checkpoint.id.0) != feedback.checkpoint.as_ref()).skip(1);
    let met = |id: &str| feedback.today.iter().any(|today| today.checkpoint == id && today.at.is_some());
    let next = after.find(|checkpoint| checkpoint.direction == Direction::In && !met(&checkpoint.id.0))?;
    let [label, _] = label(next);
    Some((label, short_time(&next.due.hh_mm())))
}

/// Durable, and the result is what it was: the time that counts is told, not that of this tap.
pub(super) fn already(feedback: &Feedback, page: &PageState) -> Words {
    let counted = feedback.today.iter().find(|today| Some(&today.checkpoint) == feedback.checkpoint.as_ref());
    let time = counted.and_then(|today| today.at.clone()).unwrap_or_else(|| time_of(feedback));
    let [checkpoint, _] = checkpoint_of(feedback, page);
    let hint = format!("{checkpoint} 本次 {} 也已保存", exact_time_of(feedback)).trim().to_owned();
    let english = format!("Already recorded {time}; this tap is kept too.");
    let words = named(feedback, page, (Colour::Blue, Icon::Check), &format!("您已打卡 {time}"), &english, 2_000);
    Words { hints: vec![hint], ..words }
}

/// Durable, outside every window, on a rest day or before the post begins.
pub(super) fn off_hours(feedback: &Feedback, page: &PageState) -> Words {
    let (message, english) = match feedback.reason {
        Some(Reason::RestDay) => ("今日非工作日，已记录", "Recorded. Not a working day."),
        Some(Reason::BeforePost) => ("已记录（岗前）", "Recorded, before the post begins."),
        Some(Reason::OutsideWindows) => ("已记录（非打卡时段）", "Recorded, outside the punching hours."),
        Some(Reason::CalendarUnknown) => ("已记录（日历待定）", "Recorded. The calendar for this day is not known yet."),
        Some(Reason::NoRules) => ("已记录（待中心核定）", "Recorded. The office will judge it."),
        Some(Reason::NoRoster | Reason::NoMatch | Reason::NotRead | Reason::TapAgainAfterLunch) | None => ("已记录", "Recorded"),
    };
    let words = named(feedback, page, (Colour::Blue, Icon::Calendar), message, english, 2_500);
    Words { hints: vec![exact_time_of(feedback)], ..words }
}

/// Signed in to an event.
pub(super) fn event(feedback: &Feedback, page: &PageState) -> Words {
    let words = named(feedback, page, (Colour::Green, Icon::Check), "签到成功", "Signed in", 2_500);
    Words { hints: vec![exact_time_of(feedback)], ..words }
}

/// Stepping out (article 25(5): over fifteen minutes is reported first, and someone stands in).
pub(super) fn out(feedback: &Feedback, page: &PageState) -> Words {
    let message = format!("外出已登记 {}", time_of(feedback));
    let english = "Stepping out is recorded. Over 15 minutes: tell your window head first and arrange cover.";
    let words = named(feedback, page, (Colour::Blue, Icon::Out), &message, english, 3_000);
    Words { hints: vec!["离岗超过15分钟，请先向窗口负责人报告并安排补位".to_owned()], marks: Vec::new(), ..words }
}

/// Back at the post.
pub(super) fn back(feedback: &Feedback, page: &PageState) -> Words {
    let message = format!("返岗已登记 {}", time_of(feedback));
    let words = named(feedback, page, (Colour::Blue, Icon::Back), &message, "Your return is recorded.", 3_000);
    Words { marks: Vec::new(), ..words }
}
