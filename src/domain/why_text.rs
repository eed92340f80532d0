//! Words for results: names, symbols and the one sentence that says why, in Chinese and in English. Staff read the Chinese, technicians
//! choose. The sentence names the rule that made the result, and the other assignment where one had as many violations.

use serde::{Deserialize, Serialize};

use super::fact::StatedOn;
use super::judge::{CheckpointResult, Criterion, Evidence, HalfDayMark, Mark, MarkKind};
use super::leave::{Cause, Excuse, LeaveKind, Span};
use super::rules::{Checkpoint, Direction, HalfDay, Rules};
use super::ruling::{RuledOutcome, Ruling, Verdict};
use super::time::ClockTime;
use super::why::{Alternative, Why};

/// The same in two languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Sentence {
    fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    fn push(&mut self, more: &Self) {
        self.zh.push_str(&more.zh);
        self.en.push_str(&more.en);
    }
}

/// A checkpoint's name on the page: 上午上班.
pub const fn checkpoint_name(checkpoint: &Checkpoint) -> (&'static str, &'static str) {
    match (checkpoint.half_day, checkpoint.direction) {
        (HalfDay::Morning, Direction::In) => ("上午上班", "morning in"),
        (HalfDay::Morning, Direction::Out) => ("上午下班", "morning out"),
        (HalfDay::Afternoon, Direction::In) => ("下午上班", "afternoon in"),
        (HalfDay::Afternoon, Direction::Out) => ("下午下班", "afternoon out"),
    }
}

/// The name of a kind of leave, and the mark of a half-day that it covers.
pub const fn leave_name(kind: LeaveKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        LeaveKind::Personal => ("事假", "personal leave", "事"),
        LeaveKind::Sick => ("病假", "sick leave", "病"),
        LeaveKind::Annual => ("年休假", "annual leave", "年"),
        LeaveKind::HomeVisit => ("探亲假", "home visit leave", "探"),
        LeaveKind::Marriage => ("婚假", "marriage leave", "婚"),
        LeaveKind::Bereavement => ("丧假", "bereavement leave", "丧"),
        LeaveKind::Maternity => ("产假", "maternity leave", "产"),
        LeaveKind::Paternity => ("陪护假", "paternity leave", "护"),
        LeaveKind::Childcare => ("育儿假", "childcare leave", "育"),
        LeaveKind::Compensatory => ("补休", "compensatory leave", "调"),
        LeaveKind::Official => ("公假", "official leave", "他"),
        LeaveKind::Other => ("其他假", "other leave", "他"),
    }
}

/// The symbol of a half-day's mark on the sheets.
pub const fn symbol(mark: HalfDayMark) -> &'static str {
    match mark {
        HalfDayMark::NotRequired | HalfDayMark::CalendarUnknown | HalfDayMark::Open => "",
        HalfDayMark::Absent(_) => "旷",
        HalfDayMark::Leave(kind) => leave_name(kind).2,
        HalfDayMark::ToVerify => "？",
        HalfDayMark::Missing => "缺",
        HalfDayMark::LateAndEarly => "迟退",
        HalfDayMark::Late => "迟",
        HalfDayMark::EarlyLeave => "退",
        HalfDayMark::Errand => "公",
        HalfDayMark::Event => "学",
        HalfDayMark::Outage => "障",
        HalfDayMark::Exempt => "免",
        HalfDayMark::Corrected => "签",
        HalfDayMark::Present => "√",
    }
}

