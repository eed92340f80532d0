//! The system's service: does systemd keep the daemon running, and will it after the next start of the machine?

use super::codes::Code;
use super::text::Text;
use super::{Facts, Finding, daemon};

const CHECK: super::Check = ("service", "系统服务", "service");
/// So many restarts since the machine started are no accident.
const RESTARTS_MANY: u64 = 3;
/// The daemon's exit code for a configuration that cannot work: systemd does not start it again.
const EXIT_CONFIGURATION: i64 = 78;

/// What systemd says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Found {
    /// There is no systemd here, or it does not know the unit.
    #[default]
    None,
    /// It did not answer in time.
    Silent,
    /// It knows the unit.
    Unit(Unit),
}

/// The unit as systemd sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// `active`, `failed`, `inactive` …
    pub active: String,
    /// `enabled`, `disabled` …
    pub enabled: String,
    /// The user that it runs as.
    pub user: String,
    /// The main process; 0 where none.
    pub process: u32,
    /// How often it was started again.
    pub restarts: u64,
    /// With which code it ended last.
    pub exit: i64,
    /// Whether a watchdog is set.
    pub watchdog: bool,
}

impl Found {
    /// The unit, where systemd knows it.
    pub const fn unit(&self) -> Option<&Unit> {
        match self {
            Self::Unit(unit) => Some(unit),
            Self::None | Self::Silent => None,
        }
    }
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let unit = match &facts.service {
        Found::None => {
            let found = Text::new("没有由 systemd 管理的 punchd.service", "there is no punchd.service under systemd here");
            return Finding::new(CHECK, Code::ServiceNone, found);
        }
        Found::Silent => return super::late(CHECK),
        Found::Unit(unit) => unit,
    };
    let active = &unit.active;
    let log = Text::new("查看原因：journalctl -u punchd -n 30", "see why: journalctl -u punchd -n 30");
    let answers = matches!(facts.daemon, daemon::Found::Answers { .. });
    let process = facts.told.standing.as_ref().map(|standing| standing.process);
    if unit.process == 0 && answers || process.is_some_and(|process| unit.process != 0 && unit.process != process) {
        let found = Text::new("运行中的 punchd 不是由系统服务启动的", "the punchd that runs was not started by the service");
        let remedy = Text::new("停掉它，再 sudo systemctl enable --now punchd", "stop it, then sudo systemctl enable --now punchd");
        return Finding::new(CHECK, Code::ServiceOther, found).remedy(remedy);
    }
    if active != "active" && unit.exit == EXIT_CONFIGURATION {
        let found = Text::new(
            format!("{active}：配置有误（78），不再自动启动"),
            format!("{active}: the configuration is wrong (78), so it is not started again"),
        );
        let remedy = Text::new(
            "改正配置，punchd check 通过后 sudo systemctl start punchd",
            "correct it until punchd check passes, then sudo systemctl start punchd",
        );
        return Finding::new(CHECK, Code::ServiceRefused, found).remedy(remedy);
    }
    if active != "active" {
        let found = Text::new(format!("{active}，退出码 {}", unit.exit), format!("{active}, exit code {}", unit.exit));
        return Finding::new(CHECK, Code::ServiceStopped, found).remedy(log);
    }
    if unit.restarts >= RESTARTS_MANY {
        let found = Text::new(format!("已自动重启 {} 次", unit.restarts), format!("started again {} times", unit.restarts));
        return Finding::new(CHECK, Code::ServiceRestarts, found).remedy(log);
    }
    if unit.enabled == "disabled" {
        let found = Text::new("正在运行，但开机不会自动启动", "runs, but does not start with the machine");
        return Finding::new(CHECK, Code::ServiceDisabled, found).remedy(Text::same("sudo systemctl enable punchd"));
    }
    let watchdog = unit.watchdog.then(|| Text::new("看门狗已开", "watchdog on"));
    Finding::new(CHECK, Code::ServiceRuns, Text::new("正在运行，开机自动启动", "runs, and starts with the machine").and(watchdog))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    pub(in super::super) fn rows() -> Vec<Row> {
        let of = |change: fn(&mut Unit), code, zh, en| {
            let mut unit =
                Unit { active: "active".to_owned(), enabled: "enabled".to_owned(), process: 7, watchdog: true, ..Unit::default() };
            change(&mut unit);
            let facts = running(|facts, standing| (facts.service, standing.process) = (Found::Unit(unit), 7));
            row("service", facts, code, zh, en)
        };
        let silent = running(|facts, _| facts.service = Found::Silent);
        let mut dead = Unit { active: "failed".to_owned(), exit: 1, ..Unit::default() };
        let down = |unit: &Unit| Facts {
            daemon: daemon::Found::Down { socket: String::new(), process: None },
            service: Found::Unit(unit.clone()),
            ..Facts::default()
        };
        let stopped = down(&dead);
        dead.exit = EXIT_CONFIGURATION;
        vec![
            row("service", Facts::default(), Code::ServiceNone, "没有由 systemd", "no punchd.service"),
            row("service", silent, Code::LimitPassed, "5 秒内没有结果", "no result within 5 s"),
            row("service", stopped, Code::ServiceStopped, "failed，退出码 1|journalctl", "failed, exit code 1|journalctl"),
            row("service", down(&dead), Code::ServiceRefused, "配置有误（78）|punchd check", "wrong (78)|punchd check"),
            of(|_| {}, Code::ServiceRuns, "正在运行，开机自动启动，看门狗已开", "starts with the machine, watchdog on"),
            of(|unit| unit.process = 8, Code::ServiceOther, "不是由系统服务启动|enable --now", "not started by the service|enable --now"),
            of(|unit| unit.restarts = 5, Code::ServiceRestarts, "重启 5 次|journalctl", "again 5 times|journalctl"),
            of(
                |unit| "disabled".clone_into(&mut unit.enabled),
                Code::ServiceDisabled,
                "不会自动启动|enable punchd",
                "does not start|enable punchd",
            ),
        ]
    }
}
