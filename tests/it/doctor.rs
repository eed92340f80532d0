//! `punchctl doctor` beside real programs: each fault that a technician meets is made, and the line that names it, its remedy and the exit code
//! are held, for people in both languages and for programs.

mod daemon;
mod office;
mod reader;
mod rest;
mod storage;

use std::path::Path;
use std::process::Command;

use punchd::sim::reader::SimReader;
use serde_json::Value;

use crate::rig::{Kiosk, Office, Place, text};

/// A person with the badge of the published frames.
const ROSTER: &str =
    "工号,姓名,姓名拼音,派驻部门,岗位类别,卡号,进驻日期\nZC0101,欧阳明月,Ouyang Mingyue,示例局,窗口,em4100:67003B51C6,2024-01-02\n";
/// What may stand in no answer.
const SECRETS: [&str; 4] = ["欧阳明月", "Ouyang", "67003B51C6", "ZC0101"];
/// The user without any right.
const NOBODY: &str = "65534";

/// The doctor's answer in all its forms.
struct Answer {
    exit: Option<i32>,
    json: Value,
    zh: String,
    en: String,
}

impl Answer {
    /// Of a tool whose arguments so far say which kiosk.
    fn of(tool: impl Fn() -> Command) -> Self {
        let run = |arguments: &[&str]| {
            let output = tool().arg("doctor").args(arguments).output().unwrap();
            (output.status.code(), text(&output.stdout))
        };
        let (exit, json) = run(&["--json"]);
        let json = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json:?}"));
        let ((exit_zh, zh), (exit_en, en)) = (run(&["--lang", "zh"]), run(&["--lang", "en"]));
        assert_eq!((exit_zh, exit_en), (exit, exit), "{zh}\n{en}");
        let answer = Self { exit, json, zh, en };
        answer.check_form();
        answer
    }

    fn of_kiosk(kiosk: &Kiosk) -> Self {
        Self::of(|| kiosk.command(&[]))
    }

    /// Of a kiosk that does not run.
    fn of_config(config: &Path) -> Self {
        Self::of(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_punchctl"));
            command.arg("--config").arg(config).env("LANG", "C.UTF-8");
            command
        })
    }

    fn checks(&self) -> &[Value] {
        self.json["checks"].as_array().unwrap()
    }

    fn check(&self, name: &str) -> &Value {
        self.checks().iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name} in\n{}", self.en))
    }

    /// Every form of it says the same, and nothing that is nobody's business.
    fn check_form(&self) {
        let Self { exit, json, zh, en } = self;
        assert_eq!(json["ok"] == true, *exit == Some(0), "{json:#}");
        for check in self.checks() {
            let keys: Vec<&str> = check.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, ["check", "code", "found", "remedy", "state"]);
            let wants = check["state"] == "fault" || check["state"] == "warning";
            assert_eq!(!check["remedy"].as_str().unwrap().is_empty(), wants, "{check}");
        }
        for shown in [zh, en] {
            let marked = shown.lines().filter(|line| ["✔ ", "✘ ", "! ", "– "].iter().any(|mark| line.starts_with(mark)));
            assert_eq!(marked.count(), self.checks().len() + 1, "one line for each check, and the last:\n{shown}");
            let (faults, arrows) = (shown.matches("\n✘").count(), shown.matches("→ ").count());
            assert!(arrows >= faults.saturating_sub(1), "each has its remedy below it:\n{shown}");
        }
        for secret in SECRETS {
            assert!(![zh, en, &json.to_string()].into_iter().any(|said| said.contains(secret)), "{secret} in\n{zh}\n{en}");
        }
    }

    /// That a check came out so: its code, its mark, and parts of what is said of it and below it in both languages.
    fn says(&self, name: &str, code: &str, zh: &[&str], en: &[&str]) -> &Self {
        let check = self.check(name);
        assert_eq!(check["code"], code, "{}\n{:#}", self.en, self.json);
        let mark = match check["state"].as_str().unwrap() {
            "ok" => "✔",
            "fault" => "✘",
            "warning" => "!",
            _ => "–",
        };
        for (shown, parts) in [(&self.zh, zh), (&self.en, en)] {
            let place = self.checks().iter().position(|other| other["check"] == name).unwrap();
            let mut lines = shown.lines().filter(|line| !line.starts_with(' '));
            let line = lines.nth(place).unwrap();
            let below = shown.split_once(line).unwrap().1.lines().nth(1).filter(|below| below.trim_start().starts_with('→'));
            let said = format!("{line}\n{}", below.unwrap_or_default());
            assert!(line.starts_with(mark), "{mark} in {line}");
            for part in parts {
                assert!(said.contains(part), "{part:?} in\n{said}");
            }
        }
        self
    }

    fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.exit, Some(code), "{}", self.en);
        self
    }
}

/// A kiosk with a reader, paired with an office whose roster it has, its clock trusted.
struct Hall {
    place: Place,
    office: Office,
    badge: SimReader,
    kiosk: Kiosk,
}

impl Hall {
    fn open() -> Self {
        Self::with(Office::start())
    }

    fn with(office: Office) -> Self {
        let place = Place::new();
        std::fs::write(place.path("roster.csv"), ROSTER).unwrap();
        office.run(&["roster", "import", &place.path("roster.csv").display().to_string()]);
        let calendar = std::fs::read_to_string("config/calendar-cn.csv").unwrap() + "2099-01-01,holiday,元旦\n";
        std::fs::write(place.path("calendar.csv"), calendar).unwrap();
        office.run(&["calendar", "import", &place.path("calendar.csv").display().to_string(), "--confirm"]);
        let (badge, kiosk) = place.badge_kiosk();
        office.pair(&kiosk, "east-hall-1");
        kiosk.until("it is paired, trusted and up to date", |status| {
            let current = status["office"]["bundle"].is_string() && status["backlog"] == 0;
            status["clock"]["trust"] == "synced" && status["office"]["reachable"] == true && current
        });
        Self { place, office, badge, kiosk }
    }
}

/// Whether this is root, without which a few things cannot be tried.
fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED {what}: it takes root");
    }
    root
}

/// A command run by the user without any right.
fn as_nobody(command: &Command) -> Command {
    let mut by_nobody = Command::new("setpriv");
    by_nobody.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]);
    by_nobody.arg(command.get_program()).args(command.get_args()).env("LANG", "C.UTF-8");
    by_nobody
}
