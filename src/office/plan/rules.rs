//! A version of the rules, compared with what is held.

use serde::Serialize;

use crate::domain::rules::{RuleBook, Rules};
use crate::domain::time::{UtcOffset, WorkDate};
use crate::office::store::Fact;

/// A version beside those that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// No version of that name is held.
    New,
    /// A version of that name says something else: it is superseded.
    Supersedes,
    /// It is held already as it is.
    Unchanged,
}

/// What importing a version would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulesReport {
    /// Its name.
    pub version: String,
    /// The document by which it was adopted.
    pub document: String,
    /// From which day it holds.
    pub valid_from: WorkDate,
    /// What it is beside the versions that are held.
    pub change: Change,
    /// Whether days that have begun are judged by it from now on.
    pub reaches_back: bool,
    /// Whether it was imported.
    pub applied: bool,
    /// Why it may not be; empty where it may.
    pub problem: String,
}

/// Compares a version with what is held.
pub fn plan(rules: &Rules, held: &RuleBook, site: UtcOffset, today: WorkDate) -> (RulesReport, Vec<Fact>) {
    let same_name = held.versions.iter().find(|known| known.version == rules.version);
    let change = match same_name {
        None => Change::New,
        Some(known) if known == rules => Change::Unchanged,
        Some(_) => Change::Supersedes,
    };
    let unchanged = change == Change::Unchanged;
    let mut problem = String::new();
    if rules.utc_offset != site {
        problem = format!("规则的时区 {} 与中心的 {site} 不同 / the rules' utc-offset differs from the office's", rules.utc_offset);
    }
    let same_day = |known: &&Rules| known.valid_from == rules.valid_from && known.version != rules.version;
    if let Some(other) = held.versions.iter().find(same_day) {
        problem = format!("版本 {} 也自 {} 起施行 / that version begins on the same day", other.version, other.valid_from);
    }
    let report = RulesReport {
        version: rules.version.clone(),
        document: rules.document.clone(),
        valid_from: rules.valid_from,
        change,
        reaches_back: !unchanged && rules.valid_from <= today,
        applied: false,
        problem,
    };
    let facts = if unchanged || !report.problem.is_empty() { Vec::new() } else { vec![Fact::Rules(rules.clone())] };
    (report, facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rules::read;
    use crate::office::seed::RULES;

    #[test]
    fn the_same_rules_again_change_nothing_and_changed_ones_say_what_they_supersede() {
        let shipped = read("rules.toml", RULES).unwrap();
        let held = RuleBook { versions: vec![shipped.clone()] };
        let today = WorkDate::from_ymd_opt(2026, 11, 23).unwrap();
        let (report, facts) = plan(&shipped, &held, shipped.utc_offset, today);
        assert!(report.change == Change::Unchanged && facts.is_empty() && report.problem.is_empty());
        let stricter = Rules { grace: shipped.grace + 1, ..shipped.clone() };
        let (report, facts) = plan(&stricter, &held, shipped.utc_offset, today);
        assert!(report.change == Change::Supersedes && report.reaches_back && facts == [Fact::Rules(stricter)]);
        let winter = Rules { version: "winter".to_owned(), ..shipped.clone() };
        assert!(!plan(&winter, &held, shipped.utc_offset, today).0.problem.is_empty());
        assert!(!plan(&shipped, &held, "+07:00".parse().unwrap(), today).0.problem.is_empty());
    }
}
