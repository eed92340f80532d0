//! The readers: is the device there, may the daemon open it, who else has it, and does anything sensible come out of it?

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::{Text, counted, span};
use super::{Facts, Finding};

const CHECK: super::Check = ("readers", "读卡器", "readers");
/// So many bytes with a fault and without a reading are no accident: the line is set wrongly. Four badges of the shortest frames.
const GARBAGE_BYTES: u64 = 64;
/// The daemon's user and service, where nobody tells another.
const SERVICE_USER: &str = "punchd";

/// A configured reader's device as it is found on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The reader's name.
    pub reader: String,
    /// The device's name in the configuration.
    pub device: String,
    /// What stands there; none where nothing does.
    pub node: Option<Node>,
    /// Whoever else has it open, as far as this user can see: process id and name.
    pub holders: Vec<(u32, String)>,
    /// The groups that the daemon's user is in by the system's own list.
    pub listed_groups: Vec<String>,
}

/// A device node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its owner's name.
    pub owner: String,
    /// Its group's name.
    pub group: String,
    /// Its permission bits.
    pub mode: u32,
}

/// A reader as the running daemon sees it.
#[expect(clippy::struct_excessive_bools, reason = "four things that are so or not, each by itself")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// Its name.
    pub reader: String,
    /// Its protocol.
    pub protocol: String,
    /// Its device.
    pub device: String,
    /// Whether the port is open.
    pub open: bool,
    /// Whether it is a module that is asked and answers, and not one that only talks.
    pub module: bool,
    /// Whether the module answers; always where it only talks.
    pub answers: bool,
    /// Why the port is not open: its stable code, empty where it is.
    pub code: String,
    /// The same in words.
    pub why: String,
    /// Readings since the start.
    pub readings: u64,
    /// Faults since the start.
    pub faults: u64,
    /// Whether there is much noise just now.
    pub noisy: bool,
    /// Bytes since the start, and how long ago the last of them came, in milliseconds.
    pub heard: Option<(u64, u64)>,
}

/// One line for each configured reader.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let told = facts.told.standing.as_ref().map(|standing| standing.readers.as_slice()).unwrap_or_default();
    let unconfigured = facts.told.standing.as_ref().map_or(facts.ports.is_empty(), |standing| standing.readers.is_empty());
    if unconfigured {
        let known = facts.told.standing.is_some() || matches!(facts.configuration, super::configuration::Found::Right { .. });
        let code = if known { Code::ReaderNone } else { Code::NotAsked };
        let found =
            if known { Text::new("配置中没有读卡器", "no reader is configured") } else { Text::new("未检查", "not checked") };
        let remedy =
            Text::new("在 terminal.toml 中加入 [[reader]]，再运行 punchd check", "add a [[reader]] to terminal.toml, then punchd check");
        let finding = Finding::new(CHECK, code, found);
        return vec![if known { finding.remedy(remedy) } else { finding }];
    }
    let nothing = Device::default();
    let device = |name: &str| facts.ports.iter().find(|port| port.reader == name).unwrap_or(&nothing);
    if facts.told.standing.is_none() {
        return facts.ports.iter().map(|port| at_rest(facts, port)).collect();
    }
    told.iter().map(|reader| running(facts, reader, device(&reader.reader))).collect()
}

fn finding(reader: &str, code: Code, found: Text) -> Finding {
    let label = Text::new(format!("读卡器 {reader}"), format!("reader {reader}"));
    Finding { check: format!("reader:{reader}"), label, code, found, remedy: Text::default() }
}

