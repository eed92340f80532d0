//! What the page can be asked to show: every standing screen and every result, with short, long and very long names. All invented.

use punchd::clock::Clock;
use punchd::domain::calendar::DayKind;
use punchd::domain::id::{JournalId, Sequence};
use punchd::domain::rules::{Checkpoint, CheckpointId, Direction, HalfDay};
use punchd::domain::time::{ClockTime, UtcOffset};
use punchd::health::{Code, Condition};
use punchd::machine::feedback::{Feedback, LiveOutcome, Reason, State, TodayBox};
use punchd::terminal::display::{PageClock, PageState};

/// As most names are.
pub(super) const SHORT_NAME: &str = "欧阳明月";
/// Eight characters with the separator of 民委发〔2016〕33号.
pub(super) const LONG_NAME: &str = "阿卜杜拉·买买提";
/// Twenty-five characters, the most that the rule for government systems asks for.
const LONGEST_NAME: &str = "阿卜杜热合曼江·买买提吐尔逊艾合买提·巴拉提阿吉木";

/// A screen that stands while nobody is there.
pub(super) struct Standing {
    /// Its picture's name.
    pub(super) name: &'static str,
    /// What is different from an ordinary morning.
    pub(super) change: fn(&mut PageState),
    /// What the core last said.
    pub(super) last: Feedback,
    /// What the page has when it is there.
    pub(super) shows: &'static str,
}

pub(super) fn standing() -> Vec<Standing> {
    let idle = || Feedback::of(State::Idle);
    let reader = || Feedback { reader: Some("badge".parse().unwrap()), ..Feedback::of(State::Fault) };
    vec![
        Standing { name: "idle", change: |_| {}, last: idle(), shows: "body[data-view='idle'] #clock" },
        Standing {
            name: "idle-rest-day",
            change: |page| page.day = Some(DayKind::Holiday("国庆节、中秋节".to_owned())),
            last: idle(),
            shows: "body[data-view='idle'] #clock",
        },
        Standing {
            name: "idle-offline-doubtful",
            change: |page| {
                page.clock.as_mut().unwrap().doubtful = true;
                page.conditions = vec![condition(Code::OfficeUnreachable, ""), condition(Code::ClockUntrusted, "")];
            },
            last: Feedback { offline: true, backlog: 20_160, ..idle() },
            shows: "body[data-banners='1'][data-network='offline']",
        },
        Standing {
            name: "idle-much-wrong",
            change: |page| {
                page.conditions = vec![
                    condition(Code::ReaderMissing, "badge"),
                    condition(Code::JournalDamaged, ""),
                    condition(Code::NoRoster, ""),
                    condition(Code::NoSound, ""),
                    condition(Code::JournalChecking, ""),
                ];
            },
            last: idle(),
            shows: "body[data-banners='2']",
        },
        Standing {
            name: "idle-not-paired",
            change: |page| {
                page.site.clear();
                page.checkpoints.clear();
                page.conditions = vec![condition(Code::NotPaired, ""), condition(Code::NoRoster, "")];
            },
            last: idle(),
            shows: "body[data-banners='2']",
        },
        Standing { name: "fault-reader", change: |_| {}, last: reader(), shows: "body[data-state='fault'][data-banners='1']" },
        Standing {
            name: "fault-store",
            change: |page| page.conditions = vec![condition(Code::JournalUnavailable, "")],
            last: idle(),
            shows: "body[data-state='fault'][data-view='result']",
        },
        Standing {
            name: "maintenance",
            change: |_| {},
            last: Feedback::of(State::Maintenance),
            shows: "body[data-state='maintenance'][data-colour='grey']",
        },
    ]
}

/// Every result, and the name of its picture.
pub(super) fn results() -> Vec<(String, Feedback)> {
    let mut results = Vec::new();
    for (suffix, name) in [("", SHORT_NAME), ("-name8", LONG_NAME), ("-name25", LONGEST_NAME)] {
        let kinds = of_a_person(&recorded(0, name));
        results.extend(kinds.into_iter().map(|(kind, feedback)| (format!("{kind}{suffix}"), feedback)));
    }
    let nobody = |state| Feedback { at: Some("2026-11-23T08:21:37+08:00".to_owned()), ..Feedback::of(state) };
    let others = [
        ("unknown", nobody(State::Unknown)),
        ("unknown-no-roster", Feedback { reason: Some(Reason::NoRoster), ..nobody(State::Unknown) }),
        ("disabled", nobody(State::Disabled)),
        ("retry-1", Feedback { reason: Some(Reason::NotRead), tries: 1, ..nobody(State::Retry) }),
        ("retry-2", Feedback { reason: Some(Reason::NoMatch), tries: 2, ..nobody(State::Retry) }),
        ("retry-3", Feedback { reason: Some(Reason::NoMatch), tries: 3, ..nobody(State::Retry) }),
        ("not-recorded-unknown", nobody(State::NotRecorded)),
    ];
    results.extend(others.map(|(kind, feedback)| (kind.to_owned(), feedback)));
    for (at, (_, feedback)) in results.iter_mut().enumerate().filter(|(_, (_, feedback))| feedback.state != State::NotRecorded) {
        (feedback.journal, feedback.sequence) = (Some(JournalId([7; 16])), Some(Sequence(at as u64 + 1)));
    }
    results
}

