//! The verb on files in a temporary folder.

use std::fs;

use serde_json::{Value, json};

use super::*;

const RULES: &str = include_str!("../../../config/rules.toml");
const CALENDAR: &str = include_str!("../../../config/calendar-cn.csv");

#[test]
fn every_person_has_a_line_for_every_day_of_the_file() {
    let lines = judged(
        "person,at\nb,2026-11-20T08:20:00+08:00\na,2026-11-23T08:28:00+08:00\na,2026-11-23T11:52:00+08:00\na,2026-11-23T15:05:00+08:00\n",
        None,
    );
    let heads: Vec<_> =
        lines.iter().map(|line| format!("{} {} {}", text_at(line, "person"), text_at(line, "date"), text_at(line, "day"))).collect();
    assert_eq!(
        heads,
        [
            "a 2026-11-20 workday",
            "a 2026-11-21 rest_day",
            "a 2026-11-22 rest_day",
            "a 2026-11-23 workday",
            "b 2026-11-20 workday",
            "b 2026-11-21 rest_day",
            "b 2026-11-22 rest_day",
            "b 2026-11-23 workday",
        ]
    );
    let monday = &lines[3];
    let morning_in = &monday["checkpoints"][0];
    assert_eq!(morning_in["checkpoint"], "morning_in");
    assert_eq!(morning_in["due"], "2026-11-23T08:25:00+08:00");
    assert_eq!(morning_in["counted"], "2026-11-23T08:28:00+08:00");
    assert_eq!((&morning_in["outcome"], &morning_in["minutes"]), (&json!("late"), &json!(3)));
    assert_eq!((&morning_in["severe"], &morning_in["provisional"]), (&json!(false), &json!(false)));
    assert!(morning_in["why"]["zh"].as_str().unwrap().contains("08:28") && morning_in["why"]["en"].as_str().unwrap().contains("3 min"));
    assert_eq!(monday["checkpoints"][2]["outcome"], "missing");
    assert_eq!(monday["checkpoints"][2]["counted"], Value::Null);
    assert_eq!(monday["surplus"], json!(["2026-11-23T15:05:00+08:00"]));
    assert_eq!(monday["half_days"][0]["mark"], "迟");
    assert_eq!(monday["half_days"][1]["column"], "to_verify");
    assert!(lines[1]["checkpoints"].as_array().unwrap().iter().all(|one| one["outcome"] == "not_required"));
}

#[test]
fn a_time_in_utc_belongs_to_the_sites_day() {
    let lines = judged("person,at\na,2026-11-22T23:55:00Z\n", None);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["date"], "2026-11-23");
    assert_eq!(lines[0]["checkpoints"][0]["counted"], "2026-11-23T07:55:00+08:00");
}

#[test]
fn before_a_window_is_over_nothing_is_missing() {
    let outcomes = |as_of| {
        let lines = judged("person,at\na,2026-11-23T08:20:00+08:00\n", Some(as_of));
        lines[0]["checkpoints"].as_array().unwrap().iter().map(|one| text_at(one, "outcome")).collect::<Vec<_>>()
    };
    assert_eq!(outcomes("2026-11-23T13:24:59+08:00"), ["on_time", "not_yet_due", "not_yet_due", "not_yet_due"]);
    assert_eq!(outcomes("2026-11-23T13:25:00+08:00"), ["on_time", "missing", "not_yet_due", "not_yet_due"]);
    assert_eq!(outcomes("2026-11-24T00:00:00+08:00"), ["on_time", "missing", "missing", "missing"]);
}

#[test]
fn a_file_with_nothing_but_its_head_has_no_days() {
    assert_eq!(judged("person,at\n", None), Vec::<Value>::new());
}

#[test]
fn everything_wrong_in_the_punches_is_told_at_once_with_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let error = run_in(folder.path(), "person,at\n,2026-11-23T08:20:00+08:00\na,yesterday\na,2026-11-23 08:20\n", None, true).unwrap_err();
    let shown = error.to_string();
    for part in ["row 2: the person", "row 3: “yesterday”", "row 4: “2026-11-23 08:20”", "punches.csv:3:1"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert_eq!(error.downcast_ref::<JudgeError>().map(JudgeError::exit), Some(Exit::Config));
}

#[test]
fn a_wrong_clock_does_not_fill_the_sheet_with_empty_years() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "person,at\na,1970-01-01T08:20:00+08:00\na,2026-11-23T08:20:00+08:00\n";
    let shown = run_in(folder.path(), csv, None, true).unwrap_err().to_string();
    assert!(shown.contains("1970-01-01 to 2026-11-23"), "{shown}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let args = JudgeArgs { rules: missing.clone(), calendar: missing.clone(), punches: missing, as_of: None, json: true };
    let error = run(&args, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("none.toml"), "{error}");
    assert_eq!(error.downcast_ref::<JudgeError>().map(JudgeError::exit), Some(Exit::Io));
}

#[test]
fn without_json_a_day_is_one_plain_line() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "person,at\na,2026-11-23T08:28:00+08:00\na,2026-11-23T15:05:00+08:00\n";
    let plain = run_in(folder.path(), csv, None, false).unwrap();
    let expected = "a 2026-11-23 workday | morning_in 08:28:00 late 3 | morning_out - missing | afternoon_in - missing | \
                    afternoon_out - missing | 15:05:00\n";
    assert_eq!(plain, expected);
}

fn text_at(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

fn judged(csv: &str, as_of: Option<&str>) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let output = run_in(folder.path(), csv, as_of, true).unwrap();
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run_in(folder: &Path, csv: &str, as_of: Option<&str>, json: bool) -> anyhow::Result<String> {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let args = JudgeArgs {
        rules: file("rules.toml", RULES),
        calendar: file("calendar.csv", CALENDAR),
        punches: file("punches.csv", csv),
        as_of: as_of.map(|text| parse_time(text).unwrap()),
        json,
    };
    let mut out = Vec::new();
    run(&args, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}
