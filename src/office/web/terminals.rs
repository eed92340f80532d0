//! `/terminals`: each terminal with what it told last, what waits in it, and what is wrong.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::{Pages, ago, moment, shown};
use crate::domain::time::{Trust, UtcOffset, Wall};
use crate::health::{Condition, Severity};
use crate::office::http::Refusal;
use crate::office::store::{StoreError, Terminal};

/// A terminal that was silent for longer asks for a look; it speaks at least every few minutes, in milliseconds.
const SILENT_MS: i64 = 15 * 60_000;
/// More entries waiting than this ask for a look: one batch.
const BACKLOG_HIGH: u64 = 512;

#[derive(Template)]
#[template(path = "terminals.html", config = "src/office/web/askama.toml")]
struct Terminals {
    title: &'static str,
    here: &'static str,
    site: String,
    time: String,
    cards: Vec<Card>,
}

struct Card {
    terminal: String,
    standing: &'static str,
    state: &'static str,
    contact: String,
    contact_at: String,
    backlog: String,
    backlog_high: bool,
    complete: String,
    clock: &'static str,
    held: String,
    software: String,
    problems: Vec<Problem>,
}

struct Problem {
    severity: &'static str,
    title: String,
    remedy: String,
}

pub(super) async fn page(State(pages): State<Pages>) -> Result<Html<String>, Refusal> {
    let (store, site, now) = (&pages.0.store, pages.0.site, pages.0.clock.wall());
    let place = store.site(site).await?.ok_or(StoreError::NoSite(site.0))?;
    let terminals = store.terminals(site).await?;
    shown(&Terminals {
        title: "考勤终端",
        here: "terminals",
        time: place.utc_offset.civil(now).1.hh_mm(),
        cards: terminals.iter().map(|terminal| Card::of(terminal, now, place.utc_offset)).collect(),
        site: place.name,
    })
}

impl Card {
    fn of(terminal: &Terminal, now: Wall, offset: UtcOffset) -> Self {
        let state = terminal.state.as_ref();
        let (active, paired) = (terminal.is_active(), !terminal.keys.is_empty());
        let conditions = state.filter(|_| active).map(|state| state.conditions.as_slice()).unwrap_or_default();
        let mut problems: Vec<Problem> = conditions.iter().map(Problem::of).collect();
        let silent = terminal.contact_at.is_none_or(|at| now.millis_since(at) > SILENT_MS);
        if active && silent {
            problems.insert(0, Problem::told("warning", "长时间未联系", "打卡仍保存在终端；请检查终端电源和网络"));
        }
        let sum = |of: fn(&crate::office::store::TerminalJournal) -> u64| terminal.journals.iter().map(of).sum::<u64>();
        let (lost, quarantined) = (sum(|journal| journal.lost), sum(|journal| journal.quarantined));
        if lost > 0 {
            problems.push(Problem::told("warning", &format!("声明缺失 {lost} 条"), "见 punch-office verify"));
        }
        if quarantined > 0 {
            problems.push(Problem::told("warning", &format!("数据待查 {quarantined} 条"), "见 punch-office terminal show"));
        }
        let backlog = state.map(|state| state.backlog);
        let fault = problems.iter().any(|problem| problem.severity == "fault");
        Self {
            terminal: terminal.id.to_string(),
            standing: match (active, paired) {
                (true, _) => "在用",
                (false, true) => "已停用",
                (false, false) => "等待配对",
            },
            state: match (active, fault, problems.iter().any(|problem| problem.severity == "warning")) {
                (false, _, _) => "off",
                (true, true, _) => "bad",
                (true, false, true) => "look",
                (true, false, false) => "good",
            },
            contact: terminal.contact_at.map_or_else(|| "从未".to_owned(), |at| ago(at, now)),
            contact_at: terminal.contact_at.map(|at| moment(at, now, offset)).unwrap_or_default(),
            backlog: backlog.map_or_else(|| "未知".to_owned(), |backlog| format!("{backlog} 条")),
            backlog_high: backlog.is_some_and(|backlog| backlog > BACKLOG_HIGH),
            complete: terminal.complete_up_to.map_or_else(|| "未知".to_owned(), |at| moment(at, now, offset)),
            clock: state.map_or("未知", |state| trust(state.clock.trust)),
            held: format!("{} 条", sum(|journal| journal.mark.0)),
            software: state.map_or_else(|| "未知".to_owned(), |state| state.software.clone()),
            problems,
        }
    }
}

impl Problem {
    fn of(condition: &Condition) -> Self {
        let severity = match condition.code.severity() {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let subject = if condition.subject.is_empty() { String::new() } else { format!("（{}）", condition.subject) };
        Self::told(severity, &format!("{}{subject}", condition.code.title().0), condition.code.remedy().0)
    }

    fn told(severity: &'static str, title: &str, remedy: &str) -> Self {
        Self { severity, title: title.to_owned(), remedy: remedy.to_owned() }
    }
}

const fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Synced => "已校时",
        Trust::Holdover => "曾校时，自走",
        Trust::Suspect => "可疑",
        Trust::Unset => "未校时",
    }
}