/// Why a checkpoint's result is what it is.
pub fn sentence(result: &CheckpointResult<'_>, rules: &Rules) -> Sentence {
    let mut sentence = because(result, rules);
    if result.due != result.checkpoint.due {
        let (was, is) = (result.checkpoint.due, result.due);
        sentence.push(&Sentence::new(
            format!("因请假，打卡时点由 {was} 移至 {is}。"),
            format!(" Leave moved the due time from {was} to {is}."),
        ));
    }
    if result.severe {
        let (zh, en) = match result.evidence {
            Some(_) => (format!("{}分钟以上", rules.severe_after), format!("{} minutes or more", rules.severe_after)),
            None => ("该半天中段有打卡".to_owned(), "A tap lies in mid-session".to_owned()),
        };
        let check = format!(" {en}: check whether leave was asked for.");
        sentence.push(&Sentence::new(format!("{zh}，请核实是否履行请假手续。"), check));
    }
    if result.provisional {
        sentence.push(&Sentence::new("终端数据未齐，暂定。", " Provisional until every terminal is complete past the window."));
    }
    if let Some(alternative) = &result.alternative {
        sentence.push(&of_alternative(alternative));
    }
    sentence.push(&Sentence::new(format!("（规则 {}）", rules.version), format!(" (rules {})", rules.version)));
    sentence
}

/// The rule or fact that made the result.
fn because(result: &CheckpointResult<'_>, rules: &Rules) -> Sentence {
    let window = span(result.window);
    match result.why {
        Why::RestDay => Sentence::new("非工作日，无需打卡。", "Not a workday; no punch is required."),
        Why::Holiday(name) => Sentence::new(format!("{name}放假，无需打卡。"), format!("A day off ({name}); no punch is required.")),
        Why::HalfDayHoliday(name) => {
            Sentence::new(format!("{name}半天假，无需打卡。"), format!("A half-day off ({name}); no punch is required."))
        }
        Why::BeforePost => Sentence::new("上岗前，无需打卡。", "Before the post began; no punch is required."),
        Why::Exited => Sentence::new("已退出，无需打卡。", "After the post ended; no punch is required."),
        Why::CalendarUnknown => Sentence::new("放假安排尚未公布，日历未定。", "The calendar does not reach this day yet."),
        Why::Ruled(ruling, _) | Why::RuledAbsent(ruling) => of_ruling(ruling),
        Why::Excused(excuse) => of_excuse(excuse),
        Why::Attended(event) => {
            let (name, when) = (&event.name, span(event.span));
            Sentence::new(format!("参加{name} {when}，有签到或名单。"), format!("At {name} {when}, signed in or listed."))
        }
        Why::Outage(outage) => {
            let when = span(outage.span);
            let en = format!("The terminals could not record {when}; not held against the person.");
            Sentence::new(format!("终端停用 {when}，无其他终端可用，不计。"), en)
        }
        Why::Decided(decision) => {
            Sentence::new(format!("{}：管理办公室决定不计。", decision.name), format!("{}: waived by the office.", decision.name))
        }
        Why::InTime => in_time(result),
        Why::Late(minutes) => late(result, minutes),
        Why::Early(minutes) => early(result, minutes),
        Why::DoubtfullyLate(minutes) | Why::DoubtfullyEarly(minutes) => doubtful(result, minutes),
        Why::Adrift(count) => Sentence::new(
            format!("终端时钟未校准时另有 {count} 次打卡，时间存疑，可能属于 {window}，待核。"),
            format!("{count} more punched by a doubtful clock may belong to the window {window}; a person decides."),
        ),
        Why::WindowOpen => {
            Sentence::new(format!("打卡时段 {window} 尚未结束。"), format!("Nothing counts yet; the window {window} is not over."))
        }
        Why::AwaitingData(complete) => {
            let until = complete.map_or_else(
                || ("未知".to_owned(), "an unknown moment".to_owned()),
                |at| (rules.utc_offset.rfc3339(at), rules.utc_offset.rfc3339(at)),
            );
            let en = format!("The window {window} is over, and the terminals are complete only up to {}.", until.1);
            Sentence::new(format!("打卡时段 {window} 已结束，终端数据截至 {}，待数据。", until.0), en)
        }
        Why::NothingCounts => Sentence::new(format!("{window} 内没有可计的打卡。"), format!("No punch counts in the window {window}.")),
    }
}

