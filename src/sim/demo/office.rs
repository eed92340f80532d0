//! The demo's office: the real one, in this process. It can be gone for a while and come back under the same address.

use std::path::Path;

use super::cast::{FINGERS, NEWCOMERS, QR_CODES, ROSTER, ReaderKind};
use super::error::{self, DemoError};
use super::proof::{Held, Verified};
use crate::clock::Clock;
use crate::config::office::{self, OfficeSettings};
use crate::domain::calendar::DayKind;
use crate::domain::daysheet::PersonDay;
use crate::domain::id::{Sequence, TerminalId};
use crate::domain::roster::Binding;
use crate::domain::time::{Wall, WorkDate};
use crate::office::day::{self, DaySheet};
use crate::office::pairing::open_code;
use crate::office::serve::{self, Running};
use crate::office::store::{Fact, JournalPlace, SiteId, Store};
use crate::office::{keys, plan, roster_file, verify};
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
             pages-listen = \"127.0.0.1:0\"\ndata-dir = \"{}\"\n",
            folder.join("office").display()
        );
        let settings = office::check("office.toml", &text).map_err(|problems| error::office("be configured")(problems.to_string()))?;
        let mut office = Self { settings, clock: clock.clone(), running: None };
        office.back().await?;
        // Whoever starts it again from this file finds it where the kiosk looks for it.
        let text = text.replacen("127.0.0.1:0", &office.settings.listen.to_string(), 1);
        let file = folder.join("office.toml");
        sys::write_whole(&file, text.as_bytes(), 0o644).map_err(|source| DemoError::Folder { path: file, source })?;
        Ok(office)
    }

    /// It can be reached, under the address it had.
    pub(super) async fn back(&mut self) -> Result<(), DemoError> {
        let (supervisor, _) = Supervisor::new();
        let running = serve::start(&self.settings, &self.clock, supervisor).await.map_err(error::office("start"))?;
        self.settings.listen = running.address();
        self.settings.pages_listen = running.pages();
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

    /// Its pages, for a browser on this machine.
    pub(super) fn page(&self) -> Option<String> {
        self.settings.pages_listen.map(|pages| format!("http://{pages}/"))
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

    /// Imports the example roster, with the newcomers or without, as `roster import` does; how many earlier punches found their people by it.
    pub(super) async fn import_roster(&self, newcomers: bool) -> Result<usize, DemoError> {
        let wanted = |line: &&str| newcomers || !NEWCOMERS.iter().any(|staff_no| line.starts_with(staff_no));
        let text: Vec<&str> = ROSTER.lines().filter(wanted).collect();
        let store = self.store()?;
        let roster = store.roster(SITE).await.map_err(error::office("read its roster"))?;
        let bindings = store.bindings(SITE).await.map_err(error::office("read its credentials"))?;
        let (today, _) = self.settings.utc_offset.civil(self.clock.wall());
        let (report, facts) = plan::roster::plan(roster_file::read(text.join("\n").as_bytes()), &roster, bindings, today);
        if let Some(problem) = report.problems.first() {
            return Err(DemoError::Roster { line: problem.line, text: problem.en.clone() });
        }
        self.enter(facts).await
    }

    /// Gives out QR codes and fingers, as `credential add` does.
    pub(super) async fn give_credentials(&self, terminal: &TerminalId) -> Result<(), DemoError> {
        let codes = QR_CODES.iter().map(|(who, text)| (*who, plan::credential::text(text)));
        let finger = |slot: &u16| plan::credential::finger(&format!("{terminal}/{}:{slot}", ReaderKind::Finger.name()));
        let fingers = FINGERS.iter().map(|(who, slot)| (*who, finger(slot)));
        let mut facts = Vec::new();
        for (who, claim) in codes.chain(fingers) {
            let staff_no = who.parse().map_err(error::office("give out a credential"))?;
            let claim = claim.map_err(error::office("give out a credential"))?;
            facts.push(Fact::Binding { id: None, binding: Binding { staff_no, claim, from: None, until: None } });
        }
        self.enter(facts).await.map(drop)
    }

    async fn enter(&self, facts: Vec<Fact>) -> Result<usize, DemoError> {
        let added = self.store()?.add_facts(SITE, facts, AUTHOR.to_owned(), self.clock.wall()).await;
        added.map(|added| added.reissued).map_err(error::office("enter what people say"))
    }

    /// What kind of day a date is.
    pub(super) async fn day_kind(&self, date: WorkDate) -> Result<DayKind, DemoError> {
        let calendar = self.store()?.calendar(SITE).await.map_err(error::office("read its calendar"))?;
        Ok(calendar.day(date))
    }

    /// Up to when everything that the terminals recorded is here.
    pub(super) async fn complete_through(&self) -> Result<Option<Wall>, DemoError> {
        let terminals = self.store()?.terminals(SITE).await.map_err(error::office("list its terminals"))?;
        Ok(day::complete_through(&terminals))
    }

    /// The day's sheet, of everyone or of those who tapped, as `punch-office day` has it.
    pub(super) async fn sheet(&self, date: WorkDate, everyone: bool) -> Result<DaySheet, DemoError> {
        let sheet = day::day_sheet(self.store()?, SITE, date, self.clock.wall()).await;
        let mut sheet = sheet.map_err(error::office("judge the day"))?;
        sheet.people.retain(|person| everyone || tapped(&person.day));
        Ok(sheet)
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

/// Whether anything is on record.
fn tapped(day: &PersonDay) -> bool {
    !day.surplus.is_empty() || day.checkpoints.iter().any(|checkpoint| checkpoint.counted.is_some())
}