/// A reader of a running daemon.
fn running(facts: &Facts, reader: &Reader, device: &Device) -> Finding {
    let name = reader.reader.as_str();
    let at = &reader.device;
    if !reader.open {
        return match reader.code.as_str() {
            "port-missing" | "port-unplugged" => missing(name, at),
            "port-busy" => busy(name, at, &device.holders),
            "port-denied" => denied(facts, name, at, device),
            _ => {
                let found = Text::new(format!("打不开 {at}（{}）", reader.why), format!("{at} cannot be opened ({})", reader.why));
                let remedy =
                    Text::new("检查波特率、数据线和电源；会自动重试", "check baud rate, cable and power; it is tried again by itself");
                finding(name, Code::PortFails, found).remedy(remedy)
            }
        };
    }
    if !reader.answers {
        let found = Text::new(format!("{at} 已打开，指纹模块无应答"), format!("{at} is open, the fingerprint module does not answer"));
        let remedy = Text::new(
            format!("检查供电、波特率和口令；看原始字节：punchctl readers --raw {name}"),
            format!("check its power, baud rate and password; see its bytes: punchctl readers --raw {name}"),
        );
        return finding(name, Code::ReaderSilent, found).remedy(remedy);
    }
    let heard = heard(reader);
    let talks_only = !reader.module && reader.heard.is_some_and(|(bytes, _)| bytes >= GARBAGE_BYTES);
    if talks_only && reader.readings == 0 && reader.faults > 0 {
        let found = Text::new(format!("{at} 只收到乱码（{}）", heard.zh), format!("only garbage comes from {at} ({})", heard.en));
        let remedy = Text::new(
            format!("核对 protocol 和 baud；看原始字节：punchctl readers --raw {name}"),
            format!("compare protocol and baud with its manual; see its bytes: punchctl readers --raw {name}"),
        );
        return finding(name, Code::ReaderGarbage, found).remedy(remedy);
    }
    if reader.noisy {
        let found = Text::new(format!("{at} 信号干扰（{}）", heard.zh), format!("the line of {at} is noisy ({})", heard.en));
        let remedy =
            Text::new("检查接地、数据线和波特率，远离电机和开关电源", "check grounding, cable and baud rate; keep it away from motors");
        return finding(name, Code::ReaderNoisy, found).remedy(remedy);
    }
    let protocol = &reader.protocol;
    finding(name, Code::ReaderConnected, Text::new(format!("{at} {protocol}，{}", heard.zh), format!("{at} {protocol}, {}", heard.en)))
}

fn heard(reader: &Reader) -> Text {
    let Some((_, ago)) = reader.heard else {
        return Text::new("启动后还没有数据，刷一张卡试试", "no byte since the start: hold a badge to it");
    };
    let ago = span(ago);
    let (readings, faults) = (reader.readings, reader.faults);
    let text = Text::new(
        format!("读取 {readings} 次，最近数据 {}前", ago.zh),
        format!("{}, last byte {} ago", counted(&readings, "reading"), ago.en),
    );
    text.and((faults > 0).then(|| Text::new(format!("错误 {faults} 次"), counted(&faults, "fault"))))
}

/// A reader while no daemon runs.
fn at_rest(facts: &Facts, device: &Device) -> Finding {
    let (name, at) = (device.reader.as_str(), device.device.as_str());
    let Some(node) = &device.node else { return missing(name, at) };
    if !device.holders.is_empty() {
        return busy(name, at, &device.holders);
    }
    if !device.listed_groups.is_empty() && !may_open(node, &user(facts), &device.listed_groups) {
        return denied(facts, name, at, device);
    }
    let found = Text::new(format!("{at} 在，{}:{}", node.owner, node.group), format!("{at} is there, {}:{}", node.owner, node.group));
    finding(name, Code::ReaderReady, found)
}

fn missing(name: &str, at: &str) -> Finding {
    let found = Text::new(format!("未连接：没有 {at}"), format!("not connected: there is no {at}"));
    let remedy = Text::new(
        "检查数据线和电源；ls -l /dev/serial/by-id/ 可看到已连接的读卡器",
        "check its cable and power; ls -l /dev/serial/by-id/ shows what is plugged in",
    );
    finding(name, Code::PortMissing, found).remedy(remedy)
}

