//! The demo's office: the real one, in this process. It can be gone for a while and come back under the same address.

use std::path::Path;

use super::cast::{FINGERS, Player, QR_CODES};
use super::error::{self, DemoError};
use super::proof::{Held, Verified};
use super::told::Told;
use crate::clock::Clock;
use crate::config::office::{self, OfficeSettings};
use crate::domain::calendar::DayKind;
use crate::domain::daysheet::PersonDay;
use crate::domain::fact::DayFacts;
use crate::domain::id::{Sequence, StaffNo, TerminalId};
use crate::domain::judge::{DayInput, DayPunch, judge};
use crate::domain::person::Person;
use crate::domain::roster::{Binding, Claim};
use crate::domain::rules::Rules;
use crate::domain::time::{Wall, WorkDate};
use crate::office::pairing::open_code;
use crate::office::serve::{self, Running};
use crate::office::store::{Fact, FeedItem, JournalPlace, PunchQuery, SiteId, Store};
use crate::office::{keys, verify};
use crate::supervise::Supervisor;
use crate::sys;
use crate::wire::canonical;
use crate::wire::entry::Body;

/// The only site of the demo.
const SITE: SiteId = SiteId::FIRST;
/// Who enters what the demo's office enters.
const AUTHOR: &str = "demo";
/// Entries read at a time.
const PAGE_ENTRIES: usize = 1_024;

/// The office, reachable or not.
#[derive(Debug)]
pub(super) struct Office {
    settings: OfficeSettings,
    clock: Clock,
    running: Option<Running>,
}

impl Office {
    /// Writes `office.toml` into a folder and starts an office by it. Kiosk and office share one machine, so its clock is right by definition.
    pub(super) async fn open(folder: &Path, clock: &Clock) -> Result<Self, DemoError> {
        let text = format!(
            "[office]\nname = \"示例政务服务中心\"\nutc-offset = \"+08:00\"\nlisten = \"127.0.0.1:0\"\nclock = \"trusted\"\n\
             data-dir = \"{}\"\n",
            folder.join("office").display()
        );
        let settings = office::check("office.toml", &text).map_err(|problems| error::office("be configured")(problems.to_string()))?;
        let mut office = Self { settings, clock: clock.clone(), running: None };
        office.back().await?;
        // Whoever starts it again from this file finds it where the kiosk looks for it.
        let text = text.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"{}\"", office.settings.listen));
        let file = folder.join("office.toml");
        sys::write_whole(&file, text.as_bytes(), 0o644).map_err(|source| DemoError::Folder { path: file, source })?;
        Ok(office)
    }

    /// It can be reached, under the address it had.
    pub(super) async fn back(&mut self) -> Result<(), DemoError> {
        let (supervisor, _) = Supervisor::new();
        let running = serve::start(&self.settings, &self.clock, supervisor).await.map_err(error::office("start"))?;
        self.settings.listen = running.address();
        self.running = Some(running);
        Ok(())
    }

    /// It cannot.
    pub(super) async fn gone(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Where terminals reach it.
    pub(super) fn url(&self) -> String {
        serve::public_url(&self.settings, self.settings.listen)
    }

    fn running(&self) -> Result<&Running, DemoError> {
        self.running.as_ref().ok_or_else(|| error::office("be asked")("it is not running"))
    }

    fn store(&self) -> Result<&Store, DemoError> {
        self.running().map(Running::store)
    }

    /// Opens a pairing code, as `terminal add` does.
    pub(super) async fn pairing_code(&self, terminal: &TerminalId) -> Result<String, DemoError> {
        let running = self.running()?;
        let code = open_code(running.store(), SITE, terminal.clone(), running.identity().anchor(), self.clock.wall()).await;
        code.map(|code| code.code.to_string()).map_err(error::office("open a pairing code"))
    }

    /// Takes people in with their cards, and gives out QR codes and fingers to those who have them; how many earlier punches are theirs now.
    pub(super) async fn take_in(&self, people: &[&Player], terminal: &TerminalId) -> Result<usize, DemoError> {
        let persons = people.iter().map(|player| Fact::Person(player.person().clone()));
        let bindings = people.iter().filter_map(|player| claim(player, terminal).map(|claim| (player.staff_no().clone(), claim)));
        let bindings =
            bindings.map(|(staff_no, claim)| Fact::Binding { id: None, binding: Binding { staff_no, claim, from: None, until: None } });
        let facts = persons.chain(bindings).collect();
        let added = self.store()?.add_facts(SITE, facts, AUTHOR.to_owned(), self.clock.wall()).await;
        added.map(|added| added.reissued).map_err(error::office("take people in"))
    }

    /// What kind of day a date is.
    pub(super) async fn day_kind(&self, date: WorkDate) -> Result<DayKind, DemoError> {
        let calendar = self.store()?.calendar(SITE).await.map_err(error::office("read its calendar"))?;
        Ok(calendar.day(date))
    }

    /// Up to when everything that the terminals recorded is here.
    pub(super) async fn complete_up_to(&self) -> Result<Option<Wall>, DemoError> {
        let terminals = self.store()?.terminals(SITE).await.map_err(error::office("list its terminals"))?;
        Ok(terminals.iter().map(|terminal| terminal.complete_up_to).min().flatten())
    }

    /// The day's sheet, in the office's order: of everyone, or of those who tapped.
    pub(super) async fn sheet(&self, date: WorkDate, everyone: bool) -> Result<Vec<Told>, DemoError> {
        let store = self.store()?;
        let roster = store.roster(SITE).await.map_err(error::office("read its roster"))?;
        let rules = store.rule_book(SITE).await.map_err(error::office("read its rules"))?;
        let rules = rules.on(date).ok_or_else(|| error::office("judge the day")("it has no rules"))?;
        let query = PunchQuery { first: date, last: date, staff_no: None };
        let punches = store.punches(SITE, query).await.map_err(error::office("list the punches"))?;
        let sheet = Sheet {
            date,
            rules,
            day: self.day_kind(date).await?,
            punches,
            complete: self.complete_up_to().await?,
            as_of: self.clock.wall(),
        };
        let mut people: Vec<&Person> = roster.people.values().collect();
        people.sort_by_key(|person| (person.order, &person.staff_no));
        let head = Told::Sheet {
            date: date.to_string(),
            day: sheet.day.code().to_owned(),
            rules: rules.version.clone(),
            document: rules.document.clone(),
        };
        let days = people.into_iter().map(|person| (person, sheet.person(person)));
        let days = days.filter(|(_, day)| everyone || tapped(day)).map(|(person, day)| Told::day(person, day));
        Ok(std::iter::once(head).chain(days).collect())
    }

    /// Every entry that is held.
    pub(super) async fn held(&self) -> Result<Vec<Held>, DemoError> {
        let store = self.store()?;
        let mut held = Vec::new();
        for terminal in store.terminals(SITE).await.map_err(error::office("list its terminals"))? {
            for journal in &terminal.journals {
                let place = JournalPlace { site: SITE, terminal: terminal.id.clone(), journal: journal.journal };
                let mut after = Sequence::ZERO;
                loop {
                    let page = store.audit_entries(place.clone(), after, PAGE_ENTRIES).await.map_err(error::office("list its entries"))?;
                    let Some(last) = page.last() else { break };
                    after = last.sequence;
                    for entry in &page {
                        let body = canonical::open(&entry.text).map_err(error::office("read an entry"))?.body;
                        let presented = matches!(body, Body::Punch { .. } | Body::Attempt { .. });
                        held.push(Held { place: (journal.journal, entry.sequence), presented });
                    }
                }
            }
        }
        Ok(held)
    }

    /// Verifies chain and signatures, as `punch-office verify` does.
    pub(super) async fn verify(&self) -> Result<Verified, DemoError> {
        let key = keys::office_key(&self.settings.data_dir).map_err(error::office("read its key"))?;
        let report = verify::verify(self.store()?, SITE, &key.verifying_key()).await.map_err(error::office("verify"))?;
        let span = |from: Sequence, to: Sequence| to.0.saturating_sub(from.0) + 1;
        let declared = report.journals.iter().flat_map(|journal| &journal.holes).map(|hole| span(hole.from, hole.to));
        let pending = report.journals.iter().flat_map(|journal| &journal.pending).map(|(from, to)| span(*from, *to));
        Ok(Verified {
            holes: declared.chain(pending).sum(),
            quarantined: report.journals.iter().map(|journal| journal.quarantined).sum(),
            faults: report.faults.iter().map(|fault| format!("{}: {}", fault.code, fault.text)).collect(),
        })
    }
}

