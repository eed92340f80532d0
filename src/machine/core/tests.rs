//! A played kiosk: the world's journal is a list, its office a bundle.

mod laws;

use std::collections::BTreeMap;

use super::*;
use crate::domain::calendar::{Announced, AnnouncedDay, Calendar};
use crate::domain::credential::card_number;
use crate::domain::id::{BootId, EntryHash, EntryKey, JournalId, Sequence, StaffNo};
use crate::domain::person::{Person, PostClass};
use crate::domain::roster::{Binding, Claim, Roster};
use crate::domain::rules::{Checkpoint, CheckpointId, Direction, HalfDay, RuleBook, Rules};
use crate::domain::time::{Trust, Wall, WorkDate};
use crate::machine::feedback::LiveOutcome;
use crate::wire::bundle::ElsewherePunch;
use crate::wire::entry::TimeSource;

const BADGE: &str = "em4100:67003B51C6";
const OTHER: &str = "em4100:67003BA86C";
const STRANGER: &str = "em4100:6F007B3972";

#[test]
fn green_comes_after_the_commit_and_says_whose_and_which_checkpoint() {
    let mut kiosk = Kiosk::ready();
    kiosk.tap_at("2026-11-23T08:21:37+08:00", BADGE);
    assert!(kiosk.told.is_empty(), "nothing is shown before the journal has it");
    kiosk.commit();
    let feedback = kiosk.told.remove(0);
    assert_eq!((feedback.state, feedback.outcome, feedback.minutes), (State::Recorded, Some(LiveOutcome::OnTime), 0));
    assert_eq!((feedback.sequence, feedback.name.as_deref()), (Some(Sequence(1)), Some("甲·乙")));
    assert_eq!(feedback.checkpoint.as_deref(), Some("morning_in"));
    assert_eq!((feedback.at.as_deref(), feedback.at_doubtful), (Some("2026-11-23T08:21:37+08:00"), false));
    assert_eq!(feedback.today.iter().map(|one| one.at.as_deref()).collect::<Vec<_>>(), [Some("08:21"), None, None, None]);
    assert_eq!(kiosk.signals, [Signal::Recorded]);
}

#[test]
fn while_the_disk_stalls_the_page_shows_a_fault_and_green_only_after_the_commit() {
    let is_told = |kiosk: &Kiosk| kiosk.core.conditions(kiosk.now).iter().any(|told| told.code == Code::JournalUnavailable);
    let mut kiosk = Kiosk::ready();
    kiosk.tap_at("2026-11-23T08:21:37+08:00", BADGE);
    kiosk.pass(STALL_MS - 1);
    assert!(kiosk.told.is_empty() && !is_told(&kiosk), "{:?}", kiosk.told);
    kiosk.pass(1);
    let fault = kiosk.told.remove(0);
    assert_eq!((fault.state, fault.sequence, fault.reader), (State::Fault, None, None));
    assert!(is_told(&kiosk));
    kiosk.tap_at("2026-11-23T08:21:39+08:00", OTHER);
    kiosk.pass(2_000);
    assert!(kiosk.told.is_empty() && kiosk.appends.len() == 2, "both still wait: {:?}", kiosk.told);
    kiosk.commit();
    kiosk.commit();
    assert_eq!(kiosk.told.iter().map(|told| told.sequence).collect::<Vec<_>>(), [Some(Sequence(1)), Some(Sequence(2))]);
    assert!(!is_told(&kiosk));
    kiosk.pass(10_000);
    assert_eq!(kiosk.told.last().map(|told| told.state), Some(State::Idle));
}

#[test]
fn while_a_reading_is_on_its_way_nothing_is_stated_about_later_moments() {
    let mut kiosk = Kiosk::ready();
    let read = Wall::parse_rfc3339("2026-11-23T08:21:37+08:00").unwrap();
    kiosk.tap_at("2026-11-23T08:21:37+08:00", BADGE);
    kiosk.tap_at("2026-11-23T08:21:40+08:00", "em4100:67003BA86C");
    assert_eq!(kiosk.core.oldest_waiting().map(|clock| clock.wall), Some(read));
    kiosk.commit();
    assert!(kiosk.core.oldest_waiting().is_some_and(|clock| clock.wall > read));
    kiosk.commit();
    assert_eq!(kiosk.core.oldest_waiting(), None);
}

