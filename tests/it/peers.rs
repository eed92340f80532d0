//! The simulated readers are checked by clients that were written elsewhere: PyPI rdm6300 and pyfingerprint, over a pseudo-terminal.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names the Python of a virtual environment with the peers in it.
const PYTHON: &str = "PUNCH_PEERS_PYTHON";
const PUNCH_SIM: &str = env!("CARGO_BIN_EXE_punch-sim");

#[test]
fn rdm6300_reads_every_published_badge_and_refuses_damaged_frames() {
    story("rdm6300_story.py");
}

#[test]
fn pyfingerprint_verifies_enrols_stores_searches_and_moves_templates() {
    story("pyfingerprint_story.py");
}

#[test]
fn punch_sim_answers_each_line_and_ends_with_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("badge");
    let mut sim = Command::new(PUNCH_SIM)
        .args(["reader", "em4100", "--link"])
        .arg(&link)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sim.stdin.take().unwrap().write_all(b"badge 67003B51C6\ntap 1\nfinger 7\nunplug\nbadge 67003B51C6\nplug\n").unwrap();
    let output = sim.wait_with_output().unwrap();
    assert!(output.status.success());
    let told: Vec<serde_json::Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(told[0]["ready"], true);
    assert!(told[0]["path"].as_str().unwrap().starts_with("/dev/pts/"));
    let outcomes: Vec<bool> = told[1..].iter().map(|line| line["ok"].as_bool().unwrap()).collect();
    assert_eq!(outcomes, [true, false, false, true, false, true]);
    assert!(told[2]["error"].as_str().unwrap().contains("“tap” is no command"));
    assert!(!link.is_symlink());
}

#[test]
fn punch_sim_ends_with_64_when_used_wrongly() {
    let output = Command::new(PUNCH_SIM).args(["reader", "wiegand", "--link", "badge"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("em4100-binary"));
}

fn story(script: &str) {
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
        panic!("{PYTHON} is not set: it names the Python of a virtual environment with tests/peers/requirements.txt; tests/run makes one")
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
    let output = Command::new(&python)
        .arg("-B")
        .arg(&script)
        .arg(PUNCH_SIM)
        .output()
        .unwrap_or_else(|error| panic!("{} could not be started: {error}", python.display()));
    assert!(
        output.status.success(),
        "{}: {}\n{}{}",
        script.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
