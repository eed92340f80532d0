//! Where punches are kept: the data directory, whose it is, and the disk under it.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::{Text, size};
use super::{Facts, Finding};

const DIRECTORY: super::Check = ("data-directory", "数据目录", "data directory");
const DISK: super::Check = ("disk", "磁盘", "disk");
/// Below this nothing more can be stored with certainty, in bytes: a log of SQLite and a few pages.
const FULL_BYTES: u64 = 1024 * 1024;
/// The permission bits of everybody else.
const OTHERS: u32 = 0o007;

/// The data directory as whoever keeps punches sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its path.
    pub path: String,
    /// The user who looked.
    pub user: String,
    /// What is there.
    pub kind: Kind,
}

/// What is at the data directory's path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing.
    Missing,
    /// Something that is no directory.
    Other,
    /// It may not be looked at.
    Hidden,
    /// It cannot be looked at.
    Failed(String),
    /// It.
    Directory(Directory),
}

/// A directory and its disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Its owner's name.
    pub owner: String,
    /// Its permission bits.
    pub mode: u32,
    /// Whether the one who looked may write into it, the mount aside.
    pub writable: bool,
    /// Whether it is mounted read-only.
    pub read_only: bool,
    /// Free room, in bytes.
    pub free: u64,
    /// All room, in bytes.
    pub total: u64,
    /// Free room under which it counts as low, in bytes.
    pub low: u64,
    /// Whether the ballast stands.
    pub ballast: bool,
}

pub(super) fn directory(facts: &Facts) -> Finding {
    let Some(place) = &facts.told.place else { return super::untold(DIRECTORY, facts) };
    let path = &place.path;
    let user = owner(facts, place);
    match &place.kind {
        Kind::Missing => {
            let found = Text::new(format!("没有 {path}"), format!("there is no {path}"));
            let remedy = Text::same(format!("sudo install -d -o {user} -g {user} -m 750 {path}"));
            Finding::new(DIRECTORY, Code::DirectoryMissing, found).remedy(remedy)
        }
        Kind::Other => {
            let found = Text::new(format!("{path} 不是目录"), format!("{path} is no directory"));
            let remedy = Text::new("移走它，或改正 data-dir；会自动恢复", "move it away, or correct data-dir; it recovers by itself");
            Finding::new(DIRECTORY, Code::DirectoryNone, found).remedy(remedy)
        }
        Kind::Failed(why) => {
            let found = Text::new(format!("无法查看 {path}（{why}）"), format!("{path} cannot be looked at ({why})"));
            let remedy = Text::new("检查磁盘和挂载：dmesg | tail，mount", "check the disk and its mount: dmesg | tail, mount");
            Finding::new(DIRECTORY, Code::DirectoryNone, found).remedy(remedy)
        }
        Kind::Hidden if facts.told.standing.is_none() => {
            let found = Text::new(format!("本用户无权查看 {path}"), format!("you may not look into {path}"));
            Finding::new(DIRECTORY, Code::DirectoryHidden, found).remedy(Text::same("sudo punchctl doctor"))
        }
        Kind::Hidden => denied(path, &user),
        Kind::Directory(directory) if !directory.writable && !directory.read_only => denied(path, &user),
        Kind::Directory(directory) if directory.mode & OTHERS != 0 => {
            let mode = directory.mode & 0o777;
            let found = Text::new(format!("{path} 任何人可读（{mode:o}）"), format!("everybody may read {path} ({mode:o})"));
            Finding::new(DIRECTORY, Code::DirectoryOpen, found).remedy(Text::same(format!("sudo chmod 750 {path}")))
        }
        Kind::Directory(directory) => {
            let (owner, mode) = (&directory.owner, directory.mode & 0o777);
            let found = Text::new(format!("{path}，属于 {owner}（{mode:o}）"), format!("{path}, {owner}'s ({mode:o})"));
            Finding::new(DIRECTORY, Code::DirectoryRight, found)
        }
    }
}

fn denied(path: &str, user: &str) -> Finding {
    let found = Text::new(format!("{user} 无权写入 {path}"), format!("{user} may not write into {path}"));
    let remedy = Text::same(format!("sudo chown -R {user}: {path} && sudo chmod 750 {path}"));
    Finding::new(DIRECTORY, Code::DirectoryDenied, found).remedy(remedy)
}

/// Whose it should be.
fn owner(facts: &Facts, place: &Place) -> String {
    let running = facts.told.standing.is_some().then(|| place.user.clone());
    let unit = || facts.service.unit().map(|unit| unit.user.clone()).filter(|user| !user.is_empty());
    running.or_else(unit).unwrap_or_else(|| "punchd".to_owned())
}

