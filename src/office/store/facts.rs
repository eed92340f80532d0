//! What people say: the roster, the credentials given out, the rules, the calendar. Append-only: a later fact supersedes, never overwrites.
//!
//! Each kind is a table of (key, revision, content, author, time); the greatest revision holds. Adding what holds already adds nothing, so an
//! import done twice changes nothing. Punches whose person a fact decides are matched again in the same transaction.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cell::{Json, Parsed};
use super::error::StoreError;
use super::sqlite::Writing;
use super::{SiteId, Store, refresh};
use crate::domain::calendar::{AnnouncedDay, Calendar};
use crate::domain::id::StaffNo;
use crate::domain::person::Person;
use crate::domain::roster::{Binding, Roster};
use crate::domain::rules::{RuleBook, Rules};
use crate::domain::time::{Wall, WorkDate};
use crate::wire::bundle::PEOPLE_MAX;

/// Most credentials of a site: a few for each person, over years.
pub(super) const BINDINGS_MAX: usize = 8 * PEOPLE_MAX;

/// Names one credential given to a person, for later changes of its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BindingId(pub u32);

impl fmt::Display for BindingId {
    /// Ten digits, so that texts sort like numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0)
    }
}

impl FromStr for BindingId {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Something that a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A row of the roster, new or changed.
    Person(Person),
    /// A credential given out; with an id, the change of one given out before.
    Binding {
        /// Which is changed; none for a new one.
        id: Option<BindingId>,
        /// What holds from now on.
        binding: Binding,
    },
    /// A credential given out by mistake: as if it had never been.
    BindingWithdrawn(BindingId),
    /// A version of the rules; the same version again supersedes it.
    Rules(Rules),
    /// What was announced for a date; `None` takes an announcement back.
    CalendarDay {
        /// The date.
        date: WorkDate,
        /// What it is.
        day: Option<AnnouncedDay>,
    },
}

/// What adding facts did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FactsAdded {
    /// How many facts were news.
    pub added: usize,
    /// How many punches got another person and come again in the feed.
    pub reissued: usize,
    /// The ids of new credentials, in the order of the facts.
    pub bindings: Vec<BindingId>,
}

#[derive(Debug, Clone, Copy)]
enum Table {
    Person,
    Binding,
    Rules,
    CalendarDay,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Binding => "binding",
            Self::Rules => "rules",
            Self::CalendarDay => "calendar_day",
        }
    }
}

impl Store {
    /// Adds facts, all or none, and matches the punches that they concern again.
    ///
    /// # Errors
    /// When the store fails, the site is not set up, or a limit is passed.
    pub async fn add_facts(&self, site: SiteId, facts: Vec<Fact>, author: String, at: Wall) -> Result<FactsAdded, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.write("add facts", move |writing| add(writing, site, facts, &author, at)).await
    }

    /// People, with notes, and credentials as they are now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn roster(&self, site: SiteId) -> Result<Roster, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read the roster", move |connection| roster(connection, site)).await
    }

    /// Credentials with their ids, in the order in which they were given out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bindings(&self, site: SiteId) -> Result<Vec<(BindingId, Binding)>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read the credentials", move |connection| bindings(connection, site)).await
    }

    /// The rules, past and coming.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rule_book(&self, site: SiteId) -> Result<RuleBook, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read the rules", move |connection| rule_book(connection, site)).await
    }

    /// The calendar.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn calendar(&self, site: SiteId) -> Result<Calendar, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read the calendar", move |connection| calendar(connection, site)).await
    }
}

pub(super) fn facts_version(connection: &Connection, site: SiteId) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT facts_version FROM site WHERE site = ?")?;
    statement.query_row([site.0], |row| row.get(0)).optional()?.ok_or(StoreError::NoSite(site.0))
}

pub(super) fn roster(connection: &Connection, site: SiteId) -> Result<Roster, StoreError> {
    let people = current::<StaffNo, Person>(connection, Table::Person, site)?.into_iter().collect();
    let bindings = bindings(connection, site)?.into_iter().map(|(_, binding)| binding).collect();
    Ok(Roster { people, bindings })
}

fn bindings(connection: &Connection, site: SiteId) -> Result<Vec<(BindingId, Binding)>, StoreError> {
    current(connection, Table::Binding, site)
}

pub(super) fn rule_book(connection: &Connection, site: SiteId) -> Result<RuleBook, StoreError> {
    let versions = current::<String, Rules>(connection, Table::Rules, site)?.into_iter().map(|(_, rules)| rules).collect();
    Ok(RuleBook { versions })
}

pub(super) fn calendar(connection: &Connection, site: SiteId) -> Result<Calendar, StoreError> {
    Ok(Calendar { announced: current::<WorkDate, AnnouncedDay>(connection, Table::CalendarDay, site)?.into_iter().collect() })
}

