//! Who taps: a generated roster of invented people, their badges, and when they come and go.

use std::fmt::Write as _;

use punchd::domain::time::{ClockTime, UtcOffset, Wall, WorkDate};

use super::super::rig::badge;

const HEADER: &str = "工号,姓名,姓名拼音,派驻部门,窗口号,岗位类别,窗口负责人,身份类别,卡号,进驻日期,上岗日期,退出日期,部门序,人员序,备注";
const FAMILY: [(&str, &str); 10] = [
    ("林", "Lin"),
    ("周", "Zhou"),
    ("何", "He"),
    ("许", "Xu"),
    ("沈", "Shen"),
    ("韩", "Han"),
    ("唐", "Tang"),
    ("冯", "Feng"),
    ("邓", "Deng"),
    ("曹", "Cao"),
];
const GIVEN: [(&str, &str); 8] = [
    ("晓舟", "Xiaozhou"),
    ("明轩", "Mingxuan"),
    ("静姝", "Jingshu"),
    ("远航", "Yuanhang"),
    ("思齐", "Siqi"),
    ("若彤", "Ruotong"),
    ("子衿", "Zijin"),
    ("望舒", "Wangshu"),
];
/// Badges that no roster knows begin here.
const STRANGERS: u32 = 9_000_000;
/// When the first of everyone taps around each checkpoint: in, out, in, out.
pub(super) const ROUNDS: [(u32, u32); 4] = [(8, 5), (11, 50), (13, 5), (17, 0)];
/// In what time everyone has tapped, in milliseconds.
const ROUND_MS: u64 = 20 * 60_000;

/// The badge of somebody on the roster, by number from 1.
pub(super) fn own_badge(number: u32) -> [u8; 5] {
    badge(number).0
}

/// A badge that nobody knows.
pub(super) fn stranger(number: u32) -> [u8; 5] {
    badge(STRANGERS + number).0
}

/// How a badge is shown.
pub(super) fn shown(badge: [u8; 5]) -> String {
    format!("em4100:{}", badge.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}")))
}

/// The roster of so many people.
pub(super) fn roster(people: u32) -> String {
    let mut text = format!("{HEADER}\n");
    for number in 1..=people {
        let index = usize::try_from(number).unwrap();
        let ((family, family_latin), (given, given_latin)) = (FAMILY[index % FAMILY.len()], GIVEN[index / FAMILY.len() % GIVEN.len()]);
        let (department, place) = (number / 10 + 1, number % 10 + 1);
        let who = format!("SK{number:04},{family}{given},{family_latin} {given_latin},示例部门{department},W{number:03}");
        writeln!(text, "{who},窗口,否,事业,{number:010},2024-03-01,,,{department},{place},虚构").unwrap();
    }
    text
}

/// When the tap of a round is due that so many of `people` tapped before.
pub(super) fn due(date: WorkDate, round: usize, before: u32, people: u32) -> Wall {
    let (hour, minute) = ROUNDS[round];
    let offset_ms = ROUND_MS * u64::from(before) / u64::from(people.max(1));
    at(date, hour, minute).plus_millis(i64::try_from(offset_ms).unwrap())
}

/// A moment of civil time.
pub(super) fn at(date: WorkDate, hour: u32, minute: u32) -> Wall {
    UtcOffset::china().wall(date, ClockTime::hm(hour, minute).unwrap())
}

/// Which round a moment belongs to.
pub(super) fn round_of(moment: Wall) -> String {
    let (date, time) = UtcOffset::china().civil(moment);
    let round = ROUNDS.iter().filter(|(hour, minute)| ClockTime::hm(*hour, *minute).unwrap() <= time).count();
    format!("{date}#{round}")
}
