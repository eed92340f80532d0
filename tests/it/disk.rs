//! Faults of a real disk under a real kiosk: full, read-only, gone, stalled, torn out. Whatever it is, nobody is shown green for what is not
//! durable, whoever taps is told within a second, and once the disk is well again everything goes on by itself, with nothing lost or doubled.

mod hall;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use punchd::clock::Clock;
use serde_json::Value;

use self::hall::{Hall, TOLD_WITHIN_MS, Told};
use super::block::device::{self, Served};
use super::rig::{BADGE, Kiosk, Office, PATIENCE, Place, condition, confirmation, has, until, until_or};

/// How long the disk stalls.
const STALL: Duration = Duration::from_secs(3);
/// What systemd would allow between two signs of life here; the unit allows more.
const WATCHDOG: Duration = Duration::from_secs(6);

#[test]
fn a_full_disk_sends_people_to_paper_at_once_and_mends_itself_when_there_is_room() {
    if !device::can_serve("a full disk") {
        return;
    }
    let mut hall = Hall::open();
    let ballast = hall.data().join("ballast");
    until("the ballast is made", PATIENCE, || ballast.exists().then_some(()));
    hall.confirmed(3);
    fill(&hall.place.path("disk/first"));
    while ballast.exists() {
        hall.confirmed(1);
    }
    hall.confirmed(3);
    let low = hall.kiosk().until("the room is low", |status| has(status, "disk-low"));
    assert!(condition(&low, "disk-low").unwrap()["remedy"][1].as_str().unwrap().contains("Free disk space"));
    fill(&hall.place.path("disk/second"));
    let confirmed = hall.until_paper();
    hall.events.state("fault");
    let status = hall.kiosk().until("it is told", |status| has(status, "journal-unavailable"));
    assert!(condition(&status, "journal-unavailable").unwrap()["detail"].as_str().unwrap().contains("free disk space"), "{status:#}");
    hall.on_paper(3);
    std::fs::remove_file(hall.place.path("disk/first")).unwrap();
    std::fs::remove_file(hall.place.path("disk/second")).unwrap();
    hall.recovered();
    hall.confirmed(3);
    until("the ballast is made again", PATIENCE, || ballast.exists().then_some(()));
    hall.kiosk().until("there is room", |status| !has(status, "disk-low"));
    hall.check(&format!("a full disk, {confirmed} confirmed after the last room was taken"));
}

#[test]
fn a_disk_that_turns_read_only_sends_people_to_paper_until_it_is_mended() {
    if !device::can_serve("a disk that turns read-only") {
        return;
    }
    let mut hall = Hall::open();
    hall.confirmed(3);
    // What ext4 does when it finds its own structures damaged, mounted as Debian mounts it.
    let trigger = format!("/sys/fs/ext4/{}/trigger_fs_error", hall.mounted.as_ref().unwrap().device());
    std::fs::write(trigger, "read-only").unwrap();
    hall.until_paper();
    hall.events.state("fault");
    hall.kiosk().until("it is told", |status| has(status, "journal-unavailable"));
    hall.on_paper(2);
    hall.unmount();
    device::repair(&hall.image).unwrap();
    hall.mount();
    hall.recovered();
    hall.confirmed(3);
    hall.check("a disk that turned read-only");
}

#[test]
fn a_kiosk_that_starts_on_a_read_only_disk_asks_for_paper_until_it_can_write() {
    if !device::can_serve("a start on a read-only disk") {
        return;
    }
    let mut hall = Hall::open();
    hall.confirmed(3);
    hall.end();
    hall.mounted.as_ref().unwrap().remount("ro");
    hall.begin();
    hall.kiosk().until("it is told", |status| has(status, "journal-unavailable") && status["journal"].is_null());
    hall.on_paper(3);
    hall.mounted.as_ref().unwrap().remount("rw");
    hall.recovered();
    hall.confirmed(3);
    hall.check("a start on a read-only disk");
}

#[test]
fn a_data_directory_that_vanishes_sends_people_to_paper_until_it_is_back() {
    if !device::can_serve("a data directory that vanishes") {
        return;
    }
    let mut hall = Hall::open();
    hall.confirmed(3);
    let journal = hall.recovered()["journal"].clone();
    let away = hall.place.path("disk/away");
    std::fs::rename(hall.data(), &away).unwrap();
    hall.on_paper(2);
    hall.kiosk().until("it is told", |status| has(status, "journal-unavailable"));
    std::fs::rename(&away, hall.data()).unwrap();
    hall.recovered();
    hall.confirmed(2);
    hall.unmount();
    hall.on_paper(2);
    // What a mount point is like below: nothing may be stored there, where nobody would look for it.
    std::fs::create_dir(hall.data()).unwrap();
    let replaced =
        |status: &Value| condition(status, "journal-unavailable").is_some_and(|told| told["detail"].as_str().unwrap().contains("another"));
    hall.kiosk().until("an empty directory is refused", replaced);
    hall.on_paper(2);
    assert_eq!(std::fs::read_dir(hall.data()).unwrap().count(), 0);
    hall.mount();
    assert_eq!(hall.recovered()["journal"], journal);
    hall.confirmed(2);
    hall.check("a data directory that vanished");
}

