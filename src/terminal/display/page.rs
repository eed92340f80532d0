//! What the page shows beside results: whose kiosk it is, the best-known time, what is due, what is wrong, what waits to be sent.

use chrono::{Datelike, Weekday};
use serde::Serialize;

use super::words::{self, Words};
use crate::domain::calendar::DayKind;
use crate::domain::rules::{Checkpoint, Direction, HalfDay};
use crate::domain::time::{ClockTime, Mono, UtcOffset, Wall, WorkDate};
use crate::health::{Code, Condition, Severity};
use crate::machine::feedback::{Feedback, State};

/// Without a read for so long the screen is dimmed at night, in milliseconds.
const DIM_AFTER_MS: u64 = 5 * 60_000;
/// The hours in which the screen is never dimmed: from the first accepted punch to the end of evening duty.
const LIT_HOURS: std::ops::Range<u32> = 6..19;
/// Most conditions in the page's banner; the rest are counted.
const BANNERS_MAX: usize = 2;

/// The kiosk as the core loop knows it, apart from results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageState {
    /// The centre's name; empty while none is known.
    pub site: String,
    /// The kiosk's name for people: 一楼东厅 1号机.
    pub terminal: String,
    /// Whom to call; empty where none is configured.
    pub phone: String,
    /// Whether English comes before Chinese (`[kiosk] language`).
    pub english_first: bool,
    /// The best-known time; the page goes on counting from it.
    pub clock: Option<PageClock>,
    /// The checkpoints in force today, in the order of the day.
    pub checkpoints: Vec<Checkpoint>,
    /// What day it is; none while there is no calendar.
    pub day: Option<DayKind>,
    /// Since when the office is out of reach; none while it is not.
    pub offline_since: Option<Mono>,
    /// Committed and not acknowledged.
    pub backlog: u64,
    /// What is wrong now and has lasted long enough to be shown.
    pub conditions: Vec<Condition>,
}

/// The best-known time at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageClock {
    /// The best-known time.
    pub best: Wall,
    /// When it was so.
    pub read: Mono,
    /// Whether it is a guess, shown with ~.
    pub doubtful: bool,
    /// The site's civil time.
    pub utc_offset: UtcOffset,
}

/// The `page` event.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// A page of another version loads itself again.
    version: &'static str,
    /// Which language comes first: `zh` or `en`.
    language: &'static str,
    site: String,
    terminal: String,
    phone: String,
    clock: String,
    date: String,
    /// What to punch for now, the first language first.
    due: [String; 2],
    schedule: Vec<Slot>,
    online: bool,
    network: [&'static str; 2],
    backlog: String,
    banners: Vec<Banner>,
    notices: Vec<&'static str>,
    dim: bool,
    state: State,
    standing: Words,
}

/// A checkpoint's box while nobody is there.
#[derive(Debug, Serialize)]
struct Slot {
    label: String,
    at: String,
    current: bool,
}

/// Something wrong, for the top of the page.
#[derive(Debug, Serialize)]
struct Banner {
    severity: Severity,
    title: String,
    remedy: String,
}

impl PageState {
    /// The page at a moment.
    pub(super) fn view(&self, standing: &Feedback, now: Mono, last_shown: Mono) -> View {
        let civil = self.civil(now);
        let doubtful = self.clock.is_some_and(|clock| clock.doubtful);
        let idle_long = now.millis_since(last_shown) >= DIM_AFTER_MS;
        let night = civil.is_some_and(|(_, time)| !LIT_HOURS.contains(&(time.0 / 3600)));
        let current = civil.and_then(|(_, time)| self.current(time));
        let standing = self.effective(standing);
        let (banners, notices) = self.wrong(&standing);
        View {
            version: env!("CARGO_PKG_VERSION"),
            language: if self.english_first { "en" } else { "zh" },
            site: self.site.clone(),
            terminal: self.terminal.clone(),
            phone: self.phone.clone(),
            clock: civil.map(|(_, time)| format!("{}{}", if doubtful { "~" } else { "" }, time.hh_mm())).unwrap_or_default(),
            date: civil.map(|(date, _)| if self.english_first { date_english(date) } else { date_zh(date) }).unwrap_or_default(),
            due: self.first(self.due(civil.map(|(_, time)| time))),
            schedule: self.schedule(current),
            online: self.offline_since.is_none() && !self.has(Code::NotPaired),
            network: self.first(self.network()),
            backlog: if self.english_first { self.backlog_english(now) } else { self.backlog_zh(now) },
            banners,
            notices,
            dim: idle_long && night && !doubtful,
            state: standing.state,
            standing: words::of(&standing, self),
        }
    }

