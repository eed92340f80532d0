//! One mark for each half-day, and the one column in which it counts half a day.
//!
//! Invariant: every half-day is in exactly one [`Column`], so that 应出勤 = 实出勤 + Σ假 + 旷工 + 待核 holds for everyone.

use super::super::fact::{Attendance, DayFacts, StatedOn};
use super::super::leave::{Cause, LeaveKind, Span};
use super::super::rules::HalfDay;
use super::super::ruling::Article26;
use super::super::why::Why;
use super::plan::{Plan, absence};
use super::{CheckpointResult, Evidence, Outcome};

/// The mark of a half-day, by precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HalfDayMark {
    /// Blank.
    NotRequired,
    /// 日历未定.
    CalendarUnknown,
    /// 旷, ruled by a person under a case of article 26.
    Absent(Article26),
    /// 事 病 年 …: leave covers the half-day.
    Leave(LeaveKind),
    /// ？: nothing counts and nothing excuses.
    ToVerify,
    /// 缺: a required checkpoint is missing.
    Missing,
    /// 迟退.
    LateAndEarly,
    /// 迟.
    Late,
    /// 退.
    EarlyLeave,
    /// A checkpoint is not due yet or waits for data.
    Open,
    /// 公.
    Errand,
    /// 学.
    Event,
    /// 障.
    Outage,
    /// 免: by a decision of the office or a ruling.
    Exempt,
    /// 签: a correction counts.
    Corrected,
    /// √.
    Present,
}

/// The column of the month sheet in which a half-day counts 0.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Not one of 应出勤.
    NotRequired,
    /// 出勤.
    Present,
    /// 各类假.
    Leave(LeaveKind),
    /// 旷工.
    Absent,
    /// 待核.
    ToVerify,
    /// Not concluded yet: in neither side of the sum until it is.
    Open,
}

impl Column {
    /// The column as interfaces name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::Present => "present",
            Self::Leave(_) => "leave",
            Self::Absent => "absent",
            Self::ToVerify => "to_verify",
            Self::Open => "open",
        }
    }
}

/// What is concluded for a half-day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalfDayResult {
    /// Which half.
    pub half_day: HalfDay,
    /// Its mark.
    pub mark: HalfDayMark,
    /// Where it counts.
    pub column: Column,
    /// Further marks, for the note.
    pub notes: Vec<HalfDayMark>,
    /// Minutes of leave that do not cover it; kept, and the half-day stays 出勤.
    pub leave_minutes: u32,
}

/// The half-days that have checkpoints.
pub(super) fn half_days(facts: &DayFacts, plans: &[Plan<'_>], results: &[CheckpointResult<'_>]) -> Vec<HalfDayResult> {
    let of_half = |half_day| {
        let tally = Tally::of(results.iter().filter(|result| result.checkpoint.half_day == half_day));
        (tally.checkpoints > 0).then(|| conclude(facts, plans, half_day, &tally))
    };
    [HalfDay::Morning, HalfDay::Afternoon].into_iter().filter_map(of_half).collect()
}

/// What a half-day's checkpoints came to.
#[derive(Debug, Default)]
struct Tally {
    checkpoints: u32,
    not_required: u32,
    calendar_unknown: u32,
    missing: u32,
    late: u32,
    early: u32,
    open: u32,
    /// Something counts for a checkpoint that is not excused.
    met: u32,
    /// Excused by leave: how many, and by which kind first.
    leave: u32,
    leave_kind: Option<LeaveKind>,
    errand: u32,
    event: u32,
    outage: u32,
    exempt: u32,
    corrected: u32,
}

impl Tally {
    fn of<'r>(results: impl Iterator<Item = &'r CheckpointResult<'r>>) -> Self {
        let mut tally = Self::default();
        for result in results {
            tally.checkpoints += 1;
            tally.add_outcome(result.outcome);
            tally.add_why(&result.why);
            if let Some(Evidence::Stated(stated)) = result.evidence {
                tally.corrected += u32::from(stated.on == StatedOn::Correction);
            }
        }
        tally
    }

    const fn add_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::OnTime | Outcome::TimeSuspect => self.met += 1,
            Outcome::Late(_) => {
                self.met += 1;
                self.late += 1;
            }
            Outcome::EarlyLeave(_) => {
                self.met += 1;
                self.early += 1;
            }
            Outcome::Missing => self.missing += 1,
            Outcome::NotRequired => self.not_required += 1,
            Outcome::NotYetDue | Outcome::PendingData => self.open += 1,
            Outcome::CalendarUnknown => self.calendar_unknown += 1,
            Outcome::Excused => {}
        }
    }

    fn add_why(&mut self, why: &Why<'_>) {
        match why {
            Why::Excused(excuse) => match excuse.cause {
                Cause::Leave(kind) => {
                    self.leave += 1;
                    self.leave_kind.get_or_insert(kind);
                }
                Cause::Errand => self.errand += 1,
            },
            Why::Attended(_) => self.event += 1,
            Why::Outage(_) => self.outage += 1,
            Why::Decided(_) => self.exempt += 1,
            Why::Ruled(..) => self.exempt += u32::from(why.outcome() == Outcome::Excused),
            Why::RestDay
            | Why::Holiday(_)
            | Why::HalfDayHoliday(_)
            | Why::BeforePost
            | Why::Exited
            | Why::CalendarUnknown
            | Why::RuledAbsent(_)
            | Why::InTime
            | Why::Late(_)
            | Why::Early(_)
            | Why::DoubtfullyLate(_)
            | Why::DoubtfullyEarly(_)
            | Why::Adrift(_)
            | Why::WindowOpen
            | Why::AwaitingData(_)
            | Why::NothingCounts => {}
        }
    }

    const fn is_bare(&self) -> bool {
        self.met + self.leave + self.errand + self.event + self.outage + self.exempt == 0
    }
}

