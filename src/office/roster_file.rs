//! `roster.csv` as people, or everything that is wrong in it at once. Pure: bytes in, rows or problems out; nothing is half applied because nothing
//! is applied here.

use std::collections::BTreeMap;

use encoding_rs::{GB18030, UTF_8};
use icu_normalizer::ComposingNormalizer;

use crate::domain::credential::{bytes_in_common, card_number};
use crate::domain::id::StaffNo;
use crate::domain::person::{NAME_CHARS_MAX, Person, PostClass};
use crate::domain::time::WorkDate;

/// Most bytes of a roster file.
pub const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most rows.
pub const ROWS_MAX: usize = 20_000;
/// Most problems that are told of one file.
const PROBLEMS_MAX: usize = 1_000;

/// The columns in the order of an export, and whether each must be there.
pub const COLUMNS: [(&str, bool); 15] = [
    ("工号", true),
    ("姓名", true),
    ("姓名拼音", false),
    ("派驻部门", true),
    ("窗口号", false),
    ("岗位类别", true),
    ("窗口负责人", false),
    ("身份类别", false),
    ("卡号", false),
    ("进驻日期", true),
    ("上岗日期", false),
    ("退出日期", false),
    ("部门序", false),
    ("人员序", false),
    ("备注", false),
];

/// One good row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterRow {
    /// Its line in the file, the header being 1.
    pub line: u64,
    /// Who.
    pub person: Person,
    /// The low bytes that the printed card number knows.
    pub card: Option<Vec<u8>>,
}

/// Something wrong in one row, or worth a look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RowProblem {
    /// The line, the header being 1.
    pub line: u64,
    /// The column; empty for the whole row.
    pub column: String,
    /// What is wrong and what to do, Chinese.
    pub zh: String,
    /// The same, English.
    pub en: String,
}

/// A file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterFile {
    /// The rows, if nothing is wrong.
    pub rows: Vec<RosterRow>,
    /// What forbids the import.
    pub problems: Vec<RowProblem>,
    /// What is only worth a look: people of the same name in one department.
    pub notices: Vec<RowProblem>,
    /// The columns that the file has.
    pub columns: Vec<&'static str>,
}

/// Reads a whole file, UTF-8 (with or without a byte order mark) or GB 18030.
pub fn read(bytes: &[u8]) -> RosterFile {
    let mut file = RosterFile::default();
    let Some(text) = decode(bytes) else {
        file.problem(
            0,
            "",
            "文件编码不是 UTF-8 或 GB18030，请另存为 CSV UTF-8",
            "the file is neither UTF-8 nor GB 18030; save it as CSV UTF-8",
        );
        return file;
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            file.problem(1, "", &format!("无法读取表头：{error}"), &format!("the header cannot be read: {error}"));
            return file;
        }
    };
    let places = file.places(&header);
    file.columns = places.keys().copied().collect();
    if !file.problems.is_empty() {
        return file;
    }
    for record in reader.records().take(ROWS_MAX + 1) {
        match record {
            Ok(record) => {
                let line = line_of(&text, &record);
                if record.iter().all(str::is_empty) {
                    continue;
                }
                Cells { line, record: &record, places: &places }.row(&mut file);
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                file.problem(line, "", &format!("无法读取：{error}"), &format!("cannot be read: {error}"));
            }
        }
        if file.problems.len() >= PROBLEMS_MAX {
            break;
        }
    }
    file.check_whole();
    if !file.problems.is_empty() {
        file.rows.clear();
    }
    file
}

/// The line on which a record begins; the reader's own position stands before the line ends and blank lines above it.
fn line_of(text: &str, record: &csv::StringRecord) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let begins = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let above = begins.chars().take_while(|c| matches!(c, '\r' | '\n')).filter(|c| *c == '\n').count();
    position.line() + u64::try_from(above).unwrap_or(0)
}

fn decode(bytes: &[u8]) -> Option<String> {
    let (text, had_errors) = UTF_8.decode_with_bom_removal(bytes);
    if !had_errors {
        return Some(text.into_owned());
    }
    let (text, had_errors) = GB18030.decode_without_bom_handling(bytes);
    (!had_errors).then(|| text.into_owned())
}

