//! The day's sheet as lines: who, four results, and why for what is not plain.

use super::super::width::padded;
use super::{NAME_COLUMNS, checkpoint_words};
use crate::domain::daysheet::{CheckpointLine, HalfDayLine, PersonDay};
use crate::domain::rules::HalfDay;
use crate::domain::why_text::Sentence;

/// Columns of a staff number, of a department and of one result.
const STAFF_NO_COLUMNS: usize = 8;
const DEPARTMENT_COLUMNS: usize = 22;
const RESULT_COLUMNS: usize = 15;
/// Where the clock stands in RFC 3339: `2026-11-18T08:21:37+08:00`.
const CLOCK_AT: std::ops::Range<usize> = 11..16;
/// The mark of a half-day in which nothing counts and nothing excuses.
const TO_VERIFY: &str = "？";

/// A kind of day in words.
pub(super) fn day_kind(code: &str) -> (&'static str, &'static str) {
    match code {
        "workday" => ("工作日", "a workday"),
        "makeup_workday" => ("调休上班日", "a make-up workday"),
        "rest_day" => ("休息日", "a rest day"),
        "holiday" => ("法定节假日", "a holiday"),
        _ => ("日历未定", "beyond the calendar"),
    }
}

/// What stands above the people.
pub(super) fn head_lines(date: &str, day: &str, rules: &str, document: &str) -> Vec<String> {
    let (day_zh, day_en) = day_kind(day);
    let checkpoints = ["morning_in", "morning_out", "afternoon_in", "afternoon_out"].map(checkpoint_words);
    let results = |words: [&str; 4]| words.map(|word| padded(word, RESULT_COLUMNS)).concat();
    let row = |staff_no: &str, name: &str, department: &str, words: [&str; 4]| {
        line(&[(staff_no, STAFF_NO_COLUMNS), (name, NAME_COLUMNS), (department, DEPARTMENT_COLUMNS)], &results(words))
    };
    vec![
        String::new(),
        format!("当日考勤  Day sheet  {date} {day_zh} {day_en}  规则 rules {rules} {document}"),
        row("工号", "姓名", "派驻部门", checkpoints.map(|words| words.0)),
        row("no.", "name", "department", checkpoints.map(|words| words.1)),
    ]
}

/// One person.
pub(super) fn day_lines(name: &str, department: &str, day: &PersonDay) -> Vec<String> {
    let results: String = day.checkpoints.iter().map(|checkpoint| padded(&result(checkpoint), RESULT_COLUMNS)).collect();
    let who = [(day.person.as_str(), STAFF_NO_COLUMNS), (name, NAME_COLUMNS), (department, DEPARTMENT_COLUMNS)];
    let mut lines = vec![line(&who, &results)];
    lines.extend(reasons(day).into_iter().flat_map(|(zh, en)| [indented(&zh), indented(&en)]));
    lines
}

fn line(cells: &[(&str, usize)], rest: &str) -> String {
    let cells: String = cells.iter().map(|(text, columns)| padded(text, *columns) + " ").collect();
    format!("  {cells}{rest}").trim_end().to_owned()
}

fn indented(text: &str) -> String {
    format!("  {}{text}", " ".repeat(STAFF_NO_COLUMNS + 1))
}

/// One result in a few characters: the time, and what it comes to where that is not plain.
fn result(line: &CheckpointLine) -> String {
    let time = line.counted.as_deref().map(clock);
    let what = match line.outcome.as_str() {
        "on_time" => String::new(),
        "late" => format!("迟{}", line.minutes),
        "early_leave" => format!("退{}", line.minutes),
        "missing" => "缺".to_owned(),
        "time_suspect" => "存疑".to_owned(),
        "excused" => "免".to_owned(),
        "not_required" => "—".to_owned(),
        "not_yet_due" => "未到时间".to_owned(),
        "pending_data" => "待数据".to_owned(),
        _ => "日历未定".to_owned(),
    };
    let provisional = if line.provisional { "*" } else { "" };
    let words: Vec<&str> = time.into_iter().chain([what.as_str()]).filter(|word| !word.is_empty()).collect();
    format!("{}{provisional}", words.join(" "))
}

