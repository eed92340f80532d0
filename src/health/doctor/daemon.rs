//! Does the daemon run and answer? And what a running one says of itself.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::{Text, span};
use super::{CHECK_LIMIT_MS, Facts, Finding, bundle, clock, page, port};

const CHECK: super::Check = ("daemon", "守护进程", "daemon");
const VERSION: super::Check = ("version", "版本", "version");

/// What became of asking the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Found {
    /// Nobody asked yet.
    #[default]
    NotAsked,
    /// It answers.
    Answers {
        /// Its socket.
        socket: String,
    },
    /// Its socket may not be opened.
    Denied {
        /// Its socket.
        socket: String,
    },
    /// Nobody listens at its socket.
    Down {
        /// Its socket.
        socket: String,
        /// A punchd that runs all the same, by its process id.
        process: Option<u32>,
    },
    /// It takes the question and says nothing.
    Silent {
        /// Its socket.
        socket: String,
    },
    /// It answers something that cannot be understood.
    Strange {
        /// What.
        why: String,
    },
}

/// What a running daemon knows of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub process: u32,
    /// The name of its user, or the number where it has no name.
    pub user: String,
    /// The names of its groups.
    pub groups: Vec<String>,
    /// How long it has run, in milliseconds.
    pub up_ms: u64,
    /// The configuration that it was started with.
    pub configuration: Option<String>,
    /// The digest of the settings in force.
    pub settings: String,
    /// Where its page is.
    pub page: String,
    /// Event streams that are open on it.
    pub streams: usize,
    /// Whether sound works.
    pub sound: page::Sound,
    /// The readers, in the order of the configuration.
    pub readers: Vec<port::Reader>,
    /// The clock.
    pub clock: clock::Clock,
    /// The deliveries to the office; none while not paired.
    pub exchanges: Option<bundle::Exchanges>,
    /// What the office gave to know.
    pub bundle: Option<bundle::Bundle>,
    /// Why nothing can be stored; none while it can.
    pub obstacle: Option<String>,
}

pub(super) fn judge(facts: &Facts) -> Finding {
    match &facts.daemon {
        Found::NotAsked => Finding::new(CHECK, Code::NotAsked, Text::new("未检查", "not checked")),
        Found::Answers { socket } => {
            let up = facts.told.standing.as_ref().map(|standing| {
                let up = span(standing.up_ms);
                Text::new(format!("已运行 {}", up.zh), format!("up {}", up.en))
            });
            Finding::new(CHECK, Code::DaemonAnswers, Text::new(format!("{socket} 有应答"), format!("answers at {socket}")).and(up))
        }
        Found::Denied { socket } => {
            let found = Text::new(format!("无权打开 {socket}"), format!("no permission to open {socket}"));
            let remedy = Text::new(
                "sudo punchctl doctor；或加入组：sudo usermod -aG punchd $USER，重新登录",
                "sudo punchctl doctor, or join the group: sudo usermod -aG punchd $USER and log in again",
            );
            Finding::new(CHECK, Code::DaemonDenied, found).remedy(remedy)
        }
        Found::Down { socket, process: Some(process) } => {
            let found = Text::new(
                format!("{socket} 无应答，但 punchd 进程 {process} 在运行"),
                format!("nobody answers at {socket}, yet a punchd runs as process {process}"),
            );
            let remedy = Text::new(
                "用 --config 指定它的配置；或 sudo systemctl restart punchd",
                "name its configuration with --config, or sudo systemctl restart punchd",
            );
            Finding::new(CHECK, Code::DaemonElsewhere, found).remedy(remedy)
        }
        Found::Down { socket, process: None } => {
            let found = Text::new(format!("punchd 未运行（{socket} 无应答）"), format!("punchd does not run (nobody answers at {socket})"));
            let remedy = Text::new(
                "sudo systemctl start punchd；仍不行：journalctl -u punchd -n 30",
                "sudo systemctl start punchd; if it does not stay: journalctl -u punchd -n 30",
            );
            Finding::new(CHECK, Code::DaemonDown, found).remedy(remedy)
        }
        Found::Silent { socket } => {
            let limit = CHECK_LIMIT_MS / 1_000;
            let found = Text::new(format!("{socket} 可连接，{limit} 秒内没有应答"), format!("{socket} opens, no answer within {limit} s"));
            let remedy =
                Text::new("sudo systemctl restart punchd；打卡记录不会丢失", "sudo systemctl restart punchd; no stored punch is lost");
            Finding::new(CHECK, Code::DaemonSilent, found).remedy(remedy)
        }
        Found::Strange { why } => {
            let found = Text::new(format!("应答无法理解（{why}）"), format!("its answer cannot be understood ({why})"));
            let remedy = Text::new(
                "punchd 与 punchctl 版本须相同：安装同一版本后 sudo systemctl restart punchd",
                "punchd and punchctl must be of one version: install it, then sudo systemctl restart punchd",
            );
            Finding::new(CHECK, Code::DaemonStrange, found).remedy(remedy)
        }
    }
}