/// What the office knows of what a person presents: the card as the roster prints it, or what `credential add` gives.
fn claim(player: &Player, terminal: &TerminalId) -> Option<Claim> {
    let staff_no = player.staff_no().as_str();
    let card = player.row.card.clone().map(Claim::Card);
    let code = || QR_CODES.iter().find(|(who, _)| *who == staff_no).map(|(_, text)| Claim::Text((*text).to_owned()));
    let finger = || {
        let slot = FINGERS.iter().find(|(who, _)| *who == staff_no).map(|(_, slot)| *slot)?;
        let reader = super::cast::ReaderKind::Finger.name().parse().ok()?;
        Some(Claim::Finger { terminal: terminal.clone(), reader, slot })
    };
    card.or_else(code).or_else(finger)
}

/// Whether anything is on record.
fn tapped(day: &PersonDay) -> bool {
    !day.surplus.is_empty() || day.checkpoints.iter().any(|checkpoint| checkpoint.counted.is_some())
}

/// What everybody's day is judged by.
struct Sheet<'a> {
    date: WorkDate,
    rules: &'a Rules,
    day: DayKind,
    punches: Vec<FeedItem>,
    complete: Option<Wall>,
    as_of: Wall,
}

impl Sheet<'_> {
    fn person(&self, person: &Person) -> PersonDay {
        let punches = self.punches_of(&person.staff_no);
        let input = DayInput {
            date: self.date,
            rules: self.rules,
            day: &self.day,
            standing: person.standing(self.date),
            post_class: person.post_class,
            punches: &punches,
            facts: DayFacts::NONE,
            complete_through: self.complete,
            as_of: self.as_of,
        };
        PersonDay::of(person.staff_no.as_str(), &judge(&input))
    }

    fn punches_of(&self, staff_no: &StaffNo) -> Vec<DayPunch> {
        let theirs = self.punches.iter().filter(|item| item.whose.staff_no() == Some(staff_no));
        let punch = |item: &FeedItem| {
            let best = item.punch.best;
            DayPunch { time: self.rules.utc_offset.civil(best.at).1, quality: best.quality, key: item.punch.key.clone() }
        };
        theirs.map(punch).collect()
    }
}
