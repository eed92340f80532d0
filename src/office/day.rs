//! A day of everyone: what the store holds of a date, judged. One value, from which the command line, the CSV, the interface and the page are
//! made alike.
//!
//! Invariants: computed each time, never kept. Each person's part is what [`judge`] says of that person's punches by best-known time; what is
//! not yet known of a terminal stands beside the results, so that nobody is accused by a list that is not whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::matching::{Directory, Whose};
use super::store::{Adrift, FeedItem, PunchQuery, Site, SiteId, Store, StoreError, Terminal};
use crate::domain::calendar::{Calendar, DayKind};
use crate::domain::daysheet::{CheckpointLine, PersonDay};
use crate::domain::fact::DayFacts;
use crate::domain::id::{StaffNo, TerminalId};
use crate::domain::judge::{DayInput, DayPunch, judge};
use crate::domain::leave::Span;
use crate::domain::person::{Person, PostClass, Standing};
use crate::domain::roster::Roster;
use crate::domain::rules::{Checkpoint, HalfDay, RuleBook, Rules};
use crate::domain::time::{ClockTime, Wall, WorkDate};
use crate::domain::why_text::{Sentence, checkpoint_name};

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum DayError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No rules were imported.
    #[error("there are no rules to judge by")]
    NoRules,
}

impl DayError {
    /// The error's name in interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::NoRules => "no-rules",
        }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Store(error) => error.hint(),
            Self::NoRules => "run punch-office rules import config/rules.toml",
        }
    }
}

/// Everyone's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DaySheet {
    /// The centre.
    pub site: String,
    /// The civil day.
    pub date: WorkDate,
    /// What kind of day: `workday`, `rest_day`, `holiday`, `makeup_workday`, `unknown`.
    pub day: String,
    /// Its announced name; empty where there is none.
    pub day_name: String,
    /// The rules it was judged by.
    pub rules: RulesName,
    /// The moment of judging, RFC 3339.
    pub as_of: String,
    /// Everything recorded until then is here, RFC 3339; none while that is unknown or no terminal is waited for.
    pub complete_through: Option<String>,
    /// Terminals whose punches for a checkpoint that is over may still be missing: the list may not be whole.
    pub incomplete: Vec<Incomplete>,
    /// The checkpoints, in the order of the day.
    pub checkpoints: Vec<CheckpointHead>,
    /// In the office's order: departments, people in them.
    pub people: Vec<PersonLine>,
    /// How many punches of the day are nobody's.
    pub unknown_punches: usize,
}

/// A version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulesName {
    /// Its name.
    pub version: String,
    /// The document by which it was adopted.
    pub document: String,
}

/// A terminal that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Which.
    pub terminal: TerminalId,
    /// Everything it recorded until then is here, RFC 3339.
    pub complete_up_to: Option<String>,
}

/// A checkpoint's name and due time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckpointHead {
    /// `morning_in`.
    pub checkpoint: String,
    /// Its name for people.
    pub name: Sentence,
    /// Which half of the day it belongs to.
    pub half_day: HalfDay,
    /// When it is due by the rules, `08:25`.
    pub due: String,
}

/// One person of the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonLine {
    /// Who.
    pub staff_no: StaffNo,
    /// The name.
    pub name: String,
    /// The department that sent the person.
    pub department: String,
    /// The counter; empty where none.
    pub window: String,
    /// The class of the post.
    pub post_class: PostClass,
    /// The day.
    #[serde(flatten)]
    pub day: PersonDay,
}

/// What sheets of a site are made from, beside punches.
#[derive(Debug, Clone)]
pub struct Basis {
    /// The centre.
    pub site: Site,
    /// People and credentials.
    pub roster: Roster,
    /// All versions of the rules.
    pub rules: RuleBook,
    /// The calendar.
    pub calendar: Calendar,
    /// The terminals.
    pub terminals: Vec<Terminal>,
    /// Punches of which nobody knows the time.
    pub adrift: Vec<Adrift>,
}

impl Basis {
    /// Reads it.
    ///
    /// # Errors
    /// When the store fails or the site is not set up.
    pub async fn load(store: &Store, site: SiteId) -> Result<Self, StoreError> {
        Ok(Self {
            site: store.site(site).await?.ok_or(StoreError::NoSite(site.0))?,
            roster: store.roster(site).await?,
            rules: store.rule_book(site).await?,
            calendar: store.calendar(site).await?,
            terminals: store.terminals(site).await?,
            adrift: store.adrift(site).await?,
        })
    }

