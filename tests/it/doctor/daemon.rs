//! All is well; and the daemon or its configuration is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use super::{Answer, Hall, as_nobody, is_root};
use crate::rig::{BADGE, Kiosk, Place, punchd, text};

/// An ALSA configuration whose default device swallows everything: the real player, no card.
const NULL_SOUND: &str = "pcm.!default { type null }\nctl.!default { type null }\n";

#[test]
fn a_kiosk_that_is_well_is_well_in_every_line() {
    let hall = Hall::open();
    let quiet = fs::read_to_string(hall.place.path("terminal.toml")).unwrap();
    assert_eq!(hall.kiosk.stop(), Some(0));
    let has_player = std::process::Command::new("aplay").arg("--version").output().is_ok();
    if !has_player {
        eprintln!("SKIPPED the sound of a kiosk that is well: alsa-utils is missing");
    }
    fs::write(hall.place.path("alsa.conf"), NULL_SOUND).unwrap();
    let config = hall.place.path("terminal.toml");
    fs::write(&config, quiet.replace("sound = false", if has_player { "sound = true" } else { "sound = false" })).unwrap();
    let kiosk = Kiosk::start_by(&hall.place, punchd(&config, &["run"]).env("ALSA_CONFIG_PATH", hall.place.path("alsa.conf")));
    kiosk.page();
    kiosk.until_open();
    let events = kiosk.events();
    hall.badge.badge(&BADGE).unwrap();
    events.next("the punch", |datum| datum["sequence"].is_u64());
    kiosk.until_drained(crate::rig::PATIENCE);
    let answer = Answer::of_kiosk(&kiosk);
    println!("{}\n{}", answer.zh, answer.en);
    answer.exits(0);
    let apart: Vec<String> =
        answer.checks().iter().filter(|check| check["state"] != "ok").map(|check| check["check"].to_string()).collect();
    let expected: &[&str] = if has_player { &["\"service\""] } else { &["\"sound\"", "\"service\""] };
    assert_eq!(apart, expected, "{}", answer.en);
    answer.says("reader:badge", "reader-connected", &["em4100，读取 1 次"], &["em4100, 1 reading"]);
    answer.says("clock", "clock-synced", &["可信"], &["trusted"]);
    answer.says("journal", "journal-whole", &["整条链正确"], &["the whole chain is right"]);
    answer.says("office", "office-answers", &["应答", "证书还有"], &["answers in", "certificate holds"]);
    answer.says("bundle", "bundle-current", &["花名册 1 人"], &["roster of 1 person"]);
    assert!(answer.zh.ends_with("项）\n") && answer.zh.lines().last().unwrap().starts_with("✔ 一切正常"), "{}", answer.zh);
    assert!(answer.en.lines().last().unwrap().starts_with("✔ all is well"), "{}", answer.en);
}

#[test]
fn a_daemon_that_is_down_is_told_with_what_its_files_and_the_office_say() {
    let Hall { place, office, kiosk, badge } = Hall::open();
    assert_eq!(kiosk.stop(), Some(0));
    // The simulator holds its own end of the line: something that nobody has open stands in its place.
    drop(badge);
    fs::write(place.path("badge"), "").unwrap();
    let before = files(&place);
    let answer = Answer::of_config(&place.path("terminal.toml"));
    answer.exits(69).says("daemon", "daemon-down", &["punchd 未运行", "systemctl start punchd"], &["does not run", "start punchd"]);
    answer.says("configuration", "configuration-right", &[], &[]).says("data-directory", "directory-right", &[], &[]);
    answer.says("journal", "journal-whole", &["整条链正确"], &["whole chain is right"]).says("store", "store-right", &[], &[]);
    answer.says("identity", "identity-right", &["仅 "], &["alone (600)"]).says("pairing", "pairing-right", &["east-hall-1"], &[]);
    answer.says("office", "office-answers", &["应答"], &["answers in"]).says("reader:badge", "reader-ready", &["在"], &["is there"]);
    answer.says("clock", "not-asked", &["punchd 未运行"], &["punchd does not run"]);
    assert_eq!(files(&place), before, "the doctor changes nothing");
    assert!(answer.en.contains("✘ 1 fault; first: daemon"), "{}", answer.en);
    drop(office);
}