impl RosterFile {
    fn problem(&mut self, line: u64, column: &str, zh: &str, en: &str) {
        self.problems.push(RowProblem { line, column: column.to_owned(), zh: zh.to_owned(), en: en.to_owned() });
    }

    fn places(&mut self, header: &csv::StringRecord) -> BTreeMap<&'static str, usize> {
        let mut places = BTreeMap::new();
        for (place, name) in header.iter().enumerate() {
            match COLUMNS.iter().find(|(column, _)| *column == name) {
                Some((column, _)) if places.insert(*column, place).is_none() => {}
                Some(_) => self.problem(1, name, "此列重复", "this column stands twice"),
                None if name.is_empty() => {}
                None => self.problem(1, name, "不认识的列，请删除或改名", "unknown column; remove or rename it"),
            }
        }
        for (column, _) in COLUMNS.iter().filter(|(column, must)| *must && !places.contains_key(column)) {
            self.problem(1, column, "缺少此列", "this column is missing");
        }
        places
    }

    fn check_whole(&mut self) {
        if self.rows.len() > ROWS_MAX {
            self.problem(0, "", &format!("超过 {ROWS_MAX} 行"), &format!("more than {ROWS_MAX} rows"));
        }
        let mut numbers: BTreeMap<&StaffNo, u64> = BTreeMap::new();
        let mut names: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let (mut problems, mut notices) = (Vec::new(), Vec::new());
        for row in &self.rows {
            if let Some(first) = numbers.insert(&row.person.staff_no, row.line) {
                problems.push(twice(row.line, "工号", first));
            }
            if let Some(first) = names.insert((&row.person.department, &row.person.name), row.line) {
                notices.push(RowProblem {
                    line: row.line,
                    column: "姓名".to_owned(),
                    zh: format!("与第 {first} 行同部门同名，请核对"),
                    en: format!("same name and department as line {first}; is it the same person?"),
                });
            }
        }
        problems.extend(self.colliding_cards());
        self.problems.extend(problems);
        self.notices.extend(notices);
    }

    /// Cards that one badge could match both of: by the last three bytes, which every printed form knows.
    fn colliding_cards(&self) -> Vec<RowProblem> {
        let mut by_low: BTreeMap<&[u8], Vec<&RosterRow>> = BTreeMap::new();
        for row in &self.rows {
            if let Some(low) = row.card.as_deref().and_then(|card| card.last_chunk::<3>()) {
                by_low.entry(low.as_slice()).or_default().push(row);
            }
        }
        let mut problems = Vec::new();
        for rows in by_low.into_values() {
            for (later, row) in rows.iter().enumerate() {
                let card = row.card.as_deref().unwrap_or_default();
                let collides = |other: &&&RosterRow| bytes_in_common(other.card.as_deref().unwrap_or_default(), card).is_some();
                if let Some(first) = rows.iter().take(later).find(collides) {
                    problems.push(twice(row.line, "卡号", first.line));
                }
            }
        }
        problems
    }
}

fn twice(line: u64, column: &str, first: u64) -> RowProblem {
    RowProblem { line, column: column.to_owned(), zh: format!("与第 {first} 行重复"), en: format!("the same as in line {first}") }
}

struct Cells<'a> {
    line: u64,
    record: &'a csv::StringRecord,
    places: &'a BTreeMap<&'static str, usize>,
}