/// What holds now, by key.
fn current<K, T>(connection: &Connection, table: Table, site: SiteId) -> Result<Vec<(K, T)>, StoreError>
where
    K: FromStr<Err: fmt::Display>,
    T: DeserializeOwned,
{
    let name = table.name();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT key, content FROM {name} f WHERE site = ?1 AND content IS NOT NULL
         AND revision = (SELECT max(revision) FROM {name} WHERE site = ?1 AND key = f.key) ORDER BY key"
    ))?;
    let rows = statement.query_map([site.0], |row| {
        let (key, content): (Parsed<K>, Json<T>) = (row.get(0)?, row.get(1)?);
        Ok((key.0, content.0))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

struct Adding<'a, 'b> {
    writing: &'a mut Writing<'b>,
    site: SiteId,
    author: &'a str,
    at: Wall,
    result: FactsAdded,
    /// People whose punches may be matched otherwise now.
    concerned: BTreeSet<StaffNo>,
    /// Credentials as they were before they changed.
    before: Vec<Binding>,
}

fn add(writing: &mut Writing<'_>, site: SiteId, facts: Vec<Fact>, author: &str, at: Wall) -> Result<FactsAdded, StoreError> {
    facts_version(writing.transaction, site)?;
    let mut adding = Adding { writing, site, author, at, result: FactsAdded::default(), concerned: BTreeSet::new(), before: Vec::new() };
    facts.into_iter().try_for_each(|fact| adding.fact(fact))?;
    let Adding { mut result, concerned, before, .. } = adding;
    if result.added > 0 {
        writing.execute("UPDATE site SET facts_version = facts_version + 1 WHERE site = ?", [site.0])?;
        for (table, what, limit) in [(Table::Person, "people", PEOPLE_MAX), (Table::Binding, "credentials", BINDINGS_MAX)] {
            let sql = format!("SELECT count(DISTINCT key) FROM {} WHERE site = ?", table.name());
            let count: i64 = writing.transaction.query_row(&sql, [site.0], |row| row.get(0))?;
            if usize::try_from(count).unwrap_or(usize::MAX) > limit {
                return Err(StoreError::Limit { what, limit });
            }
        }
        result.reissued = refresh::people(writing, site, &concerned, before)?;
    }
    Ok(result)
}

impl Adding<'_, '_> {
    fn fact(&mut self, fact: Fact) -> Result<(), StoreError> {
        match fact {
            Fact::Person(person) => {
                if self.append(Table::Person, person.staff_no.as_str(), Some(&person))? {
                    self.concerned.insert(person.staff_no);
                }
                Ok(())
            }
            Fact::Binding { id, binding } => self.binding(id, Some(&binding)),
            Fact::BindingWithdrawn(id) => self.binding(Some(id), None),
            Fact::Rules(rules) => self.append(Table::Rules, &rules.version, Some(&rules)).map(drop),
            Fact::CalendarDay { date, day } => self.append(Table::CalendarDay, &date.to_string(), day.as_ref()).map(drop),
        }
    }

    fn binding(&mut self, id: Option<BindingId>, binding: Option<&Binding>) -> Result<(), StoreError> {
        let key = match id {
            Some(id) => id,
            None => self.next_binding()?,
        };
        let before = match id {
            Some(id) => self.latest::<Binding>(Table::Binding, &id.to_string())?.and_then(|(_, before)| before),
            None => None,
        };
        if self.append(Table::Binding, &key.to_string(), binding)? {
            self.concerned.extend(before.iter().chain(binding).map(|binding| binding.staff_no.clone()));
            self.before.extend(before);
            if id.is_none() {
                self.result.bindings.push(key);
            }
        }
        Ok(())
    }

    fn next_binding(&self) -> Result<BindingId, StoreError> {
        let sql = "SELECT max(key) FROM binding WHERE site = ?";
        let last: Option<Parsed<BindingId>> = self.writing.transaction.prepare_cached(sql)?.query_row([self.site.0], |row| row.get(0))?;
        Ok(BindingId(last.map_or(1, |last| last.0.0 + 1)))
    }

    fn latest<T: DeserializeOwned>(&self, table: Table, key: &str) -> Result<Option<(i64, Option<T>)>, StoreError> {
        let sql = format!("SELECT revision, content FROM {} WHERE site = ? AND key = ? ORDER BY revision DESC LIMIT 1", table.name());
        let mut statement = self.writing.transaction.prepare_cached(&sql)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<Json<T>>>(1)?.map(|content| content.0)));
        Ok(statement.query_row((self.site.0, key), read).optional()?)
    }

    /// Adds a revision unless it says what holds already; whether it did.
    fn append<T: Serialize + DeserializeOwned + PartialEq>(
        &mut self,
        table: Table,
        key: &str,
        content: Option<&T>,
    ) -> Result<bool, StoreError> {
        let latest = self.latest::<T>(table, key)?;
        if latest.as_ref().map_or(content.is_none(), |(_, held)| held.as_ref() == content) {
            return Ok(false);
        }
        let text = content.map(serde_json::to_string).transpose().map_err(|error| StoreError::content("a fact", error))?;
        let revision = latest.map_or(1, |(revision, _)| revision + 1);
        let sql = format!("INSERT INTO {} (site, key, revision, content, author, at) VALUES (?, ?, ?, ?, ?, ?)", table.name());
        self.writing.execute(&sql, (self.site.0, key, revision, text, self.author, self.at.0))?;
        self.result.added += 1;
        Ok(true)
    }
}
