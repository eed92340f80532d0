//! How the kiosk stands: for the page, for a technician, and signed for the office. One list of conditions feeds all three.

use super::Kiosk;
use super::office::failure_text;
use crate::config::terminal::PageLanguage;
use crate::control::{ClockStatus, ConditionStatus, JournalStatus, OfficeStatus, Status};
use crate::domain::estimate::{BestTime, Quality};
use crate::domain::id::{JournalId, Sequence};
use crate::domain::time::{Mono, UtcOffset, Wall, WorkDate};
use crate::health::{Code, Condition};
use crate::machine::core;
use crate::terminal::display::{PageClock, PageState};
use crate::terminal::link::Link;
use crate::wire::batch::{JournalState, TerminalState};

/// How far a shown clock may be off from the one known now before it is shown anew, in milliseconds.
const CLOCK_STEP_MS: i64 = 200;

/// All that a page is made of, small enough to be compared at every turn of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageMark {
    conditions: (u64, usize),
    office: (bool, u64),
    bundle: Option<Wall>,
    doubtful: bool,
    /// True time less time since boot, in steps of [`CLOCK_STEP_MS`].
    ahead: i64,
    date: WorkDate,
    utc_offset: UtcOffset,
}

impl Kiosk {
    /// Brings the list of conditions up to date and shows the page how things stand.
    pub(super) fn show_standing(&mut self) {
        let now = self.now();
        let codes = [Code::JournalUnavailable, Code::NoRoster, Code::CalendarEnds];
        let core = self.core.conditions(now);
        self.board.replace(now.mono, &codes, core);
        self.board.set(now.mono, Code::ClockUntrusted, "", self.keeper.condition().map(|condition| condition.detail));
        self.readers.conditions(now.mono, &mut self.board);
        self.office_conditions(now);
        let standing = self.uplink.standing();
        let offline = self.office.link.is_some() && !standing.reachable && standing.unreachable_since.is_some();
        let backlog = standing.backlog;
        self.core.handle(now, core::Event::Office { offline, backlog });
        while let Some(action) = self.core.poll_action() {
            self.core_action(action);
        }
        let best = self.keeper.best_now(self.clock.read());
        let mark = self.page_mark(&best, now.mono, (offline, backlog));
        if self.shown != Some(mark) {
            self.shown = Some(mark);
            let page = self.page(&best, (offline, backlog));
            self.display.page(page);
        }
    }

    fn page_mark(&self, best: &BestTime, now: Mono, office: (bool, u64)) -> PageMark {
        let utc_offset = self.utc_offset();
        let ahead_ms = best.at.0.saturating_sub_unsigned(now.0);
        PageMark {
            conditions: self.board.mark(now),
            office,
            bundle: self.office.bundle_at,
            doubtful: best.quality != Quality::Trusted,
            ahead: ahead_ms.div_euclid(CLOCK_STEP_MS),
            date: utc_offset.civil(best.at).0,
            utc_offset,
        }
    }

    pub(super) fn utc_offset(&self) -> UtcOffset {
        self.office.bundle.as_ref().map_or(self.settings.utc_offset, |bundle| bundle.utc_offset)
    }

    fn conditions(&self) -> Vec<Condition> {
        self.board.shown(self.clock.mono())
    }

    pub(super) fn page(&self, best: &BestTime, (offline, backlog): (bool, u64)) -> PageState {
        let utc_offset = self.utc_offset();
        let (date, _) = utc_offset.civil(best.at);
        let bundle = self.office.bundle.as_deref();
        let rules = bundle.and_then(|bundle| bundle.rules.on(date));
        PageState {
            site: bundle.map(|bundle| bundle.site.clone()).unwrap_or_default(),
            terminal: self.settings.name.clone(),
            phone: self.settings.phone.clone(),
            english_first: self.settings.language == PageLanguage::English,
            clock: Some(PageClock { best: best.at, read: self.clock.mono(), doubtful: best.quality != Quality::Trusted, utc_offset }),
            checkpoints: rules.map(|rules| rules.checkpoints.clone()).unwrap_or_default(),
            day: bundle.map(|bundle| bundle.calendar.day(date)),
            offline_since: if offline { self.uplink.standing().unreachable_since } else { None },
            backlog,
            conditions: self.conditions(),
        }
    }

    /// The terminal at this moment, as a batch or heartbeat states it.
    pub(super) fn terminal_state(&mut self) -> TerminalState {
        let now = self.now();
        let owed = self.journals.iter().find_map(|view| view.owed);
        let clock = owed.or_else(|| self.core.oldest_waiting()).unwrap_or(now);
        let journals = self.journals.iter().map(|view| JournalState { journal: view.journal, sequence: view.last, head: view.head });
        TerminalState {
            clock,
            journals: journals.collect(),
            backlog: self.uplink.standing().backlog,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            conditions: self.conditions(),
            bundle: self.office.bundle_tag.clone(),
        }
    }

    /// Everything, for a technician.
    pub(super) fn status(&mut self) -> Status {
        let reading = self.now();
        let best = self.keeper.best_now(self.clock.read());
        let offset = self.utc_offset();
        let open = self.journals.last().filter(|_| self.journal_available);
        let standing = self.uplink.standing();
        let journals = self.journals.iter().map(|view| JournalStatus {
            journal: view.journal,
            sequence: view.last,
            first: view.first,
            acknowledged: view.acknowledged,
            open: view.open,
            damage: self.damage(view.journal),
        });
        let paired = self.office.link.as_ref().map(Link::pairing);
        Status {
            terminal: paired.map(|pairing| pairing.terminal.clone()).or_else(|| self.settings.id.clone()),
            journal: open.map(|view| view.journal),
            sequence: open.map_or(Sequence::ZERO, |view| view.last),
            acknowledged: open.map_or(Sequence::ZERO, |view| view.acknowledged),
            backlog: standing.backlog,
            clock: ClockStatus {
                reading,
                raw: offset.rfc3339(reading.wall),
                best: offset.rfc3339(best.at),
                office_offset_ms: self.keeper.office_offset_ms(),
            },
            journals: journals.collect(),
            readers: self.readers.status(),
            conditions: self.conditions().into_iter().map(with_words).collect(),
            office: OfficeStatus {
                url: paired.map(|pairing| pairing.url.clone()),
                reachable: standing.reachable,
                last_exchange: self.office.last_exchange.map(|at| offset.rfc3339(at)),
                last_error: self.last_error(),
                bundle: self.office.bundle_tag.clone(),
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Kiosk {
    /// Why the last exchange failed; else why the last download did.
    fn last_error(&self) -> String {
        let failure = self.uplink.standing().failure.as_ref().map(failure_text);
        failure.unwrap_or(&self.office.download_failure).to_owned()
    }

    /// What is wrong with a journal's file; empty where nothing is.
    fn damage(&self, journal: JournalId) -> String {
        let (subject, raised) = (journal.to_string(), self.conditions());
        let found = raised.into_iter().find(|condition| condition.code == Code::JournalDamaged && condition.subject == subject);
        found.map(|condition| format!("{}: {}", condition.code.code(), condition.detail)).unwrap_or_default()
    }
}

fn with_words(condition: Condition) -> ConditionStatus {
    let ((title_zh, title_en), (remedy_zh, remedy_en)) = (condition.code.title(), condition.code.remedy());
    ConditionStatus {
        severity: condition.code.severity(),
        title: [title_zh.to_owned(), title_en.to_owned()],
        remedy: [remedy_zh.to_owned(), remedy_en.to_owned()],
        condition,
    }
}