impl Cells<'_> {
    fn row(&self, file: &mut RosterFile) {
        let before = file.problems.len();
        let staff_no = self.staff_no(file);
        let name = self.name(file);
        let department = self.required("派驻部门", file);
        let post_class = self.post_class(file);
        let joined = self.date("进驻日期", true, file);
        let (on_post_from, exit) = (self.date("上岗日期", false, file), self.date("退出日期", false, file));
        let order = (self.number("部门序", file), self.number("人员序", file));
        let head = self.head(file);
        let card = self.card(file);
        if let (Some(joined), Some(exit)) = (joined, exit)
            && exit < joined
        {
            file.problem(self.line, "退出日期", "早于进驻日期", "before the day of joining");
        }
        let (Some(staff_no), Some(name), Some(department), Some(post_class), Some(joined)) =
            (staff_no, name, department, post_class, joined)
        else {
            return;
        };
        if file.problems.len() > before {
            return;
        }
        let person = Person {
            staff_no,
            name,
            name_pinyin: self.cell("姓名拼音").to_owned(),
            department,
            window: self.cell("窗口号").to_owned(),
            post_class,
            head,
            employment: self.cell("身份类别").to_owned(),
            joined,
            on_post_from,
            exit,
            order,
            note: self.cell("备注").to_owned(),
        };
        file.rows.push(RosterRow { line: self.line, person, card });
    }

    fn cell(&self, column: &str) -> &str {
        let text = self.places.get(column).and_then(|place| self.record.get(*place)).unwrap_or_default();
        // An apostrophe that an export put before what a spreadsheet would calculate.
        text.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(text)
    }

    fn required(&self, column: &str, file: &mut RosterFile) -> Option<String> {
        let text = self.cell(column);
        if text.is_empty() {
            file.problem(self.line, column, "必填", "must not be empty");
            return None;
        }
        Some(text.to_owned())
    }

    fn staff_no(&self, file: &mut RosterFile) -> Option<StaffNo> {
        let text = self.required("工号", file)?;
        let parsed = text.parse::<StaffNo>();
        if let Err(error) = &parsed {
            file.problem(self.line, "工号", "只能是 1 至 20 位数字、字母或连字符", &error.to_string());
        }
        parsed.ok()
    }

    fn name(&self, file: &mut RosterFile) -> Option<String> {
        let text = self.required("姓名", file)?;
        match checked_name(&text) {
            Ok(name) => Some(name),
            Err((zh, en)) => {
                file.problem(self.line, "姓名", zh, en);
                None
            }
        }
    }

    fn post_class(&self, file: &mut RosterFile) -> Option<PostClass> {
        match self.required("岗位类别", file)?.as_str() {
            "窗口" => Some(PostClass::Window),
            "后台" => Some(PostClass::BackOffice),
            "其他" => Some(PostClass::Other),
            _ => {
                file.problem(self.line, "岗位类别", "只能是 窗口、后台 或 其他", "must be 窗口, 后台 or 其他");
                None
            }
        }
    }

    fn head(&self, file: &mut RosterFile) -> bool {
        match self.cell("窗口负责人") {
            "是" => true,
            "" | "否" => false,
            _ => {
                file.problem(self.line, "窗口负责人", "只能是 是 或 否", "must be 是 or 否");
                false
            }
        }
    }

    fn date(&self, column: &str, must: bool, file: &mut RosterFile) -> Option<WorkDate> {
        let text = if must { self.required(column, file)? } else { self.cell(column).to_owned() };
        if text.is_empty() {
            return None;
        }
        let date = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"].iter().find_map(|form| WorkDate::parse_from_str(&text, form).ok());
        if date.is_none() {
            file.problem(self.line, column, "日期应写作 2026-11-23", "a date is written 2026-11-23");
        }
        date
    }

    fn number(&self, column: &str, file: &mut RosterFile) -> u32 {
        let text = self.cell(column);
        if text.is_empty() {
            return 0;
        }
        text.parse().unwrap_or_else(|_| {
            file.problem(self.line, column, "应为整数", "must be a whole number");
            0
        })
    }

    fn card(&self, file: &mut RosterFile) -> Option<Vec<u8>> {
        let text = self.cell("卡号");
        if text.is_empty() {
            return None;
        }
        let parsed = card_number(text);
        if let Err(error) = &parsed {
            let zh = "卡号应为 10 位数字（8H10D）、3+5 位（带逗号）、8 位数字（6H8D）或十六进制；电子表格去掉了开头的 0 时请按文本保存";
            file.problem(self.line, "卡号", zh, &error.to_string());
        }
        parsed.ok()
    }
}