    /// A pair, Chinese then English, with the first language first.
    fn first<T>(&self, [zh, english]: [T; 2]) -> [T; 2] {
        if self.english_first { [english, zh] } else { [zh, english] }
    }

    /// A checkpoint's name in the first language.
    pub(super) fn label(&self, checkpoint: &Checkpoint) -> String {
        let [label, _] = self.first(label(checkpoint));
        label
    }

    /// A checkpoint of today's rules by its id.
    pub(super) fn checkpoint(&self, id: &str) -> Option<&Checkpoint> {
        self.checkpoints.iter().find(|checkpoint| checkpoint.id.0 == id)
    }

    /// Whether a condition holds.
    fn has(&self, code: Code) -> bool {
        self.conditions.iter().any(|condition| condition.code == code)
    }

    fn civil(&self, now: Mono) -> Option<(WorkDate, ClockTime)> {
        let clock = self.clock?;
        let passed = i64::try_from(now.millis_since(clock.read)).unwrap_or(i64::MAX);
        Some(clock.utc_offset.civil(clock.best.plus_millis(passed)))
    }

    /// What stands when nobody is there: maintenance before paper before the clock. A store that takes nothing asks for paper by itself,
    /// before anyone taps; a reader at fault leaves the others in use, so it is a banner above the clock.
    fn effective(&self, standing: &Feedback) -> Feedback {
        if standing.state == State::Maintenance {
            Feedback::of(State::Maintenance)
        } else if self.has(Code::JournalUnavailable) {
            Feedback::of(State::Fault)
        } else {
            standing.clone()
        }
    }

    fn is_rest_day(&self) -> bool {
        self.day.as_ref().and_then(DayKind::is_workday) == Some(false)
    }

    /// The checkpoint that a tap at this time would be read as, else the next one.
    fn current(&self, time: ClockTime) -> Option<&Checkpoint> {
        if self.is_rest_day() {
            return None;
        }
        self.checkpoints.iter().find(|checkpoint| time < checkpoint.home_to)
    }

    fn due(&self, time: Option<ClockTime>) -> [String; 2] {
        if self.is_rest_day() {
            let name = match &self.day {
                Some(DayKind::Holiday(name)) if !name.is_empty() => format!("（{name}）"),
                Some(DayKind::Holiday(_) | DayKind::Workday | DayKind::RestDay | DayKind::MakeupWorkday(_) | DayKind::Unknown) | None => {
                    String::new()
                }
            };
            return [format!("今日非工作日{name}"), "Not a working day".to_owned()];
        }
        let Some((time, next)) = time.and_then(|time| Some((time, self.current(time)?))) else { return Default::default() };
        let [label, english] = label(next);
        let limit = short_time(&next.due.hh_mm());
        let (now, now_english) = if time >= next.home_from { ("现在", "Now") } else { ("接下来", "Next") };
        match next.direction {
            Direction::In => [format!("{now}：{label}（{limit}截止）"), format!("{now_english}: {english}, by {limit}")],
            Direction::Out => [format!("{now}：{label}（{limit}起）"), format!("{now_english}: {english}, from {limit}")],
        }
    }

    fn schedule(&self, current: Option<&Checkpoint>) -> Vec<Slot> {
        if self.is_rest_day() {
            return Vec::new();
        }
        let slot = |checkpoint: &Checkpoint| {
            let due = short_time(&checkpoint.due.hh_mm());
            let [at, _] = self.first(match checkpoint.direction {
                Direction::In => [format!("{due}截止"), format!("by {due}")],
                Direction::Out => [format!("{due}起"), format!("from {due}")],
            });
            Slot { label: self.label(checkpoint), at, current: current.is_some_and(|current| current.id == checkpoint.id) }
        };
        self.checkpoints.iter().map(slot).collect()
    }

    fn network(&self) -> [&'static str; 2] {
        if self.has(Code::NotPaired) {
            ["未配对 已保存", "Not paired, saved here"]
        } else if self.offline_since.is_some() {
            ["离线 已保存", "Offline, saved here"]
        } else {
            ["已联网", "Online"]
        }
    }

