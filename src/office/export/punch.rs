//! Punches as CSV and as a table: 原始打卡.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::grid::Grid;
use super::{Csv, words};
use crate::domain::id::StaffNo;
use crate::domain::time::{UtcOffset, Wall, WorkDate};
use crate::office::day::{Basis, DayError, DaySheet, PersonLine, civil_second};
use crate::office::matching::Whose;
use crate::office::store::FeedItem;

/// A punch that came later than this was taken while the terminal was offline, in milliseconds.
const OFFLINE_MS: i64 = 60_000;
const HEAD: [&str; 14] = [
    "记录号",
    "终端号",
    "终端序号",
    "工号",
    "姓名",
    "派驻部门",
    "打卡时间",
    "方式",
    "凭据",
    "班点",
    "初判",
    "离线",
    "时间依据",
    "上传时间",
];

/// A punch with what it was taken for.
#[derive(Debug)]
pub struct PunchLine<'a> {
    /// The punch.
    pub item: &'a FeedItem,
    /// The department of its person.
    pub department: String,
    /// The checkpoint's name; 其他打卡记录 for one that counts for none; empty for nobody's.
    pub checkpoint: String,
    /// What was concluded.
    pub outcome: String,
}

/// What the punches of some days were taken for.
///
/// # Errors
/// When there are no rules.
pub fn lines<'a>(basis: &Basis, items: &'a [FeedItem], as_of: Wall) -> Result<Vec<PunchLine<'a>>, DayError> {
    let mut days: BTreeMap<WorkDate, Vec<FeedItem>> = BTreeMap::new();
    for item in items {
        days.entry(item.day).or_default().push(item.clone());
    }
    let judged = |(date, items): (&WorkDate, &Vec<FeedItem>)| basis.sheet(*date, items, as_of).map(|sheet| (*date, sheet));
    let sheets: BTreeMap<WorkDate, DaySheet> = days.iter().map(judged).collect::<Result<_, DayError>>()?;
    let people: BTreeMap<(WorkDate, &StaffNo), &PersonLine> =
        sheets.values().flat_map(|sheet| sheet.people.iter().map(|person| ((sheet.date, &person.staff_no), person))).collect();
    let line = |item: &'a FeedItem| {
        let Whose::Person(staff_no) = &item.whose else {
            return PunchLine { item, department: String::new(), checkpoint: String::new(), outcome: String::new() };
        };
        let at = civil_second(&basis.site, item.punch.best.at);
        let person = people.get(&(item.day, staff_no));
        let counted = person.and_then(|person| person.counted_as(&at)).and_then(|(place, line)| {
            let head = sheets.get(&item.day)?.checkpoints.get(place)?;
            Some((head.name.zh.clone(), words::outcome_of_punch(line)))
        });
        let (checkpoint, outcome) = counted.unwrap_or_else(|| ("其他打卡记录".to_owned(), String::new()));
        PunchLine { item, department: person.map(|person| person.department.clone()).unwrap_or_default(), checkpoint, outcome }
    };
    Ok(items.iter().map(line).collect())
}

/// The punches as CSV.
pub fn csv(lines: &[PunchLine<'_>], offset: UtcOffset) -> Vec<u8> {
    let mut csv = Csv::with_head(&HEAD);
    for line in lines {
        let punch = &line.item.punch;
        let late = line.item.received_at.millis_since(punch.clock.wall) > OFFLINE_MS;
        csv.row(&[
            format!("{}/{}", punch.key.journal, punch.key.sequence),
            punch.key.terminal.to_string(),
            punch.key.sequence.to_string(),
            staff_no(line.item),
            line.item.name.clone().filter(|_| matches!(line.item.whose, Whose::Person(_))).unwrap_or_default(),
            line.department.clone(),
            plain_time(offset, punch.best.at),
            words::credential_kind(punch.credential.kind()).to_owned(),
            punch.credential.to_string(),
            line.checkpoint.clone(),
            line.outcome.clone(),
            if late { "是" } else { "否" }.to_owned(),
            words::quality(punch.best.quality).to_owned(),
            plain_time(offset, line.item.received_at),
        ]);
    }
    csv.finish()
}

/// The punches as a table for people.
///
/// # Errors
/// When it cannot be written.
pub fn table(lines: &[PunchLine<'_>], offset: UtcOffset, out: &mut dyn Write) -> io::Result<()> {
    let mut grid = Grid::with_head(&["打卡时间", "工号", "姓名", "派驻部门", "班点", "初判", "终端号", "凭据", "时间依据"]);
    for line in lines {
        let punch = &line.item.punch;
        let name = match (&line.item.whose, &line.item.name) {
            (Whose::Person(_), Some(name)) => name.clone(),
            (Whose::Disabled(_), Some(name)) => format!("（原 {name}）"),
            (Whose::Unknown, _) | (Whose::Person(_) | Whose::Disabled(_), None) => "未登记".to_owned(),
        };
        grid.row(&[
            plain_time(offset, punch.best.at),
            staff_no(line.item),
            name,
            line.department.clone(),
            line.checkpoint.clone(),
            line.outcome.clone(),
            punch.key.terminal.to_string(),
            punch.credential.shown(),
            words::quality(punch.best.quality).to_owned(),
        ]);
    }
    grid.write(0, out)
}

fn staff_no(item: &FeedItem) -> String {
    match &item.whose {
        Whose::Person(staff_no) => staff_no.to_string(),
        Whose::Disabled(_) | Whose::Unknown => String::new(),
    }
}

/// `2026-11-23 08:21:04`, as spreadsheets read it.
fn plain_time(offset: UtcOffset, at: Wall) -> String {
    let text = offset.rfc3339(at);
    format!("{} {}", text.get(..10).unwrap_or_default(), words::clock_time(&text))
}