#[test]
fn a_day_is_told_as_it_goes() {
    let mut kiosk = Kiosk::ready();
    let expected = [
        ("08:28:10", State::Recorded, Some(LiveOutcome::Late), 3, "morning_in"),
        ("08:40:00", State::Already, None, 0, "morning_in"),
        ("11:46:00", State::Recorded, Some(LiveOutcome::BeforeDue), 0, "morning_out"),
        ("11:52:00", State::Recorded, Some(LiveOutcome::OnTime), 0, "morning_out"),
        ("13:20:00", State::Recorded, Some(LiveOutcome::OnTime), 0, "afternoon_in"),
        ("15:05:00", State::OffHours, None, 0, ""),
        ("17:03:00", State::Recorded, Some(LiveOutcome::OnTime), 0, "afternoon_out"),
    ];
    for (time, state, outcome, minutes, checkpoint) in expected {
        let feedback = kiosk.tap(&format!("2026-11-23T{time}+08:00"), BADGE);
        assert_eq!((feedback.state, feedback.outcome, feedback.minutes), (state, outcome, minutes), "{time}");
        assert_eq!(feedback.checkpoint.unwrap_or_default(), checkpoint, "{time}");
    }
}

#[test]
fn a_lone_lunch_tap_is_told_by_when_to_tap_again() {
    let feedback = Kiosk::ready().tap("2026-11-23T12:10:00+08:00", BADGE);
    assert_eq!((feedback.reason, feedback.due.as_deref()), (Some(Reason::TapAgainAfterLunch), Some("13:25")));
}

#[test]
fn nobody_is_refused_whatever_the_day_and_the_card() {
    let mut kiosk = Kiosk::ready();
    for (at, badge, state, reason) in [
        ("2026-11-22T08:20:00+08:00", BADGE, State::OffHours, Some(Reason::RestDay)),
        ("2027-03-01T08:20:00+08:00", BADGE, State::OffHours, Some(Reason::CalendarUnknown)),
        ("2026-11-23T08:20:00+08:00", STRANGER, State::Unknown, None),
        ("2026-10-12T08:20:00+08:00", OTHER, State::OffHours, Some(Reason::BeforePost)),
        ("2026-12-23T08:20:00+08:00", OTHER, State::Disabled, None),
    ] {
        let feedback = kiosk.tap(at, badge);
        assert_eq!((feedback.state, feedback.reason), (state, reason), "{at} {badge}");
        assert!(feedback.sequence.is_some());
        assert_eq!(feedback.name.is_some(), matches!(state, State::OffHours), "no name for a card that is nobody's or over");
    }
    assert_eq!(kiosk.entries.len(), 5);
}

#[test]
fn without_a_roster_a_tap_is_recorded_and_matched_once_the_roster_comes() {
    let mut kiosk = Kiosk::new();
    kiosk.open();
    let feedback = kiosk.tap("2026-11-23T08:20:00+08:00", BADGE);
    assert_eq!((feedback.state, feedback.reason, feedback.sequence), (State::Unknown, Some(Reason::NoRoster), Some(Sequence(1))));
    kiosk.event(Event::Bundle(bundle()));
    assert_eq!(kiosk.tap("2026-11-23T08:22:00+08:00", BADGE).state, State::Already);
}

#[test]
fn a_store_that_fails_says_so_at_once_and_lets_the_next_frame_try_again() {
    let mut kiosk = Kiosk::ready();
    kiosk.tap_at("2026-11-23T08:20:00+08:00", BADGE);
    kiosk.fail();
    assert_eq!((kiosk.told[0].state, kiosk.told[0].sequence), (State::NotRecorded, None));
    assert_eq!((kiosk.signals.as_slice(), kiosk.reopened.len()), ([Signal::NotRecorded].as_slice(), 1));

    kiosk.event(Event::JournalUnavailable { why: "No space left on device".to_owned() });
    kiosk.told.clear();
    kiosk.tap_at("2026-11-23T08:20:02+08:00", BADGE);
    assert!(kiosk.appends.is_empty());
    assert_eq!((kiosk.told[0].state, kiosk.reopened.len()), (State::NotRecorded, 2));
    assert_eq!(kiosk.core.standing(kiosk.now).state, State::Fault);
    assert_eq!(kiosk.core.conditions(kiosk.now)[0].detail, "No space left on device");

    kiosk.open();
    assert_eq!(kiosk.core.standing(kiosk.now).state, State::Idle);
    assert_eq!(kiosk.tap("2026-11-23T08:20:04+08:00", BADGE).state, State::Recorded);
}

