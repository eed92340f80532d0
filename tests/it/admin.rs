//! The administration sequence as it is published, typed by a person: an office, a kiosk with a reader, a roster, a credential, a token, and
//! a system that pulls the punches. Real processes over real TLS.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use punchd::clock::Clock;
use serde_json::Value;

/// Longest wait for anything, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

#[test]
fn the_sequence_works_as_written_from_an_empty_folder_to_a_pulled_punch() {
    let place = Place::new();
    let office = place.serve();
    place.check_imports();
    let ca = place.office(&["ca"]);
    std::fs::write(place.path("ca.pem"), &ca.stdout).unwrap();
    let added = json(&place.office(&["terminal", "add", "east-hall-1", "--json"]));
    let (mut reader, _sim) = place.reader();
    let _kiosk = place.kiosk();
    place.until("the kiosk answers", || place.ctl(&["status", "--json"]).status.success());
    let paired = place.ctl(&["pair", added["url"].as_str().unwrap(), added["code"].as_str().unwrap()]);
    assert!(paired.status.success(), "{}", String::from_utf8_lossy(&paired.stderr));
    place.until("the reader is open", || json(&place.ctl(&["status", "--json"]))["readers"][0]["connected"] == true);
    for badge in ["67003B51C6", "67003BA86C"] {
        let before = place.sequence();
        writeln!(reader, "badge {badge}").unwrap();
        place.until("a tap is recorded", || place.sequence() > before);
    }
    place.until("everything is at the office", || {
        let status = json(&place.ctl(&["status", "--json"]));
        status["backlog"] == 0 && status["acknowledged"] == status["sequence"]
    });
    let entries = place.ctl(&["punches", "--json"]);
    let kinds =
        |kind: &str| String::from_utf8_lossy(&entries.stdout).lines().filter(|line| line.contains(&format!("\"kind\":\"{kind}\""))).count();
    assert_eq!(kinds("punch"), 2);

    let unknown = json(&place.office(&["credential", "list", "--unknown", "--json"]));
    let [unknown] = unknown.as_array().unwrap().as_slice() else { panic!("one credential is nobody's: {unknown}") };
    assert_eq!((&unknown["credential"], &unknown["assign"]), (&"em4100:67003BA86C".into(), &"--card em4100:67003BA86C".into()));
    let token = json(&place.office(&["token", "add", "hr", "--scope", "read", "--json"]))["token"].as_str().unwrap().to_owned();
    let first = place.pull(&office, &token, "");
    let staff = |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["staff_no"].clone()).collect::<Vec<_>>();
    assert_eq!(staff(&first), ["ZC0101".into(), Value::Null]);
    let given = json(&place.office(&["credential", "add", "--staff-no", "ZC0102", "--card", "em4100:67003BA86C", "--json"]));
    assert_eq!(given["punches_matched"], 1);
    let again = place.pull(&office, &token, first["next"].as_str().unwrap());
    assert_eq!(staff(&again), ["ZC0102"], "a punch whose person becomes known comes again");
    let end = place.pull(&office, &token, again["next"].as_str().unwrap());
    assert_eq!((staff(&end).len(), &end["next"]), (0, &again["next"]));

    let punches = place.office(&["punches", "--json"]);
    let line: Value = serde_json::from_str(String::from_utf8_lossy(&punches.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(line, first["items"][0], "the command line gives what the interface gives");
    place.check_day();
    check_pages(&office);
}

/// The folder of one office and its kiosk.
struct Place(tempfile::TempDir);

/// A running office.
struct Office {
    _child: Running,
    listen: String,
    pages: String,
}

/// A process that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let office = format!(
            "[office]\nname = \"示例县政务服务中心\"\nlisten = \"127.0.0.1:0\"\npages-listen = \"127.0.0.1:0\"\nclock = \"trusted\"\ndata-dir = \"{}\"\n",
            place.path("office").display()
        );
        std::fs::write(place.path("office.toml"), office).unwrap();
        let terminal = format!(
            "[terminal]\nname = \"一楼东厅\"\ndata-dir = \"{}\"\ncontrol-socket = \"{}\"\n[kiosk]\nlisten = \"127.0.0.1:0\"\nsound = false\n\
             [[reader]]\nname = \"badge\"\ndevice = \"{}\"\nprotocol = \"em4100\"\n",
            place.path("kiosk").display(),
            place.path("kiosk.sock").display(),
            place.path("badge").display()
        );
        std::fs::write(place.path("terminal.toml"), terminal).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn office(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_punch-office")).arg("--config").arg(self.path("office.toml")).args(words).output().unwrap()
    }

    fn ctl(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_punchctl")).arg("--socket").arg(self.path("kiosk.sock")).args(words).output().unwrap()
    }

    fn sequence(&self) -> u64 {
        json(&self.ctl(&["status", "--json"]))["sequence"].as_u64().unwrap()
    }

    fn serve(&self) -> Office {
        let mut child = Command::new(env!("CARGO_BIN_EXE_punch-office"));
        child.arg("--config").arg(self.path("office.toml")).arg("serve");
        let (child, ready) = started(child);
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Office { _child: child, listen: text("listen"), pages: text("pages") }
    }

    fn kiosk(&self) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_punchd"));
        child.arg("run").arg("--config").arg(self.path("terminal.toml"));
        started(child).0
    }

    fn reader(&self) -> (ChildStdin, Running) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_punch-sim"));
        child.args(["reader", "em4100", "--link"]).arg(self.path("badge"));
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        (child.stdin.take().unwrap(), Running(child))
    }

    /// Rosters, rules and calendars: said before, done once, refused whole.
    fn check_imports(&self) {
        let roster = "工号,姓名,派驻部门,岗位类别,卡号,进驻日期\nZC0101,张三,税务局,窗口,0003887558,2026-01-05\nZC0102,=<b>1,税务局,后台,,2026-01-05\n";
        let write = |name: &str, text: &str| {
            std::fs::write(self.path(name), text).unwrap();
            self.path(name).display().to_string()
        };
        let roster = write("roster.csv", roster);
        let import = |more: &[&str]| json(&self.office(&[&["roster", "import", &roster, "--json"], more].concat()));
        let dry = import(&["--dry-run"]);
        assert_eq!((dry["added"].as_array().unwrap().len(), &dry["applied"]), (2, &false.into()));
        let exported = self.office(&["roster", "export"]).stdout;
        assert_eq!(String::from_utf8_lossy(&exported).lines().count(), 1, "a dry run adds nobody");
        assert_eq!((import(&[])["applied"].clone(), import(&[])["unchanged"].clone()), (true.into(), 2.into()));
        let exported = self.office(&["roster", "export"]).stdout;
        assert!(String::from_utf8_lossy(&exported).contains("\"'=<b>1\""));
        let again = write("again.csv", &String::from_utf8_lossy(&exported));
        assert_eq!(json(&self.office(&["roster", "import", &again, "--json"]))["unchanged"], 2);

        let bad = write(
            "bad.csv",
            "工号,姓名,派驻部门,岗位类别,卡号,进驻日期\nZC0200,王?,税务局,窗口,,2026-01-05\nZC0201,李四,税务局,柜台,123,昨天\n",
        );
        let refused = self.office(&["roster", "import", &bad]);
        assert_eq!(refused.status.code(), Some(65));
        let told = String::from_utf8_lossy(&refused.stdout).into_owned();
        for part in ["第 2 行 姓名", "第 3 行 岗位类别", "第 3 行 卡号", "第 3 行 进驻日期", "line 3"] {
            assert!(told.contains(part), "{part} in\n{told}");
        }
        let taken = write("taken.csv", "工号,姓名,派驻部门,岗位类别,卡号,进驻日期\nZC0300,李四,税务局,窗口,\"059,20934\",2026-01-05\n");
        let refused = json(&self.office(&["roster", "import", &taken, "--json"]));
        assert!(refused["problems"][0]["en"].as_str().unwrap().contains("ZC0101"), "{refused}");
        assert!(!String::from_utf8_lossy(&self.office(&["roster", "export"]).stdout).contains("ZC0300"));

        let rules = write("rules.toml", &String::from_utf8_lossy(&std::fs::read("config/rules.toml").unwrap()));
        assert_eq!(json(&self.office(&["rules", "import", &rules, "--json"]))["change"], "unchanged");
        let doubtful = write("calendar.csv", "date,kind,name\n2030-10-01,holiday,国庆节\n");
        let refused = self.office(&["calendar", "import", &doubtful, "--json"]);
        assert_eq!((refused.status.code(), &json(&refused)["applied"]), (Some(65), &false.into()));
        let confirmed = json(&self.office(&["calendar", "import", &doubtful, "--confirm", "--json"]));
        assert_eq!((&confirmed["applied"], &confirmed["known_through"]), (&true.into(), &"2030-12-28".into()));
        let shipped = self.office(&["calendar", "import", "config/calendar-cn.csv", "--json"]);
        assert_eq!(json(&shipped)["changed"], Value::Array(Vec::new()));
    }

    fn check_day(&self) {
        let json = json(&self.office(&["day", "--json"]));
        let people: Vec<&str> = json["people"].as_array().unwrap().iter().map(|person| person["staff_no"].as_str().unwrap()).collect();
        assert_eq!(people, ["ZC0101", "ZC0102"]);
        let table = String::from_utf8_lossy(&self.office(&["day"]).stdout).into_owned();
        for part in ["示例县政务服务中心", "税务局", "ZC0101", "张三", "上午上班"] {
            assert!(table.contains(part), "{part} in\n{table}");
        }
        let csv = self.office(&["day", "--csv"]).stdout;
        assert!(csv.starts_with("\u{FEFF}\"日期\"".as_bytes()));
        let csv = self.office(&["punches", "--csv"]).stdout;
        assert_eq!(String::from_utf8_lossy(&csv).lines().count(), 3);
    }

    fn pull(&self, office: &Office, token: &str, after: &str) -> Value {
        let ca = self.path("ca.pem").display().to_string();
        let authorization = format!("Authorization: Bearer {token}");
        let url = format!("https://{}/api/v1/punches?after={after}&limit=10", office.listen);
        let text = curl(&["-sS", "--cacert", &ca, "-H", &authorization, &url]);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("“{text}”"))
    }

    /// Waits until a condition holds, with a limit.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let clock = Clock::system();
        let began = clock.mono();
        while !holds() {
            assert!(
                clock.mono().millis_since(began) < PATIENCE_MS,
                "waited too long until {what}: {}",
                String::from_utf8_lossy(&self.ctl(&["status"]).stdout)
            );
        }
    }
}