fn of_a_person(base: &Feedback) -> Vec<(&'static str, Feedback)> {
    let at = |clock: &str| Some(format!("2026-11-23T{clock}+08:00"));
    let of = |state, reason| Feedback { state, reason, outcome: None, checkpoint: None, ..base.clone() };
    let full = ["08:21", "11:52", "13:20", "17:03"].map(str::to_owned).map(Some);
    let early = |first: &str, second: Option<&str>| boxes(vec![Some(first.to_owned()), second.map(str::to_owned), None, None]);
    vec![
        ("recorded", base.clone()),
        ("recorded-offline", Feedback { offline: true, backlog: 36, ..base.clone() }),
        ("recorded-doubtful", Feedback { at_doubtful: true, ..base.clone() }),
        (
            "recorded-evening",
            Feedback { at: at("17:03:11"), checkpoint: Some("afternoon_out".to_owned()), today: boxes(full.to_vec()), ..base.clone() },
        ),
        (
            "late",
            Feedback { outcome: Some(LiveOutcome::Late), minutes: 3, at: at("08:28:02"), today: early("08:28", None), ..base.clone() },
        ),
        (
            "before-due",
            Feedback {
                outcome: Some(LiveOutcome::BeforeDue),
                at: at("11:42:02"),
                due: Some("11:50".to_owned()),
                checkpoint: Some("morning_out".to_owned()),
                today: early("08:21", Some("11:42")),
                ..base.clone()
            },
        ),
        (
            "lunch",
            Feedback {
                reason: Some(Reason::TapAgainAfterLunch),
                at: at("12:10:20"),
                checkpoint: Some("morning_out".to_owned()),
                today: early("08:21", Some("12:10")),
                ..base.clone()
            },
        ),
        ("already", Feedback { state: State::Already, at: at("08:22:10"), ..base.clone() }),
        ("off-hours-rest-day", of(State::OffHours, Some(Reason::RestDay))),
        ("off-hours-before-post", of(State::OffHours, Some(Reason::BeforePost))),
        ("off-hours-outside", of(State::OffHours, Some(Reason::OutsideWindows))),
        ("event", of(State::Event, None)),
        ("out", of(State::Out, None)),
        ("back", of(State::Back, None)),
        ("not-recorded", Feedback { journal: None, sequence: None, ..of(State::NotRecorded, None) }),
    ]
}

/// A punch recorded in time, with everything that goes with it.
pub(super) fn recorded(sequence: u64, name: &str) -> Feedback {
    Feedback {
        journal: Some(JournalId([7; 16])),
        sequence: Some(Sequence(sequence)),
        at: Some("2026-11-23T08:21:37+08:00".to_owned()),
        name: Some(name.to_owned()),
        department: Some("市场监督管理局（行政审批服务科）".to_owned()),
        checkpoint: Some("morning_in".to_owned()),
        outcome: Some(LiveOutcome::OnTime),
        due: Some("08:25".to_owned()),
        today: boxes(vec![Some("08:21".to_owned()), None, None, None]),
        ..Feedback::of(State::Recorded)
    }
}

fn boxes(times: Vec<Option<String>>) -> Vec<TodayBox> {
    checkpoints().into_iter().zip(times).map(|(checkpoint, at)| TodayBox { checkpoint: checkpoint.id.0, at }).collect()
}

/// An ordinary workday's page, changed.
pub(super) fn page_with(clock: &Clock, change: impl FnOnce(&mut PageState)) -> PageState {
    let mut page = PageState {
        site: "云州区政务服务中心".to_owned(),
        terminal: "一楼东厅 1号机".to_owned(),
        phone: "8210000".to_owned(),
        clock: Some(PageClock { best: clock.wall(), read: clock.mono(), doubtful: false, utc_offset: UtcOffset::china() }),
        checkpoints: checkpoints(),
        day: Some(DayKind::Workday),
        ..PageState::default()
    };
    change(&mut page);
    page
}

fn condition(code: Code, subject: &str) -> Condition {
    Condition { code, subject: subject.to_owned(), detail: String::new() }
}

fn checkpoints() -> Vec<Checkpoint> {
    let time = |text: &str| text.parse::<ClockTime>().unwrap();
    [
        ("morning_in", HalfDay::Morning, Direction::In, "08:25", ("06:00", "09:26")),
        ("morning_out", HalfDay::Morning, Direction::Out, "11:50", ("10:50", "12:40")),
        ("afternoon_in", HalfDay::Afternoon, Direction::In, "13:25", ("12:40", "14:26")),
        ("afternoon_out", HalfDay::Afternoon, Direction::Out, "17:00", ("16:00", "24:00")),
    ]
    .map(|(id, half_day, direction, due, home)| Checkpoint {
        id: CheckpointId(id.to_owned()),
        half_day,
        direction,
        due: time(due),
        opens: time(home.0),
        closes: time(home.1),
        home_from: time(home.0),
        home_to: time(home.1),
        work_at: time(due),
        post_by: None,
    })
    .to_vec()
}