pub(super) fn version(facts: &Facts) -> Finding {
    let Some(standing) = &facts.told.standing else { return super::of_the_running(VERSION, facts) };
    let (daemon, tool) = (&standing.version, &facts.version);
    if daemon == tool {
        return Finding::new(VERSION, Code::VersionSame, Text::same(format!("punchd {daemon}")));
    }
    let found = Text::new(format!("punchd {daemon}，punchctl {tool}"), format!("punchd {daemon}, punchctl {tool}"));
    let remedy = Text::new("升级后须重启：sudo systemctl restart punchd", "after an update: sudo systemctl restart punchd");
    Finding::new(VERSION, Code::VersionDiffers, found).remedy(remedy)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    pub(in super::super) fn rows() -> Vec<Row> {
        let of = |daemon: Found, code, zh, en| row("daemon", Facts { daemon, ..Facts::default() }, code, zh, en);
        let socket = || "/run/punchd/kiosk.sock".to_owned();
        let version = |tool: &str| {
            running(|facts, standing| {
                (standing.version, standing.up_ms) = ("0.1.0".to_owned(), 7_200_000);
                tool.clone_into(&mut facts.version);
            })
        };
        let down = |process| Found::Down { socket: socket(), process };
        vec![
            of(Found::NotAsked, Code::NotAsked, "未检查", "not checked"),
            row(
                "daemon",
                version("0.1.0"),
                Code::DaemonAnswers,
                "kiosk.sock 有应答，已运行 2 小时",
                "answers at /run/punchd/kiosk.sock, up 2 h",
            ),
            of(Found::Denied { socket: socket() }, Code::DaemonDenied, "无权打开|sudo punchctl doctor", "no permission|usermod -aG punchd"),
            of(down(None), Code::DaemonDown, "未运行|systemctl start", "does not run|systemctl start"),
            of(down(Some(7)), Code::DaemonElsewhere, "进程 7 在运行|--config", "runs as process 7|--config"),
            of(Found::Silent { socket: socket() }, Code::DaemonSilent, "5 秒内没有应答|restart", "within 5 s|restart"),
            of(Found::Strange { why: "unknown verb".to_owned() }, Code::DaemonStrange, "unknown verb|同一版本", "unknown verb|one version"),
            row("version", version("0.1.0"), Code::VersionSame, "punchd 0.1.0", "punchd 0.1.0"),
            row("version", version("0.2.0"), Code::VersionDiffers, "punchctl 0.2.0|restart", "punchctl 0.2.0|restart"),
            row("version", Facts { daemon: down(None), ..Facts::default() }, Code::NotAsked, "punchd 未运行", "punchd does not run"),
            row("store", running(|_, _| {}), Code::LimitPassed, "5 秒内没有结果|再运行一次", "no result within 5 s|run it again"),
        ]
    }
}