#[test]
fn a_daemon_that_hangs_is_told_within_its_limit() {
    let (place, kiosk) = kiosk_alone();
    kiosk.signal(Signal::STOP);
    let answer = Answer::of_kiosk(&kiosk);
    let by_config = Answer::of_config(&place.path("terminal.toml"));
    kiosk.signal(Signal::CONT);
    answer.exits(69).says("daemon", "daemon-silent", &["5 秒内没有应答", "restart punchd"], &["no answer within 5 s", "restart punchd"]);
    by_config.exits(69).says("journal", "journal-whole", &["整条链正确"], &["whole chain"]).says("clock", "not-asked", &[], &[]);
}

#[test]
fn a_socket_that_may_not_be_opened_is_a_matter_of_permission() {
    if !is_root("the socket that may not be opened") {
        return;
    }
    let (place, kiosk) = kiosk_alone();
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let config = place.path("terminal.toml").display().to_string();
    let answer = Answer::of(|| as_nobody(&kiosk.command(&["--config", &config])));
    answer.exits(77).says(
        "daemon",
        "daemon-denied",
        &["无权打开", "sudo punchctl doctor"],
        &["no permission to open", "sudo punchctl doctor"],
    );
    answer.says("data-directory", "not-asked", &[], &[]).says("configuration", "configuration-right", &[], &[]);
    kiosk.kill();
    fs::remove_file(place.path("kiosk.sock")).unwrap();
    let at_rest = Answer::of(|| as_nobody(std::process::Command::new(env!("CARGO_BIN_EXE_punchctl")).args(["--config", &config])));
    at_rest.exits(69).says("data-directory", "directory-hidden", &["本用户无权", "sudo punchctl doctor"], &["you may not look"]);
}

#[test]
fn a_wrong_configuration_is_told_with_its_place_and_a_changed_one_wants_a_restart() {
    let (place, kiosk) = kiosk_alone();
    let config = place.path("terminal.toml");
    let right = fs::read_to_string(&config).unwrap();
    fs::write(&config, right.replace("[kiosk]", "[kiosk]\nlanguage = \"en\"")).unwrap();
    Answer::of_kiosk(&kiosk).says("configuration", "configuration-changed", &["仍按旧配置", "restart punchd"], &["by the old one"]);
    fs::write(&config, right.replace("[kiosk]", "[kiosk]\nlistne = \"x\"")).unwrap();
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(78).says(
        "configuration",
        "configuration-wrong",
        &["有 1 处错误：2:1", "punchd check"],
        &["has 1 problem: 2:1", "punchd check"],
    );
    answer.says("daemon", "daemon-answers", &[], &[]);
    kiosk.kill();
    Answer::of_config(&config).exits(78).says("daemon", "daemon-down", &[], &[]);
    fs::remove_file(&config).unwrap();
    Answer::of_config(&config).exits(78).says("configuration", "configuration-missing", &["无法读取", "--config"], &["cannot read"]);
}

#[test]
fn an_older_daemon_that_does_not_know_the_question_is_told_as_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kiosk.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let refusing = std::thread::spawn(move || {
        use std::io::{BufRead as _, Write as _};
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            std::io::BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
            stream.write_all(b"{\"reply\":\"failed\",\"code\":\"bad-request\",\"text\":\"unknown variant\",\"hint\":\"\"}\n").unwrap();
        }
    });
    let answer = Answer::of(|| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_punchctl"));
        command.arg("--socket").arg(&socket).current_dir(folder.path());
        command
    });
    answer.says("daemon", "daemon-strange", &["unknown variant", "同一版本"], &["unknown variant", "one version"]);
    refusing.join().unwrap();
}

fn kiosk_alone() -> (Place, Kiosk) {
    let place = Place::new();
    let kiosk = Kiosk::start(&place, &place.configure("", &[]));
    kiosk.until_open();
    (place, kiosk)
}

/// Names and contents of the data directory.
fn files(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(place.path("data"))
        .unwrap()
        .flatten()
        .map(|file| (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn help_names_the_exit_codes() {
    let shown = std::process::Command::new(env!("CARGO_BIN_EXE_punchctl")).args(["doctor", "--help"]).output().unwrap();
    let help = text(&shown.stdout);
    assert!(["69", "74", "77", "78", "--json", "sudo"].iter().all(|part| help.contains(part)), "{help}");
}
