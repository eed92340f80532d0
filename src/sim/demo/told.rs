//! What the demo tells, as values: JSON lines for programs, aligned lines in Chinese and English for people, made from the same.

mod sheet;
mod tap;

use std::path::PathBuf;

use serde::Serialize;

use self::sheet::{day_lines, head_lines};
use self::tap::tap_line;
use super::proof::Proof;
use super::width::padded;
use crate::domain::daysheet::PersonDay;
use crate::domain::time::ClockTime;
use crate::machine::feedback::Feedback;
use crate::office::day::DaySheet;
use crate::sys;

/// Columns of a name: eight hanzi, or the longest name of the example.
const NAME_COLUMNS: usize = 16;

/// Something to tell.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Told {
    /// Everything stands.
    Start(Start),
    /// Something happened that is not a tap.
    Note {
        /// When.
        at: ClockTime,
        /// What, in Chinese.
        zh: String,
        /// The same in English.
        en: String,
    },
    /// A tap, as the kiosk's page was told of it.
    Punch {
        /// When it was made.
        time: ClockTime,
        /// What the page was told.
        #[serde(flatten)]
        feedback: Box<Feedback>,
    },
    /// The sheet begins.
    Sheet {
        /// Which day.
        date: String,
        /// What kind of day.
        day: String,
        /// The version of the rules.
        rules: String,
        /// The document of the rules.
        document: String,
    },
    /// One person's day.
    Day {
        /// 姓名.
        name: String,
        /// 派驻部门.
        department: String,
        /// The results.
        #[serde(flatten)]
        day: Box<PersonDay>,
    },
    /// The proof.
    Proof(Proof),
}

/// What stands when the day begins.
#[derive(Debug, Serialize)]
pub(super) struct Start {
    /// Which day.
    pub(super) date: String,
    /// What kind of day, as interfaces name it.
    pub(super) day: String,
    /// Whether the clock skips.
    pub(super) skipping: bool,
    /// Where terminals reach the office.
    pub(super) office: String,
    /// The office's pages.
    pub(super) office_page: Option<String>,
    /// The kiosk's page.
    pub(super) kiosk_page: String,
    /// The terminal's name.
    pub(super) terminal: String,
    /// Where everything is kept, if it stays.
    pub(super) kept: Option<PathBuf>,
    /// Whether somebody may open the pages.
    pub(super) headless: bool,
}

/// Tells, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller {
    /// JSON lines.
    pub(super) json: bool,
}

impl Teller {
    /// Tells one thing.
    pub(super) fn tell(self, told: &Told) {
        if !self.json {
            lines(told).iter().for_each(sys::out);
        } else if let Ok(line) = serde_json::to_string(told) {
            sys::out(line);
        }
    }

    /// Tells a day's sheet.
    pub(super) fn sheet(self, sheet: DaySheet) {
        let DaySheet { date, day, rules, people, .. } = sheet;
        self.tell(&Told::Sheet { date: date.to_string(), day, rules: rules.version, document: rules.document });
        for person in people {
            self.tell(&Told::Day { name: person.name, department: person.department, day: Box::new(person.day) });
        }
    }

    /// Tells something that happened.
    pub(super) fn note(self, at: ClockTime, zh: impl Into<String>, en: impl Into<String>) {
        self.tell(&Told::Note { at, zh: zh.into(), en: en.into() });
    }
}

/// What a person reads.
fn lines(told: &Told) -> Vec<String> {
    match told {
        Told::Start(start) => start_lines(start),
        Told::Note { at, zh, en } => vec![format!("{}  —  {zh}  {en}", clock(*at))],
        Told::Punch { time, feedback } => vec![tap_line(*time, feedback)],
        Told::Sheet { date, day, rules, document } => head_lines(date, day, rules, document),
        Told::Day { name, department, day } => day_lines(name, department, day),
        Told::Proof(proof) => proof_lines(proof),
    }
}

