//! The readers' devices as this machine shows them: whose they are, and who else has them open.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::terminal::TerminalSettings;
use crate::health::doctor::Facts;
use crate::health::doctor::port::{Device, Node};
use crate::sys::accounts;

/// Most processes that are looked at for an open device.
const PROCESSES_MAX: usize = 32_768;
/// The user of the packaged service.
const SERVICE_USER: &str = "punchd";

/// Every configured reader's device.
pub(super) fn look(facts: &Facts, settings: Option<&TerminalSettings>) -> Vec<Device> {
    let running = facts.told.standing.as_ref();
    let user = running.map(|standing| standing.user.clone()).or_else(|| facts.service.unit().map(|unit| unit.user.clone()));
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| SERVICE_USER.to_owned());
    let listed_groups = accounts::listed_groups(&user);
    let configured = settings.map(|settings| settings.readers.as_slice()).unwrap_or_default();
    let configured = configured.iter().map(|port| (port.reader.to_string(), port.device.clone()));
    let told = running.map(|standing| standing.readers.as_slice()).unwrap_or_default();
    let told = told.iter().map(|reader| (reader.reader.clone(), PathBuf::from(&reader.device)));
    let readers: Vec<(String, PathBuf)> = if running.is_some() { told.collect() } else { configured.collect() };
    let mine = running.map(|standing| standing.process);
    let device = |(reader, path): (String, PathBuf)| {
        let node = node(&path);
        let holders = if node.is_some() { holders(&path, mine) } else { Vec::new() };
        Device { reader, device: path.display().to_string(), node, holders, listed_groups: listed_groups.clone() }
    };
    readers.into_iter().map(device).collect()
}

fn node(path: &Path) -> Option<Node> {
    let found = fs::metadata(path).ok()?;
    let (owner, group) = (accounts::user_name(found.uid()), accounts::group_name(found.gid()));
    Some(Node { owner, group, mode: found.permissions().mode() & 0o777 })
}

/// Other processes that have a device open, as far as this user may see: process id and name.
fn holders(path: &Path, daemon: Option<u32>) -> Vec<(u32, String)> {
    let Ok(device) = fs::canonicalize(path) else { return Vec::new() };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().take(PROCESSES_MAX).filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    let holds = |id: &u32| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).ok();
        open.is_some_and(|open| open.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == device)))
    };
    ids.filter(|id| Some(*id) != daemon && holds(id)).map(|id| (id, name_of(id))).collect()
}

fn name_of(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim().to_owned()
}

/// The process that holds the lock of a data directory: a daemon that does not answer at the socket.
pub(super) fn lock_holder(lock: &Path) -> Option<u32> {
    let file = fs::metadata(lock).ok()?;
    let inode = format!(":{}", file.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let held = locks
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<&str>>())
        .find(|fields| fields.get(1) == Some(&"FLOCK") && fields.get(5).is_some_and(|place| place.ends_with(&inode)))?;
    held.get(4)?.parse().ok().filter(|process| *process != 0)
}
