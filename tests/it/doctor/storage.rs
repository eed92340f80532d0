//! A disk that is full or read-only, and a journal in which a byte turned.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Answer, is_root};
use crate::rig::{BADGE, Kiosk, Place};

#[test]
fn a_full_disk_is_told_and_so_is_one_that_is_mounted_read_only() {
    if !is_root("the full disk and the read-only one") {
        return;
    }
    let place = Place::new();
    let Some(disk) = Disk::mount(&place.path("data")) else { return };
    let config = place.configure("", &[]);
    let kiosk = Kiosk::start(&place, &config);
    kiosk.until_open();
    Answer::of_kiosk(&kiosk).exits(0).says("disk", "disk-low", &["剩余", "清理磁盘"], &["free", "free room"]);
    disk.fill();
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(74).says("disk", "disk-full", &["磁盘已满", "清理磁盘"], &["the disk is full", "punches are never deleted"]);
    disk.clear();
    assert_eq!(kiosk.stop(), Some(0));
    disk.set("ro");
    let kiosk = Kiosk::start(&place, &config);
    kiosk.until("nothing can be stored", |status| crate::rig::has(status, "journal-unavailable"));
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(74).says("disk", "disk-read-only", &["只读", "remount,rw"], &["read-only", "remount,rw"]);
    answer.says("journal", "journal-unavailable", &["无法保存打卡", "纸质签到"], &["cannot be stored", "paper sheet"]);
    disk.set("rw");
    kiosk.until_open();
    Answer::of_kiosk(&kiosk).exits(0).says("journal", "journal-whole", &[], &[]);
    kiosk.kill();
    drop(disk);
}

#[test]
fn a_data_directory_that_is_not_there_is_told_before_the_journal() {
    let place = Place::new();
    let config = place.configure("", &[]);
    let at_rest = Answer::of_config(&config);
    at_rest.exits(69).says("data-directory", "directory-missing", &["没有", "install -d"], &["there is no", "install -d"]);
    at_rest.says("journal", "not-asked", &["数据目录不可用"], &["cannot be used"]);
    fs::write(place.path("data"), "in the way").unwrap();
    let kiosk = Kiosk::start(&place, &config);
    kiosk.until("nothing can be stored", |status| crate::rig::has(status, "journal-unavailable"));
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(74).says("data-directory", "directory-none", &["不是目录", "data-dir"], &["is no directory", "data-dir"]);
    answer.says("journal", "journal-unavailable", &["无法保存打卡"], &["cannot be stored"]);
}

#[test]
fn a_byte_that_turned_in_a_row_is_named_by_its_sequence_by_the_daemon_and_without_it() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    let events = kiosk.events();
    let mut punched = Vec::new();
    for round in 0..12 {
        badge.badge(&crate::rig::badge(round).0).unwrap();
        let datum = events.next("the punch", |datum| datum["sequence"].is_u64());
        punched.push(datum["sequence"].as_u64().unwrap());
    }
    let journal = kiosk.status()["journal"].as_str().unwrap().to_owned();
    Answer::of_kiosk(&kiosk).exits(0).says("journal", "journal-whole", &["整条链正确"], &["the whole chain is right"]);
    assert_eq!(kiosk.stop(), Some(0));
    let (short, _) = journal.split_at(8);
    let turned = punched[5];
    let file = place.path(&format!("data/journal-{journal}.db"));
    turn_a_byte(&file, turned);
    let before = fs::read(&file).unwrap();
    let (zh, en) = (format!("第 {turned} 条 损坏"), format!("entry {turned} is damaged"));
    let answer = Answer::of_config(&place.path("terminal.toml"));
    println!("{}", answer.en);
    answer.exits(69).says("journal", "journal-broken", &[short, &zh, "export --signed"], &[short, &en, "export now"]);
    assert_eq!(fs::read(&file).unwrap(), before, "a look changes nothing");
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    kiosk.until_open();
    let answer = Answer::of_kiosk(&kiosk);
    println!("{}", answer.zh);
    answer.exits(74).says("journal", "journal-broken", &[&zh, "1 条无法读出"], &[&en, "1 unreadable"]);
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    assert!(events.next("punching goes on", |datum| datum["replay"] != true)["sequence"].is_u64());
}

/// How far behind its sequence an entry's byte is turned.
const TURNED_BEHIND: usize = 30;

/// Turns one byte in the text of an entry.
fn turn_a_byte(file: &Path, sequence: u64) {
    let mut bytes = fs::read(file).unwrap();
    let pattern = format!("\"sequence\":{sequence},");
    // Every copy: pages keep old ones of what once stood in them.
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(pattern.as_bytes())).collect();
    assert!(!starts.is_empty());
    for at in starts {
        bytes[at + pattern.len() + TURNED_BEHIND] ^= 0x01;
    }
    fs::write(file, bytes).unwrap();
}

/// A disk of its own, in memory, gone with the test.
struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Room for the ballast and little more.
    const OPTIONS: &str = "size=24m,mode=750";

    fn mount(path: &Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", Self::OPTIONS, "tmpfs"]).arg(path).status();
        let mounted = mounted.is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("SKIPPED the full disk and the read-only one: nothing can be mounted here");
        }
        mounted.then(|| Self { path: path.to_owned() })
    }

    fn set(&self, mode: &str) {
        let options = format!("remount,{mode}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.path).status().unwrap();
        assert!(status.success(), "{options}");
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.path.join("filler")).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
    }

    fn clear(&self) {
        fs::remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").args(["-l"]).arg(&self.path).status().ok();
    }
}
