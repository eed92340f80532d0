//! What a new site begins with: the rules and the calendar that are shipped. A site that has its own is left alone.

use super::store::{Fact, SiteId, Store, StoreError};
use crate::config::{calendar, rules};
use crate::domain::time::Wall;

/// The shipped rules.
pub const RULES: &str = include_str!("../../config/rules.toml");
/// The shipped calendar.
pub const CALENDAR: &str = include_str!("../../config/calendar-cn.csv");
/// Who says so.
const AUTHOR: &str = "punch-office";

/// Gives a site without rules the shipped ones, and one without a calendar the shipped one.
///
/// # Errors
/// When the store fails; the shipped files are right, or the tests fail.
pub async fn seed(store: &Store, site: SiteId, at: Wall) -> Result<(), StoreError> {
    let mut facts = Vec::new();
    if store.rule_book(site).await?.versions.is_empty() {
        let rules = rules::read("rules.toml", RULES).map_err(|problems| StoreError::content("the shipped rules", problems))?;
        facts.push(Fact::Rules(rules));
    }
    if store.calendar(site).await?.announced.is_empty() {
        let calendar =
            calendar::read("calendar-cn.csv", CALENDAR).map_err(|problems| StoreError::content("the shipped calendar", problems))?;
        facts.extend(calendar.announced.into_iter().map(|(date, day)| Fact::CalendarDay { date, day: Some(day) }));
    }
    store.add_facts(site, facts, AUTHOR.to_owned(), at).await.map(drop)
}
