//! A day's sheet as CSV and as a table.

use std::io::{self, Write};

use super::grid::Grid;
use super::{Csv, words};
use crate::domain::daysheet::CheckpointLine;
use crate::office::day::{DaySheet, PersonLine};

/// The line without which a list accuses innocent people.
pub const MAY_BE_INCOMPLETE: &str = "数据可能不全";

/// The sheet as CSV, one row a person.
pub fn csv(sheet: &DaySheet) -> Vec<u8> {
    let mut head = vec!["日期".to_owned(), "派驻部门".to_owned(), "窗口号".to_owned(), "工号".to_owned(), "姓名".to_owned()];
    for checkpoint in &sheet.checkpoints {
        head.extend([format!("{}时间", checkpoint.name.zh), format!("{}结果", checkpoint.name.zh)]);
    }
    head.extend(["上午", "下午", "其他打卡记录", "说明", "数据"].map(str::to_owned));
    let mut csv = Csv::with_head(&head.iter().map(String::as_str).collect::<Vec<_>>());
    let whole = if sheet.incomplete.is_empty() { "" } else { MAY_BE_INCOMPLETE };
    for person in &sheet.people {
        let mut row = vec![
            sheet.date.to_string(),
            person.department.clone(),
            person.window.clone(),
            person.staff_no.to_string(),
            person.name.clone(),
        ];
        for line in &person.day.checkpoints {
            row.extend([time(line).to_owned(), words::outcome(line)]);
        }
        let mut marks: Vec<String> = person.day.half_days.iter().map(|half| half.mark.clone()).collect();
        marks.resize(2, String::new());
        row.extend(marks);
        row.extend([surplus(person), why(person).join(" "), whole.to_owned()]);
        csv.row(&row);
    }
    csv.finish()
}

/// The sheet as a table for people.
///
/// # Errors
/// When it cannot be written.
pub fn table(sheet: &DaySheet, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  当日考勤  {}  {} {}", sheet.site, sheet.date, words::day(&sheet.day), sheet.day_name)?;
    writeln!(out, "规则 {}（{}）  截至 {}  人员 {}", sheet.rules.version, sheet.rules.document, sheet.as_of, sheet.people.len())?;
    if !sheet.incomplete.is_empty() {
        writeln!(out, "! {MAY_BE_INCOMPLETE}，以下终端尚未上传完整 / these terminals have not sent everything yet:")?;
        for waited in &sheet.incomplete {
            let until = waited.complete_up_to.as_deref().unwrap_or("-");
            writeln!(out, "    {}  完整至 / complete up to {until}", waited.terminal)?;
        }
    }
    if sheet.unknown_punches > 0 {
        writeln!(out, "! 未对应到人的打卡 {} 条，见 punch-office credential list --unknown", sheet.unknown_punches)?;
    }
    for (department, people) in sheet.departments() {
        writeln!(out, "\n{department}")?;
        let mut head = vec!["工号", "姓名"];
        head.extend(sheet.checkpoints.iter().map(|checkpoint| checkpoint.name.zh.as_str()));
        head.extend(["半天", "其他打卡记录"]);
        let mut grid = Grid::with_head(&head);
        for person in &people {
            grid.row(&cells(person));
        }
        grid.write(2, out)?;
        for person in people {
            for sentence in why(person) {
                writeln!(out, "    {} {}：{sentence}", person.staff_no, person.name)?;
            }
        }
    }
    Ok(())
}

fn cells(person: &PersonLine) -> Vec<String> {
    let mut row = vec![person.staff_no.to_string(), person.name.clone()];
    row.extend(person.day.checkpoints.iter().map(|line| format!("{} {}", short(line), words::outcome(line)).trim().to_owned()));
    row.push(person.day.half_days.iter().map(|half| half.mark.as_str()).collect::<Vec<_>>().join(" "));
    row.push(surplus(person));
    row
}

fn time(line: &CheckpointLine) -> &str {
    line.counted.as_deref().map_or("", words::clock_time)
}

fn short(line: &CheckpointLine) -> &str {
    line.counted.as_deref().map_or("", words::short_time)
}

fn surplus(person: &PersonLine) -> String {
    person.day.surplus.iter().map(|at| words::clock_time(at)).collect::<Vec<_>>().join(" ")
}

/// The sentences of what is not plain, each once.
pub fn why(person: &PersonLine) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for line in person.day.checkpoints.iter().filter(|line| !words::is_plain(line)) {
        if !told.contains(&line.why.zh) {
            told.push(line.why.zh.clone());
        }
    }
    told
}
