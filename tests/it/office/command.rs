//! The program itself, typed as an administrator types it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use punchd::wire::pairing::PairingCode;
use serde_json::Value;

#[test]
fn terminals_and_tokens_are_administered_with_and_without_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "");
    let ca = run(&config, &["ca"]);
    assert_eq!(ca.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ca.stdout).starts_with("-----BEGIN CERTIFICATE-----"));
    let code = |added: &Value| added["code"].as_str().unwrap().parse::<PairingCode>().unwrap();
    let without = json(&run(&config, &["terminal", "add", "east-hall-1", "--json"]));
    let mut server = Server::start(&config);
    let with = json(&run(&config, &["terminal", "add", "east-hall-1", "--json"]));
    assert_eq!(code(&without).ca_digest, code(&with).ca_digest);
    assert!(code(&without) != code(&with));
    assert_eq!(with["url"], format!("https://{}", server.listen));
    assert_eq!(with["terminal"], "east-hall-1");
    assert!(with["expires"].as_str().unwrap().ends_with("+08:00"));
    let written: Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join("data/listen")).unwrap()).unwrap();
    assert_eq!(written["listen"], server.listen);
    let token = json(&run(&config, &["token", "add", "hr", "--scope", "read", "--json"]));
    assert!(token["token"].as_str().unwrap().starts_with("punch_"));
    assert_eq!(run(&config, &["token", "add", "hr", "--scope", "read"]).status.code(), Some(65));
    assert_eq!(json(&run(&config, &["token", "list", "--json"]))[0]["name"], "hr");
    assert_eq!(json(&run(&config, &["token", "revoke", "hr", "--json"]))["revoked"], true);
    let list = json(&run(&config, &["terminal", "list", "--json"]));
    assert_eq!((list.as_array().unwrap().len(), &list[0]["standing"]), (1, &Value::from("waiting")));
    assert_eq!(run(&config, &["terminal", "show", "nowhere"]).status.code(), Some(65));
    assert_eq!(run(&config, &["serve"]).status.code(), Some(69), "a second server is refused");
    assert_eq!(run(&config, &["verify"]).status.code(), Some(0));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(run(&config, &["terminal", "revoke", "east-hall-1"]).status.code(), Some(0));
}

#[test]
fn a_configuration_that_cannot_be_is_exit_78_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = config(folder.path(), "database = \"postgres://db/office\"");
    let refused = run(&postgres, &["serve"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("without PostgreSQL"));
    assert_eq!(run(folder.path().join("none.toml").as_path(), &["check"]).status.code(), Some(78));
    assert_eq!(run(&postgres, &["frobnicate"]).status.code(), Some(64));
    let sample = run(&postgres, &["default-config"]);
    assert_eq!(String::from_utf8_lossy(&sample.stdout).trim_end(), punchd::config::office::SAMPLE.trim_end());
}

#[test]
fn a_backup_is_made_verified_and_restored_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "");
    let mut server = Server::start(&config);
    run(&config, &["terminal", "add", "hall-1"]);
    let copy = folder.path().join("copy").display().to_string();
    assert_eq!(run(&config, &["backup", &copy]).status.code(), Some(0));
    assert_eq!(run(&config, &["verify", "--backup", &copy]).status.code(), Some(0));
    assert_eq!(run(&config, &["restore", &copy]).status.code(), Some(69), "while the server runs");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(run(&config, &["restore", &copy]).status.code(), Some(74), "nothing is overwritten");
    std::fs::rename(folder.path().join("data"), folder.path().join("old")).unwrap();
    assert_eq!(run(&config, &["restore", &copy]).status.code(), Some(0));
    assert_eq!(json(&run(&config, &["terminal", "list", "--json"]))[0]["terminal"], "hall-1");
}

struct Server {
    child: Child,
    listen: String,
}

impl Server {
    fn start(config: &Path) -> Self {
        let mut child = command(config).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line but “{line}”"));
        assert_eq!(ready["ready"], true);
        Self { child, listen: ready["listen"].as_str().unwrap().to_owned() }
    }

    fn stop(&mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn config(folder: &Path, more: &str) -> std::path::PathBuf {
    let path = folder.join("office.toml");
    let data = folder.join("data");
    let text = format!("[office]\nname = \"示例中心\"\nlisten = \"127.0.0.1:0\"\ndata-dir = \"{}\"\n{more}\n", data.display());
    std::fs::write(&path, text).unwrap();
    path
}

fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_punch-office"));
    command.arg("--config").arg(config).stderr(Stdio::piped());
    command
}

fn run(config: &Path, arguments: &[&str]) -> Output {
    command(config).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("“{text}” {}", String::from_utf8_lossy(&output.stderr)))
}