pub(super) fn disk(facts: &Facts) -> Finding {
    let Some(place) = &facts.told.place else { return super::untold(DISK, facts) };
    let Kind::Directory(directory) = &place.kind else {
        return Finding::new(DISK, Code::NotAsked, Text::new("未检查：数据目录不可用", "not checked: the data directory cannot be used"));
    };
    let path = &place.path;
    let (free, total) = (size(directory.free), size(directory.total));
    let room = Text::new(format!("剩余 {free} / {total}"), format!("{free} of {total} free"));
    let clean = Text::new(
        "清理磁盘：sudo journalctl --vacuum-size=100M，sudo apt-get clean；打卡记录不会被删除",
        "free room: sudo journalctl --vacuum-size=100M, sudo apt-get clean; punches are never deleted",
    );
    if directory.read_only {
        let found = Text::new(format!("{path} 以只读方式挂载"), format!("{path} is mounted read-only"));
        let remedy = Text::new(
            format!("dmesg | tail 查看磁盘错误；恢复：sudo mount -o remount,rw $(findmnt -no TARGET -T {path})"),
            format!("dmesg | tail shows disk errors; then sudo mount -o remount,rw $(findmnt -no TARGET -T {path})"),
        );
        return Finding::new(DISK, Code::DiskReadOnly, found).remedy(remedy);
    }
    if directory.free < FULL_BYTES {
        let found = Text::new("磁盘已满", "the disk is full").and(Some(room));
        return Finding::new(DISK, Code::DiskFull, found).remedy(clean);
    }
    let spent = (!directory.ballast).then(|| Text::new("应急空间已用", "the reserve is used up"));
    if directory.free < directory.low || !directory.ballast {
        return Finding::new(DISK, Code::DiskLow, room.and(spent)).remedy(clean);
    }
    Finding::new(DISK, Code::DiskRoom, room)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::daemon::Found;
    use super::super::tests::{Row, row, running};
    use super::*;

    fn place(kind: Kind) -> Place {
        Place { path: "/var/lib/punchd".to_owned(), user: "punchd".to_owned(), kind }
    }

    fn of(kind: Kind) -> Facts {
        running(|facts, _| facts.told.place = Some(place(kind)))
    }

    fn with(change: impl FnOnce(&mut Directory)) -> Facts {
        let mut directory = Directory {
            owner: "punchd".to_owned(),
            mode: 0o750,
            writable: true,
            read_only: false,
            free: 90_000_000_000,
            total: 118_000_000_000,
            low: 64 * 1024 * 1024,
            ballast: true,
        };
        change(&mut directory);
        of(Kind::Directory(directory))
    }

    pub(in super::super) fn rows() -> Vec<Row> {
        let directory = |facts, code, zh, en| row("data-directory", facts, code, zh, en);
        let disk = |facts, code, zh, en| row("disk", facts, code, zh, en);
        let mut at_rest = Facts { daemon: Found::Down { socket: String::new(), process: None }, ..Facts::default() };
        at_rest.told.place = Some(place(Kind::Hidden));
        let read_only = |directory: &mut Directory| (directory.read_only, directory.writable) = (true, false);
        vec![
            directory(with(|_| {}), Code::DirectoryRight, "/var/lib/punchd，属于 punchd（750）", "/var/lib/punchd, punchd's (750)"),
            directory(with(read_only), Code::DirectoryRight, "/var/lib/punchd", "/var/lib/punchd"),
            directory(
                of(Kind::Missing),
                Code::DirectoryMissing,
                "没有 /var/lib/punchd|install -d -o punchd",
                "no /var/lib/punchd|install -d",
            ),
            directory(of(Kind::Other), Code::DirectoryNone, "不是目录|data-dir", "no directory|data-dir"),
            directory(of(Kind::Failed("EIO".to_owned())), Code::DirectoryNone, "EIO|dmesg", "EIO|dmesg"),
            directory(of(Kind::Hidden), Code::DirectoryDenied, "punchd 无权|chown -R punchd:", "punchd may not|chown -R punchd:"),
            directory(with(|directory| directory.writable = false), Code::DirectoryDenied, "无权写入|chown", "may not write|chown"),
            directory(
                with(|directory| directory.mode = 0o755),
                Code::DirectoryOpen,
                "任何人可读（755）|chmod 750",
                "everybody may read|chmod 750",
            ),
            directory(at_rest, Code::DirectoryHidden, "本用户无权|sudo punchctl doctor", "you may not|sudo punchctl doctor"),
            disk(with(|_| {}), Code::DiskRoom, "剩余 90 GB / 118 GB", "90 GB of 118 GB free"),
            disk(with(read_only), Code::DiskReadOnly, "只读|remount,rw", "read-only|remount,rw"),
            disk(with(|directory| directory.free = 4_096), Code::DiskFull, "已满，剩余 4.0 KB|清理", "full, 4.0 KB of 118 GB|free room"),
            disk(with(|directory| directory.free = 30_000_000), Code::DiskLow, "剩余 30 MB|清理", "30 MB of|free room"),
            disk(with(|directory| directory.ballast = false), Code::DiskLow, "应急空间已用|清理", "reserve is used up|free room"),
            disk(of(Kind::Missing), Code::NotAsked, "数据目录不可用", "cannot be used"),
        ]
    }
}