    fn backlog_zh(&self, now: Mono) -> String {
        let waiting = format!("待上传 {} 条", self.backlog);
        let Some(since) = self.offline_since else { return waiting };
        let minutes = now.millis_since(since) / 60_000;
        match (minutes / (24 * 60), minutes / 60, minutes) {
            (0, 0, 0) => format!("{waiting} · 离线"),
            (0, 0, minutes) => format!("{waiting} · 离线 {minutes} 分钟"),
            (0, hours, _) => format!("{waiting} · 离线 {hours} 小时"),
            (days, _, _) => format!("{waiting} · 离线 {days} 天"),
        }
    }

    fn backlog_english(&self, now: Mono) -> String {
        let waiting = format!("{} to be sent", self.backlog);
        let Some(since) = self.offline_since else { return waiting };
        let minutes = now.millis_since(since) / 60_000;
        match (minutes / (24 * 60), minutes / 60, minutes) {
            (0, 0, 0) => format!("{waiting} · offline"),
            (0, 0, minutes) => format!("{waiting} · offline for {minutes} min"),
            (0, hours, _) => format!("{waiting} · offline for {hours} h"),
            (days, _, _) => format!("{waiting} · offline for {days} days"),
        }
    }

    /// Banners, worst first, and what is only worth a line at the foot. Being offline has its own place in the head.
    fn wrong(&self, standing: &Feedback) -> (Vec<Banner>, Vec<&'static str>) {
        let mut worst: Vec<&Condition> = self.conditions.iter().filter(|condition| condition.code != Code::OfficeUnreachable).collect();
        worst.sort_by_key(|condition| std::cmp::Reverse(condition.code.severity()));
        let (loud, quiet): (Vec<_>, Vec<_>) = worst.into_iter().partition(|condition| condition.code.severity() > Severity::Notice);
        let mut banners: Vec<Banner> = loud.iter().map(|condition| self.banner(condition)).collect();
        let told = self.has(Code::ReaderMissing) || self.has(Code::ReaderSilent);
        if let (State::Fault, Some(reader), false) = (standing.state, &standing.reader, told) {
            let [title, _] = self.first([format!("读卡器故障（{reader}）"), format!("Reader at fault ({reader})")]);
            let [remedy, _] = self.first(["请用其他读卡器或纸质签到", "Use another reader or the paper sheet"]);
            banners.insert(0, Banner { severity: Severity::Fault, title, remedy: remedy.to_owned() });
        }
        let more = banners.len().saturating_sub(BANNERS_MAX);
        banners.truncate(BANNERS_MAX);
        if let (Some(last), 1..) = (banners.last_mut(), more) {
            let [others, _] = self.first([format!("（另有 {more} 项）"), format!(" (and {more} more)")]);
            last.remedy += &others;
        }
        (banners, quiet.iter().map(|condition| self.words(condition.code.title())).collect())
    }

    fn banner(&self, condition: &Condition) -> Banner {
        let subject = match (condition.subject.as_str(), self.english_first) {
            ("", _) => String::new(),
            (subject, false) => format!("（{subject}）"),
            (subject, true) => format!(" ({subject})"),
        };
        let title = format!("{}{subject}", self.words(condition.code.title()));
        Banner { severity: condition.code.severity(), title, remedy: self.words(condition.code.remedy()).to_owned() }
    }

    const fn words(&self, (zh, english): (&'static str, &'static str)) -> &'static str {
        if self.english_first { english } else { zh }
    }
}

/// A checkpoint's name, Chinese then English.
pub(super) fn label(checkpoint: &Checkpoint) -> [String; 2] {
    let (half, half_english) = match checkpoint.half_day {
        HalfDay::Morning => ("上午", "morning"),
        HalfDay::Afternoon => ("下午", "afternoon"),
    };
    let (direction, direction_english) = match checkpoint.direction {
        Direction::In => ("上班", "in"),
        Direction::Out => ("下班", "out"),
    };
    [format!("{half}{direction}"), format!("{half_english} {direction_english}")]
}

/// `8:25` for `08:25`, as people write it.
pub(super) fn short_time(hh_mm: &str) -> String {
    hh_mm.strip_prefix('0').unwrap_or(hh_mm).to_owned()
}

fn date_zh(date: WorkDate) -> String {
    let weekday = match date.weekday() {
        Weekday::Mon => "一",
        Weekday::Tue => "二",
        Weekday::Wed => "三",
        Weekday::Thu => "四",
        Weekday::Fri => "五",
        Weekday::Sat => "六",
        Weekday::Sun => "日",
    };
    format!("{}年{}月{}日 星期{weekday}", date.year(), date.month(), date.day())
}

fn date_english(date: WorkDate) -> String {
    date.format("%A, %-d %B %Y").to_string()
}
