//! A version of the rules: what is accepted is what judging relies on, and reads the same when it is written again.

use punchd::config::rules::read;
use punchd::domain::rules::{CHECKPOINTS_MAX, Checkpoint, Direction, HalfDay, Rules};

use super::text::{self, quoted};

/// The bytes are the file.
pub fn holds(bytes: &[u8]) {
    let Ok(written) = std::str::from_utf8(bytes) else { return };
    let Some(rules) = text::read(written, |text| read("rules.toml", text)) else { return };
    let points = &rules.checkpoints;
    assert!((2..=CHECKPOINTS_MAX).contains(&points.len()) && points.len() % 2 == 0);
    assert!(rules.grace <= 10 && rules.minimum_gap <= 60 && rules.light_early_leave <= 60 && rules.severe_after <= 240);
    for (place, point) in points.iter().enumerate() {
        assert_eq!(point.direction == Direction::In, place % 2 == 0, "coming and going in turn");
        assert!(point.opens <= point.due && point.due < point.closes && point.opens <= point.home_from && point.home_to <= point.closes);
        assert!(points[..place].iter().all(|earlier| earlier.id != point.id && earlier.due < point.due));
    }
    assert_eq!(read("rules.toml", &toml(&rules)).as_ref(), Ok(&rules), "what is written reads the same");
    let json = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::from_str::<Rules>(&json).unwrap(), rules);
}

fn toml(rules: &Rules) -> String {
    let Rules { version, document, valid_from, utc_offset, grace, minimum_gap, light_early_leave, severe_after, checkpoints } = rules;
    let head = format!(
        "version = {}\ndocument = {}\nvalid-from = \"{valid_from}\"\nutc-offset = \"{utc_offset}\"\ngrace = {grace}\n\
         minimum-gap = {minimum_gap}\nlight-early-leave = {light_early_leave}\nsevere-after = {severe_after}\n",
        quoted(version),
        quoted(document),
    );
    head + &checkpoints.iter().map(checkpoint).collect::<String>()
}

fn checkpoint(point: &Checkpoint) -> String {
    let half = if point.half_day == HalfDay::Morning { "morning" } else { "afternoon" };
    let way = if point.direction == Direction::In { "in" } else { "out" };
    let post_by = point.post_by.map_or_else(String::new, |at| format!("post-by = \"{at}\"\n"));
    let Checkpoint { id, due, opens, closes, home_from, home_to, work_at, .. } = point;
    format!(
        "[[checkpoint]]\nid = \"{id}\"\nhalf-day = \"{half}\"\ndirection = \"{way}\"\ndue = \"{due}\"\nopens = \"{opens}\"\n\
         closes = \"{closes}\"\nhome-from = \"{home_from}\"\nhome-to = \"{home_to}\"\nwork-at = \"{work_at}\"\n{post_by}"
    )
}
