//! The words of tables and pages for what interfaces name by codes.

use crate::domain::daysheet::CheckpointLine;
use crate::domain::estimate::Quality;
use crate::domain::judge::Outcome;
use crate::domain::person::PostClass;

/// Every outcome's code and word; minutes are put behind where there are any.
const OUTCOMES: [(Outcome, &str); 10] = [
    (Outcome::OnTime, "正常"),
    (Outcome::Late(0), "迟到"),
    (Outcome::EarlyLeave(0), "早退"),
    (Outcome::Missing, "缺卡"),
    (Outcome::TimeSuspect, "时间存疑（待核）"),
    (Outcome::Excused, "免考勤"),
    (Outcome::NotRequired, "无需打卡"),
    (Outcome::NotYetDue, "未到时间"),
    (Outcome::PendingData, "待数据"),
    (Outcome::CalendarUnknown, "日历未定"),
];

/// The kinds of days.
const DAYS: [(&str, &str); 5] =
    [("workday", "工作日"), ("rest_day", "休息日"), ("holiday", "法定节假日"), ("makeup_workday", "调休上班日"), ("unknown", "日历未定")];

/// A result in a cell: 迟到 3 分.
pub fn outcome(line: &CheckpointLine) -> String {
    let word = OUTCOMES.iter().find(|(outcome, _)| outcome.code() == line.outcome).map_or(line.outcome.as_str(), |(_, word)| word);
    let minutes = if line.minutes > 0 { format!(" {} 分", line.minutes) } else { String::new() };
    let provisional = if line.provisional { "（暂定）" } else { "" };
    format!("{word}{minutes}{provisional}")
}

/// A result beside the punch that counts for it. An early leave is concluded when the window is over; until then the punch is a punch.
pub fn outcome_of_punch(line: &CheckpointLine) -> String {
    let open = line.provisional && line.outcome == Outcome::EarlyLeave(0).code();
    if open { "已记录".to_owned() } else { outcome(line) }
}

/// Whether a result needs no word of explanation.
pub fn is_plain(line: &CheckpointLine) -> bool {
    [Outcome::OnTime, Outcome::NotRequired, Outcome::NotYetDue].iter().any(|plain| plain.code() == line.outcome)
}

/// The kind of a day.
pub fn day(code: &str) -> &str {
    DAYS.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
}

/// The class of a post.
pub const fn post_class(class: PostClass) -> &'static str {
    match class {
        PostClass::Window => "窗口",
        PostClass::BackOffice => "后台",
        PostClass::Other => "其他",
    }
}

/// What a best-known time rests on.
pub const fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Trusted => "已校时",
        Quality::Estimated => "推算",
        Quality::Suspect => "存疑",
    }
}

/// What kind of credential.
pub fn credential_kind(kind: &str) -> &str {
    match kind {
        "badge" => "工牌",
        "text" => "二维码",
        "finger" => "指纹",
        other => other,
    }
}

/// The clock time in RFC 3339, without its date: `08:21:04`.
pub fn clock_time(rfc3339: &str) -> &str {
    rfc3339.get(11..19).unwrap_or(rfc3339)
}

/// The same without its seconds: `08:21`.
pub fn short_time(rfc3339: &str) -> &str {
    rfc3339.get(11..16).unwrap_or(rfc3339)
}
