//! A configuration that cannot be used: everything that is wrong, where, and the exit code by which systemd knows not to try again.

use std::process::Command;

use crate::rig::{Kiosk, has};
use crate::rig::{Office, Place, punchd, text};

#[test]
fn everything_wrong_is_told_at_once_with_its_place_and_exit_78() {
    let place = Place::new();
    let file = place.path("terminal.toml");
    let wrong = "[terminal]\nid = \"East Hall\"\nnmae = \"x\"\n[kiosk]\nlisten = \"0.0.0.0:80\"\n[[reader]]\nname = \"badge\"\nprotocol = \"rs232\"\n";
    std::fs::write(&file, wrong).unwrap();
    for verb in ["check", "run"] {
        let output = punchd(&file, &[verb]).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{verb}");
        for part in
            ["terminal.toml:2:6", "terminal.toml:3:1", "terminal.toml:5:10", "loopback", "terminal.toml:6:1", "terminal.toml:8:12", "^"]
        {
            assert!(told.contains(part), "{verb}: {part} in\n{told}");
        }
        assert!(!place.path("data").exists() && output.stdout.is_empty());
    }
}

#[test]
fn a_configuration_that_is_not_there_or_no_file_is_exit_78_and_wrong_usage_64() {
    let place = Place::new();
    let code = |command: &mut Command| command.output().unwrap().status.code();
    for verb in ["check", "run"] {
        assert_eq!(code(&mut punchd(&place.path("none.toml"), &[verb])), Some(78));
        assert_eq!(code(&mut punchd(place.folder.path(), &[verb])), Some(78));
    }
    let nowhere = Command::new(env!("CARGO_BIN_EXE_punchd")).arg("check").current_dir(place.folder.path()).output().unwrap();
    assert!(nowhere.status.code() == Some(78) && text(&nowhere.stderr).contains("/etc/punchd/terminal.toml"));
    assert_eq!(code(&mut punchd(&place.path("none.toml"), &["dance"])), Some(64));
    let sample = Command::new(env!("CARGO_BIN_EXE_punchd")).arg("default-config").output().unwrap();
    assert_eq!(text(&sample.stdout).trim_end(), punchd::config::terminal::SAMPLE.trim_end());
}

#[test]
fn a_configuration_that_contradicts_the_pairing_is_exit_78_and_names_both() {
    let (place, office) = (Place::new(), Office::start());
    let kiosk = Kiosk::start(&place, &place.configure("", &[]));
    office.pair(&kiosk, "east-hall-1");
    assert_eq!(kiosk.stop(), Some(0));
    for (more, named) in [("id = \"west-hall-1\"", "west-hall-1"), ("[office]\nurl = \"https://other.example\"", "https://other.example")] {
        let output = punchd(&place.configure(more, &[]), &["run"]).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{told}");
        assert!(told.contains(named) && (told.contains("east-hall-1") || told.contains(&office.url())), "{told}");
    }
    let agreeing = format!("id = \"east-hall-1\"\n[office]\nurl = \"{}\"", office.url());
    let kiosk = Kiosk::start(&place, &place.configure(&agreeing, &[]));
    let status = kiosk.until("the office is reached", |status| status["office"]["reachable"] == true);
    assert!(!has(&status, "not-paired"));
}