#[test]
fn the_kiosks_own_facts_wait_for_the_journal_in_order() {
    let mut kiosk = Kiosk::new();
    let facts = [Body::Boot { version: "1.0.0".to_owned() }, Body::ClockStep { step_ms: 900 }, Body::Settings { digest: "00".to_owned() }];
    for fact in &facts {
        kiosk.event(Event::Record(fact.clone()));
    }
    assert!(kiosk.appends.is_empty());
    kiosk.open();
    kiosk.fail();
    assert!(kiosk.appends.is_empty(), "not again at once");
    let retry = kiosk.core.poll_timeout().unwrap();
    kiosk.pass_until(retry);
    while !kiosk.appends.is_empty() {
        kiosk.commit();
    }
    assert_eq!(kiosk.entries.iter().map(|entry| entry.body.clone()).collect::<Vec<_>>(), facts);
    assert!(kiosk.told.iter().all(|feedback| feedback.sequence.is_none()));
}

#[test]
fn a_boot_in_1970_is_put_right_by_a_trusted_moment() {
    let mut kiosk = Kiosk::ready();
    kiosk.now = ClockReading { wall: Wall(60_000), trust: Trust::Unset, ..kiosk.now };
    let feedback = kiosk.tap_now(BADGE);
    assert_eq!((feedback.state, feedback.at_doubtful), (State::Unknown, true), "in 1970 the card was nobody's");
    let true_wall = Wall::parse_rfc3339("2026-11-23T08:26:00+08:00").unwrap();
    kiosk.event(Event::Record(Body::Sync { wall: true_wall, uncertainty_ms: 20, source: TimeSource::Office }));
    kiosk.commit();
    kiosk.pass(600_000);
    let again = kiosk.tap_now(BADGE);
    assert_eq!((again.state, again.at.as_deref()), (State::Already, Some("2026-11-23T08:36:00+08:00")));
    assert_eq!((again.at_doubtful, again.today[0].at.as_deref()), (true, Some("08:26")));
}

#[test]
fn a_doubtful_time_calls_nobody_late() {
    let mut kiosk = Kiosk::ready();
    kiosk.now = ClockReading { wall: Wall::parse_rfc3339("2026-11-23T08:40:00+08:00").unwrap(), trust: Trust::Unset, ..kiosk.now };
    let feedback = kiosk.tap_now(BADGE);
    assert_eq!((feedback.state, feedback.outcome, feedback.minutes), (State::Recorded, None, 0));
}

#[test]
fn the_reads_own_moment_counts_not_that_of_its_handling() {
    let mut kiosk = Kiosk::ready();
    kiosk.set("2026-11-23T08:26:00.400+08:00");
    let at = Mono(kiosk.now.mono.0 - 500);
    kiosk.event(Event::Read { reader: reader("badge"), reading: Reading::Credential(BADGE.parse().unwrap()), at });
    kiosk.commit();
    assert_eq!((kiosk.told[0].outcome, kiosk.told[0].at.as_deref()), (Some(LiveOutcome::OnTime), Some("2026-11-23T08:25:59.900+08:00")));
}

#[test]
fn a_tap_in_another_hall_is_known_here() {
    let mut kiosk = Kiosk::ready();
    let key = EntryKey { terminal: "west-hall-1".parse().unwrap(), journal: JournalId([9; 16]), sequence: Sequence(4) };
    let at = Wall::parse_rfc3339("2026-11-23T08:15:00+08:00").unwrap();
    let punches = vec![ElsewherePunch { key, staff_no: "ZC0101".parse().unwrap(), at }];
    kiosk.event(Event::Elsewhere(Arc::new(Elsewhere { version: 1, date: Some(date(11, 23)), punches })));
    let feedback = kiosk.tap("2026-11-23T08:20:00+08:00", BADGE);
    assert_eq!((feedback.state, feedback.today[0].at.as_deref()), (State::Already, Some("08:15")));
}

