//! A reader that is not there, that may not be opened, that another program has, or that speaks gibberish.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

use punchd::sim::reader::Protocol;

use super::{Answer, as_nobody, is_root};
use crate::rig::{Kiosk, Place, punchd};

#[test]
fn a_reader_pulled_out_is_told_by_its_device() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    badge.unplug().unwrap();
    kiosk.until("it is missed", |status| status["readers"][0]["connected"] == false);
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(69).says("reader:badge", "port-missing", &["未连接：没有 ", "数据线"], &["not connected", "check its cable"]);
    badge.plug().unwrap();
    kiosk.until_open();
    Answer::of_kiosk(&kiosk).exits(0).says("reader:badge", "reader-connected", &["刷一张卡试试"], &["hold a badge to it"]);
}

#[test]
fn a_reader_of_another_protocol_is_told_by_its_garbage() {
    let place = Place::new();
    let line = place.reader("badge", Protocol::Line);
    let kiosk = Kiosk::start(&place, &place.configure("", &[("badge", "em4100")]));
    kiosk.until_open();
    for round in 0..6 {
        line.line(&format!("no badge of the kind that is awaited, {round}")).unwrap();
    }
    kiosk.until("there is a fault", |status| status["readers"][0]["faults"].as_array().unwrap().iter().any(|fault| fault[1] != 0));
    let garbage = || (Answer::of_kiosk(&kiosk).check("reader:badge")["code"] == "reader-garbage").then_some(());
    crate::rig::until("all of it is heard", crate::rig::PATIENCE, garbage);
    Answer::of_kiosk(&kiosk).exits(0).says(
        "reader:badge",
        "reader-garbage",
        &["乱码", "--raw badge"],
        &["only garbage", "protocol and baud"],
    );
}

#[test]
fn a_port_without_permission_says_which_group_is_lacking() {
    if !is_root("the port without permission") {
        return;
    }
    let place = Place::new();
    let _badge = place.reader("badge", Protocol::Em4100);
    fs::set_permissions(place.folder.path(), Permissions::from_mode(0o777)).unwrap();
    let config = place.configure("", &[("badge", "em4100")]);
    let device = fs::canonicalize(place.path("badge")).unwrap();
    let node = |group: u32, mode: u32| {
        chown(&device, Some(0), Some(group)).unwrap();
        fs::set_permissions(&device, Permissions::from_mode(mode)).unwrap();
    };
    let groups = fs::read_to_string("/etc/group").unwrap();
    let dialout = groups.lines().find_map(|line| line.strip_prefix("dialout:")).and_then(|rest| rest.split(':').nth(1)).unwrap();
    node(dialout.parse().unwrap(), 0o660);
    let kiosk = Kiosk::start_by(&place, &mut as_nobody(&punchd(&config, &["run"])));
    kiosk.page();
    kiosk.until("it may not be opened", |status| status["readers"][0]["detail"].to_string().contains("permission"));
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(77).says(
        "reader:badge",
        "port-group",
        &["不在 dialout 组", "usermod -aG dialout nobody"],
        &["nobody may not open", "not in group dialout"],
    );
    node(0, 0o600);
    Answer::of_kiosk(&kiosk).exits(77).says("reader:badge", "port-mode", &["root:root 600", "60-punchd-readers.rules"], &["root:root 600"]);
}

#[test]
fn a_port_that_another_program_has_names_the_program() {
    let place = Place::new();
    let config = place.configure("", &[("badge", "em4100")]);
    // Who has a file open is found out as for any device.
    let held = File::create(place.path("badge")).unwrap();
    let mine = std::process::id().to_string();
    let answer = Answer::of_config(&config);
    answer.exits(69).says("reader:badge", "port-busy", &["占用", &mine, "sudo kill"], &["holds", &mine, "stop"]);
    drop(held);
    Answer::of_config(&config).says("reader:badge", "reader-ready", &["在"], &["is there"]);
}