/// The pages, as a browser here asks for them and as one that was lured asks.
fn check_pages(office: &Office) {
    let page = |path: &str, host: &str| {
        let host = format!("Host: {host}");
        curl(&["-si", "-H", &host, &format!("http://{}{path}", office.pages)])
    };
    let today = page("/", &office.pages);
    assert!(
        today.starts_with("HTTP/1.1 200") && today.to_ascii_lowercase().contains("content-security-policy: default-src 'self'"),
        "{today}"
    );
    assert!(today.contains("张三") && today.contains("税务局") && today.contains("0003887558"));
    assert!(today.contains("=&#60;b&#62;1") && !today.contains("<b>1<"), "what people wrote is escaped: {today}");
    let terminals = page("/terminals", "localhost:1");
    assert!(terminals.contains("east-hall-1") && terminals.contains("在用"), "{terminals}");
    for path in ["/", "/terminals", "/style.css"] {
        assert!(page(path, "attendance.example").starts_with("HTTP/1.1 421"), "{path}");
    }
}

/// Starts a service and reads its ready line.
fn started(mut command: Command) -> (Running, Value) {
    let mut child = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line but “{line}”"));
    assert_eq!(ready["ready"], true);
    (child, ready)
}

/// What a plain HTTP client outside this program gets.
fn curl(words: &[&str]) -> String {
    let output = Command::new("curl").args(["--noproxy", "*"]).args(words).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("“{text}” {}", String::from_utf8_lossy(&output.stderr)))
}
