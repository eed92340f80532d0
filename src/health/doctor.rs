//! What a technician asks first, answered line by line: facts in, findings out. Who gathers the facts is another's matter; judging them is
//! pure, so every finding and its remedy can be tried in a table, in both languages.
//!
//! The daemon tells its share of the facts in [`Part`]s, each as soon as it is known; `punchd examine` tells the same while no daemon runs;
//! the rest is looked up by `punchctl` itself. No name of a person and no badge number is in any of it.

pub mod bundle;
pub mod clock;
pub mod codes;
pub mod configuration;
pub mod daemon;
pub mod identity;
pub mod journal;
pub mod office;
pub mod page;
pub mod port;
pub mod service;
pub mod storage;
pub mod text;

use serde::{Deserialize, Serialize};

use self::codes::{Class, Code, State};
use self::text::{Text, counted};

/// How long one check may take, in milliseconds.
pub const CHECK_LIMIT_MS: u64 = 5_000;
/// How long the walk along the whole chain may take, in milliseconds: a kiosk's ten years on a slow disk.
pub const CHAIN_LIMIT_MS: u64 = 60_000;

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `punchctl`'s version.
    pub version: String,
    /// The configuration.
    pub configuration: configuration::Found,
    /// Whether the daemon answers.
    pub daemon: daemon::Found,
    /// The readers' devices.
    pub ports: Vec<port::Device>,
    /// What the daemon, or `punchd examine`, told.
    pub told: Told,
    /// The page.
    pub page: page::Found,
    /// The system's service.
    pub service: service::Found,
}

/// One share of the facts. What is not told within its limit is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "kebab-case")]
pub enum Part {
    /// What a running daemon knows of itself.
    Standing(Box<daemon::Standing>),
    /// The data directory and its disk.
    Place(storage::Place),
    /// The kiosk's key and its pairing.
    Identity(identity::Identity),
    /// An attempt to reach the office.
    Office(Box<office::Trial>),
    /// The walk along the chain of every journal.
    Chain(journal::Chain),
}

/// What was told so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// See [`Part::Standing`].
    pub standing: Option<daemon::Standing>,
    /// See [`Part::Place`].
    pub place: Option<storage::Place>,
    /// See [`Part::Identity`].
    pub identity: Option<identity::Identity>,
    /// See [`Part::Office`].
    pub office: Option<office::Trial>,
    /// See [`Part::Chain`].
    pub chain: Option<journal::Chain>,
}

impl Told {
    /// Takes a part in.
    pub fn take(&mut self, part: Part) {
        match part {
            Part::Standing(standing) => self.standing = Some(*standing),
            Part::Place(place) => self.place = Some(place),
            Part::Identity(identity) => self.identity = Some(identity),
            Part::Office(trial) => self.office = Some(*trial),
            Part::Chain(chain) => self.chain = Some(chain),
        }
    }
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check: a stable name, with the reader's behind a colon where there are several.
    pub check: String,
    /// Its name for people.
    pub label: Text,
    /// What was found.
    pub code: Code,
    /// The same in words.
    pub found: Text,
    /// What to do; empty where nothing is to be done.
    pub remedy: Text,
}

impl Finding {
    fn new(check: Check, code: Code, found: Text) -> Self {
        let (name, zh, en) = check;
        Self { check: name.to_owned(), label: Text::new(zh, en), code, found, remedy: Text::default() }
    }

    fn remedy(self, remedy: Text) -> Self {
        Self { remedy, ..self }
    }

    /// How the check came out.
    pub const fn state(&self) -> State {
        self.code.state()
    }
}

/// A check: its stable name, and its name for people in Chinese and English.
type Check = (&'static str, &'static str, &'static str);

/// The findings in the order in which a technician asks.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![configuration::judge(facts), daemon::judge(facts)];
    findings.extend(port::judge(facts));
    findings.push(clock::judge(facts));
    findings.extend([storage::directory(facts), storage::disk(facts)]);
    findings.extend([journal::chain(facts), journal::store(facts)]);
    findings.extend([identity::key(facts), identity::pairing(facts)]);
    findings.extend([office::judge(facts), bundle::exchange(facts), bundle::judge(facts)]);
    findings.extend([page::sound(facts), page::judge(facts), page::browser(facts)]);
    findings.extend([service::judge(facts), daemon::version(facts)]);
    findings
}

/// The class of the first fault; none where there is no fault.
pub fn first_fault(findings: &[Finding]) -> Option<Class> {
    findings.iter().find(|finding| finding.state() == State::Fault).map(|finding| finding.code.class())
}

/// The last line: how it all stands.
pub fn summary(findings: &[Finding]) -> Text {
    let count = |state| findings.iter().filter(|finding| finding.state() == state).count();
    let (faults, warnings, well) = (count(State::Fault), count(State::Warning), count(State::Ok));
    if faults + warnings == 0 {
        return Text::new(format!("一切正常（{well} 项）"), format!("all is well ({})", counted(&well, "check")));
    }
    let warned = match warnings {
        0 => Text::default(),
        count => Text::new(format!("{count} 项需注意"), counted(&count, "warning")),
    };
    if faults == 0 {
        return Text::new(format!("可以打卡，{}", warned.zh), format!("works, with {}", warned.en));
    }
    let sum = Text::new(format!("{faults} 项故障"), counted(&faults, "fault"));
    let sum = sum.and(Some(warned).filter(|warned| !warned.is_empty()));
    let first = findings.iter().find(|finding| finding.state() == State::Fault);
    let name = first.map(|finding| finding.label.clone()).unwrap_or_default();
    Text::new(format!("{}；先处理：{}", sum.zh, name.zh), format!("{}; first: {}", sum.en, name.en))
}

/// Why a check has nothing to say: the daemon was not asked, or did not tell in time.
fn untold(check: Check, facts: &Facts) -> Finding {
    match facts.daemon {
        daemon::Found::NotAsked | daemon::Found::Denied { .. } | daemon::Found::Silent { .. } | daemon::Found::Strange { .. } => {
            Finding::new(check, Code::NotAsked, Text::new("未检查：无法询问 punchd", "not checked: punchd could not be asked"))
        }
        daemon::Found::Down { .. } if facts.told == Told::default() => {
            Finding::new(check, Code::NotAsked, Text::new("未检查：punchd 未运行", "not checked: punchd does not run"))
        }
        daemon::Found::Answers { .. } | daemon::Found::Down { .. } => late(check),
    }
}

/// Only a running daemon can tell.
fn of_the_running(check: Check, facts: &Facts) -> Finding {
    match facts.daemon {
        daemon::Found::Down { .. } => {
            Finding::new(check, Code::NotAsked, Text::new("未检查：punchd 未运行", "not checked: punchd does not run"))
        }
        daemon::Found::Answers { .. }
        | daemon::Found::NotAsked
        | daemon::Found::Denied { .. }
        | daemon::Found::Silent { .. }
        | daemon::Found::Strange { .. } => untold(check, facts),
    }
}

fn late(check: Check) -> Finding {
    let limit = CHECK_LIMIT_MS / 1_000;
    let found = Text::new(format!("{limit} 秒内没有结果"), format!("no result within {limit} s"));
    let remedy = Text::new("再运行一次；若仍如此：journalctl -u punchd", "run it again; if it stays: journalctl -u punchd");
    Finding::new(check, Code::LimitPassed, found).remedy(remedy)
}

#[cfg(test)]
mod tests;
