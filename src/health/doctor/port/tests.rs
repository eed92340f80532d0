//! Readers as they are found: open, closed, and while no daemon runs.

use super::super::configuration::Found;
use super::super::daemon;
use super::super::tests::{Row, row, running};
use super::*;

fn reader(change: impl FnOnce(&mut Reader)) -> Reader {
    let mut reader = Reader {
        reader: "badge".to_owned(),
        protocol: "em4100".to_owned(),
        device: "/dev/badge".to_owned(),
        open: true,
        answers: true,
        ..Reader::default()
    };
    change(&mut reader);
    reader
}

fn device(node: Option<Node>) -> Device {
    Device { reader: "badge".to_owned(), device: "/dev/badge".to_owned(), node, ..Device::default() }
}

fn node(group: &str, mode: u32) -> Node {
    Node { owner: "root".to_owned(), group: group.to_owned(), mode }
}

fn of(reader: Reader, device: Device, groups: &[&str]) -> Facts {
    running(|facts, standing| {
        (standing.user, standing.readers) = ("punchd".to_owned(), vec![reader]);
        standing.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        facts.ports = vec![device];
    })
}

fn closed(code: &str) -> Reader {
    reader(|reader| (reader.open, reader.code, reader.why) = (false, code.to_owned(), "it said no".to_owned()))
}

fn at_rest(device: Device) -> Facts {
    let down = daemon::Found::Down { socket: "/run/punchd/kiosk.sock".to_owned(), process: None };
    Facts { daemon: down, ports: vec![device], ..Facts::default() }
}

pub(in crate::health::doctor) fn rows() -> Vec<Row> {
    [of_open_ports(), of_closed_ports(), at_rest_ports()].concat()
}

fn of_it(facts: Facts, code: Code, zh: &'static str, en: &'static str) -> Row {
    row("reader:badge", facts, code, zh, en)
}

fn listed(node: Option<Node>) -> Device {
    Device { listed_groups: vec!["dialout".to_owned()], ..device(node) }
}

fn held(program: &str) -> Device {
    Device { holders: vec![(412, program.to_owned())], ..device(Some(node("punchd", 0o660))) }
}

fn of_open_ports() -> Vec<Row> {
    let heard = |readings, faults| reader(|reader| (reader.readings, reader.faults, reader.heard) = (readings, faults, Some((90, 61_000))));
    let right = Found::Right { file: String::new(), readers: 0, changed: false };
    let untold = Facts { configuration: right, ..Facts::default() };
    vec![
        row("readers", untold, Code::ReaderNone, "没有读卡器|[[reader]]", "no reader|[[reader]]"),
        row("readers", running(|_, _| {}), Code::ReaderNone, "没有读卡器|[[reader]]", "no reader|[[reader]]"),
        row("readers", Facts::default(), Code::NotAsked, "未检查", "not checked"),
        of_it(of(reader(|_| {}), device(None), &[]), Code::ReaderConnected, "em4100，启动后还没有数据", "em4100, no byte since the start"),
        of_it(
            of(heard(8, 1), device(None), &[]),
            Code::ReaderConnected,
            "读取 8 次，最近数据 61 秒前，错误 1 次",
            "8 readings, last byte 61 s ago, 1 fault",
        ),
        of_it(
            of(heard(0, 9), device(None), &[]),
            Code::ReaderGarbage,
            "乱码|核对 protocol 和 baud|--raw badge",
            "garbage|protocol and baud|--raw badge",
        ),
        of_it(of(reader(|reader| reader.noisy = true), device(None), &[]), Code::ReaderNoisy, "干扰|接地", "noisy|grounding"),
        of_it(
            of(reader(|reader| reader.answers = false), device(None), &[]),
            Code::ReaderSilent,
            "无应答|口令",
            "does not answer|password",
        ),
    ]
}

fn of_closed_ports() -> Vec<Row> {
    let dialout = || Some(node("dialout", 0o660));
    vec![
        of_it(of(closed("port-missing"), device(None), &[]), Code::PortMissing, "没有 /dev/badge|数据线", "no /dev/badge|cable"),
        of_it(of(closed("port-open"), device(None), &[]), Code::PortFails, "it said no|波特率", "it said no|baud rate"),
        of_it(of(closed("port-busy"), device(None), &[]), Code::PortBusy, "被 其他程序 占用|fuser", "another program holds|fuser"),
        of_it(of(closed("port-busy"), held("ModemManager"), &[]), Code::PortBusy, "ModemManager (412)|mask", "ModemManager (412)|mask"),
        of_it(of(closed("port-busy"), held("minicom"), &[]), Code::PortBusy, "停用 minicom：sudo kill 412", "stop minicom: sudo kill 412"),
        of_it(
            of(closed("port-denied"), device(dialout()), &[]),
            Code::PortGroup,
            "不在 dialout 组|usermod -aG dialout punchd",
            "not in group dialout|usermod -aG dialout punchd",
        ),
        of_it(of(closed("port-denied"), listed(dialout()), &[]), Code::PortRestart, "未重启|restart", "not restarted|restart"),
        of_it(of(closed("port-denied"), listed(dialout()), &["dialout"]), Code::PortUnit, "DeviceAllow", "DeviceAllow"),
        of_it(
            of(closed("port-denied"), device(Some(node("root", 0o600))), &[]),
            Code::PortMode,
            "root:root 600|60-punchd-readers",
            "root:root 600|60-punchd",
        ),
        of_it(of(closed("port-denied"), device(None), &[]), Code::PortMode, "无权打开|ls -l /dev/badge", "may not open|ls -l /dev/badge"),
    ]
}

fn at_rest_ports() -> Vec<Row> {
    vec![
        of_it(at_rest(device(None)), Code::PortMissing, "未连接", "not connected"),
        of_it(at_rest(held("screen")), Code::PortBusy, "被 screen (412) 占用", "screen (412) holds"),
        of_it(at_rest(listed(Some(node("dialout", 0o660)))), Code::ReaderReady, "在，root:dialout", "is there, root:dialout"),
        of_it(at_rest(listed(Some(node("uucp", 0o660)))), Code::PortGroup, "不在 uucp 组|usermod -aG uucp punchd", "not in group uucp"),
    ]
}
