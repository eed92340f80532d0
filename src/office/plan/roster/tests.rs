//! The plan of an import on rosters in memory; applying it is played by adding its facts to them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::domain::credential::card_number;
use crate::office::export::roster::csv;
use crate::office::roster_file::read;

const HEADER: &str = "工号,姓名,派驻部门,岗位类别,卡号,进驻日期,退出日期,备注\n";
const CARDS: [&str; 6] = ["0003887558", "\"059,20934\"", "em4100:67003BA86C", "3C00CE754C", "0003909740", ""];

/// What an office holds, and how facts change it.
#[derive(Default)]
struct Office {
    roster: Roster,
    bindings: Vec<(BindingId, Binding)>,
}

impl Office {
    fn import(&mut self, rows: &str, day: u32) -> RosterReport {
        let file = read(format!("{HEADER}{rows}").as_bytes());
        let (report, facts) = plan(file, &self.roster, self.bindings.clone(), date(day));
        self.add(facts);
        report
    }

    fn add(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            match fact {
                Fact::Person(person) => drop(self.roster.people.insert(person.staff_no.clone(), person)),
                Fact::Binding { id: None, binding } => {
                    let id = BindingId(u32::try_from(self.bindings.len()).unwrap() + 1);
                    self.bindings.push((id, binding));
                }
                Fact::Binding { id: Some(id), binding } => self.bindings.iter_mut().find(|(known, _)| *known == id).unwrap().1 = binding,
                Fact::BindingWithdrawn(_) | Fact::Rules(_) | Fact::CalendarDay { .. } => panic!("not a roster's fact"),
            }
        }
        self.roster.bindings = self.bindings.iter().map(|(_, binding)| binding.clone()).collect();
    }

    fn held(&self) -> Vec<(String, Option<WorkDate>, Option<WorkDate>)> {
        let written = |binding: &Binding| format!("{} {}", binding.staff_no, Written(&binding.claim));
        self.bindings.iter().map(|(_, binding)| (written(binding), binding.from, binding.until)).collect()
    }
}

fn date(day: u32) -> WorkDate {
    WorkDate::from_ymd_opt(2026, 11, day).unwrap()
}

#[test]
fn importing_twice_changes_nothing_and_who_is_absent_stays() {
    let mut office = Office::default();
    let both = "0145,张三,税务局,窗口,0003887558,2026-01-05,,\nZC0101,李四,医保局,后台,,2026-01-05,,\n";
    let first = office.import(both, 20);
    assert_eq!((first.added.len(), first.cards_given.len(), first.absent), (2, 1, 0));
    assert_eq!(office.held(), [("0145 0003887558".to_owned(), None, None)]);
    let again = office.import(both, 23);
    assert_eq!((again.added.len(), again.changed.len(), again.unchanged, again.cards_given.len()), (0, 0, 2, 0));
    let one = office.import("0145,张三,医保局,窗口,0003887558,2026-01-05,,\n", 23);
    assert_eq!((one.changed[0].columns.as_slice(), one.absent), (["派驻部门"].as_slice(), 1));
    assert!(office.roster.people.contains_key(&"ZC0101".parse().unwrap()));
}

#[test]
fn another_card_holds_from_the_day_of_the_import_and_the_old_one_ends_with_it() {
    let mut office = Office::default();
    office.import("0145,张三,税务局,窗口,0003887558,2026-01-05,,\n", 20);
    let report = office.import("0145,张三,税务局,窗口,em4100:67003BA86C,2026-01-05,,\n", 23);
    assert_eq!(report.credentials_ended.iter().map(|end| end.credential.as_str()).collect::<Vec<_>>(), ["0003887558"]);
    let wanted = [("0145 0003887558".to_owned(), None, Some(date(23))), ("0145 em4100:67003BA86C".to_owned(), Some(date(23)), None)];
    assert_eq!(office.held(), wanted);
    let back = office.import("0145,张三,税务局,窗口,0003887558,2026-01-05,,\n", 23);
    assert_eq!((back.cards_given[0].from, back.credentials_ended.len()), (Some(date(24)), 1));
}

#[test]
fn the_same_card_in_another_printed_form_is_the_same_card() {
    let mut office = Office::default();
    office.import("0145,张三,税务局,窗口,0003887558,2026-01-05,,\n", 20);
    for form in ["\"059,20934\"", "03887558", "67003B51C6"] {
        let report = office.import(&format!("0145,张三,税务局,窗口,{form},2026-01-05,,\n"), 23);
        assert_eq!((report.cards_given.len(), report.problems.len()), (0, 0), "{form}");
    }
}

