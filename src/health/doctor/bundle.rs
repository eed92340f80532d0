//! What goes to the office and what comes from it: deliveries and backlog; roster, rules and calendar.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::{Text, span};
use super::{Facts, Finding};

const EXCHANGE: super::Check = ("exchange", "上传", "exchange");
const BUNDLE: super::Check = ("bundle", "下发资料", "bundle");
/// A last exchange older than this is worth a word, in milliseconds: a heartbeat goes every minute or so.
const EXCHANGE_OLD_MS: u64 = 10 * 60_000;
/// A calendar that ends within so many days is worth a word.
const CALENDAR_DAYS: i64 = 30;

/// Deliveries to the office.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanges {
    /// How long ago the last one went through, in milliseconds; none since the start.
    pub last_ms: Option<u64>,
    /// Entries that wait.
    pub backlog: u64,
    /// Whether the last one went through.
    pub reachable: bool,
}

/// What the office gave to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// How long ago it came, in milliseconds.
    pub age_ms: u64,
    /// Whether the office has not confirmed it for a week.
    pub stale: bool,
    /// People in the roster.
    pub people: usize,
    /// The version of the rules in force; none where there is none.
    pub rules: Option<String>,
    /// Days until the calendar ends; none where there is none.
    pub calendar_days: Option<i64>,
}

pub(super) fn exchange(facts: &Facts) -> Finding {
    let Some(standing) = &facts.told.standing else { return super::of_the_running(EXCHANGE, facts) };
    let Some(exchanges) = &standing.exchanges else {
        return Finding::new(EXCHANGE, Code::NotAsked, Text::new("未检查：没有可用的配对", "not checked: there is no pairing to go by"));
    };
    let backlog = exchanges.backlog;
    let wait = if backlog == 1 { "entry waits" } else { "entries wait" };
    let waits = Text::new(format!("待上传 {backlog} 条"), format!("{backlog} {wait}"));
    let remedy = Text::new(
        "记录已存好，不会丢失；先处理上面的“中心连接”，再 punchctl sync",
        "they are stored and not lost; see to the office above, then punchctl sync",
    );
    let Some(ago) = exchanges.last_ms else {
        let found = Text::new("启动后还没有成功上传", "nothing went through since the start").and(Some(waits));
        return Finding::new(EXCHANGE, Code::ExchangeNever, found).remedy(remedy);
    };
    let said = span(ago);
    let last = Text::new(format!("最近 {}前", said.zh), format!("last {} ago", said.en));
    let stuck = ago > EXCHANGE_OLD_MS || (!exchanges.reachable && backlog > 0);
    if stuck {
        return Finding::new(EXCHANGE, Code::ExchangeWaiting, waits.and(Some(last))).remedy(remedy);
    }
    let done = if backlog == 0 { Text::new("全部已上传", "everything is at the office") } else { waits };
    Finding::new(EXCHANGE, Code::ExchangeCurrent, done.and(Some(last)))
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let Some(standing) = &facts.told.standing else { return super::of_the_running(BUNDLE, facts) };
    let Some(bundle) = &standing.bundle else {
        let found = Text::new("尚无花名册和规则，刷卡只记卡号", "no roster and no rules yet; badges are recorded by number");
        let remedy = Text::new("配对并连上中心后自动下发", "comes by itself once the kiosk is paired and reaches the office");
        return Finding::new(BUNDLE, Code::BundleNone, found).remedy(remedy);
    };
    let age = span(bundle.age_ms);
    let people = bundle.people;
    let word = if people == 1 { "person" } else { "people" };
    let rules = bundle.rules.as_ref().map(|rules| Text::new(format!("规则 {rules}"), format!("rules {rules}")));
    let found = Text::new(format!("花名册 {people} 人，{}前", age.zh), format!("roster of {people} {word}, {} old", age.en)).and(rules);
    if people == 0 {
        let remedy = Text::new(
            "在中心导入：punch-office roster import roster.csv",
            "import one at the office: punch-office roster import roster.csv",
        );
        return Finding::new(BUNDLE, Code::BundleEmpty, found).remedy(remedy);
    }
    if bundle.stale {
        let remedy = Text::new("先处理上面的“中心连接”；打卡照常", "see to the office above; punching goes on");
        return Finding::new(BUNDLE, Code::BundleStale, found).remedy(remedy);
    }
    if let Some(days) = bundle.calendar_days.filter(|days| *days <= CALENDAR_DAYS) {
        let found = found.and(Some(Text::new(format!("日历还有 {days} 天"), format!("calendar ends in {days} days"))));
        let remedy =
            Text::new("在中心导入次年安排：punch-office calendar import", "import next year's at the office: punch-office calendar import");
        return Finding::new(BUNDLE, Code::CalendarEnds, found).remedy(remedy);
    }
    Finding::new(BUNDLE, Code::BundleCurrent, found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    const WEEK_MS: u64 = 7 * 24 * 3_600_000;

    pub(in super::super) fn rows() -> Vec<Row> {
        let sent = |last_ms, backlog, reachable, code, zh, en| {
            let facts = running(|_, standing| standing.exchanges = Some(Exchanges { last_ms, backlog, reachable }));
            row("exchange", facts, code, zh, en)
        };
        let bundle = |age_ms, people, days, code, zh, en| {
            let facts = running(|_, standing| {
                let stale = age_ms > WEEK_MS;
                standing.bundle = Some(Bundle { age_ms, stale, people, rules: Some("2025-1".to_owned()), calendar_days: Some(days) });
            });
            row("bundle", facts, code, zh, en)
        };
        vec![
            sent(Some(12_000), 0, true, Code::ExchangeCurrent, "全部已上传，最近 12 秒前", "everything is at the office, last 12 s ago"),
            sent(Some(12_000), 2, true, Code::ExchangeCurrent, "待上传 2 条", "2 entries wait"),
            sent(Some(12_000), 2, false, Code::ExchangeWaiting, "待上传 2 条，最近 12 秒前|punchctl sync", "2 entries wait|punchctl sync"),
            sent(Some(EXCHANGE_OLD_MS + 1), 0, true, Code::ExchangeWaiting, "10 分钟前|punchctl sync", "10 min ago|punchctl sync"),
            sent(None, 9, false, Code::ExchangeNever, "待上传 9 条|不会丢失", "9 entries wait|not lost"),
            row("exchange", running(|_, _| {}), Code::NotAsked, "没有可用的配对", "no pairing"),
            row("bundle", running(|_, _| {}), Code::BundleNone, "尚无花名册|自动下发", "no roster|by itself"),
            bundle(
                3_600_000,
                120,
                400,
                Code::BundleCurrent,
                "花名册 120 人，60 分钟前，规则 2025-1",
                "roster of 120 people, 60 min old, rules 2025-1",
            ),
            bundle(3_600_000, 0, 400, Code::BundleEmpty, "花名册 0 人|roster import", "roster of 0|roster import"),
            bundle(WEEK_MS + 1, 120, 400, Code::BundleStale, "7 天前|中心连接", "7 days old|office above"),
            bundle(3_600_000, 120, 30, Code::CalendarEnds, "日历还有 30 天|calendar import", "ends in 30 days|calendar import"),
        ]
    }
}