fn start_lines(start: &Start) -> Vec<String> {
    let (day_zh, day_en) = sheet::day_kind(&start.day);
    let row = |zh: &str, en: &str, value: &str| format!("  {} {} {value}", padded(zh, 10), padded(en, 14));
    let mut lines = vec![
        format!("政务服务中心考勤演示  A day at a government service centre  {}  {day_zh} {day_en}", start.date),
        row("考勤终端", "kiosk page", &start.kiosk_page),
    ];
    if let Some(page) = &start.office_page {
        lines.push(row("办公室", "office page", page));
    }
    lines.push(row("终端接入", "for kiosks", &start.office));
    if let Some(kept) = &start.kept {
        lines.push(row("数据目录", "data kept in", &kept.display().to_string()));
    }
    if !start.headless {
        lines.push("  在浏览器中打开以上地址即可观看。Open the pages in a browser to watch.".to_owned());
    }
    lines.push(String::new());
    lines
}

fn proof_lines(proof: &Proof) -> Vec<String> {
    let row = |zh: &str, en: &str, value: &str| format!("  {} {} {value}", padded(zh, 26), padded(en, 32));
    let number = |count: u64| format!("{count:>5}");
    let count = |count: usize| format!("{count:>5}");
    let truth = |good: bool| if good { "    ✓" } else { "    ✗" };
    let mut lines = vec![
        String::new(),
        "核对  Proof".to_owned(),
        row("读卡器上出示", "presentations fed", &count(proof.fed)),
        row("终端页面确认（有序号）", "events with a sequence", &count(proof.confirmed)),
        row("办公室收到", "entries at the office", &format!("{}  (+ {} 终端自身 the kiosk's own)", count(proof.at_office), proof.own)),
        row("已确认而办公室没有", "confirmed, not at the office", &count(proof.missing)),
        row("缺号", "holes", &number(proof.holes)),
        row("重复", "doubled", &number(proof.doubled)),
        row("链与签名", "chain and signatures verified", truth(proof.verified)),
    ];
    lines.extend(proof.faults.iter().map(|fault| format!("    {fault}")));
    let (zh, en) = if proof.good {
        ("一条不少，一条不多。", "Every punch is there exactly once.")
    } else {
        ("核对不符！", "The proof FAILED.")
    };
    lines.push(format!("  {zh} {en}"));
    lines
}

/// `08:21:37`, always with its seconds.
fn clock(time: ClockTime) -> String {
    format!("{}:{:02}", time.hh_mm(), time.0 % 60)
}

/// A checkpoint's name by its id, as far as the shipped rules name it.
fn checkpoint_words(id: &str) -> (&str, &str) {
    match id {
        "morning_in" => ("上午上班", "morning in"),
        "morning_out" => ("上午下班", "morning out"),
        "afternoon_in" => ("下午上班", "afternoon in"),
        "afternoon_out" => ("下午下班", "afternoon out"),
        other => (other, other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::{Verified, prove};
    use super::*;
    use crate::machine::feedback::State;
    use crate::office::export::grid::width;

    #[test]
    fn what_is_told_is_json_with_its_kind() {
        let note = Told::Note { at: ClockTime(30_000), zh: "中".to_owned(), en: "en".to_owned() };
        assert_eq!(serde_json::to_string(&note).unwrap(), r#"{"kind":"note","at":"08:20","zh":"中","en":"en"}"#);
        let punch = Told::Punch { time: ClockTime(30_001), feedback: Box::new(Feedback::of(State::Unknown)) };
        let text = serde_json::to_value(&punch).unwrap();
        assert_eq!(
            (text["kind"].as_str(), text["state"].as_str(), text["time"].as_str()),
            (Some("punch"), Some("unknown"), Some("08:20:01"))
        );
    }

    #[test]
    fn the_proofs_numbers_line_up() {
        let told = Told::Proof(prove(0, &[], &[], Verified::default()));
        let numbers = lines(&told).into_iter().filter(|line| line.ends_with("    0") || line.ends_with("    ✓"));
        let widths: Vec<usize> = numbers.map(|line| width(&line)).collect();
        assert!(widths.len() >= 6 && widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    }
}
