//! Laws 1, 2, 5 and 6 over any order of events.

use proptest::prelude::*;

use super::*;
use crate::domain::estimate::best_time;

/// One step of a played life.
#[derive(Debug, Clone)]
enum Step {
    Tap(usize),
    Finger(bool),
    Commit,
    Fail,
    Available,
    Unavailable,
    Fact,
    Sync(i64),
    Bundle,
    Office(u64),
    Reader(bool),
    Pass(u64),
    SetClock(i64, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4_usize).prop_map(Step::Tap),
        2 => any::<bool>().prop_map(Step::Finger),
        8 => Just(Step::Commit),
        1 => Just(Step::Fail),
        2 => Just(Step::Available),
        1 => Just(Step::Unavailable),
        1 => Just(Step::Fact),
        1 => (-40_000_000_000_i64..40_000_000_000).prop_map(Step::Sync),
        1 => Just(Step::Bundle),
        1 => (0..9_u64).prop_map(Step::Office),
        1 => any::<bool>().prop_map(Step::Reader),
        2 => (0..40_000_000_u64).prop_map(Step::Pass),
        1 => (-40_000_000_000_i64..40_000_000_000, any::<bool>()).prop_map(|(by, trusted)| Step::SetClock(by, trusted)),
    ];
    prop::collection::vec(step, 1..120)
}

/// What the oracle counts.
#[derive(Debug, Default)]
struct Books {
    reads: usize,
    answers: usize,
    credentials_lost: usize,
    facts: Vec<Body>,
    available: bool,
}

proptest! {
    #[test]
    fn every_read_leads_to_one_append_and_one_feedback_with_a_sequence_if_and_only_if_it_is_durable(steps in steps()) {
        let mut kiosk = Kiosk::new();
        kiosk.now.wall = Wall(1_795_000_000_000);
        let mut books = Books::default();
        for step in steps {
            play(&mut kiosk, &mut books, &step)?;
        }
        kiosk.open();
        kiosk.pass(2_000);
        while !kiosk.appends.is_empty() {
            commit(&mut kiosk, &mut books)?;
            kiosk.pass(2_000);
            kiosk.told.clear();
        }
        prop_assert_eq!(books.reads, books.answers);
        prop_assert_eq!(books.reads, kiosk.signals.len());
        prop_assert_eq!(books.credentials_lost, kiosk.reopened.len());
        let facts: Vec<Body> = kiosk.entries.iter().filter(|entry| is_fact(entry)).map(|entry| entry.body.clone()).collect();
        prop_assert_eq!(facts, books.facts);
    }
}

fn play(kiosk: &mut Kiosk, books: &mut Books, step: &Step) -> Result<(), TestCaseError> {
    kiosk.told.clear();
    match *step {
        Step::Tap(which) => {
            let badge: Credential = [BADGE, OTHER, STRANGER, "finger:7"][which].parse().unwrap();
            read(kiosk, books, "badge", Reading::Credential(badge))?;
        }
        Step::Finger(matched_nobody) => {
            read(kiosk, books, "finger", if matched_nobody { Reading::NoMatch } else { Reading::NotRead })?;
        }
        Step::Commit if !kiosk.appends.is_empty() => commit(kiosk, books)?,
        Step::Fail if !kiosk.appends.is_empty() => {
            let (_, draft) = kiosk.appends[0].clone();
            kiosk.fail();
            if !matches!(draft.body, Body::ClockStep { .. } | Body::Sync { .. }) {
                not_recorded(kiosk, books, matches!(draft.body, Body::Punch { .. }))?;
            }
        }
        Step::Commit | Step::Fail => {}
        Step::Available => (books.available, ()) = (true, kiosk.open()),
        Step::Unavailable => (books.available, ()) = (false, kiosk.event(Event::JournalUnavailable { why: String::new() })),
        Step::Fact => fact(kiosk, books, Body::ClockStep { step_ms: 600 }),
        Step::Sync(by) => {
            let wall = kiosk.now.wall.plus_millis(by);
            fact(kiosk, books, Body::Sync { wall, uncertainty_ms: 20, source: TimeSource::Office });
        }
        Step::Bundle => kiosk.event(Event::Bundle(bundle())),
        Step::Office(backlog) => kiosk.event(Event::Office { offline: backlog > 4, backlog }),
        Step::Reader(connected) => kiosk.event(Event::Reader { reader: reader("badge"), connected }),
        Step::Pass(millis) => kiosk.pass(millis),
        Step::SetClock(by, trusted) => {
            kiosk.now.wall = kiosk.now.wall.plus_millis(by);
            kiosk.now.trust = if trusted { Trust::Synced } else { Trust::Unset };
        }
    }
    let standing = kiosk.told.iter().filter(|feedback| feedback.state == State::Idle || feedback.state == State::Fault);
    prop_assert!(standing.into_iter().all(|feedback| feedback.sequence.is_none()));
    Ok(())
}