fn busy(name: &str, at: &str, holders: &[(u32, String)]) -> Finding {
    let by: Vec<String> = holders.iter().map(|(process, program)| format!("{program} ({process})")).collect();
    let remedy = match holders.first() {
        None => Text::new(format!("找出占用的程序并停用：sudo fuser -v {at}"), format!("find the program and stop it: sudo fuser -v {at}")),
        Some((_, program)) if program == "ModemManager" || program == "brltty" => {
            Text::same(format!("sudo systemctl mask --now {program}.service"))
        }
        Some((process, program)) => {
            Text::new(format!("停用 {program}：sudo kill {process}"), format!("stop {program}: sudo kill {process}"))
        }
    };
    let by = if by.is_empty() { Text::new("其他程序", "another program") } else { Text::same(by.join(", ")) };
    let found = Text::new(format!("{at} 被 {} 占用", by.zh), format!("{} holds {at}", by.en));
    finding(name, Code::PortBusy, found).remedy(remedy)
}

/// Why the daemon may not open a device that is there.
fn denied(facts: &Facts, name: &str, at: &str, device: &Device) -> Finding {
    let user = user(facts);
    let found = |more: Option<Text>| Text::new(format!("{user} 无权打开 {at}"), format!("{user} may not open {at}")).and(more);
    let Some(node) = &device.node else {
        let remedy = Text::new(format!("查看权限：ls -l {at}"), format!("see who may: ls -l {at}"));
        return finding(name, Code::PortMode, found(None)).remedy(remedy);
    };
    let whose = Text::same(format!("{}:{} {:o}", node.owner, node.group, node.mode & 0o777));
    let group_opens = node.mode & 0o060 == 0o060 && node.group != "root";
    if !group_opens {
        let remedy = Text::new(
            format!("装上 systemd/60-punchd-readers.rules；暂时：sudo chgrp dialout {at} && sudo chmod 660 {at}"),
            format!("install systemd/60-punchd-readers.rules; for now: sudo chgrp dialout {at} && sudo chmod 660 {at}"),
        );
        return finding(name, Code::PortMode, found(Some(whose))).remedy(remedy);
    }
    let in_force = facts.told.standing.as_ref().map(|standing| standing.groups.as_slice()).unwrap_or_default();
    if in_force.contains(&node.group) {
        let remedy = Text::new(
            "服务单元不放行此设备：sudo systemctl edit punchd，加 [Service] DeviceAllow=该设备类型 rw，再重启",
            "its unit does not let the device through: sudo systemctl edit punchd, add [Service] DeviceAllow= for its kind, restart",
        );
        return finding(name, Code::PortUnit, found(Some(whose))).remedy(remedy);
    }
    if facts.told.standing.is_some() && device.listed_groups.contains(&node.group) {
        let more =
            Text::new(format!("已加入 {} 组，但未重启", node.group), format!("it is in group {} now, but was not restarted", node.group));
        return finding(name, Code::PortRestart, found(Some(more))).remedy(Text::same("sudo systemctl restart punchd"));
    }
    let group = &node.group;
    let more = Text::new(format!("不在 {group} 组"), format!("it is not in group {group}"));
    let remedy = Text::same(format!("sudo usermod -aG {group} {user} && sudo systemctl restart punchd"));
    finding(name, Code::PortGroup, found(Some(more))).remedy(remedy)
}

fn may_open(node: &Node, user: &str, groups: &[String]) -> bool {
    let by = |shift: u32| node.mode >> shift & 0o6 == 0o6;
    if user == "root" {
        return true;
    }
    if node.owner == user {
        return by(6);
    }
    if groups.contains(&node.group) { by(3) } else { by(0) }
}

/// The daemon's user: the running one's; else the unit's.
fn user(facts: &Facts) -> String {
    let running = facts.told.standing.as_ref().map(|standing| standing.user.clone());
    let unit = || facts.service.unit().map(|unit| unit.user.clone());
    running.or_else(unit).filter(|user| !user.is_empty()).unwrap_or_else(|| SERVICE_USER.to_owned())
}

#[cfg(test)]
pub(super) mod tests;