#[test]
fn a_disk_that_stalls_shows_a_fault_within_a_second_and_green_only_once_it_wrote() {
    if !device::can_serve("a disk that stalls") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (notify, said) = (folder.path().join("notify"), UnixDatagram::bind(folder.path().join("notify")).unwrap());
    let (end, listening) = watchdog(said);
    let micros = WATCHDOG.as_micros().to_string();
    let mut hall = Hall::open_with(true, |command| {
        command.env("NOTIFY_SOCKET", &notify).env("WATCHDOG_USEC", &micros);
    });
    hall.confirmed(5);
    let clock = Clock::system();
    hall.served.as_ref().unwrap().stall();
    let begun = clock.mono();
    (0..3).for_each(|_| hall.present());
    let fault = hall.events.next("a fault", |datum| datum["state"] == "fault" || confirmation(datum).is_some());
    let told_ms = clock.mono().millis_since(begun);
    assert!(fault["state"] == "fault" && fault["sequence"].is_null() && fault["reader"].is_null(), "{fault:#}");
    assert!(told_ms < TOLD_WITHIN_MS, "the fault was shown after {told_ms} ms");
    let status = hall.kiosk().status();
    assert!(has(&status, "journal-unavailable"), "{status:#}");
    let early = until_or(STALL, || hall.events.rest().into_iter().find(|datum| confirmation(datum).is_some()));
    assert_eq!(early, None, "green while the disk stalls");
    hall.served.as_ref().unwrap().go_on();
    for _ in 0..3 {
        assert!(matches!(hall.told(), Told::Confirmed(_)));
    }
    hall.events.state("idle");
    hall.recovered();
    hall.confirmed(3);
    drop(end);
    let silence_ms = listening.join().unwrap();
    println!("a disk that stalled: the fault was shown after {told_ms} ms; the watchdog heard nothing for {silence_ms} ms at most");
    assert!(u128::from(silence_ms) < WATCHDOG.as_millis(), "the watchdog would have ended the kiosk");
    hall.check("a disk that stalled");
}

#[test]
fn a_disk_that_is_torn_out_sends_people_to_paper_until_it_is_back() {
    if !device::can_serve("a disk that is torn out") {
        return;
    }
    let mut hall = Hall::open_with(true, |_| {});
    hall.confirmed(5);
    let journal = hall.recovered()["journal"].clone();
    hall.served.take().unwrap().tear_out();
    hall.until_paper();
    hall.kiosk().until("it is told", |status| has(status, "journal-unavailable"));
    hall.on_paper(2);
    hall.unmount();
    hall.served = Some(Served::start(&hall.image, hall.folder.path(), "second"));
    hall.mount();
    assert_eq!(hall.recovered()["journal"], journal);
    hall.confirmed(3);
    hall.check("a disk that was torn out");
}

#[test]
fn a_torn_or_missing_key_or_pairing_is_told_and_never_replaced_by_a_second_identity() {
    let (place, office) = (Place::new(), Office::start());
    let (reader, kiosk) = place.badge_kiosk();
    office.pair(&kiosk, "east-hall-1");
    assert_eq!(kiosk.stop(), Some(0));
    let start = || {
        reader.unplug().unwrap();
        reader.plug().unwrap();
        let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
        kiosk.until_open();
        kiosk
    };
    for (name, left) in [("terminal.key", None), ("terminal.key", Some(0)), ("terminal.key", Some(40)), ("pairing.json", Some(0))] {
        let path = place.path("data").join(name);
        let whole = std::fs::read(&path).unwrap();
        let harm = || match left {
            None => std::fs::remove_file(&path).unwrap(),
            Some(bytes) => std::fs::write(&path, &whole[..bytes]).unwrap(),
        };
        harm();
        let kiosk = start();
        let told = |status: &Value| condition(status, "not-paired").is_some_and(|told| told["detail"].as_str().unwrap().contains(name));
        let status = kiosk.until("the file is named", told);
        assert!(condition(&status, "not-paired").unwrap()["detail"].as_str().unwrap().contains("punchctl pair"), "{status:#}");
        let events = kiosk.watched();
        reader.badge(&BADGE).unwrap();
        events.next("punching goes on", |datum| confirmation(datum).is_some());
        assert_eq!(kiosk.stop(), Some(0));
        assert_eq!(std::fs::read(&path).ok(), left.map(|bytes| whole[..bytes].to_vec()), "{name} was left as it was");
        std::fs::write(&path, &whole).unwrap();
        let kiosk = start();
        kiosk.until_drained(PATIENCE);
        assert_eq!(kiosk.stop(), Some(0));
    }
    office.check_verified();
}

/// Takes all the room there is.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for piece in [1024 * 1024, 4096] {
        while file.write_all(&vec![1; piece]).is_ok() {}
    }
    file.sync_all().ok();
}

/// Listens for signs of life until the sender is dropped; then tells the longest time between two of them.
fn watchdog(said: UnixDatagram) -> (Sender<()>, JoinHandle<u64>) {
    let (end, ended) = channel();
    said.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let listening = std::thread::spawn(move || {
        let (clock, mut buffer) = (Clock::system(), [0; 256]);
        let (mut last, mut longest) = (clock.mono(), 0);
        while ended.try_recv() != Err(TryRecvError::Disconnected) {
            if said.recv(&mut buffer).is_ok_and(|read| buffer[..read].starts_with(b"WATCHDOG=1")) {
                longest = longest.max(clock.mono().millis_since(last));
                last = clock.mono();
            }
        }
        longest.max(clock.mono().millis_since(last))
    });
    (end, listening)
}