#[test]
fn a_card_of_somebody_else_is_refused_by_line_and_owner_and_nothing_is_added() {
    let mut office = Office::default();
    office.import("0145,张三,税务局,窗口,0003887558,2026-01-05,,\n", 20);
    let report = office.import("0200,新人,税务局,窗口,,2026-01-05,,\n0300,又一人,税务局,窗口,\"059,20934\",2026-01-05,,\n", 23);
    assert_eq!((report.problems.len(), report.problems[0].line), (1, 3));
    assert!(report.problems[0].zh.contains("0145") && report.problems[0].en.contains("0145"));
    assert_eq!((office.roster.people.len(), office.bindings.len()), (1, 1));
}

#[test]
fn an_exit_ends_every_credential_and_the_card_may_go_to_another_from_the_day_after() {
    let mut office = Office::default();
    office.import("0145,张三,税务局,窗口,0003887558,2026-01-05,,\n", 2);
    let leaves = "0145,张三,税务局,窗口,0003887558,2026-01-05,2026-11-10,\n";
    let report = office.import(leaves, 12);
    assert_eq!((report.credentials_ended.len(), report.cards_given.len()), (1, 0));
    assert_eq!(office.import(leaves, 13).credentials_ended.len(), 0);
    let heir = office.import("0200,李四,税务局,窗口,0003887558,2026-11-12,,\n", 13);
    assert_eq!((heir.problems.len(), heir.cards_given[0].from), (0, Some(date(11))));
}

#[test]
fn an_exit_that_is_put_off_without_naming_the_card_leaves_the_card_until_then() {
    let mut office = Office::default();
    office.import("0145,张三,税务局,窗口,0003887558,2026-01-05,2026-11-12,\n", 10);
    let report = office.import("0145,张三,税务局,窗口,,2026-01-05,2026-11-13,\n", 11);
    assert_eq!((report.problems.len(), report.cards_given[0].until), (0, Some(date(13))));
    let exported = read(&csv(&office.roster, date(11)));
    assert_eq!(plan(exported, &office.roster, office.bindings.clone(), date(11)).1, vec![]);
}

#[test]
fn what_a_file_has_no_column_for_stays() {
    let mut office = Office::default();
    office.import("0145,张三,税务局,窗口,,2026-01-05,2026-12-31,值班\n", 20);
    let file = read("工号,姓名,派驻部门,岗位类别,进驻日期\n0145,张三,税务局,窗口,2026-01-05\n".as_bytes());
    let (report, facts) = plan(file, &office.roster, office.bindings.clone(), date(23));
    assert_eq!((report.unchanged, facts), (1, vec![]));
}

proptest! {
    #[test]
    fn whatever_is_imported_again_or_exported_and_imported_changes_nothing(files in prop::collection::vec(prop::collection::vec((0..4_u32, 0..CARDS.len(), prop::option::of(1..28_u32)), 0..5), 1..4)) {
        let mut office = Office::default();
        for (day, rows) in (10..).zip(&files) {
            let mut text = String::new();
            for (who, card, exit) in rows {
                let exit = exit.map(|exit| date(exit).to_string()).unwrap_or_default();
                writeln!(text, "S{who},甲{who},税务局,窗口,{},2026-01-05,{exit},", CARDS[*card]).unwrap();
            }
            let report = office.import(&text, day);
            if report.problems.is_empty() {
                let again = plan(read(format!("{HEADER}{text}").as_bytes()), &office.roster, office.bindings.clone(), date(day)).1;
                prop_assert_eq!(again, vec![]);
            }
            let exported = read(&csv(&office.roster, date(day)));
            prop_assert_eq!(&exported.problems, &vec![]);
            prop_assert_eq!(plan(exported, &office.roster, office.bindings.clone(), date(day)).1, vec![]);
            for (place, (_, one)) in office.bindings.iter().enumerate() {
                prop_assert!(in_the_way(one, &office.bindings[..place]).is_none(), "{:?}", office.held());
            }
        }
    }
}

#[test]
fn cards_of_the_tests_are_cards() {
    assert!(CARDS.iter().filter(|card| !card.is_empty()).all(|card| card_number(card.trim_matches('"')).is_ok()));
}
