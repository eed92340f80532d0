//! One tap as a line: when, at which reader, who, and what the kiosk answered.

use super::super::width::padded;
use super::{NAME_COLUMNS, checkpoint_words, clock};
use crate::domain::time::ClockTime;
use crate::machine::feedback::{Feedback, LiveOutcome, Reason, State};

/// Columns of the answer in Chinese and in English.
const ANSWER_COLUMNS: (usize, usize) = (33, 37);

/// The line.
pub(super) fn tap_line(time: ClockTime, feedback: &Feedback) -> String {
    let reader = feedback.reader.as_ref().map_or("", |reader| reader.as_str());
    let name = feedback.name.as_deref().unwrap_or("—");
    let (zh, en) = answer(feedback);
    let sequence = feedback.sequence.map(|sequence| format!("#{sequence}")).unwrap_or_default();
    let offline = if feedback.offline { format!("  离线 offline, 待上传 {} waiting", feedback.backlog) } else { String::new() };
    let line = format!(
        "{}  {}  {} {} {} {} {}{offline}",
        clock(time),
        mark(feedback.state),
        padded(reader, 7),
        padded(name, NAME_COLUMNS),
        padded(&zh, ANSWER_COLUMNS.0),
        padded(&en, ANSWER_COLUMNS.1),
        sequence,
    );
    line.trim_end().to_owned()
}

/// In the first column: recorded, nobody known for it, again please, not recorded. Late looks like any recorded punch.
const fn mark(state: State) -> char {
    match state {
        State::Recorded | State::Already | State::OffHours | State::Event | State::Out | State::Back => '✓',
        State::Unknown | State::Disabled => '?',
        State::Retry => '~',
        State::NotRecorded | State::Fault => '✗',
        State::Idle | State::Maintenance => '·',
    }
}

fn answer(feedback: &Feedback) -> (String, String) {
    let plain = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
    match feedback.state {
        State::Recorded => recorded(feedback),
        State::Already => plain("您已打卡", "tapped already"),
        State::OffHours => match feedback.reason {
            Some(Reason::RestDay) => plain("今日非工作日，已记录", "a rest day; recorded"),
            Some(Reason::BeforePost) => plain("已记录（岗前）", "recorded, before the post begins"),
            Some(Reason::CalendarUnknown) => plain("日历未定，已记录", "the calendar is not known; recorded"),
            Some(_) | None => plain("已记录（非打卡时段）", "recorded, outside every window"),
        },
        State::Unknown => plain("此卡尚未登记，已留存", "not registered; kept"),
        State::Disabled => plain("此卡已停用，已留存", "no longer valid; kept"),
        State::Retry => plain("请重按手指", "press again"),
        State::NotRecorded => plain("未记录，请纸质签到", "NOT recorded: sign on paper"),
        State::Event => plain("签到成功", "signed in to the event"),
        State::Out => plain("外出已登记", "stepping out"),
        State::Back => plain("返岗已登记", "back at the post"),
        State::Idle | State::Fault | State::Maintenance => plain("—", "—"),
    }
}

fn recorded(feedback: &Feedback) -> (String, String) {
    let Some(id) = feedback.checkpoint.as_deref() else { return ("已记录".to_owned(), "recorded".to_owned()) };
    let (zh, en) = checkpoint_words(id);
    let due = feedback.due.as_deref().unwrap_or_default();
    if feedback.reason == Some(Reason::TapAgainAfterLunch) {
        return (format!("{zh} 打卡成功，返岗请再打卡"), format!("{en}, recorded; tap again later"));
    }
    match feedback.outcome {
        Some(LiveOutcome::OnTime) | None => (format!("{zh} 打卡成功"), format!("{en}, recorded")),
        Some(LiveOutcome::Late) => (format!("{zh} 已记录 考勤时间 {due}"), format!("{en}, recorded; due by {due}")),
        Some(LiveOutcome::BeforeDue) => (format!("{zh} 已记录 考勤时间 {due}"), format!("{en}, recorded; due from {due}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{JournalId, Sequence};
    use crate::office::export::grid::width;

    fn feedback(name: Option<&str>, outcome: Option<LiveOutcome>) -> Feedback {
        Feedback {
            name: name.map(str::to_owned),
            checkpoint: Some("morning_in".to_owned()),
            outcome,
            due: Some("08:25".to_owned()),
            journal: Some(JournalId([1; 16])),
            sequence: Some(Sequence(7)),
            reader: Some("badge".parse().unwrap()),
            ..Feedback::of(State::Recorded)
        }
    }

    #[test]
    fn lines_of_long_and_short_names_line_up() {
        let lines = [("阿卜杜拉·买买提", LiveOutcome::Late), ("白露", LiveOutcome::OnTime)]
            .map(|(name, outcome)| tap_line(ClockTime(30_000), &feedback(Some(name), Some(outcome))));
        assert_eq!(width(&lines[0]), width(&lines[1]), "{lines:#?}");
        assert!(lines[0].starts_with("08:20:00  ✓  badge") && lines[0].ends_with("#7"));
    }

    #[test]
    fn late_is_told_as_quietly_as_in_time() {
        let line = tap_line(ClockTime(30_400), &feedback(Some("白露"), Some(LiveOutcome::Late)));
        assert!(line.contains("已记录 考勤时间 08:25") && !line.contains("迟"));
    }

    #[test]
    fn an_unknown_badge_has_no_name_and_offline_says_how_much_waits() {
        let unknown = Feedback { offline: true, backlog: 3, ..Feedback::of(State::Unknown) };
        let line = tap_line(ClockTime(30_000), &unknown);
        assert!(line.contains("—") && line.ends_with("待上传 3 waiting"));
    }
}
