//! What the pages keep to.

use super::*;
use crate::domain::time::UtcOffset;

#[test]
fn only_names_of_this_machine_are_answered() {
    for host in ["127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.8.8.8:1"] {
        assert!(is_this_machine(host), "{host}");
    }
    for host in ["", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1:8080", "[::1.evil", "0.0.0.0:8080"]
    {
        assert!(!is_this_machine(host), "{host}");
    }
}

#[test]
fn moments_are_told_as_people_say_them() {
    let at = |text: &str| Wall::parse_rfc3339(text).unwrap();
    let now = at("2026-11-23T08:21:00+08:00");
    for (then, words) in [
        ("2026-11-23T08:20:30+08:00", "刚刚"),
        ("2026-11-23T08:22:30+08:00", "刚刚"),
        ("2026-11-23T08:16:00+08:00", "5 分钟前"),
        ("2026-11-23T06:21:00+08:00", "2 小时前"),
        ("2026-11-20T08:00:00+08:00", "3 天前"),
    ] {
        assert_eq!(ago(at(then), now), words, "{then}");
    }
    assert_eq!(moment(at("2026-11-23T07:05:00+08:00"), now, UtcOffset::china()), "07:05");
    assert_eq!(moment(at("2026-11-20T07:05:00+08:00"), now, UtcOffset::china()), "11-20 07:05");
}
