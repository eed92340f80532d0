//! A clock in doubt, a roster that is absent or old, sound that fails, a page that is not served.

use std::net::TcpStream;
use std::path::Path;

use punchd::clock::Clock;
use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Answer, Hall};
use crate::rig::{Kiosk, Place, has, punchd};

const DAY_MS: i64 = 24 * 3_600_000;
/// More connections than the page serves at a time.
const CROWD: usize = 80;

#[test]
fn a_clock_that_nobody_confirmed_and_one_that_contradicts_what_is_known_are_warnings() {
    let place = Place::new();
    let kiosk = Kiosk::start(&place, &place.configure("", &[]));
    kiosk.until_open();
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(0).says("clock", "clock-unset", &["未校准", "打卡照常"], &["not confirmed", "punching goes on"]);
    answer.says("bundle", "bundle-none", &["尚无花名册"], &["no roster"]).says(
        "pairing",
        "pairing-none",
        &["尚未", "terminal add"],
        &["not paired"],
    );
    answer.says("browser", "browser-none", &["没有浏览器", "chromium"], &["no browser", "chromium"]).says("sound", "sound-off", &[], &[]);
    assert!(answer.en.lines().last().unwrap().starts_with("! works, with"), "{}", answer.en);
    assert_eq!(kiosk.stop(), Some(0));
    keep(&place.path("data/state.db"), "clock-floor", &(Clock::system().wall().0 + DAY_MS).to_string());
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    kiosk.until_open();
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(0).says("clock", "clock-suspect", &["时间可疑", "set-time"], &["in doubt", "set-time", "passed"]);
}

#[test]
fn a_roster_that_no_office_confirmed_for_a_week_is_told() {
    let Hall { place, mut office, kiosk, badge: _badge } = Hall::open();
    assert_eq!(kiosk.stop(), Some(0));
    office.stop();
    let state = place.path("data/state.db");
    let mut kept: Value = serde_json::from_str(&kept(&state, "bundle")).unwrap();
    kept["at"] = (kept["at"].as_i64().unwrap() - 8 * DAY_MS).into();
    keep(&state, "bundle", &kept.to_string());
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    kiosk.until("it is stale", |status| has(status, "roster-stale"));
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(69).says("bundle", "bundle-stale", &["8 天前", "中心连接"], &["8 days old", "the office above"]);
    answer.says("exchange", "exchange-never", &["待上传", "不会丢失"], &["entries wait", "not lost"]);
}

#[test]
fn sound_that_cannot_be_played_says_why() {
    let place = Place::new();
    let config = place.configure("", &[]);
    let text = std::fs::read_to_string(&config).unwrap().replace("sound = false", "sound = true");
    std::fs::write(&config, text).unwrap();
    let kiosk = Kiosk::start_by(&place, punchd(&config, &["run"]).env("PATH", place.folder.path()));
    kiosk.page();
    kiosk.until("it is noticed", |status| has(status, "no-sound"));
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(0).says("sound", "sound-fails", &["无法播放（aplay", "alsa-utils"], &["cannot be played (aplay", "alsa-utils"]);
}

#[test]
fn a_page_that_is_not_served_is_told_and_so_is_one_that_another_program_has() {
    let place = Place::new();
    let kiosk = Kiosk::start(&place, &place.configure("", &[]));
    kiosk.until_open();
    Answer::of_kiosk(&kiosk).says("page", "page-served", &[kiosk.page()], &[kiosk.page()]);
    let crowd: Vec<TcpStream> = (0..CROWD).map(|_| TcpStream::connect(kiosk.page()).unwrap()).collect();
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(69).says("page", "page-silent", &["5 秒内没有应答", "关闭"], &["says nothing within 5 s", "close surplus"]);
    drop(crowd);
    kiosk.kill();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let config = place.configure("", &[]);
    let text = std::fs::read_to_string(&config).unwrap().replace("127.0.0.1:0", &taken.to_string());
    std::fs::write(&config, text).unwrap();
    let port = format!("sport = :{}", taken.port());
    Answer::of_config(&config).exits(69).says("page", "page-taken", &["被其他程序占用", &port], &["another program has", &port]);
}

/// A kept value of a kiosk that does not run.
fn kept(state: &Path, key: &str) -> String {
    Connection::open(state).unwrap().query_row("SELECT value FROM kept WHERE key = ?1", [key], |row| row.get(0)).unwrap()
}

/// Replaces it, with its digest.
fn keep(state: &Path, key: &str, value: &str) {
    let digest: [u8; 32] = Sha256::new().chain_update(b"punchd kept 1\n").chain_update(value.as_bytes()).finalize().into();
    let insert = "INSERT OR REPLACE INTO kept (key, value, hash) VALUES (?1, ?2, ?3)";
    Connection::open(state).unwrap().execute(insert, rusqlite::params![key, value, digest]).unwrap();
}
