//! The clock and how far it can be believed. The time zone of the machine plays no part: civil time is the site's.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::{Text, offset, span};
use super::{Facts, Finding};
use crate::domain::time::Trust;

const CHECK: super::Check = ("clock", "时钟", "clock");
/// A free-running clock that may be off by more than this is marked in every entry, in milliseconds (law 6).
const DOUBTFUL_MS: u64 = 1_000;

/// The clock as the running daemon sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// How far it can be believed.
    pub trust: Trust,
    /// The best-known time, RFC 3339.
    pub best: String,
    /// By how much it may be off, in milliseconds; means nothing while suspect or unset.
    pub uncertainty_ms: u64,
    /// Why it is not trusted, in a technician's words; empty where it is.
    pub doubt: String,
    /// Our clock less the office's at the last exchange, in milliseconds.
    pub office_offset_ms: Option<i64>,
    /// Whether the system keeps it synchronised.
    pub kernel: bool,
    /// Whose word is taken.
    pub source: String,
    /// What has certainly passed, RFC 3339.
    pub floor: Option<String>,
    /// The configured UTC offset and the office's, where they differ.
    pub differs: Option<(String, String)>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            trust: Trust::Unset,
            best: String::new(),
            uncertainty_ms: 0,
            doubt: String::new(),
            office_offset_ms: None,
            kernel: false,
            source: String::new(),
            floor: None,
            differs: None,
        }
    }
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let Some(standing) = &facts.told.standing else { return super::of_the_running(CHECK, facts) };
    let clock = &standing.clock;
    let office = clock.office_offset_ms.map(|ms| {
        let ms = offset(ms);
        Text::new(format!("与中心差 {ms}"), format!("{ms} to the office"))
    });
    let kernel = clock.kernel.then(|| Text::new("系统已同步", "the system keeps it"));
    let of = |state: Text| Text::new(format!("{}，{}", clock.best, state.zh), format!("{}, {}", clock.best, state.en));
    let (code, state) = match clock.trust {
        Trust::Synced => (Code::ClockSynced, Text::new("可信", "trusted")),
        Trust::Holdover => {
            let by = span(clock.uncertainty_ms);
            let code = if clock.uncertainty_ms > DOUBTFUL_MS { Code::ClockDrifting } else { Code::ClockHoldover };
            (code, Text::new(format!("自走中，误差不超过 {}", by.zh), format!("running free, off by at most {}", by.en)))
        }
        Trust::Suspect => (Code::ClockSuspect, Text::new("时间可疑", "in doubt")),
        Trust::Unset => (Code::ClockUnset, Text::new("本次开机后未校准", "not confirmed since the machine started")),
    };
    let doubt = Some(clock.doubt.clone()).filter(|doubt| !doubt.is_empty() && code == Code::ClockSuspect).map(Text::same);
    let floor = clock.floor.clone().filter(|_| code == Code::ClockSuspect);
    let floor = floor.map(|floor| Text::new(format!("已知至少 {floor}"), format!("known to be past {floor}")));
    let found = of(state).and(doubt).and(floor).and(office).and(kernel);
    if let Some((here, there)) = clock.differs.as_ref().filter(|_| code.state() == super::State::Ok) {
        let differs = Text::new(format!("utc-offset 为 {here}，中心为 {there}"), format!("utc-offset is {here}, the office's is {there}"));
        let remedy = Text::new(
            format!("以中心为准；请将 terminal.toml 改为 utc-offset = \"{there}\""),
            format!("the office's is used; write utc-offset = \"{there}\" in terminal.toml"),
        );
        return Finding::new(CHECK, Code::OffsetDiffers, found.and(Some(differs))).remedy(remedy);
    }
    let finding = Finding::new(CHECK, code, found);
    if code.state() == super::State::Ok { finding } else { finding.remedy(remedy(code, &clock.source)) }
}

fn remedy(code: Code, source: &str) -> Text {
    let by_office = source != "kernel";
    let witness = match source {
        "kernel" => Text::same("sudo timedatectl set-ntp true"),
        "office" => Text::new("连上中心：punchctl sync", "reach the office: punchctl sync"),
        _ => Text::new(
            "连上中心（punchctl sync）或 sudo timedatectl set-ntp true",
            "reach the office (punchctl sync) or sudo timedatectl set-ntp true",
        ),
    };
    if code != Code::ClockSuspect {
        let (zh, en) =
            (format!("打卡照常，时间事后更正；{}", witness.zh), format!("punching goes on, times are corrected later; {}", witness.en));
        return Text::new(zh, en);
    }
    let battery = Text::new("每次断电后如此则更换主板电池", "if it comes after every power cut, replace the board's battery");
    let set = if by_office {
        Text::new("sudo timedatectl set-time '年-月-日 时:分:秒'", "sudo timedatectl set-time 'YYYY-MM-DD hh:mm:ss'")
    } else {
        witness
    };
    Text::new(format!("打卡照常；校时：{}；{}", set.zh, battery.zh), format!("punching goes on; set it: {}; {}", set.en, battery.en))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    pub(in super::super) fn rows() -> Vec<Row> {
        let of = |trust, change: fn(&mut Clock), code, zh, en| {
            let facts = running(|_, standing| {
                let (best, source) = ("2026-11-23T07:50:00+08:00".to_owned(), "both".to_owned());
                standing.clock = Clock { trust, best, source, doubt: "was set by +3600.0 s".to_owned(), ..Clock::default() };
                change(&mut standing.clock);
            });
            row("clock", facts, code, zh, en)
        };
        let differs = |clock: &mut Clock| clock.differs = Some(("+09:00".to_owned(), "+08:00".to_owned()));
        let synced = |clock: &mut Clock| (clock.office_offset_ms, clock.kernel) = (Some(-120), true);
        let kernel = |clock: &mut Clock| "kernel".clone_into(&mut clock.source);
        let office = |clock: &mut Clock| "office".clone_into(&mut clock.source);
        let floor = |clock: &mut Clock| clock.floor = Some("2026-11-22".to_owned());
        vec![
            of(
                Trust::Synced,
                synced,
                Code::ClockSynced,
                "07:50:00+08:00，可信，与中心差 -0.1 s，系统已同步",
                "trusted, -0.1 s to the office, the system keeps it",
            ),
            of(Trust::Holdover, |clock| clock.uncertainty_ms = 400, Code::ClockHoldover, "误差不超过 400 毫秒", "at most 400 ms"),
            of(Trust::Holdover, |clock| clock.uncertainty_ms = 5_000, Code::ClockDrifting, "5 秒|punchctl sync", "5 s|punchctl sync"),
            of(
                Trust::Suspect,
                floor,
                Code::ClockSuspect,
                "时间可疑|+3600.0 s|至少 2026-11-22|set-time|电池",
                "in doubt|+3600.0 s|past 2026-11-22|set-time|battery",
            ),
            of(Trust::Suspect, kernel, Code::ClockSuspect, "时间可疑|set-ntp", "in doubt|set-ntp"),
            of(Trust::Unset, kernel, Code::ClockUnset, "未校准|set-ntp", "not confirmed|set-ntp"),
            of(Trust::Unset, office, Code::ClockUnset, "未校准|连上中心：punchctl sync", "not confirmed|reach the office: punchctl sync"),
            of(
                Trust::Synced,
                differs,
                Code::OffsetDiffers,
                "+09:00，中心为 +08:00|utc-offset = \"+08:00\"",
                "+09:00, the office's is +08:00|\"+08:00\"",
            ),
        ]
    }
}