fn of_ruling(ruling: &Ruling) -> Sentence {
    let by = &ruling.entered.by;
    let (zh_paper, en_paper) = match ruling.entered.paper.as_str() {
        "" => (String::new(), String::new()),
        paper => (format!("，依据{paper}"), format!(", by {paper}")),
    };
    let (zh, en) = match &ruling.verdict {
        Verdict::Absence(_, Some(case)) => {
            (format!("旷工（第二十六条第{}项）", case.number()), format!("absent, article 26-{}", case.number()))
        }
        Verdict::Absence(_, None) => ("不作旷工".to_owned(), "not absent".to_owned()),
        Verdict::Checkpoint(_, None) => ("按打卡记录".to_owned(), "as punched".to_owned()),
        Verdict::Checkpoint(_, Some(outcome)) => match outcome {
            RuledOutcome::OnTime => ("正常".to_owned(), "on time".to_owned()),
            RuledOutcome::Late(minutes) => (format!("迟到 {minutes} 分"), format!("late by {minutes} min")),
            RuledOutcome::EarlyLeave(minutes) => (format!("早退 {minutes} 分"), format!("left {minutes} min early")),
            RuledOutcome::Missing => ("缺卡".to_owned(), "missing".to_owned()),
            RuledOutcome::Excused => ("不计".to_owned(), "not held against the person".to_owned()),
        },
    };
    Sentence::new(format!("经 {by} 认定：{zh}{zh_paper}。"), format!("Ruled by {by}: {en}{en_paper}."))
}

fn of_excuse(excuse: &Excuse) -> Sentence {
    let (zh, en) = match excuse.cause {
        Cause::Leave(kind) => (leave_name(kind).0, leave_name(kind).1),
        Cause::Errand => ("公出", "official errand"),
    };
    Sentence::new(format!("{zh} {}。", span(excuse.span)), format!("On {en} {}.", span(excuse.span)))
}

/// What counts, in words: `08:20 打卡`, `The punch at 08:20`.
fn counted(result: &CheckpointResult<'_>) -> (String, String) {
    let Some(evidence) = result.evidence else { return <(String, String)>::default() };
    let time = evidence.time();
    match evidence {
        Evidence::Punch(_) => (format!("{time} 打卡"), format!("The punch at {time}")),
        Evidence::Stated(stated) => match stated.on {
            StatedOn::PaperSignIn => (format!("{time} 手工签到"), format!("The paper sign-in of {time}")),
            StatedOn::Correction => (format!("{time} 补签"), format!("The correction for {time}")),
        },
    }
}

fn in_time(result: &CheckpointResult<'_>) -> Sentence {
    let ((zh, en), due) = (counted(result), result.due);
    match result.checkpoint.direction {
        Direction::In => Sentence::new(format!("{zh}，不晚于 {due}，正常。"), format!("{en} is in time for {due}.")),
        Direction::Out => Sentence::new(format!("{zh}，不早于 {due}，正常。"), format!("{en} is in time for {due}.")),
    }
}

/// Minutes after the due time and, apart from them, minutes after work started.
fn late(result: &CheckpointResult<'_>, minutes: u32) -> Sentence {
    let ((zh, en), due, work_at) = (counted(result), result.due, result.checkpoint.work_at);
    let mut sentence = Sentence::new(format!("{zh}，晚于考勤时间 {due} 共 {minutes} 分"), format!("{en} is {minutes} min after {due}"));
    let into_work = result.evidence.map_or(0, |evidence| evidence.time().minute().saturating_sub(work_at.minute()));
    if into_work > 0 && due == result.checkpoint.due {
        let en = format!(", {into_work} min after work starts at {work_at}");
        sentence.push(&Sentence::new(format!("，晚于上班时间 {work_at} 共 {into_work} 分"), en));
    }
    sentence.push(&Sentence::new("。", "."));
    sentence
}

fn early(result: &CheckpointResult<'_>, minutes: u32) -> Sentence {
    let ((zh, en), due) = (counted(result), result.due);
    Sentence::new(format!("{zh}，早于 {due} 共 {minutes} 分。"), format!("{en} is {minutes} min before {due}."))
}