#[test]
fn after_a_restart_the_day_so_far_comes_from_the_journal() {
    let mut before = Kiosk::ready();
    before.tap("2026-11-23T08:20:00+08:00", BADGE);
    let mut after = Kiosk::new();
    after.entries = before.entries;
    after.event(Event::Bundle(bundle()));
    after.open();
    assert_eq!(after.tap("2026-11-23T08:24:00+08:00", BADGE).state, State::Already);
}

#[test]
fn fingers_that_fail_are_journalled_and_counted_per_reader() {
    let mut kiosk = Kiosk::ready();
    kiosk.set("2026-11-23T08:20:00+08:00");
    for (reading, tries, reason) in [(Reading::NotRead, 1, Reason::NotRead), (Reading::NoMatch, 2, Reason::NoMatch)] {
        kiosk.event(Event::Read { reader: reader("finger"), reading, at: kiosk.now.mono });
        kiosk.commit();
        let feedback = kiosk.told.remove(0);
        assert_eq!((feedback.state, feedback.tries, feedback.reason), (State::Retry, tries, Some(reason)));
        assert!(feedback.sequence.is_some());
    }
    assert_eq!(kiosk.signals, [Signal::Retry, Signal::Retry]);
    kiosk.pass(TRIES_FORGOTTEN_MS);
    kiosk.event(Event::Read { reader: reader("finger"), reading: Reading::NotRead, at: kiosk.now.mono });
    kiosk.commit();
    assert_eq!(kiosk.told.pop().map(|feedback| feedback.tries), Some(1), "somebody else's first");
}

#[test]
fn a_reader_pulled_and_put_back_does_not_flash_and_one_that_stays_away_is_named() {
    let mut kiosk = Kiosk::ready();
    kiosk.told.clear();
    for connected in [false, true] {
        kiosk.event(Event::Reader { reader: reader("badge"), connected });
        kiosk.pass(300);
    }
    kiosk.pass(5_000);
    assert!(kiosk.told.is_empty());
    kiosk.event(Event::Reader { reader: reader("badge"), connected: false });
    kiosk.pass(1_000);
    assert_eq!(
        kiosk.told.iter().map(|feedback| (feedback.state, feedback.reader.clone())).collect::<Vec<_>>(),
        [(State::Fault, Some(reader("badge")))]
    );
    kiosk.event(Event::Reader { reader: reader("badge"), connected: true });
    assert_eq!(kiosk.told.pop().map(|feedback| feedback.state), Some(State::Idle));
}

#[test]
fn news_of_the_office_does_not_wipe_a_result_from_the_screen() {
    let mut kiosk = Kiosk::ready();
    kiosk.tap("2026-11-23T08:20:00+08:00", BADGE);
    kiosk.event(Event::Office { offline: true, backlog: 1 });
    kiosk.pass(2_900);
    assert!(kiosk.told.is_empty());
    kiosk.pass(200);
    assert_eq!(
        kiosk.told.iter().map(|feedback| (feedback.state, feedback.offline, feedback.backlog)).collect::<Vec<_>>(),
        [(State::Idle, true, 1)]
    );
    let feedback = kiosk.tap("2026-11-23T08:24:00+08:00", BADGE);
    assert_eq!((feedback.offline, feedback.backlog), (true, 1));
}

#[test]
fn maintenance_is_shown_and_taps_are_recorded_meanwhile() {
    let mut kiosk = Kiosk::ready();
    kiosk.event(Event::Maintenance(true));
    assert_eq!(kiosk.told.pop().map(|feedback| feedback.state), Some(State::Maintenance));
    assert_eq!(kiosk.tap("2026-11-23T08:20:00+08:00", BADGE).state, State::Recorded);
    assert_eq!(kiosk.core.standing(kiosk.now), Feedback { replay: true, ..kiosk.core.stands(kiosk.now) });
    assert_eq!(kiosk.core.standing(kiosk.now).state, State::Maintenance);
}

#[test]
fn the_idle_page_names_the_next_checkpoint() {
    let mut kiosk = Kiosk::ready();
    for (time, checkpoint, due) in [
        ("07:00", Some("morning_in"), Some("08:25")),
        ("10:00", Some("morning_out"), Some("11:50")),
        ("16:30", Some("afternoon_out"), Some("17:00")),
    ] {
        kiosk.set(&format!("2026-11-23T{time}:00+08:00"));
        let idle = kiosk.core.standing(kiosk.now);
        assert_eq!((idle.checkpoint.as_deref(), idle.due.as_deref()), (checkpoint, due));
    }
}

