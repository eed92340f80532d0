//! A day's sheet as CSV and as a table.

use std::io::{self, Write};

use super::grid::Grid;
use super::{Csv, words};
use crate::domain::daysheet::CheckpointLine;
use crate::domain::judge::Column;
use crate::domain::rules::HalfDay;
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
        row.extend([surplus(person), why(sheet, person).join(" "), whole.to_owned()]);
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
            for sentence in why(sheet, person) {
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

/// The sentences of what is not plain, each once. A half-day of which nothing is known has one sentence, which accuses nobody.
pub fn why(sheet: &DaySheet, person: &PersonLine) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut tell = |sentence: &str| {
        if !told.iter().any(|known| known == sentence) {
            told.push(sentence.to_owned());
        }
    };
    for half in &person.day.half_days {
        let to_verify = half.column == Column::ToVerify.code();
        if to_verify {
            let name = match half.half_day {
                HalfDay::Morning => "上午",
                HalfDay::Afternoon => "下午",
            };
            tell(&format!("{name}未打卡、无请假记录（待核实）"));
        }
        let lines = person.day.checkpoints.iter().zip(&sheet.checkpoints).filter(|(_, head)| head.half_day == half.half_day);
        let spoken = lines.filter(|(line, _)| !(words::is_plain(line) || to_verify && line.counted.is_none()));
        spoken.for_each(|(line, _)| tell(&line.why.zh));
        half.marks.iter().for_each(|mark| tell(&mark.zh));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::day::tests::{basis, date, tap, terminal, wall};

    #[test]
    fn a_list_that_may_not_be_whole_says_so_above_everything() {
        let silent = terminal("hall-2", Some(wall("08:00")), false);
        let sheet = basis(&["0145"], vec![silent]).sheet(date(23), &[], wall("10:00")).unwrap();
        let text = table_of(&sheet);
        assert!(text.contains("数据可能不全") && text.contains("hall-2  完整至 / complete up to 2026-11-23T08:00:00+08:00"), "{text}");
        assert!(text.contains("待数据") && !text.contains("缺卡"), "{text}");
        assert!(String::from_utf8(csv(&sheet)).unwrap().trim_end().ends_with("\"数据可能不全\""));
    }

    #[test]
    fn a_half_day_without_anything_is_told_once_and_never_called_absence() {
        let basis = basis(&["0145", "0200"], vec![terminal("hall-1", None, true)]);
        let taps = [tap(1, "0200", "08:20:00"), tap(2, "0200", "11:52:00"), tap(3, "0200", "13:28:00"), tap(4, "0200", "17:01:00")];
        let text = table_of(&basis.sheet(date(23), &taps, wall("24:00")).unwrap());
        for part in ["0145 甲0145：上午未打卡、无请假记录（待核实）", "下午未打卡", "13:28 迟到 3 分", "迟"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('旷') && text.matches("甲0145：").count() == 2, "{text}");
    }

    #[test]
    fn a_formula_in_a_name_stays_text_in_the_csv() {
        let mut basis = basis(&["0145"], Vec::new());
        basis.roster.people.values_mut().for_each(|person| person.name = "=cmd|' /C calc'!A0".to_owned());
        let text = String::from_utf8(csv(&basis.sheet(date(23), &[], wall("08:00")).unwrap())).unwrap();
        assert!(text.starts_with('\u{FEFF}') && text.contains("\"0145\",\"'=cmd|' /C calc'!A0\""), "{text}");
        assert!(text.lines().count() == 2 && text.ends_with("\r\n"));
    }

    fn table_of(sheet: &DaySheet) -> String {
        let mut out = Vec::new();
        table(sheet, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}