fn doubtful(result: &CheckpointResult<'_>, minutes: u32) -> Sentence {
    let ((zh, en), due) = (counted(result), result.due);
    Sentence::new(
        format!("{zh}，终端时间存疑，与 {due} 相差 {minutes} 分，待核。"),
        format!("{en} is {minutes} min off {due} by a doubtful clock; a person decides."),
    )
}

fn of_alternative(alternative: &Alternative<'_>) -> Sentence {
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for (checkpoint, time) in &alternative.changes {
        let (zh_name, en_name) = checkpoint_name(checkpoint);
        let (zh_time, en_time) = match time {
            Some(time) => (format!("{zh_name} {time}"), format!("{time} as {en_name}")),
            None => (format!("{zh_name}缺卡"), format!("no {en_name}")),
        };
        zh.push(zh_time);
        en.push(en_time);
    }
    let (zh_why, en_why) = match alternative.lost_by {
        Criterion::Heavy => ("较重的不符更多", "it has more that is worse than a light early leave"),
        Criterion::Home => ("更偏离各时点的通常时段", "it lies further from the usual slots"),
        Criterion::Missing => ("缺卡更多", "it misses more checkpoints"),
        Criterion::Minutes => ("迟到早退分钟更多", "it has more minutes late and early"),
        Criterion::Order => ("上班取最早、下班取最晚", "coming takes the earliest, going the latest"),
    };
    Sentence::new(
        format!("另一种计法（{}）不符项数相同，未采用：{zh_why}。", zh.join("、")),
        format!(" Another reading ({}) has as many violations and was not taken: {en_why}.", en.join(", ")),
    )
}

/// What a mark asks to be looked at.
pub fn mark_sentence(mark: &Mark<'_>) -> Sentence {
    let half = match mark.half_day {
        HalfDay::Morning => ("上午", "morning"),
        HalfDay::Afternoon => ("下午", "afternoon"),
    };
    match mark.kind {
        MarkKind::FirstTapMidSession(time) => {
            Sentence::new(format!("{}首次打卡 {time}，请核实", half.0), format!("the first {} tap is {time}: please check", half.1))
        }
        MarkKind::TapAfterMet(time) => {
            Sentence::new(format!("{}已打上班卡，{time} 另有打卡", half.0), format!("another {} tap at {time}", half.1))
        }
        MarkKind::LunchPairClose(minutes) => {
            Sentence::new(format!("中午两次打卡相隔 {minutes} 分"), format!("the two lunch punches are {minutes} min apart"))
        }
        MarkKind::DoubtfulTime(checkpoint, _) => {
            let (zh, en) = checkpoint_name(checkpoint);
            Sentence::new(format!("{zh}：打卡时间为推算或存疑"), format!("{en}: the time is estimated or suspect"))
        }
        MarkKind::Stated(checkpoint, stated) => {
            let (zh, en) = checkpoint_name(checkpoint);
            match stated.on {
                StatedOn::PaperSignIn => Sentence::new(format!("{zh}：手"), format!("{en}: from a paper sign-in")),
                StatedOn::Correction => Sentence::new(format!("{zh}：签"), format!("{en}: from a correction")),
            }
        }
        MarkKind::LeavePending(excuse) => {
            Sentence::new(format!("请假审批中 {}", span(excuse.span)), format!("a request for {} is pending", span(excuse.span)))
        }
        MarkKind::EventMissed(event) => Sentence::new(format!("学习缺席：{}", event.name), format!("did not come to {}", event.name)),
        MarkKind::EarlyReturn => Sentence::new("假期内上下班均有打卡，是否提前销假", "came and left during leave: end the leave early?"),
        MarkKind::TapNotRequired(time) => {
            Sentence::new(format!("无需打卡时段打卡 {time}"), format!("a tap at {time}, when none was required"))
        }
        MarkKind::OvernightTap(time) => {
            Sentence::new(format!("凌晨打卡 {time}，是否昨日加班"), format!("a tap at {time}: overtime of the day before?"))
        }
    }
}

fn span(span: Span) -> String {
    let at = |time: ClockTime| time.to_string();
    format!("{}–{}", at(span.from), at(span.to))
}
