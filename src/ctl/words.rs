//! Answers in a technician's words, Chinese or English.

use clap::ValueEnum;

use crate::control::{ReaderStatus, Reply, Status};
use crate::health::Severity;
use crate::reader::Answer;
use crate::sys;

/// The language of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// Chinese where `LANG` begins with `zh`.
    pub(crate) fn of_the_environment() -> Self {
        let chinese = std::env::var("LANG").is_ok_and(|lang| lang.starts_with("zh"));
        if chinese { Self::Zh } else { Self::En }
    }

    const fn of<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// A reply as one line of JSON: the thing itself, without its envelope.
pub(crate) fn json(reply: &Reply) -> String {
    let text = match reply {
        Reply::Status(status) => serde_json::to_string(status),
        Reply::Readers { readers } => serde_json::to_string(readers),
        Reply::Line { text } => return text.clone(),
        Reply::Answer { answer } => serde_json::to_string(answer),
        Reply::Raw { .. } | Reply::Done { .. } | Reply::Failed { .. } => serde_json::to_string(reply),
    };
    text.unwrap_or_default()
}

/// How the kiosk stands.
pub(crate) fn status(status: &Status, language: Language) {
    let unknown = language.of("未配对", "not paired");
    let terminal = status.terminal.as_ref().map_or(unknown, |terminal| terminal.as_str());
    sys::out(format_args!("{:<10} {terminal}  (punchd {})", language.of("终端", "terminal"), status.version));
    let trust = format!("{:?}", status.clock.reading.trust).to_lowercase();
    sys::out(format_args!("{:<10} {}  ({trust})", language.of("时间", "time"), status.clock.best));
    let journal = status.journal.map_or_else(|| language.of("不可用", "unavailable").to_owned(), |journal| journal.to_string());
    sys::out(format_args!("{:<10} {journal}  {} / {}", language.of("本机记录", "journal"), status.acknowledged, status.sequence));
    sys::out(format_args!("{:<10} {}", language.of("待上传", "backlog"), status.backlog));
    for journal in status.journals.iter().filter(|journal| !journal.open) {
        sys::out(format_args!("{:<10} {}  {} / {} {}", "", journal.journal, journal.acknowledged, journal.sequence, journal.damage));
    }
    let url = status.office.url.as_deref().unwrap_or("-");
    let reach = if status.office.reachable { language.of("已连接", "reachable") } else { language.of("未连接", "not reachable") };
    let last = status.office.last_exchange.as_deref().unwrap_or("-");
    sys::out(format_args!("{:<10} {url}  {reach}  {} {last}", language.of("中心", "office"), language.of("最近", "last")));
    readers(&status.readers);
    for item in &status.conditions {
        let mark = match item.severity {
            Severity::Fault => "✘",
            Severity::Warning => "!",
            Severity::Notice => "·",
        };
        let [zh, en] = &item.title;
        let [do_zh, do_en] = &item.remedy;
        let subject = if item.condition.subject.is_empty() { String::new() } else { format!(" [{}]", item.condition.subject) };
        sys::out(format_args!("{mark} {}{subject}  → {}", language.of(zh, en), language.of(do_zh, do_en)));
        if !item.condition.detail.is_empty() {
            sys::out(format_args!("    {}", item.condition.detail));
        }
    }
    if status.conditions.is_empty() {
        sys::out(format_args!("✔ {}", language.of("一切正常", "all is well")));
    }
}

/// The readers and their counters.
pub(crate) fn readers(readers: &[ReaderStatus]) {
    for reader in readers {
        let mark = if reader.connected { "✔" } else { "✘" };
        let faults: Vec<String> = reader.faults.iter().map(|(fault, count)| format!("{fault:?} {count}")).collect();
        let faults = if faults.is_empty() { String::new() } else { format!("  faults: {}", faults.join(", ")) };
        sys::out(format_args!(
            "{mark} {:<10} {:<14} {}  readings: {}{faults}  reopened: {}  {}",
            reader.reader, reader.protocol, reader.device, reader.readings, reader.reopened, reader.detail
        ));
    }
}

/// A step or the end of a fingerprint module's request.
pub(crate) fn answer(answer: &Answer, language: Language) -> String {
    let zh = language == Language::Zh;
    match answer {
        Answer::Press { capture } if zh => format!("请按手指（第 {capture} 次）"),
        Answer::Press { capture } => format!("press the finger (capture {capture})"),
        Answer::Lift => language.of("请抬起手指", "lift the finger").to_owned(),
        Answer::Enrolled { slot } if zh => format!("已录入，编号 {slot}"),
        Answer::Enrolled { slot } => format!("enrolled in slot {slot}"),
        Answer::Slots { taken, capacity } => {
            let list: Vec<String> = taken.iter().map(ToString::to_string).collect();
            format!("{} / {capacity}: {}", taken.len(), list.join(" "))
        }
        Answer::Deleted { slot } if zh => format!("已删除编号 {slot}"),
        Answer::Deleted { slot } => format!("slot {slot} is empty"),
        Answer::Failed { why } => format!("{}: {why}", language.of("未完成", "not done")),
        Answer::Unsupported => language.of("该读卡器没有此功能", "this reader has no such ability").to_owned(),
    }
}
