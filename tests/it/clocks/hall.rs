//! A hall with one kiosk and its office, on a day of the script's: what was tapped, when that truly was, and what the office makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use punchd::domain::time::{UtcOffset, Wall, WorkDate};
use serde_json::Value;

use super::super::rig::{BADGE, Kiosk, OTHER_BADGE, Office, PATIENCE, text};
use super::FOUR;
use super::machine::{Machine, Truth, Zone, set_shift, shows};

/// Whoever taps.
pub(super) const LIN: [u8; 5] = BADGE;
pub(super) const ZHOU: [u8; 5] = OTHER_BADGE;
/// What a best-known time that is not marked may be off, in milliseconds: the second of law 6.
pub(super) const CERTAIN_MS: u64 = 1_000;

/// The hall.
pub(super) struct Hall {
    name: &'static str,
    pub(super) truth: Truth,
    pub(super) office: Office,
    /// The office's clock less true time, in milliseconds.
    office_off_ms: i64,
    pub(super) machine: Machine,
}

/// A punch as the office has it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) at: Wall,
    pub(super) clock: String,
}

/// How a row ended.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) marked: usize,
    /// How far off the worst best-known time is, marked ones included, in milliseconds.
    pub(super) worst_ms: u64,
    pub(super) held: Vec<Held>,
}

/// A moment of the site's civil time.
pub(super) fn civil(moment: &str) -> Wall {
    Wall::parse_rfc3339(&format!("{}+08:00", moment.replace(' ', "T"))).unwrap_or_else(|| panic!("{moment}"))
}

impl Hall {
    /// An office that knows two people, at a moment of true time; the kiosk is switched off.
    pub(super) fn open(name: &'static str, begins: &str, source: &str, zone: Zone) -> Self {
        let mut truth = Truth::default();
        truth.set(civil(begins));
        let mut hall = Self { name, truth, office: Office::configured(""), office_off_ms: 0, machine: Machine::new(source, zone) };
        hall.set_clocks();
        hall.office_starts();
        let roster = concat!(env!("CARGO_MANIFEST_DIR"), "/config/roster-example.csv");
        hall.ask(&["roster", "import", roster]);
        hall
    }

    /// True time is this moment now; the kiosk's program ended before and begins again, in the same boot.
    pub(super) fn at(&mut self, moment: &str) {
        let runs = self.machine.runs();
        self.machine.stop();
        self.truth.set(civil(moment));
        self.set_clocks();
        if runs {
            self.machine.start(self.truth);
        }
    }

    /// Power comes, and the wall clock is so far off.
    pub(super) fn boot(&mut self, off_ms: i64) {
        self.machine.boot(self.truth, off_ms);
    }

    /// Power comes, and the wall clock shows this.
    pub(super) fn boot_showing(&mut self, shown: &str) {
        let off_ms = Wall::parse_rfc3339(shown).unwrap().millis_since(self.truth.now());
        self.boot(off_ms);
    }

    pub(super) fn office_starts(&mut self) {
        let mut command = self.office.command(&["serve"]);
        shows(&mut command, &self.office_wall());
        self.office.start_by(&mut command);
    }

    pub(super) fn office_turns(&mut self, off_ms: i64) {
        self.office_off_ms = off_ms;
        self.set_clocks();
    }

    fn set_clocks(&mut self) {
        set_shift(&self.office_wall(), self.truth.ahead_ms + self.office_off_ms);
        let off_ms = self.machine.off_ms;
        self.machine.turn(self.truth, off_ms);
    }

    fn office_wall(&self) -> std::path::PathBuf {
        self.office.config().with_file_name("wall")
    }