    /// The sheet of a day from its punches, each record once as [`Store::punches`] gives them.
    ///
    /// # Errors
    /// When there are no rules.
    pub fn sheet(&self, date: WorkDate, punches: &[FeedItem], as_of: Wall) -> Result<DaySheet, DayError> {
        let offset = self.site.utc_offset;
        let rules = self.rules.on(date).ok_or(DayError::NoRules)?;
        let rules = Rules { utc_offset: offset, ..rules.clone() }; // One civil time for the whole site.
        let day = self.calendar.day(date);
        let complete = complete_through(&self.terminals);
        let by_person = self.by_person(punches);
        let none = Vec::new();
        let adrift = self.adrift_on(date);
        let nowhere = Vec::new();
        let mut people: Vec<&Person> =
            self.roster.people.values().filter(|person| stands_on(person, date) || by_person.contains_key(&person.staff_no)).collect();
        people.sort_by(|a, b| office_order(a).cmp(&office_order(b)));
        let line = |person: &Person| {
            let punches = by_person.get(&person.staff_no).unwrap_or(&none);
            let (standing, post_class) = (person.standing(date), person.post_class);
            let input = DayInput {
                date,
                rules: &rules,
                day: &day,
                standing,
                post_class,
                punches,
                adrift: adrift.get(&person.staff_no).unwrap_or(&nowhere),
                facts: DayFacts::NONE,
                complete_through: complete,
                as_of,
            };
            PersonLine {
                staff_no: person.staff_no.clone(),
                name: person.name.clone(),
                department: person.department.clone(),
                window: person.window.clone(),
                post_class,
                day: PersonDay::of(person.staff_no.as_str(), &judge(&input)),
            }
        };
        Ok(DaySheet {
            site: self.site.name.clone(),
            date,
            day: day.code().to_owned(),
            day_name: day_name(&day).to_owned(),
            rules: RulesName { version: rules.version.clone(), document: rules.document.clone() },
            as_of: offset.rfc3339(as_of),
            complete_through: complete.filter(|complete| *complete < ENDLESS).map(|complete| offset.rfc3339(complete)),
            incomplete: self.incomplete(&rules, date, as_of),
            checkpoints: rules.checkpoints.iter().map(head).collect(),
            people: people.into_iter().map(line).collect(),
            unknown_punches: punches.iter().filter(|item| !matches!(item.whose, Whose::Person(_))).count(),
        })
    }

    /// When on a date each person may have made a punch of which nobody knows the time.
    fn adrift_on(&self, date: WorkDate) -> BTreeMap<StaffNo, Vec<Span>> {
        let mut spans: BTreeMap<StaffNo, Vec<Span>> = BTreeMap::new();
        if self.adrift.is_empty() {
            return spans;
        }
        let directory = Directory::new(self.roster.clone());
        for punch in &self.adrift {
            let Some(span) = self.on_date(punch, date) else { continue };
            if let Whose::Person(staff_no) = directory.whose(&punch.key.terminal, &punch.reader, &punch.credential, date) {
                spans.entry(staff_no).or_default().push(span);
            }
        }
        spans
    }

    /// The part of a date in which a punch may have been made.
    fn on_date(&self, punch: &Adrift, date: WorkDate) -> Option<Span> {
        let ((first, begin), (last, end)) = (self.site.utc_offset.civil(punch.from), self.site.utc_offset.civil(punch.to));
        let whole = Span::WHOLE_DAY;
        let from = if first < date { whole.from } else { begin };
        let to = if last > date { whole.to } else { ClockTime(end.0 + 1) };
        (first <= date && date <= last).then_some(Span { from, to })
    }

    /// Each person's punches. One of which only an impossible time is known counts nowhere.
    fn by_person(&self, punches: &[FeedItem]) -> BTreeMap<StaffNo, Vec<DayPunch>> {
        let mut by_person: BTreeMap<StaffNo, Vec<DayPunch>> = BTreeMap::new();
        for item in punches {
            let Whose::Person(staff_no) = &item.whose else { continue };
            if self.adrift.iter().any(|adrift| adrift.key == item.punch.key && !adrift.is_plausible()) {
                continue;
            }
            let (_, time) = self.site.utc_offset.civil(item.punch.best.at);
            let punch = DayPunch { time, quality: item.punch.best.quality, key: item.punch.key.clone() };
            by_person.entry(staff_no.clone()).or_default().push(punch);
        }
        by_person
    }

