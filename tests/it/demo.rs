//! The demo from its first line to its last: a whole day through a real office, a real kiosk and three readers, and the proof at its end.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// How long a day may take on a busy machine; it usually takes under half a minute.
const LIMIT: Duration = Duration::from_mins(4);

/// Who, and what each checkpoint comes to: the counted minute and the outcome, `-` where nothing counts.
const DAYS: [(&str, [&str; 4]); 12] = [
    ("ZC0101", ["08:02 on_time", "11:50 on_time", "13:02 on_time", "17:00 on_time"]),
    ("ZC0102", ["08:31 late 6", "11:52 on_time", "13:20 on_time", "17:03 on_time"]),
    ("ZC0202", ["08:21 on_time", "11:51 on_time", "13:19 on_time", "16:42 early_leave 18"]),
    ("ZC0203", ["08:19 on_time", "12:10 on_time", "- missing", "17:02 on_time"]),
    // Newcomers: tapped before the roster knew them.
    ("ZC0402", ["08:05 on_time", "11:54 on_time", "13:16 on_time", "17:03 on_time"]),
    ("ZC0501", ["08:16 on_time", "11:56 on_time", "13:21 on_time", "17:05 on_time"]),
    ("ZC0601", ["- missing", "- missing", "- missing", "- missing"]),
    ("ZC0701", ["08:16 on_time", "11:40 early_leave 10", "13:28 late 3", "17:01 on_time"]),
    // The clock shows the due minute.
    ("ZC0801", ["08:25 on_time", "11:50 on_time", "13:25 on_time", "17:00 on_time"]),
    ("ZC1501", ["08:14 on_time", "11:58 on_time", "12:33 on_time", "17:06 on_time"]),
    ("ZC1801", ["08:20 on_time", "11:53 on_time", "13:17 on_time", "- missing"]),
    // A finger that was not read at first.
    ("ZC3101", ["08:18 on_time", "11:54 on_time", "13:14 on_time", "17:02 on_time"]),
];

#[test]
fn a_day_played_ends_with_every_punch_exactly_once_and_the_sheet_that_anyone_would_write() {
    let (told, good) = played();
    let of_kind = |kind: &'static str| told.iter().filter(move |line| line["kind"] == kind);

    let proof = of_kind("proof").next_back().unwrap_or_else(|| panic!("no proof in {told:#?}"));
    assert!(good && proof["good"] == true, "{proof}");
    for same in ["confirmed", "at_office"] {
        assert_eq!(proof[same], proof["fed"], "{proof}");
    }
    for none in ["missing", "holes", "doubled"] {
        assert_eq!(proof[none], 0, "{proof}");
    }
    assert_eq!(of_kind("punch").count() as u64, proof["fed"].as_u64().unwrap());

    assert_eq!(of_kind("day").count(), 40);
    for (person, expected) in DAYS {
        let day = of_kind("day").find(|day| day["person"] == person).unwrap_or_else(|| panic!("{person} is not on the sheet"));
        assert_eq!(results(day), expected, "{person}");
    }

    let states = |state: &'static str| of_kind("punch").filter(move |punch| punch["state"] == state);
    assert_eq!(states("unknown").count(), 3, "a visitor and two newcomers");
    assert_eq!(states("retry").count(), 1, "a smudged finger");
    assert_eq!(states("already").count(), 1, "the second tap of a morning; of two in the evening the later counts");
    assert!(of_kind("punch").any(|punch| punch["offline"] == true && punch["backlog"].as_u64() > Some(20)), "the office was out of reach");
    assert!(of_kind("day").all(|day| day["checkpoints"].as_array().unwrap().iter().all(|result| result["provisional"] == false)));
}

/// `08:31 late 6` for each checkpoint.
fn results(day: &Value) -> Vec<String> {
    let result = |line: &Value| {
        let counted = line["counted"].as_str().map_or("-", |at| at.get(11..16).unwrap_or(at));
        let minutes = line["minutes"].as_u64().filter(|minutes| *minutes > 0).map(|minutes| format!(" {minutes}")).unwrap_or_default();
        format!("{counted} {}{minutes}", line["outcome"].as_str().unwrap_or_default())
    };
    day["checkpoints"].as_array().unwrap().iter().map(result).collect()
}

/// Everything that a demo told, and whether it ended well.
fn played() -> (Vec<Value>, bool) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_punch-sim"))
        .args(["demo", "--headless", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(demo.stdout.take().unwrap());
    let (lines, heard) = mpsc::channel();
    let reading = std::thread::spawn(move || output.lines().map_while(Result::ok).all(|line| lines.send(line).is_ok()));
    let mut told = Vec::new();
    loop {
        match heard.recv_timeout(LIMIT) {
            Ok(line) => told.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                demo.kill().unwrap();
                panic!("the demo told nothing for {LIMIT:?}, after {:#?}", told.last());
            }
        }
    }
    reading.join().unwrap();
    (told, demo.wait().unwrap().success())
}