    /// `punch-office` with the office's clock.
    pub(super) fn ask(&self, arguments: &[&str]) -> Vec<Value> {
        let mut command = self.office.command(&[arguments, &["--json"]].concat());
        shows(&mut command, &self.office_wall());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(super) fn pair(&self) {
        let added = self.ask(&["terminal", "add", "east-hall-1"]);
        let paired = self.kiosk().ctl(&["pair", &self.office.url(), added[0]["code"].as_str().unwrap()]);
        assert!(paired.status.success(), "{}: {}\n{}", self.name, text(&paired.stderr), self.kiosk().log());
    }

    pub(super) fn kiosk(&self) -> &Kiosk {
        self.machine.kiosk()
    }

    pub(super) fn tap(&mut self, badge: [u8; 5]) {
        self.machine.tap(self.truth, badge);
    }

    /// Waits until everything is at the office.
    pub(super) fn drained(&self) {
        self.kiosk().until_drained(PATIENCE);
    }

    /// The kiosk says that its clock is not confirmed, on the page too, and what to do.
    pub(super) fn warned(&self) {
        let status = self.kiosk().until("the clock is doubted", |status| super::super::rig::has(status, "clock-untrusted"));
        let condition = super::super::rig::condition(&status, "clock-untrusted").unwrap();
        assert!(condition["remedy"].as_array().is_some_and(|remedy| remedy.len() == 2), "{condition:#}");
        page_says(self.kiosk().page(), "时间未校准");
    }

    /// Somebody taps four times on a day, in time, whatever the clock shows.
    pub(super) fn four_taps(&mut self, date: &str) {
        for time in FOUR {
            self.at(&format!("{date} {time}"));
            self.tap(LIN);
            if self.office.is_running() {
                self.drained();
            }
        }
    }

    /// The machine's time service hears a right server.
    pub(super) fn machine_hears_ntp(&mut self) {
        self.machine.hear_ntp(self.truth, 0);
    }

    /// The clock is doubted in these words.
    pub(super) fn refuses_to_trust(&self, words: &str) {
        let status = self.kiosk().status();
        let condition = super::super::rig::condition(&status, "clock-untrusted").unwrap();
        assert!(condition["detail"].as_str().unwrap().contains(words), "{condition:#}");
    }

    /// The journal has an entry of this kind.
    pub(super) fn kept(&self, kind: &str) {
        let entries = self.kiosk().ask(&["punches"]);
        assert!(entries.iter().any(|entry| entry["body"]["kind"] == kind || entry["kind"] == kind), "{kind}: {entries:#?}");
    }

    /// Up to when the office takes the kiosk for complete.
    pub(super) fn complete_up_to(&self) -> Wall {
        let shown = self.ask(&["terminal", "show", "east-hall-1"]).remove(0);
        shown["complete_up_to"].as_str().map_or(Wall(0), |at| Wall::parse_rfc3339(at).unwrap())
    }

    /// The kiosk trusts its clock.
    pub(super) fn trusted(&self) {
        self.kiosk().until("the clock is trusted", |status| status["clock"]["trust"] == "synced");
    }

    /// The four results of a person's day at the office, and the first why.
    pub(super) fn day(&self, date: &str, staff_no: &str) -> Vec<Value> {
        let sheet = self.ask(&["day", date]).remove(0);
        let person = sheet["people"].as_array().unwrap().iter().find(|person| person["staff_no"] == staff_no);
        person.unwrap_or_else(|| panic!("{sheet:#}"))["checkpoints"].as_array().unwrap().clone()
    }

    /// Nobody is called late, early or missing on this date who tapped four times in time.
    pub(super) fn accuses_nobody(&self, date: &str, staff_no: &str) -> Vec<String> {
        let results = self.day(date, staff_no);
        let outcomes: Vec<String> = results.iter().map(|result| result["outcome"].as_str().unwrap().to_owned()).collect();
        for (outcome, result) in outcomes.iter().zip(&results) {
            assert!(["on_time", "time_suspect"].contains(&outcome.as_str()), "{}: {date} {result:#}", self.name);
            let said = |language: &str| result["why"][language].as_str().unwrap().to_owned();
            if outcome == "time_suspect" {
                assert!(said("zh").contains("存疑") && said("en").contains("clock"), "{}: {result:#}", self.name);
            }
        }
        outcomes
    }

    /// Every tap is held once, in its order, and its best-known time is true to a second or marked.
    pub(super) fn check(&self) -> Counted {
        let held = self.held();
        let taps = &self.machine.taps;
        let (mut lost, mut error_ms, mut worst_ms, mut marked) = (0, 0_u64, 0_u64, 0);
        let mut wrong = Vec::new();
        for tap in taps {
            let Some(punch) = held.get(&tap.place) else {
                lost += 1;
                continue;
            };
            let off_ms = punch.at.millis_since(tap.at).unsigned_abs();
            worst_ms = worst_ms.max(off_ms);
            if punch.clock == "suspect" {
                marked += 1;
            } else {
                error_ms = error_ms.max(off_ms);
                if off_ms > CERTAIN_MS {
                    wrong.push((tap.clone(), punch.clone()));
                }
            }
        }
        let doubled = held.len().saturating_sub(taps.len() - lost);
        println!(
            "{}: {} fed, {} held, {lost} lost, {doubled} doubled; best time at most {error_ms} ms off, {marked} marked (at most {worst_ms} ms off)",
            self.name,
            taps.len(),
            held.len()
        );
        assert_eq!((lost, doubled), (0, 0), "{}", self.name);
        assert!(wrong.is_empty(), "{}: off by more than a second and not marked: {wrong:#?}", self.name);
        let in_order = taps.windows(2).all(|pair| pair[0].place.0 != pair[1].place.0 || pair[0].place.1 < pair[1].place.1);
        assert!(in_order, "{}: {taps:#?}", self.name);
        let report = self.ask(&["verify"]).remove(0);
        assert_eq!(report["faults_total"], 0, "{}: {report:#}", self.name);
        Counted { marked, worst_ms, held: taps.iter().map(|tap| held[&tap.place].clone()).collect() }
    }

    /// What the office holds, of every day that any clock has shown.
    fn held(&self) -> BTreeMap<(String, u64), Held> {
        let mut dates: BTreeSet<WorkDate> = BTreeSet::new();
        for entry in self.kiosk().ask(&["punches"]) {
            let wall = Wall(entry["clock"]["wall"].as_i64().unwrap());
            dates.insert(UtcOffset::china().civil(wall).0);
        }
        dates.extend(self.machine.taps.iter().map(|tap| UtcOffset::china().civil(tap.at).0));
        let near = |date: &WorkDate| [date.pred_opt().unwrap(), *date, date.succ_opt().unwrap()];
        let dates: BTreeSet<WorkDate> = dates.iter().flat_map(near).collect();
        let mut held = BTreeMap::new();
        for punch in dates.iter().flat_map(|date| self.ask(&["punches", "--date", &date.to_string()])) {
            let place = (punch["journal"].as_str().unwrap().to_owned(), punch["sequence"].as_u64().unwrap());
            let at = Wall::parse_rfc3339(punch["at"].as_str().unwrap()).unwrap();
            let again = held.insert(place, Held { at, clock: punch["clock"].as_str().unwrap().to_owned() });
            assert!(again.is_none(), "{}: held twice: {punch:#}", self.name);
        }
        held
    }
}

/// Waits until the page is told this; the stream ends with the connection.
fn page_says(listen: &str, wanted: &str) {
    let mut stream = TcpStream::connect(listen).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nhost: {listen}\r\n\r\n").unwrap();
    let said = BufReader::new(stream).lines().map_while(Result::ok).any(|line| line.contains(wanted));
    assert!(said, "the page does not say {wanted}");
}