#[test]
fn what_is_wrong_with_the_offices_gifts_is_a_condition() {
    let mut kiosk = Kiosk::new();
    kiosk.set("2026-11-23T08:00:00+08:00");
    let codes = |kiosk: &Kiosk| kiosk.core.conditions(kiosk.now).into_iter().map(|condition| condition.code).collect::<Vec<_>>();
    assert_eq!(codes(&kiosk), [Code::NoRoster]);
    kiosk.event(Event::Bundle(Arc::new(Bundle { utc_offset: "+06:00".parse().unwrap(), ..bundle().as_ref().clone() })));
    assert_eq!(codes(&kiosk), [Code::OffsetDiffers, Code::CalendarEnds]);
}

/// A kiosk in a world where the journal obeys the test.
pub(super) struct Kiosk {
    pub(super) core: Core,
    pub(super) now: Now,
    pub(super) appends: VecDeque<(Ticket, Draft)>,
    pub(super) entries: Vec<Entry>,
    pub(super) told: Vec<Feedback>,
    pub(super) signals: Vec<Signal>,
    pub(super) reopened: Vec<Credential>,
}

impl Kiosk {
    pub(super) fn new() -> Self {
        let clock = ClockReading { wall: Wall(0), mono: Mono(50_000), boot: BootId([1; 16]), trust: Trust::Synced, uncertainty_ms: 20 };
        let core = Core::new(Settings { utc_offset: UtcOffset::china() });
        Self { core, now: clock, appends: VecDeque::new(), entries: vec![], told: vec![], signals: vec![], reopened: vec![] }
    }

    fn ready() -> Self {
        let mut kiosk = Self::new();
        kiosk.set("2026-11-23T08:00:00+08:00");
        kiosk.event(Event::Bundle(bundle()));
        kiosk.open();
        kiosk.told.clear();
        kiosk
    }

    pub(super) fn open(&mut self) {
        self.event(Event::JournalAvailable { recent: self.entries.clone() });
    }

    pub(super) fn event(&mut self, event: Event) {
        self.core.handle(self.now, event);
        self.drain();
    }

    pub(super) fn pass(&mut self, millis: u64) {
        let until = self.now.mono.plus_millis(millis);
        while let Some(at) = self.core.poll_timeout().filter(|at| *at <= until) {
            self.pass_until(at.max(self.now.mono));
        }
        self.pass_until(until);
    }

    fn pass_until(&mut self, mono: Mono) {
        let millis = i64::try_from(mono.millis_since(self.now.mono)).unwrap();
        self.now = ClockReading { wall: self.now.wall.plus_millis(millis), mono, ..self.now };
        self.core.handle_timeout(self.now);
        self.drain();
    }

    pub(super) fn commit(&mut self) {
        let (ticket, draft) = self.appends.pop_front().expect("an append");
        let sequence = Sequence(u64::try_from(self.entries.len()).unwrap() + 1);
        let Draft { clock, body, origin } = draft;
        self.entries.push(Entry { journal: JournalId([7; 16]), sequence, previous: EntryHash::NONE, clock, body, origin });
        let stored = Stored { journal: JournalId([7; 16]), sequence, text: String::new(), hash: EntryHash::NONE };
        self.event(Event::Appended { ticket, stored });
    }

    pub(super) fn fail(&mut self) {
        let (ticket, _) = self.appends.pop_front().expect("an append");
        self.event(Event::NotAppended { ticket, why: "No space left on device".to_owned() });
    }

    fn set(&mut self, at: &str) {
        let wall = Wall::parse_rfc3339(at).unwrap();
        self.now = ClockReading { wall, mono: self.now.mono.plus_millis(60_000), ..self.now };
        self.core.handle_timeout(self.now);
        self.drain();
    }

    fn tap_at(&mut self, at: &str, badge: &str) {
        self.set(at);
        self.event(Event::Read { reader: reader("badge"), reading: Reading::Credential(badge.parse().unwrap()), at: self.now.mono });
    }

