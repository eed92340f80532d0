//! What happens at a kiosk, one scene each.

use std::path::Path;

use punch_vfs::Fault;
use punchd::domain::time::Wall;

use super::scene::{Recorded, Scene, databases};
use crate::rig::journal::MORNING;
use crate::rig::{PATIENCE, until};

/// A scene by name; the flag says whether SQLite may trust the disk with overwriting (`POWERSAFE_OVERWRITE`).
pub(super) type Play = fn(bool) -> Recorded;

/// All of them.
pub(super) const SCENES: &[(&str, Play)] = &[
    ("taps, and a restart", taps),
    ("acknowledgements", acknowledgements),
    ("the log is written back and begun again", write_back),
    ("pruning", pruning),
    ("another machine, and its predecessor pruned", moved),
    ("a fork healed", fork),
    ("a damaged file set aside", damaged),
    ("a journal of an older schema", older),
    ("syncs that fail", failing_syncs),
    ("a disk full for a while", full),
];

const DAY_MS: i64 = 86_400_000;

/// When everything of a scene is older than the retention.
fn much_later() -> Wall {
    MORNING.plus_millis(400 * DAY_MS)
}

fn nothing(_: &Path) {}

fn taps(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    scene.taps(8);
    scene.keep().unwrap();
    scene.taps_together(20);
    scene.taps(3);
    scene.keep().unwrap();
    scene.stop();
    scene.start();
    scene.taps(5);
    scene.keep().unwrap();
    scene.taps(2);
    scene.end("taps")
}

fn acknowledgements(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    for _ in 0..4 {
        let stored = scene.taps_together(6);
        scene.acknowledge(&stored[3]);
        scene.taps(2);
        scene.quiet();
        scene.keep().unwrap();
    }
    scene.stop();
    scene.start();
    let stored = scene.taps(3);
    scene.acknowledge(&stored[2]);
    scene.quiet();
    scene.taps(1);
    scene.end("acknowledgements")
}

fn write_back(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    scene.taps_together(250);
    scene.taps(8);
    let before = scene.written_back();
    until("the log was written back", PATIENCE, || {
        scene.quiet();
        (scene.written_back() > before).then_some(())
    });
    scene.taps(4);
    scene.taps_together(12);
    scene.taps(4);
    scene.end("write back")
}

fn pruning(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    let stored = scene.taps_together(40);
    scene.acknowledge(&stored[29]);
    scene.prune(&stored[29], much_later());
    let stored = scene.taps(4);
    scene.quiet();
    scene.acknowledge(&stored[3]);
    scene.prune(&stored[3], much_later());
    scene.taps(3);
    scene.stop();
    scene.start();
    scene.taps(2);
    scene.end("pruning")
}

fn moved(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    let stored = scene.taps(6);
    scene.stop();
    scene.move_to("machine-b");
    scene.start();
    scene.taps(2);
    scene.acknowledge(&stored[5]);
    scene.prune(&stored[5], much_later());
    assert_eq!(scene.look().len(), 1, "the emptied journal was removed");
    scene.taps(3);
    scene.end("moved")
}

fn fork(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    let stored = scene.taps_together(12);
    scene.taps(2);
    scene.heal_fork(&stored[4]);
    assert_eq!(scene.look().len(), 2, "a journal was begun");
    scene.taps(3);
    scene.stop();
    scene.start();
    scene.taps(2);
    scene.end("fork")
}

fn damaged(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, |folder| {
        let mut before = Scene::new(true, nothing);
        before.start();
        before.taps_together(30);
        before.stop();
        before.move_into(folder);
        let file = databases(folder).into_iter().find(|path| path.to_string_lossy().contains("journal-")).unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xA5);
        std::fs::write(&file, bytes).unwrap();
    });
    scene.start();
    scene.taps(4);
    scene.stop();
    scene.start();
    scene.taps(3);
    Recorded { damaged: true, ..scene.end("damaged") }
}

fn older(powersafe: bool) -> Recorded {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-v1.db");
    let mut scene = Scene::new(powersafe, |folder| {
        std::fs::copy(kept, folder.join("journal-0f5e1c0de00000000000000000000001.db")).unwrap();
    });
    scene.start();
    assert_eq!(scene.look().last().unwrap().last.0, 9);
    scene.taps(6);
    scene.keep().unwrap();
    scene.stop();
    scene.start();
    scene.taps(4);
    scene.end("older")
}

/// Every second sync of a while fails; whoever is refused taps again.
fn failing_syncs(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    scene.taps(3);
    for failing in 1..=6 {
        scene.disk().plan(Fault::sync_fails(1..=failing));
        while scene.tap().is_err() {
            scene.journal().recover();
        }
        scene.disk().plan(Fault::sync_fails(1..=failing));
        while scene.keep().is_err() {}
        scene.disk().mend();
        let stored = scene.taps(2);
        scene.acknowledge(&stored[1]);
        scene.quiet();
    }
    scene.disk().plan(Fault::sync_fails(..));
    scene.tap().ok();
    scene.keep().ok();
    scene.stop();
    scene.disk().mend();
    scene.start();
    scene.keep().unwrap();
    scene.taps(2);
    scene.end("failing syncs")
}

fn full(powersafe: bool) -> Recorded {
    let mut scene = Scene::new(powersafe, nothing);
    scene.start();
    for first in 1..=8 {
        scene.disk().plan(Fault::full(first..first + 9));
        while scene.tap().is_err() {
            scene.journal().recover();
        }
        scene.disk().mend();
        scene.taps(2);
    }
    scene.end("full")
}
