//! No room: never a green that is not durable, the ballast helps, and it goes on by itself.

use std::process::Command as Process;

use super::*;

fn limited(directory: &Path, pages: u32) -> Options {
    let pragmas = vec![("max_page_count".to_owned(), pages.to_string())];
    Options { open: OpenOptions { vfs: None, pragmas }, ..options(directory) }
}

#[test]
fn a_full_journal_refuses_and_keeps_exactly_what_it_confirmed() {
    let home = folder();
    let mut rig = Rig::start_with(limited(home.path(), 20));
    let view = rig.available()[0];
    let mut confirmed = 1;
    loop {
        let ticket = rig.append(punch(confirmed));
        match rig.outcome(ticket) {
            Ok(stored) => {
                confirmed += 1;
                assert_eq!(stored.sequence, Sequence(confirmed));
            }
            Err(why) => {
                assert!(why.contains("full") && why.contains("free disk space"), "{why}");
                break;
            }
        }
        assert!(confirmed < 1_000, "it never got full");
    }
    assert_eq!(rig.stream(None, 64).len() as u64, confirmed, "what is stored can still be read");
    rig.stop();
    let mut rig = Rig::start(home.path());
    let after = rig.available()[0];
    assert_eq!((after.journal, after.last), (view.journal, Sequence(confirmed)));
    rig.store(punch(0));
    rig.stop();
}

/// A small file system of its own; `None` where this user may not mount one.
struct Small(TempDir);

impl Small {
    fn mount(bytes: u64) -> Option<Self> {
        let place = folder();
        let size = format!("size={bytes}");
        let mounted = Process::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place.path()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(place))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Process::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

#[test]
fn a_full_disk_is_met_with_the_ballast_and_mended_when_there_is_room_again() {
    let Some(disk) = Small::mount(2 * 1024 * 1024) else {
        println!("SKIPPED: mounting a small file system needs root");
        return;
    };
    let mut rig = Rig::start(disk.0.path());
    rig.available();
    rig.store(punch(0));
    let ballast = disk.0.path().join("ballast");
    assert!(ballast.exists());
    std::fs::write(disk.0.path().join("filler"), vec![1; 4 * 1024 * 1024]).unwrap_err();
    let (mut stored, mut helped) = (2, false);
    loop {
        let ticket = rig.append(punch(stored));
        if rig.outcome(ticket).is_err() {
            break;
        }
        stored += 1;
        helped |= !ballast.exists();
        assert!(stored < 20_000, "it never got full");
    }
    assert!(helped, "punches were stored in the ballast's room");
    rig.condition(Code::DiskLow);
    rig.unavailable();
    assert_eq!(rig.stream(None, 64).len() as u64, stored, "what is stored can still be read");
    rig.told.clear();
    std::fs::remove_file(disk.0.path().join("filler")).unwrap();
    let view = rig.available()[0];
    assert_eq!(view.last, Sequence(stored));
    assert_eq!(rig.store(punch(0)).sequence, Sequence(stored + 1));
    rig.wait(|event| matches!(event, Event::Conditions(conditions) if conditions.is_empty()).then_some(()));
    assert!(ballast.exists(), "the ballast was made again");
    rig.stop();
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_waited_for() {
    let Some(disk) = Small::mount(4 * 1024 * 1024) else {
        println!("SKIPPED: mounting a small file system needs root");
        return;
    };
    let mut rig = Rig::start(disk.0.path());
    rig.available();
    rig.store(punch(0));
    rig.stop();
    let remount = |how: &str| assert!(Process::new("mount").args(["-o", how]).arg(disk.0.path()).status().unwrap().success());
    remount("remount,ro");
    let mut rig = Rig::start(disk.0.path());
    assert!(rig.unavailable().contains("ead-only"));
    remount("remount,rw");
    assert_eq!(rig.available()[0].last, Sequence(2));
    rig.store(punch(1));
    rig.stop();
}