fn conclude(facts: &DayFacts, plans: &[Plan<'_>], half_day: HalfDay, tally: &Tally) -> HalfDayResult {
    let mut marks = marks(facts, half_day, tally);
    let bare = |mark, column| HalfDayResult { half_day, mark, column, notes: Vec::new(), leave_minutes: 0 };
    let mark = match marks.first() {
        Some(_) => marks.remove(0),
        None => HalfDayMark::Present,
    };
    let column = match mark {
        HalfDayMark::NotRequired => return bare(mark, Column::NotRequired),
        HalfDayMark::CalendarUnknown => return bare(mark, Column::Open),
        HalfDayMark::Absent(_) => Column::Absent,
        HalfDayMark::Leave(kind) => Column::Leave(kind),
        HalfDayMark::ToVerify => Column::ToVerify,
        HalfDayMark::Open => Column::Open,
        HalfDayMark::Missing if tally.is_bare() => Column::Open,
        HalfDayMark::Missing
        | HalfDayMark::LateAndEarly
        | HalfDayMark::Late
        | HalfDayMark::EarlyLeave
        | HalfDayMark::Errand
        | HalfDayMark::Event
        | HalfDayMark::Outage
        | HalfDayMark::Exempt
        | HalfDayMark::Corrected
        | HalfDayMark::Present => Column::Present,
    };
    let covers = matches!(column, Column::Leave(_) | Column::Absent);
    if let Some(session) = session(plans, half_day) {
        note_mid_session(facts, session, mark, &mut marks);
        let leave_minutes = if covers { 0 } else { leave_minutes(facts, session) };
        return HalfDayResult { half_day, mark, column, notes: marks, leave_minutes };
    }
    HalfDayResult { half_day, mark, column, notes: marks, leave_minutes: 0 }
}

/// Every mark that applies, by precedence; none is √.
fn marks(facts: &DayFacts, half_day: HalfDay, tally: &Tally) -> Vec<HalfDayMark> {
    let mut marks = Vec::new();
    let mut push = |holds: bool, mark| {
        if holds {
            marks.push(mark);
        }
    };
    push(tally.not_required == tally.checkpoints, HalfDayMark::NotRequired);
    push(tally.calendar_unknown > 0, HalfDayMark::CalendarUnknown);
    let required = tally.checkpoints - tally.not_required - tally.calendar_unknown;
    if required == 0 {
        return marks;
    }
    if let Some((_, case)) = absence(facts, half_day) {
        marks.push(HalfDayMark::Absent(case));
        return marks;
    }
    if let Some(kind) = tally.leave_kind.filter(|_| tally.leave == required) {
        push(true, HalfDayMark::Leave(kind));
    }
    push(tally.missing == required, HalfDayMark::ToVerify);
    push(tally.missing > 0 && tally.missing < required, HalfDayMark::Missing);
    push(tally.late > 0 && tally.early > 0, HalfDayMark::LateAndEarly);
    push(tally.late > 0 && tally.early == 0, HalfDayMark::Late);
    push(tally.early > 0 && tally.late == 0, HalfDayMark::EarlyLeave);
    push(tally.open > 0, HalfDayMark::Open);
    push(tally.errand > 0, HalfDayMark::Errand);
    push(tally.event > 0, HalfDayMark::Event);
    push(tally.outage > 0, HalfDayMark::Outage);
    push(tally.exempt > 0, HalfDayMark::Exempt);
    push(tally.corrected > 0, HalfDayMark::Corrected);
    marks
}

/// From the first work start to the last work end of a half-day.
fn session(plans: &[Plan<'_>], half_day: HalfDay) -> Option<Span> {
    let mut here = plans.iter().filter(|plan| plan.checkpoint.half_day == half_day).map(|plan| plan.session);
    let first = here.next()?;
    Some(here.fold(first, |all, one| Span { from: all.from.min(one.from), to: all.to.max(one.to) }))
}

/// An errand or event in the middle of a session excuses nothing and is shown in the note.
fn note_mid_session(facts: &DayFacts, session: Span, mark: HalfDayMark, notes: &mut Vec<HalfDayMark>) {
    let errand = facts.excuses.iter().any(|one| one.cause == Cause::Errand && one.state.holds() && one.span.overlaps(session));
    let event = facts.events.iter().any(|one| one.attendance != Attendance::Invited && one.span.overlaps(session));
    for (holds, note) in [(errand, HalfDayMark::Errand), (event, HalfDayMark::Event)] {
        if holds && mark != note && !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes.sort_unstable();
}

/// Minutes of approved leave within a session, each minute once.
fn leave_minutes(facts: &DayFacts, session: Span) -> u32 {
    let is_leave = |cause| match cause {
        Cause::Leave(_) => true,
        Cause::Errand => false,
    };
    let approved = facts.excuses.iter().filter(|one| is_leave(one.cause) && one.state.holds());
    let mut spans: Vec<_> = approved.filter_map(|one| one.span.common(session)).collect();
    spans.sort_unstable();
    let (mut seconds, mut until) = (0, session.from);
    for span in spans {
        let from = span.from.max(until);
        seconds += span.to.0.saturating_sub(from.0);
        until = until.max(span.to);
    }
    seconds / 60
}