/// Why, for everything that is not plain.
fn reasons(day: &PersonDay) -> Vec<(String, String)> {
    let to_verify = |half: HalfDay| day.half_days.iter().any(|line| line.half_day == half && line.mark == TO_VERIFY);
    let mut reasons: Vec<(String, String)> = day.half_days.iter().filter(|line| line.mark == TO_VERIFY).map(nothing).collect();
    for checkpoint in &day.checkpoints {
        let plain = matches!(checkpoint.outcome.as_str(), "on_time" | "not_required" | "not_yet_due" | "calendar_unknown");
        if !plain && !half_of(&checkpoint.checkpoint).is_some_and(to_verify) {
            let (zh, en) = checkpoint_words(&checkpoint.checkpoint);
            reasons.push((format!("{zh}：{}", checkpoint.why.zh), format!("{en}: {}", checkpoint.why.en)));
        }
    }
    if !day.surplus.is_empty() {
        let times: Vec<&str> = day.surplus.iter().map(|at| clock(at)).collect();
        reasons.push((format!("其他打卡记录 {}", times.join(" ")), format!("other taps: {}", times.join(" "))));
    }
    // Where nothing is required, every tap would be marked; the list of other taps says it once.
    let required = matches!(day.day.as_str(), "workday" | "makeup_workday");
    let marks = day.half_days.iter().filter(|_| required).flat_map(|half| &half.marks);
    reasons.extend(marks.map(|Sentence { zh, en }| (zh.clone(), en.clone())));
    reasons
}

fn nothing(half: &HalfDayLine) -> (String, String) {
    let (zh, en) = match half.half_day {
        HalfDay::Morning => ("上午", "morning"),
        HalfDay::Afternoon => ("下午", "afternoon"),
    };
    (format!("{zh}：未打卡、无请假记录（待核实）"), format!("{en}: no punch and no leave on record, to be verified by a person"))
}

fn half_of(checkpoint: &str) -> Option<HalfDay> {
    match checkpoint.split_once('_').map(|(half, _)| half) {
        Some("morning") => Some(HalfDay::Morning),
        Some("afternoon") => Some(HalfDay::Afternoon),
        Some(_) | None => None,
    }
}

/// `08:21` of an RFC 3339 time.
fn clock(at: &str) -> &str {
    at.get(CLOCK_AT).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::export::grid::width;

    fn checkpoint(id: &str, counted: Option<&str>, outcome: &str, minutes: u32) -> CheckpointLine {
        CheckpointLine {
            checkpoint: id.to_owned(),
            due: "2026-11-18T08:25:00+08:00".to_owned(),
            counted: counted.map(|time| format!("2026-11-18T{time}:20+08:00")),
            outcome: outcome.to_owned(),
            minutes,
            severe: false,
            provisional: false,
            why: Sentence { zh: "因为。".to_owned(), en: "Because.".to_owned() },
        }
    }

    fn day(checkpoints: Vec<CheckpointLine>) -> PersonDay {
        let date = "2026-11-18".parse().unwrap();
        PersonDay { person: "ZC0102".to_owned(), date, day: "workday".to_owned(), checkpoints, half_days: Vec::new(), surplus: Vec::new() }
    }

    #[test]
    fn a_plain_day_is_one_line_and_lines_up_under_its_head() {
        let ids = ["morning_in", "morning_out", "afternoon_in", "afternoon_out"];
        let plain = day(ids.iter().map(|id| checkpoint(id, Some("08:20"), "on_time", 0)).collect());
        let lines = day_lines("阿卜杜拉·买买提", "人力资源和社会保障局", &plain);
        assert_eq!(lines.len(), 1);
        let head = head_lines("2026-11-18", "workday", "v1", "");
        let column = |line: &str, word: &str| width(line.split(word).next().unwrap_or_default());
        assert_eq!(column(&lines[0], "08:20"), column(&head[2], "上午上班"));
    }

    #[test]
    fn what_is_not_plain_says_why_in_both_languages() {
        let late = day(vec![checkpoint("morning_in", Some("08:31"), "late", 6)]);
        let lines = day_lines("周明轩", "市场监督管理局", &late);
        assert!(lines[0].contains("08:31 迟6"), "{lines:#?}");
        assert!(lines[1].contains("上午上班：因为。") && lines[2].contains("morning in: Because."));
    }

    #[test]
    fn a_half_day_with_nothing_asks_once_and_accuses_nobody() {
        let mut absent = day(vec![checkpoint("morning_in", None, "missing", 0), checkpoint("morning_out", None, "missing", 0)]);
        absent.half_days = vec![HalfDayLine {
            half_day: HalfDay::Morning,
            mark: TO_VERIFY.to_owned(),
            column: "to_verify".to_owned(),
            notes: Vec::new(),
            leave_minutes: 0,
            marks: Vec::new(),
        }];
        let lines = day_lines("曾雨桐", "自然资源局", &absent);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines[1].contains("未打卡、无请假记录（待核实）") && !lines.concat().contains("旷工"));
    }
}
