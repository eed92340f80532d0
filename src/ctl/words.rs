//! Answers in a technician's words, Chinese or English.

use clap::ValueEnum;

use crate::control::{ReaderStatus, Reply, Status};
use crate::health::Severity;
use crate::reader::Answer;
use crate::sys;

/// Columns of a line's label: 本机记录, and room for what follows.
const LABEL_COLUMNS: usize = 9;
/// Columns of the longest protocol's name.
const PROTOCOL_COLUMNS: usize = 13;
/// From here on characters take two columns of a terminal (Unicode Standard Annex 11: Hangul Jamo and everything Chinese lies above).
const WIDE_FROM: u32 = 0x1100;

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
        Reply::Raw { .. } | Reply::Part { .. } | Reply::Done { .. } | Reply::Failed { .. } => serde_json::to_string(reply),
    };
    text.unwrap_or_default()
}

/// How the kiosk stands.
pub(crate) fn status(status: &Status, language: Language) {
    status_lines(status, language).into_iter().for_each(sys::out);
}

fn status_lines(status: &Status, language: Language) -> Vec<String> {
    let line = |zh, en, text: String| format!("{} {text}", padded(language.of(zh, en), LABEL_COLUMNS));
    let unknown = language.of("未配对", "not paired");
    let terminal = status.terminal.as_ref().map_or(unknown, |terminal| terminal.as_str());
    let trust = format!("{:?}", status.clock.reading.trust).to_lowercase();
    let journal = status.journal.map_or_else(|| language.of("不可用", "unavailable").to_owned(), |journal| journal.to_string());
    let mut lines = vec![
        line("终端", "terminal", format!("{terminal}  (punchd {})", status.version)),
        line("时间", "time", format!("{}  ({trust})", status.clock.best)),
        line("本机记录", "journal", format!("{journal}  {} / {}", status.acknowledged, status.sequence)),
        line("待上传", "backlog", status.backlog.to_string()),
    ];
    let older = status.journals.iter().filter(|journal| !journal.open);
    lines.extend(older.map(|old| line("", "", format!("{}  {} / {}  {}", old.journal, old.acknowledged, old.sequence, old.damage))));
    lines.extend(office_lines(status, language).into_iter().enumerate().map(|(index, text)| match index {
        0 => line("中心", "office", text),
        _ => line("", "", text),
    }));
    lines.extend(reader_lines(&status.readers, language));
    for item in &status.conditions {
        let mark = match item.severity {
            Severity::Fault => "✘",
            Severity::Warning => "!",
            Severity::Notice => "·",
        };
        let [zh, en] = &item.title;
        let [do_zh, do_en] = &item.remedy;
        let subject = if item.condition.subject.is_empty() { String::new() } else { format!(" [{}]", item.condition.subject) };
        lines.push(format!("{mark} {}{subject}  → {}", language.of(zh, en), language.of(do_zh, do_en)));
        lines.extend(Some(format!("    {}", item.condition.detail)).filter(|_| !item.condition.detail.is_empty()));
    }
    lines.extend(status.conditions.is_empty().then(|| format!("✔ {}", language.of("一切正常", "all is well"))));
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn office_lines(status: &Status, language: Language) -> Vec<String> {
    let office = &status.office;
    let url = office.url.as_deref().unwrap_or("-");
    let reach = if office.reachable { language.of("已连接", "reachable") } else { language.of("未连接", "not reachable") };
    let last = office.last_exchange.as_deref().unwrap_or("-");
    let standing = format!("{url}  {reach}  {} {last}", language.of("最近", "last"));
    std::iter::once(standing).chain(Some(office.last_error.clone()).filter(|error| !error.is_empty())).collect()
}

/// The readers and their counters.
pub(crate) fn readers(readers: &[ReaderStatus], language: Language) {
    reader_lines(readers, language).into_iter().for_each(sys::out);
}

fn reader_lines(readers: &[ReaderStatus], language: Language) -> Vec<String> {
    let name_columns = readers.iter().map(|reader| columns(reader.reader.as_str())).max().unwrap_or_default();
    let [readings, faults, reopened] = match language {
        Language::Zh => ["读取", "错误", "重新打开"],
        Language::En => ["readings", "faults", "reopened"],
    };
    let line = |reader: &ReaderStatus| {
        let mark = if reader.connected { "✔" } else { "✘" };
        let counted: Vec<String> = reader.faults.iter().map(|(fault, count)| format!("{fault:?} {count}")).collect();
        let counted = if counted.is_empty() { String::new() } else { format!("  {faults}: {}", counted.join(", ")) };
        let (name, protocol) = (padded(reader.reader.as_str(), name_columns), padded(&reader.protocol, PROTOCOL_COLUMNS));
        let counters = format!("{readings}: {}{counted}  {reopened}: {}", reader.readings, reader.reopened);
        format!("{mark} {name} {protocol} {}  {counters}  {}", reader.device, reader.detail).trim_end().to_owned()
    };
    readers.iter().map(line).collect()
}

/// A text filled up to so many columns of a terminal.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The columns that a text takes: a Chinese character takes two.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|letter| if u32::from(letter) < WIDE_FROM { 1 } else { 2 }).sum()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ClockStatus, OfficeStatus};
    use crate::domain::id::{BootId, Sequence};
    use crate::domain::time::{ClockReading, Mono, Trust, Wall};

    #[test]
    fn the_second_column_begins_at_the_same_place_in_both_languages() {
        let reading = ClockReading { wall: Wall(0), mono: Mono(0), boot: BootId([0; 16]), trust: Trust::Unset, uncertainty_ms: 0 };
        let status = Status {
            terminal: None,
            journal: None,
            sequence: Sequence::ZERO,
            acknowledged: Sequence::ZERO,
            backlog: 3,
            clock: ClockStatus { reading, raw: String::new(), best: "1970-01-01T08:00:00+08:00".to_owned(), office_offset_ms: None },
            journals: Vec::new(),
            readers: Vec::new(),
            conditions: Vec::new(),
            office: OfficeStatus { last_error: "no route".to_owned(), ..OfficeStatus::default() },
            version: "0.1.0".to_owned(),
        };
        for language in [Language::Zh, Language::En] {
            let lines = status_lines(&status, language);
            for (line, second) in lines.iter().zip(["未配对 not paired", "1970", "不可用 unavailable", "3", "-", "no route"]) {
                let place =
                    second.split(' ').find_map(|word| line.find(word)).filter(|_| second != "no route").or_else(|| line.find(second));
                assert_eq!(columns(line.split_at(place.unwrap()).0), LABEL_COLUMNS + 1, "{line}");
            }
        }
    }
}
