//! What the office gave the kiosk to know: roster, rules, calendar, and today's punches of other terminals.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::calendar::DayKind;
use crate::domain::credential::Credential;
use crate::domain::id::{ReaderName, StaffNo};
use crate::domain::person::Person;
use crate::domain::roster::Match;
use crate::domain::rules::Rules;
use crate::domain::time::{ClockTime, UtcOffset, Wall, WorkDate};
use crate::health::Code;
use crate::machine::feedback::{Feedback, Reason, State};
use crate::wire::bundle::{Bundle, Elsewhere, ElsewherePunch};

/// From how many days before its last known day a calendar asks for the next one: 15 November for 28 December.
const CALENDAR_ENDS_DAYS: i64 = 43;

#[derive(Debug)]
pub(super) struct Site {
    configured_offset: UtcOffset,
    bundle: Option<Arc<Bundle>>,
    elsewhere: Option<Arc<Elsewhere>>,
    same_names: BTreeSet<String>,
}

impl Site {
    pub(super) const fn new(configured_offset: UtcOffset) -> Self {
        Self { configured_offset, bundle: None, elsewhere: None, same_names: BTreeSet::new() }
    }

    pub(super) fn bundle(&mut self, bundle: Arc<Bundle>) {
        let mut seen = BTreeSet::new();
        let names = bundle.roster.people.values().map(|person| &person.name);
        self.same_names = names.filter(|name| !seen.insert(*name)).cloned().collect();
        self.bundle = Some(bundle);
    }

    pub(super) fn elsewhere(&mut self, elsewhere: Arc<Elsewhere>) {
        self.elsewhere = Some(elsewhere);
    }

    /// The bundle, once there is one with people in it.
    pub(super) fn with_people(&self) -> Option<&Bundle> {
        self.bundle.as_deref().filter(|bundle| !bundle.roster.people.is_empty())
    }

    pub(super) fn rules_on(&self, date: WorkDate) -> Option<&Rules> {
        self.bundle.as_deref()?.rules.on(date)
    }

    pub(super) fn day(&self, date: WorkDate) -> DayKind {
        self.bundle.as_deref().map_or(DayKind::Unknown, |bundle| bundle.calendar.day(date))
    }

    pub(super) fn whose(&self, reader: &ReaderName, credential: &Credential, date: WorkDate) -> Match<'_> {
        self.bundle.as_deref().map_or(Match::Unknown, |bundle| bundle.roster.find(&bundle.terminal, reader, credential, date))
    }

    /// The department, where another person has the same name.
    pub(super) fn department_if_needed(&self, person: &Person) -> Option<String> {
        self.same_names.contains(&person.name).then(|| person.department.clone())
    }

    /// A person's punches of a day at other terminals.
    pub(super) fn punches_elsewhere(&self, staff_no: &StaffNo, date: WorkDate) -> impl Iterator<Item = &ElsewherePunch> {
        let here = self.bundle.as_deref().map(|bundle| &bundle.terminal);
        let all = self.elsewhere.iter().filter(move |elsewhere| elsewhere.date == Some(date)).flat_map(|elsewhere| &elsewhere.punches);
        all.filter(move |punch| punch.staff_no == *staff_no && here != Some(&punch.key.terminal))
    }

    pub(super) fn civil(&self, at: Wall) -> (WorkDate, ClockTime) {
        self.offset().civil(at)
    }

    pub(super) fn rfc3339(&self, at: Wall) -> String {
        self.offset().rfc3339(at)
    }

    /// What the page says while nobody is there: the next checkpoint, or why there is none.
    pub(super) fn idle(&self, at: Wall) -> Feedback {
        let (date, time) = self.civil(at);
        let idle = Feedback::of(State::Idle);
        if self.with_people().is_none() {
            return Feedback { reason: Some(Reason::NoRoster), ..idle };
        }
        let Some(rules) = self.rules_on(date) else {
            return Feedback { reason: Some(Reason::NoRules), ..idle };
        };
        match self.day(date).is_workday() {
            Some(true) => {
                let next = rules.checkpoints.iter().find(|checkpoint| time < checkpoint.home_to);
                Feedback { checkpoint: next.map(|next| next.id.0.clone()), due: next.map(|next| next.due.hh_mm()), ..idle }
            }
            Some(false) => Feedback { reason: Some(Reason::RestDay), ..idle },
            None => Feedback { reason: Some(Reason::CalendarUnknown), ..idle },
        }
    }

    pub(super) fn conditions(&self, today: WorkDate) -> impl Iterator<Item = (Code, String)> {
        let differs = self.bundle.as_deref().filter(|bundle| bundle.utc_offset != self.configured_offset);
        let differs = differs
            .map(|bundle| (Code::OffsetDiffers, format!("configured {}, the office's {}", self.configured_offset, bundle.utc_offset)));
        let no_roster = self.with_people().is_none().then(|| (Code::NoRoster, String::new()));
        let last = self.bundle.as_deref().and_then(|bundle| bundle.calendar.known_through());
        let ends = last.filter(|last| last.signed_duration_since(today).num_days() <= CALENDAR_ENDS_DAYS);
        let ends = ends.map(|last| (Code::CalendarEnds, format!("known through {last}")));
        [differs, no_roster, ends].into_iter().flatten()
    }

    fn offset(&self) -> UtcOffset {
        self.bundle.as_deref().map_or(self.configured_offset, |bundle| bundle.utc_offset)
    }
}