    /// The terminals that have not told everything up to the last due time or window's end before the moment of judging.
    fn incomplete(&self, rules: &Rules, date: WorkDate, as_of: Wall) -> Vec<Incomplete> {
        let moments = rules.checkpoints.iter().flat_map(|checkpoint| [checkpoint.due, checkpoint.closes]);
        let over = moments.map(|time| rules.utc_offset.wall(date, time)).filter(|moment| *moment <= as_of).max();
        let Some(over) = over else { return Vec::new() };
        let waited =
            self.terminals.iter().filter(|terminal| terminal.is_active() && terminal.complete_up_to.is_none_or(|known| known < over));
        waited
            .map(|terminal| Incomplete {
                terminal: terminal.id.clone(),
                complete_up_to: terminal.complete_up_to.map(|known| rules.utc_offset.rfc3339(known)),
            })
            .collect()
    }
}

/// The sheet of a day, from what the store holds now.
///
/// # Errors
/// When the store fails or there are no rules.
pub async fn day_sheet(store: &Store, site: SiteId, date: WorkDate, as_of: Wall) -> Result<DaySheet, DayError> {
    let basis = Basis::load(store, site).await?;
    let punches = store.punches(site, PunchQuery { first: date, last: date, staff_no: None }).await?;
    basis.sheet(date, &punches, as_of)
}

/// No terminal is waited for any more.
const ENDLESS: Wall = Wall(i64::MAX);

/// The moment up to which every active terminal is complete. A revoked one ends the wait; before the first pairing nothing is known.
pub fn complete_through(terminals: &[Terminal]) -> Option<Wall> {
    if terminals.iter().all(|terminal| terminal.keys.is_empty()) {
        return None;
    }
    let mut through = ENDLESS;
    for terminal in terminals.iter().filter(|terminal| terminal.is_active()) {
        through = through.min(terminal.complete_up_to?);
    }
    Some(through)
}

/// People of whom something is expected or shown on a date.
fn stands_on(person: &Person, date: WorkDate) -> bool {
    person.joined <= date && person.standing(date) != Standing::Exited
}

/// The office's order: 部门序, department, 人员序, 工号.
fn office_order(person: &Person) -> (u32, &str, u32, &StaffNo) {
    (person.order.0, &person.department, person.order.1, &person.staff_no)
}

fn head(checkpoint: &Checkpoint) -> CheckpointHead {
    let (zh, en) = checkpoint_name(checkpoint);
    CheckpointHead {
        checkpoint: checkpoint.id.to_string(),
        name: Sentence { zh: zh.to_owned(), en: en.to_owned() },
        half_day: checkpoint.half_day,
        due: checkpoint.due.hh_mm(),
    }
}

fn day_name(day: &DayKind) -> &str {
    match day {
        DayKind::Holiday(name) | DayKind::MakeupWorkday(name) => name,
        DayKind::Workday | DayKind::RestDay | DayKind::Unknown => "",
    }
}

impl DaySheet {
    /// Departments with their people, in the order of the sheet.
    pub fn departments(&self) -> Vec<(&str, Vec<&PersonLine>)> {
        let mut groups: Vec<(&str, Vec<&PersonLine>)> = Vec::new();
        for person in &self.people {
            match groups.last_mut() {
                Some((department, people)) if *department == person.department => people.push(person),
                Some(_) | None => groups.push((&person.department, vec![person])),
            }
        }
        groups
    }

    /// People of whom at least one punch counts.
    pub fn seen(&self) -> BTreeSet<&StaffNo> {
        let counted = |person: &&PersonLine| person.day.checkpoints.iter().any(|line| line.counted.is_some());
        self.people.iter().filter(counted).map(|person| &person.staff_no).collect()
    }
}

impl PersonLine {
    /// The checkpoint for which a time counts: its place in the day and its line. None for a further punch.
    pub fn counted_as(&self, at: &str) -> Option<(usize, &CheckpointLine)> {
        self.day.checkpoints.iter().enumerate().find(|(_, line)| line.counted.as_deref() == Some(at))
    }
}

/// A moment as sheets write it: RFC 3339 in the site's civil time, to the second.
pub fn civil_second(site: &Site, at: Wall) -> String {
    let (date, time): (WorkDate, ClockTime) = site.utc_offset.civil(at);
    site.utc_offset.rfc3339(site.utc_offset.wall(date, time))
}

#[cfg(test)]
pub(in crate::office) mod tests;