    fn tap(&mut self, at: &str, badge: &str) -> Feedback {
        self.set(at);
        self.tap_now(badge)
    }

    fn tap_now(&mut self, badge: &str) -> Feedback {
        self.told.clear();
        self.event(Event::Read { reader: reader("badge"), reading: Reading::Credential(badge.parse().unwrap()), at: self.now.mono });
        self.commit();
        let feedback = self.told.remove(0);
        assert!(self.told.is_empty(), "one answer to one tap");
        feedback
    }

    fn drain(&mut self) {
        while let Some(action) = self.core.poll_action() {
            match action {
                Action::Append { ticket, draft } => self.appends.push_back((ticket, draft)),
                Action::Feedback(feedback) => self.told.push(feedback),
                Action::Signal { signal, .. } => self.signals.push(signal),
                Action::Reopen { credential, .. } => self.reopened.push(credential),
            }
        }
    }
}

pub(super) fn reader(name: &str) -> ReaderName {
    name.parse().unwrap()
}

fn date(month: u32, day: u32) -> WorkDate {
    WorkDate::from_ymd_opt(2026, month, day).unwrap()
}

pub(super) fn bundle() -> Arc<Bundle> {
    let mut roster = Roster::default();
    for (staff_no, name, card, on_post_from, exit) in
        [("ZC0101", "甲·乙", BADGE, None, None), ("ZC0102", "丙丁", OTHER, Some(date(11, 1)), Some(date(11, 30)))]
    {
        let staff_no: StaffNo = staff_no.parse().unwrap();
        roster.people.insert(staff_no.clone(), person(staff_no.clone(), name, on_post_from, exit));
        let claim = Claim::Card(card_number(card).unwrap());
        roster.bindings.push(Binding { staff_no, claim, from: Some(date(1, 1)), until: None });
    }
    let new_year = AnnouncedDay { kind: Announced::Holiday, name: "元旦".to_owned() };
    Arc::new(Bundle {
        version: 1,
        terminal: "east-hall-1".parse().unwrap(),
        site: "示例中心".to_owned(),
        utc_offset: UtcOffset::china(),
        roster,
        rules: RuleBook { versions: vec![rules()] },
        calendar: Calendar { announced: BTreeMap::from([(date(1, 1), new_year)]) },
    })
}

fn person(staff_no: StaffNo, name: &str, on_post_from: Option<WorkDate>, exit: Option<WorkDate>) -> Person {
    Person {
        staff_no,
        name: name.to_owned(),
        name_pinyin: String::new(),
        department: "示例部门".to_owned(),
        window: String::new(),
        post_class: PostClass::Window,
        head: false,
        employment: String::new(),
        joined: date(1, 1),
        on_post_from,
        exit,
        order: (0, 0),
        note: String::new(),
    }
}

fn rules() -> Rules {
    let checkpoint = |id: &str, half_day, direction, times: [&str; 6], post_by: Option<&str>| {
        let [due, opens, closes, home_from, home_to, work_at] = times.map(|time| time.parse().unwrap());
        let post_by = post_by.map(|time| time.parse().unwrap());
        Checkpoint { id: CheckpointId(id.to_owned()), half_day, direction, due, opens, closes, home_from, home_to, work_at, post_by }
    };
    Rules {
        version: "1".to_owned(),
        document: "示例".to_owned(),
        valid_from: date(1, 1),
        utc_offset: UtcOffset::china(),
        grace: 0,
        minimum_gap: 5,
        light_early_leave: 10,
        severe_after: 30,
        checkpoints: vec![
            checkpoint(
                "morning_in",
                HalfDay::Morning,
                Direction::In,
                ["08:25", "06:00", "09:26", "06:00", "09:26", "08:30"],
                Some("08:20"),
            ),
            checkpoint("morning_out", HalfDay::Morning, Direction::Out, ["11:50", "10:50", "13:25", "10:50", "12:40", "11:50"], None),
            checkpoint(
                "afternoon_in",
                HalfDay::Afternoon,
                Direction::In,
                ["13:25", "12:00", "14:26", "12:40", "14:26", "13:30"],
                Some("13:20"),
            ),
            checkpoint("afternoon_out", HalfDay::Afternoon, Direction::Out, ["17:00", "16:00", "24:00", "16:00", "24:00", "17:00"], None),
        ],
    }
}
