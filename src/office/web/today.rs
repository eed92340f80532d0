//! `/`: today's punches, the newest first.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{Datelike, Weekday};

use super::{Pages, moment, shown};
use crate::domain::estimate::Quality;
use crate::domain::time::{UtcOffset, Wall, WorkDate};
use crate::office::day::{Basis, DayError, DaySheet};
use crate::office::export::day::MAY_BE_INCOMPLETE;
use crate::office::export::punch::{PunchLine, lines};
use crate::office::export::words;
use crate::office::http::Refusal;
use crate::office::matching::Whose;
use crate::office::store::PunchQuery;

/// Most punches on the page.
const LINES_MAX: usize = 200;
/// A punch that came so much later than it was made says so, in milliseconds.
const LATE_MS: i64 = 5 * 60_000;

#[derive(Template)]
#[template(path = "today.html", config = "src/office/web/askama.toml")]
struct Today {
    title: &'static str,
    here: &'static str,
    site: String,
    date: String,
    weekday: &'static str,
    day: String,
    time: String,
    warnings: Vec<String>,
    punches: usize,
    seen: usize,
    expected: usize,
    unknown: usize,
    lines: Vec<Line>,
    more: usize,
}

struct Line {
    time: String,
    doubtful: bool,
    name: String,
    staff_no: String,
    department: String,
    checkpoint: String,
    outcome: String,
    terminal: String,
    late: String,
    shown: String,
    unknown: bool,
}

pub(super) async fn page(State(pages): State<Pages>) -> Result<Html<String>, Refusal> {
    let (store, site, now) = (&pages.0.store, pages.0.site, pages.0.clock.wall());
    let basis = Basis::load(store, site).await?;
    let offset = basis.site.utc_offset;
    let (date, time) = offset.civil(now);
    let items = store.punches(site, PunchQuery { first: date, last: date, staff_no: None }).await?;
    let no_rules =
        |error: DayError| Refusal::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, error.code(), error.to_string(), error.hint());
    let sheet = basis.sheet(date, &items, now).map_err(no_rules)?;
    let newest: Vec<Line> =
        lines(&basis, &items, now).map_err(no_rules)?.iter().rev().take(LINES_MAX).map(|line| Line::of(line, offset)).collect();
    shown(&Today {
        title: "今日打卡",
        here: "today",
        site: basis.site.name.clone(),
        date: date.to_string(),
        weekday: weekday(date),
        day: format!("{} {}", words::day(&sheet.day), sheet.day_name).trim_end().to_owned(),
        time: time.hh_mm(),
        warnings: warnings(&basis, &sheet, now),
        punches: items.len(),
        seen: sheet.seen().len(),
        expected: sheet.people.len(),
        unknown: sheet.unknown_punches,
        more: items.len().saturating_sub(newest.len()),
        lines: newest,
    })
}

fn warnings(basis: &Basis, sheet: &DaySheet, now: Wall) -> Vec<String> {
    let mut warnings = Vec::new();
    if !sheet.incomplete.is_empty() {
        let names: Vec<&str> = sheet.incomplete.iter().map(|waited| waited.terminal.as_str()).collect();
        warnings.push(format!("{MAY_BE_INCOMPLETE}：{} 尚未上传完整。", names.join("、")));
    }
    let (today, _) = basis.site.utc_offset.civil(now);
    let known = basis.calendar.known_through();
    let ends = known.filter(|known| (today.month(), today.day()) >= (11, 15) && known.year() <= today.year());
    match (known, ends) {
        (None, _) => warnings.push("节假日安排尚未导入。".to_owned()),
        (Some(_), Some(_)) => warnings.push("次年节假日安排尚未导入。".to_owned()),
        (Some(_), None) => {}
    }
    if basis.roster.people.is_empty() {
        warnings.push("花名册为空：运行 punch-office roster import 导入。".to_owned());
    }
    warnings
}

impl Line {
    fn of(line: &PunchLine<'_>, offset: UtcOffset) -> Self {
        let punch = &line.item.punch;
        let name = line.item.name.clone().unwrap_or_default();
        let (name, staff_no, unknown) = match &line.item.whose {
            Whose::Person(staff_no) => (name, staff_no.to_string(), false),
            Whose::Disabled(staff_no) => (format!("已停用（原 {name}）"), staff_no.to_string(), true),
            Whose::Unknown => ("未登记".to_owned(), String::new(), true),
        };
        let lag = line.item.received_at.millis_since(punch.best.at);
        let late = if lag > LATE_MS { format!("{} 补传", moment(line.item.received_at, punch.best.at, offset)) } else { String::new() };
        Self {
            time: words::clock_time(&offset.rfc3339(punch.best.at)).to_owned(),
            doubtful: punch.best.quality == Quality::Suspect,
            name,
            staff_no,
            department: line.department.clone(),
            checkpoint: line.checkpoint.clone(),
            outcome: line.outcome.clone(),
            terminal: punch.key.terminal.to_string(),
            late,
            shown: punch.credential.shown(),
            unknown,
        }
    }
}

fn weekday(date: WorkDate) -> &'static str {
    match date.weekday() {
        Weekday::Mon => "星期一",
        Weekday::Tue => "星期二",
        Weekday::Wed => "星期三",
        Weekday::Thu => "星期四",
        Weekday::Fri => "星期五",
        Weekday::Sat => "星期六",
        Weekday::Sun => "星期日",
    }
}