/// A name as it is kept: NFC, separator U+00B7, no spaces around hanzi; or why it is none (domain rules N1 to N3).
pub fn checked_name(text: &str) -> Result<String, (&'static str, &'static str)> {
    let composed = ComposingNormalizer::new_nfc().normalize(text);
    let latin = composed.is_ascii();
    let name: String = if latin {
        composed.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        let separator = |c: char| if matches!(c, '•' | '・' | '．' | '‧' | '.' | '●' | '･') { '·' } else { c };
        composed.chars().filter(|c| !c.is_whitespace()).map(separator).collect()
    };
    if name.chars().any(char::is_control) {
        return Err(("含有控制字符", "it has a control character"));
    }
    if name.chars().any(|c| matches!(c, '?' | '？' | '□' | '\u{FFFD}')) {
        return Err(("含有“?”或“□”，说明生僻字在转换时丢失", "it has “?” or “□”: a rare character was lost in conversion"));
    }
    if name.chars().any(|c| matches!(u32::from(c), 0xE000..=0xF8FF | 0xF_0000..=0x10_FFFD)) {
        return Err(("含有自造字（私用区字符），请换成标准汉字", "it has a private-use character; use the standard one"));
    }
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(("姓名应为 1 至 64 个字", "a name has 1 to 64 characters"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "工号,姓名,派驻部门,岗位类别,卡号,进驻日期,退出日期\n";

    #[test]
    fn a_row_becomes_a_person_in_utf8_and_in_gb18030_alike() {
        let text = format!(
            "{HEADER}0145,张　三,税务局,窗口,0003887558,2026-01-05,\nZC0101,阿卜杜拉•买买提,医保局,后台,\"059,43116\",2026/1/5,2026-12-31\n"
        );
        let utf8 = read(format!("\u{FEFF}{text}").as_bytes());
        assert_eq!(utf8.problems, []);
        let names: Vec<&str> = utf8.rows.iter().map(|row| row.person.name.as_str()).collect();
        assert_eq!(names, ["张三", "阿卜杜拉·买买提"]);
        assert_eq!(utf8.rows[0].person.staff_no.as_str(), "0145");
        assert_eq!(utf8.rows[1].card, Some(vec![0x3B, 0xA8, 0x6C]));
        let (gb18030, _, _) = GB18030.encode(&text);
        assert_eq!(read(&gb18030), utf8);
    }

    #[test]
    fn every_problem_is_told_with_its_line_and_nothing_is_given_out() {
        let text = format!(
            "{HEADER}A 1,王?,税务局,窗口,123,2026-13-01,\n,李四,,柜台,,2026-01-05,2025-01-01\nB1,赵六,税务局,窗口,0003887558,2026-01-05,\nB1,钱七,税务局,窗口,\"059,20934\",2026-01-05,\n"
        );
        let file = read(text.as_bytes());
        assert!(file.rows.is_empty());
        let told: Vec<(u64, &str)> = file.problems.iter().map(|problem| (problem.line, problem.column.as_str())).collect();
        for wanted in [
            (2, "工号"),
            (2, "姓名"),
            (2, "卡号"),
            (2, "进驻日期"),
            (3, "工号"),
            (3, "派驻部门"),
            (3, "岗位类别"),
            (3, "退出日期"),
            (5, "工号"),
            (5, "卡号"),
        ] {
            assert!(told.contains(&wanted), "{wanted:?} in {told:?}");
        }
    }

    #[test]
    fn lines_are_counted_alike_whatever_ends_them_and_over_blank_ones() {
        for end in ["\n", "\r\n"] {
            let rows = ["A1,甲,税务局,窗口,,2026-01-05,", "", "A2,乙,税务局,窗口,,2026-01-05,", "A3,丙,税务局,柜台,,2026-01-05,"];
            let file = read(
                format!("\u{FEFF}{}{}", HEADER.trim_end(), end)
                    .as_bytes()
                    .iter()
                    .copied()
                    .chain(rows.join(end).bytes())
                    .collect::<Vec<_>>()
                    .as_slice(),
            );
            assert_eq!(file.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [5], "{end:?}");
        }
    }

    #[test]
    fn a_missing_or_unknown_column_is_told_before_any_row() {
        let file = read("工号,姓名,电话\n1,甲,2\n".as_bytes());
        let columns: Vec<&str> = file.problems.iter().map(|problem| problem.column.as_str()).collect();
        assert_eq!(columns, ["电话", "派驻部门", "岗位类别", "进驻日期"]);
    }

    #[test]
    fn rare_characters_stay_and_lost_ones_are_refused() {
        assert_eq!(checked_name("赵䶮").as_deref(), Ok("赵䶮"));
        assert_eq!(checked_name("陈𬱖").as_deref(), Ok("陈𬱖"));
        assert!(checked_name("陈\u{E81E}").is_err());
        assert!(checked_name(&"长".repeat(65)).is_err());
    }
}