fn read(kiosk: &mut Kiosk, books: &mut Books, name: &str, reading: Reading) -> Result<(), TestCaseError> {
    books.reads += 1;
    let (appends, is_credential) = (presentations(kiosk), matches!(reading, Reading::Credential(_)));
    kiosk.event(Event::Read { reader: reader(name), reading, at: kiosk.now.mono });
    if books.available {
        prop_assert_eq!(presentations(kiosk), appends + 1);
        prop_assert!(answers(kiosk).is_empty(), "nothing before the commit");
        return Ok(());
    }
    prop_assert_eq!(presentations(kiosk), appends);
    not_recorded(kiosk, books, is_credential)
}

fn not_recorded(kiosk: &Kiosk, books: &mut Books, is_credential: bool) -> Result<(), TestCaseError> {
    let [feedback] = answers(kiosk)[..] else {
        return Err(TestCaseError::fail("one answer"));
    };
    prop_assert_eq!((feedback.state, feedback.sequence, feedback.journal), (State::NotRecorded, None, None));
    books.answers += 1;
    books.credentials_lost += usize::from(is_credential);
    Ok(())
}

/// Law 1, and law 6: what is told of its time is what the office will compute from the same entries.
fn commit(kiosk: &mut Kiosk, books: &mut Books) -> Result<(), TestCaseError> {
    kiosk.told.clear();
    kiosk.commit();
    let entry = kiosk.entries.last().unwrap();
    if is_fact(entry) {
        prop_assert!(answers(kiosk).is_empty());
        return Ok(());
    }
    let [feedback] = answers(kiosk)[..] else {
        return Err(TestCaseError::fail("one answer"));
    };
    prop_assert_eq!((feedback.journal, feedback.sequence), (Some(entry.journal), Some(entry.sequence)));
    let best = best_time(&entry.clock, &office_moments(kiosk));
    prop_assert_eq!(feedback.at.clone(), Some(UtcOffset::china().rfc3339(best.at)));
    prop_assert_eq!(feedback.at_doubtful, best.quality != Quality::Trusted);
    books.answers += 1;
    Ok(())
}

fn fact(kiosk: &mut Kiosk, books: &mut Books, body: Body) {
    books.facts.push(body.clone());
    kiosk.event(Event::Record(body));
}

fn office_moments(kiosk: &Kiosk) -> Vec<TrustedMoment> {
    let moment = |entry: &Entry| {
        let Body::Sync { wall, uncertainty_ms, .. } = entry.body else { return None };
        Some(TrustedMoment { boot: entry.clock.boot, mono: entry.clock.mono, wall, uncertainty_ms })
    };
    kiosk.entries.iter().filter_map(moment).collect()
}

fn answers(kiosk: &Kiosk) -> Vec<&Feedback> {
    let of_nobody = [State::Idle, State::Fault, State::Maintenance];
    kiosk.told.iter().filter(|feedback| !of_nobody.contains(&feedback.state)).collect()
}

fn presentations(kiosk: &Kiosk) -> usize {
    kiosk.appends.iter().filter(|(_, draft)| matches!(draft.body, Body::Punch { .. } | Body::Attempt { .. })).count()
}

fn is_fact(entry: &Entry) -> bool {
    matches!(entry.body, Body::ClockStep { .. } | Body::Sync { .. })
}
