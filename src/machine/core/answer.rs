//! The answer to a tap that is durable: whose it is, which checkpoint it counts for, the person's day so far. It is provisional; the office judges.

use super::site::Site;
use super::today::{Tap, Today};
use crate::domain::estimate::Quality;
use crate::domain::fact::DayFacts;
use crate::domain::id::EntryKey;
use crate::domain::judge::{DayInput, DayPunch, LiveAnswer, LiveStanding, live};
use crate::domain::person::{Person, Standing};
use crate::domain::roster::Match;
use crate::domain::time::ClockTime;
use crate::machine::feedback::{Feedback, LiveOutcome, Reason, State, TodayBox};
use crate::reader::Signal;
use crate::wire::bundle::Bundle;

/// Remembers the tap and says what it did.
pub(super) fn answer(today: &mut Today, site: &Site, tap: Tap) -> (Feedback, Signal) {
    let tap = today.add(tap, site).clone();
    let durable = Feedback {
        journal: Some(tap.journal),
        sequence: Some(tap.sequence),
        at: Some(site.rfc3339(tap.best.at)),
        at_doubtful: tap.best.quality != Quality::Trusted,
        ..Feedback::of(State::Unknown)
    };
    let Some(bundle) = site.with_people() else {
        return (Feedback { reason: Some(Reason::NoRoster), ..durable }, Signal::Unknown);
    };
    match site.whose(&tap.reader, &tap.credential, tap.date) {
        Match::Unknown => (durable, Signal::Unknown),
        Match::Disabled(_) => (Feedback { state: State::Disabled, ..durable }, Signal::Unknown),
        Match::Person(person, standing) => {
            let named = Feedback { name: Some(person.name.clone()), department: site.department_if_needed(person), ..durable };
            (judged(today, site, bundle, &tap, (person, standing), named), Signal::Recorded)
        }
    }
}

fn judged(today: &Today, site: &Site, bundle: &Bundle, tap: &Tap, (person, standing): (&Person, Standing), named: Feedback) -> Feedback {
    let Some(rules) = site.rules_on(tap.date) else {
        return Feedback { state: State::OffHours, reason: Some(Reason::NoRules), ..named };
    };
    let here = today.of(&person.staff_no, tap.date).into_iter().map(|tap| day_punch(site, bundle, tap));
    let elsewhere = site.punches_elsewhere(&person.staff_no, tap.date);
    let elsewhere = elsewhere.map(|punch| DayPunch { time: site.civil(punch.at).1, quality: Quality::Trusted, key: punch.key.clone() });
    let punches: Vec<DayPunch> = here.chain(elsewhere).collect();
    let input = DayInput {
        date: tap.date,
        rules,
        day: &site.day(tap.date),
        standing,
        post_class: person.post_class,
        punches: &punches,
        adrift: &[],
        facts: DayFacts::NONE,
        complete_through: None,
        as_of: tap.best.at,
    };
    let (answer, boxes) = live(&input, &day_punch(site, bundle, tap));
    let today =
        boxes.into_iter().map(|(checkpoint, at)| TodayBox { checkpoint: checkpoint.id.0.clone(), at: at.map(ClockTime::hh_mm) }).collect();
    Feedback { today, ..put(answer, named) }
}

fn put(answer: LiveAnswer<'_>, named: Feedback) -> Feedback {
    let off_hours = |reason| Feedback { state: State::OffHours, reason: Some(reason), ..named.clone() };
    match answer {
        LiveAnswer::Counted { checkpoint, due, standing, tap_again } => {
            let (outcome, minutes) = match standing {
                LiveStanding::OnTime => (Some(LiveOutcome::OnTime), 0),
                LiveStanding::Late(minutes) => (Some(LiveOutcome::Late), minutes),
                LiveStanding::BeforeDue => (Some(LiveOutcome::BeforeDue), 0),
                LiveStanding::Recorded => (None, 0),
            };
            let (reason, due) = tap_again.map_or((None, due), |(_, by)| (Some(Reason::TapAgainAfterLunch), by));
            Feedback {
                state: State::Recorded,
                checkpoint: Some(checkpoint.id.0.clone()),
                outcome,
                minutes,
                due: Some(due.hh_mm()),
                reason,
                ..named
            }
        }
        LiveAnswer::Already(checkpoint) => Feedback { state: State::Already, checkpoint: Some(checkpoint.id.0.clone()), ..named },
        LiveAnswer::OffHours => off_hours(Reason::OutsideWindows),
        LiveAnswer::RestDay => off_hours(Reason::RestDay),
        LiveAnswer::BeforePost => off_hours(Reason::BeforePost),
        LiveAnswer::CalendarUnknown => off_hours(Reason::CalendarUnknown),
        LiveAnswer::Exited => Feedback { state: State::Disabled, name: None, department: None, ..named },
    }
}

fn day_punch(site: &Site, bundle: &Bundle, tap: &Tap) -> DayPunch {
    let key = EntryKey { terminal: bundle.terminal.clone(), journal: tap.journal, sequence: tap.sequence };
    DayPunch { time: site.civil(tap.best.at).1, quality: tap.best.quality, key }
}
