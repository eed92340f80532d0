//! The feed of punches: what a reader sees, and sees again.

use std::collections::{BTreeMap, BTreeSet};

use punchd::domain::credential::card_number;
use punchd::domain::estimate::Quality;
use punchd::domain::id::JournalId;
use punchd::domain::person::{Person, PostClass};
use punchd::domain::punch::Origin;
use punchd::domain::roster::{Binding, Claim};
use punchd::domain::time::{Trust, UtcOffset, WorkDate};
use punchd::office::day::day_sheet;
use punchd::office::matching::Whose;
use punchd::office::store::{BindingId, Fact, FeedItem, PunchQuery, Site, SiteId};
use punchd::wire::canonical;
use punchd::wire::entry::{Body, Draft, Stored, TimeSource};

use super::desk::{Desk, Kiosk, wall};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_appears_behind_a_cursor_and_a_cursor_at_the_end_stays_where_it_is() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(5, "em4100:67003B51C6");
    desk.send(&kiosk, 1, 6).await;
    let first = desk.store().feed_after(SiteId::FIRST, None, 3).await.unwrap();
    let rest = desk.store().feed_after(SiteId::FIRST, Some(first.next.clone()), 3).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len()), (3, 2));
    let end = desk.store().feed_after(SiteId::FIRST, Some(rest.next.clone()), 3).await.unwrap();
    assert_eq!((end.items.len(), &end.next), (0, &rest.next));
    let sequences: Vec<u64> = first.items.iter().chain(&rest.items).map(|item| item.punch.key.sequence.0).collect();
    assert_eq!(sequences, [2, 3, 4, 5, 6]);
    assert_eq!(rest.next.to_string().parse(), Ok(rest.next));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_punch_comes_again_when_its_person_becomes_known_and_when_that_is_taken_back() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punch("em4100:67003B51C6");
    kiosk.punch("em4100:67003BA86C");
    desk.send(&kiosk, 1, 3).await;
    let before = desk.store().feed_after(SiteId::FIRST, None, 10).await.unwrap();
    assert!(before.items.iter().all(|item| item.whose == Whose::Unknown && item.name.is_none()));
    assert_eq!(desk.store().unknown_credentials(SiteId::FIRST).await.unwrap().len(), 2);
    let binding = give_card(&desk, "ZC0101", "0003887558").await;
    let again = desk.store().feed_after(SiteId::FIRST, Some(before.next), 10).await.unwrap();
    let [known] = again.items.as_slice() else { panic!("one punch comes again") };
    assert_eq!((known.whose.staff_no().unwrap().as_str(), known.name.as_deref()), ("ZC0101", Some("张三")));
    assert_eq!(known.punch.key.sequence.0, 2);
    assert_eq!(desk.store().unknown_credentials(SiteId::FIRST).await.unwrap().len(), 1);
    let withdrawn = vec![Fact::BindingWithdrawn(binding)];
    assert_eq!(desk.store().add_facts(SiteId::FIRST, withdrawn, "test".to_owned(), desk.clock.wall()).await.unwrap().reissued, 1);
    let taken_back = desk.store().feed_after(SiteId::FIRST, Some(again.next), 10).await.unwrap();
    assert_eq!(taken_back.items.iter().map(|item| item.whose.clone()).collect::<Vec<_>>(), [Whose::Unknown]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_becomes_known_later_in_the_boot_is_given_again() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    let true_time = kiosk.clock.wall;
    kiosk.clock.trust = Trust::Unset;
    kiosk.clock.wall = wall("1970-01-01T00:01:00Z");
    kiosk.punch("em4100:67003B51C6");
    desk.send(&kiosk, 1, 2).await;
    let before = desk.store().feed_after(SiteId::FIRST, None, 10).await.unwrap();
    assert_eq!(before.items[0].punch.best.quality, Quality::Suspect);
    let now = true_time.plus_millis(2_000);
    kiosk.append(Body::Sync { wall: now, uncertainty_ms: 10, source: TimeSource::Office });
    desk.send(&kiosk, 3, 3).await;
    let again = desk.store().feed_after(SiteId::FIRST, Some(before.next), 10).await.unwrap();
    let best = again.items[0].punch.best;
    assert_eq!((again.items.len(), best.quality, best.at), (1, Quality::Estimated, true_time.plus_millis(1_000)));
    assert_eq!(again.items[0].day, day(23));
    assert_eq!(again.items[0].punch.clock.wall, wall("1970-01-01T00:01:01Z"), "the raw time stays");
    assert_eq!(on(&desk, 23).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_done_twice_changes_nothing() {
    let desk = Desk::open().await;
    let people = || vec![Fact::Person(person("ZC0101", "张三")), Fact::Person(person("ZC0102", "李四"))];
    let add = async |facts| desk.store().add_facts(SiteId::FIRST, facts, "test".to_owned(), desk.clock.wall()).await.unwrap();
    assert_eq!(add(people()).await.added, 2);
    assert_eq!(add(people()).await.added, 0);
    let mut moved = person("ZC0102", "李四");
    moved.department = "税务".to_owned();
    assert_eq!(add(vec![Fact::Person(moved)]).await.added, 1);
    let roster = desk.store().roster(SiteId::FIRST).await.unwrap();
    assert_eq!(roster.people.values().map(|person| person.department.as_str()).collect::<Vec<_>>(), ["公安", "税务"]);
    let page = desk.store().feed_after(SiteId::FIRST, None, 10).await.unwrap();
    assert!(page.items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn punches_of_a_day_follow_the_sites_civil_time_even_when_that_is_corrected() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.clock.wall = wall("2026-11-23T00:30:00+08:00");
    kiosk.punch("em4100:67003B51C6");
    desk.send(&kiosk, 1, 2).await;
    assert_eq!((on(&desk, 22).await.len(), on(&desk, 23).await.len()), (0, 1));
    let site = Site { id: SiteId::FIRST, name: "示例中心".to_owned(), utc_offset: "+06:00".parse::<UtcOffset>().unwrap() };
    desk.store().ensure_site(site).await.unwrap();
    assert_eq!((on(&desk, 22).await.len(), on(&desk, 23).await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn touched_punches_come_again_as_they_are() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punch("em4100:67003B51C6");
    kiosk.punch("em4100:67003BA86C");
    desk.send(&kiosk, 1, 3).await;
    let all = desk.store().feed_after(SiteId::FIRST, None, 10).await.unwrap();
    let first = all.items[0].punch.clone();
    assert_eq!(desk.store().touch(SiteId::FIRST, vec![first.key.clone()]).await.unwrap(), 1);
    let again = desk.store().feed_after(SiteId::FIRST, Some(all.next), 10).await.unwrap();
    assert_eq!(again.items.iter().map(|item| item.punch.clone()).collect::<Vec<_>>(), [first]);
    let versions: BTreeMap<u64, u64> = on(&desk, 23).await.iter().map(|item| (item.punch.key.sequence.0, item.version)).collect();
    assert_eq!(versions, BTreeMap::from([(2, 3), (3, 2)]), "each punch stands in the feed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_card_is_nobodys_and_says_whose_it_was() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    give_card(&desk, "ZC0101", "67003B51C6").await;
    let (id, mut binding) = desk.store().bindings(SiteId::FIRST).await.unwrap().remove(0);
    binding.until = Some(day(20));
    desk.store()
        .add_facts(SiteId::FIRST, vec![Fact::Binding { id: Some(id), binding }], "test".to_owned(), desk.clock.wall())
        .await
        .unwrap();
    kiosk.punch("em4100:67003B51C6");
    desk.send(&kiosk, 1, 2).await;
    let unknown = desk.store().unknown_credentials(SiteId::FIRST).await.unwrap();
    assert_eq!(unknown[0].formerly.as_ref().unwrap().as_str(), "ZC0101");
    assert!(matches!(on(&desk, 23).await[0].whose, Whose::Disabled(_)));
    let query = PunchQuery { first: day(23), last: day(23), staff_no: Some("ZC0101".parse().unwrap()) };
    assert!(desk.store().punches(SiteId::FIRST, query).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_and_its_copies_held_by_an_office_set_back_count_once_and_another_at_that_place_counts_too() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    give_card(&desk, "ZC0101", "0003887558").await;
    kiosk.punches(3, "em4100:67003B51C6");
    // Entries 2 to 4 again in two further journals; in the second of them also one that another machine wrote at place 4.
    let mut journals = [[8; 16], [9; 16]].map(|journal| again(&kiosk, JournalId(journal), 2..=4));
    let mut other = Kiosk::new("hall-1", 1);
    other.punches(2, "em4100:67003B51C6");
    other.punch("em4100:67003BA86C");
    copy(&mut journals[1], &other.entries[3]);
    desk.send(&kiosk, 1, 3).await;
    for copies in &journals {
        desk.send(copies, 1, copies.last().0).await;
    }
    let counted = on(&desk, 23).await;
    let mut places: Vec<(JournalId, u64)> = counted.iter().map(|item| (item.punch.key.journal, item.punch.key.sequence.0)).collect();
    places.sort_unstable();
    let (own, first, second) = (kiosk.journal, JournalId([8; 16]), JournalId([9; 16]));
    assert_eq!(places, [(own, 2), (own, 3), (first, 4), (second, 5)], "the entry itself before its copies, and one of the copies alone");
    let fed = desk.store().feed_after(SiteId::FIRST, None, 100).await.unwrap().items;
    let records: BTreeSet<_> = fed.iter().map(|item| (item.record.journal, item.record.sequence, item.record.hash)).collect();
    assert_eq!((fed.len(), records.len()), (9, 4), "who follows the feed can tell");
    let sheet = day_sheet(desk.store(), SiteId::FIRST, day(23), wall("2026-11-23T12:00:00+08:00")).await.unwrap();
    let line = &sheet.people[0].day;
    let used = line.checkpoints.iter().filter(|line| line.counted.is_some()).count() + line.surplus.len();
    assert_eq!((used, sheet.unknown_punches), (3, 1));
}

/// The same kiosk with a new journal in which some of its entries stand again.
fn again(kiosk: &Kiosk, journal: JournalId, places: std::ops::RangeInclusive<usize>) -> Kiosk {
    let mut healed = Kiosk::new(kiosk.terminal.as_str(), 1);
    (healed.journal, healed.clock.boot) = (journal, kiosk.clock.boot);
    healed.entries.clear();
    healed.append(Body::Opened { predecessor: None, version: "0.1.0".to_owned() });
    for place in places {
        copy(&mut healed, &kiosk.entries[place - 1]);
    }
    healed
}

fn copy(healed: &mut Kiosk, stored: &Stored) {
    let entry = canonical::open(&stored.text).unwrap();
    let origin = Origin { journal: stored.journal, sequence: stored.sequence, hash: stored.hash };
    let draft = Draft { clock: entry.clock, body: entry.body, origin: Some(origin) };
    let (at, previous) = (healed.last().next(), healed.entries.last().unwrap().hash);
    healed.entries.push(canonical::seal(draft, healed.journal, at, previous).unwrap());
}

async fn on(desk: &Desk, number: u32) -> Vec<FeedItem> {
    desk.store().punches(SiteId::FIRST, PunchQuery { first: day(number), last: day(number), staff_no: None }).await.unwrap()
}

fn day(number: u32) -> WorkDate {
    WorkDate::from_ymd_opt(2026, 11, number).unwrap()
}

/// A person who has the card from the beginning.
pub(super) async fn give_card(desk: &Desk, staff_no: &str, card: &str) -> BindingId {
    let claim = Claim::Card(card_number(card).unwrap());
    let binding = Binding { staff_no: staff_no.parse().unwrap(), claim, from: None, until: None };
    let facts = vec![Fact::Person(person(staff_no, "张三")), Fact::Binding { id: None, binding }];
    desk.store().add_facts(SiteId::FIRST, facts, "test".to_owned(), desk.clock.wall()).await.unwrap().bindings[0]
}

pub(super) fn person(staff_no: &str, name: &str) -> Person {
    Person {
        staff_no: staff_no.parse().unwrap(),
        name: name.to_owned(),
        name_pinyin: String::new(),
        department: "公安".to_owned(),
        window: String::new(),
        post_class: PostClass::Window,
        head: false,
        employment: String::new(),
        joined: day(1),
        on_post_from: None,
        exit: None,
        order: (0, 0),
        note: "不外传".to_owned(),
    }
}
