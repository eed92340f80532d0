//! Every finding in a table: facts, what is found in them, and words that must stand in it in both languages.

use std::collections::BTreeSet;

use super::*;

/// One row: which check of which facts gives which code, with parts of what is said, separated by `|`.
#[derive(Clone)]
pub(super) struct Row {
    check: &'static str,
    facts: Facts,
    code: Code,
    zh: &'static str,
    en: &'static str,
}

pub(super) fn row(check: &'static str, facts: Facts, code: Code, zh: &'static str, en: &'static str) -> Row {
    Row { check, facts, code, zh, en }
}

/// Facts of a daemon that answers and told this much.
pub(super) fn running(change: impl FnOnce(&mut Facts, &mut daemon::Standing)) -> Facts {
    let mut standing = daemon::Standing::default();
    let mut facts = Facts { daemon: daemon::Found::Answers { socket: "/run/punchd/kiosk.sock".to_owned() }, ..Facts::default() };
    change(&mut facts, &mut standing);
    facts.told.standing = Some(standing);
    facts
}

fn rows() -> Vec<Row> {
    let tables = [
        configuration::tests::rows(),
        daemon::tests::rows(),
        port::tests::rows(),
        clock::tests::rows(),
        storage::tests::rows(),
        journal::tests::rows(),
        identity::tests::rows(),
        office::tests::rows(),
        bundle::tests::rows(),
        page::tests::rows(),
        service::tests::rows(),
    ];
    tables.into_iter().flatten().collect()
}

#[test]
fn every_finding_says_what_was_found_and_what_to_do_in_both_languages() {
    for Row { check, facts, code, zh, en } in rows() {
        let findings = judge(&facts);
        let finding = findings.iter().find(|finding| finding.check == check);
        let Finding { code: found_code, found, remedy, .. } = finding.unwrap_or_else(|| panic!("no {check} in {findings:#?}"));
        assert_eq!(*found_code, code, "{check}: {found:?}");
        let wants_remedy = matches!(code.state(), State::Fault | State::Warning);
        assert_eq!(!remedy.zh.is_empty() && !remedy.en.is_empty(), wants_remedy, "{code:?}: {remedy:?}");
        let (said_zh, said_en) = (format!("{}\n{}", found.zh, remedy.zh), format!("{}\n{}", found.en, remedy.en));
        for (said, parts) in [(said_zh, zh), (said_en.clone(), en)] {
            for part in parts.split('|') {
                assert!(said.contains(part), "{code:?}: {part:?} is not in {said:?}");
            }
        }
        assert!(!said_en.chars().any(|letter| ('\u{3000}'..='\u{FFEF}').contains(&letter)), "{code:?}: hanzi in {said_en:?}");
        assert!(!found.zh.is_empty() && !found.zh.contains('\n') && !remedy.zh.contains('\n'), "{code:?}: {found:?}");
    }
}

#[test]
fn no_finding_is_untried_and_no_code_is_given_twice() {
    let tried: BTreeSet<Code> = rows().into_iter().map(|row| row.code).collect();
    let untried: Vec<Code> = Code::ALL.iter().copied().filter(|code| !tried.contains(code)).collect();
    assert!(untried.is_empty(), "{untried:?}");
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(names.len(), Code::ALL.len());
}

#[test]
fn the_checks_have_stable_names_in_the_order_of_asking() {
    let checks: Vec<String> = judge(&Facts::default()).into_iter().map(|finding| finding.check).collect();
    let stable = "configuration daemon readers clock data-directory disk journal store identity pairing office exchange bundle sound page \
                  browser service version";
    assert_eq!(checks.join(" "), stable);
}

#[test]
fn the_first_fault_chooses_the_class_and_the_last_line_counts() {
    let of = |code| Finding::new(("x", "某项", "it"), code, Text::default());
    assert_eq!(first_fault(&[of(Code::SoundFails), of(Code::DiskFull), of(Code::DaemonDown)]), Some(Class::Storage));
    assert_eq!(first_fault(&[of(Code::SoundFails), of(Code::SoundOff)]), None);
    for (codes, zh, en) in [
        (vec![Code::PageServed, Code::SoundOff], "一切正常（1 项）", "all is well (1 check)"),
        (vec![Code::SoundFails], "可以打卡，1 项需注意", "works, with 1 warning"),
        (vec![Code::DiskFull, Code::DaemonDown], "2 项故障；先处理：某项", "2 faults; first: it"),
        (vec![Code::DiskFull, Code::SoundFails, Code::BundleNone], "1 项故障，2 项需注意；先处理：某项", "1 fault, 2 warnings; first: it"),
    ] {
        let findings: Vec<Finding> = codes.into_iter().map(of).collect();
        assert_eq!(summary(&findings), Text::new(zh, en));
    }
}
