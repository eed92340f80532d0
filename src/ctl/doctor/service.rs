//! The system's service, and other programs that are asked: each with a limit in time.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::health::doctor::CHECK_LIMIT_MS;
use crate::health::doctor::service::{Found, Unit};

/// It is there while systemd runs the machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
const UNIT: &str = "punchd.service";
const PROPERTIES: &str = "--property=LoadState,ActiveState,UnitFileState,User,MainPID,NRestarts,ExecMainStatus,WatchdogUSec";
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Asks systemd.
pub(super) fn ask() -> Found {
    if !Path::new(BOOTED).is_dir() {
        return Found::None;
    }
    let mut command = Command::new("systemctl");
    command.args(["show", UNIT, PROPERTIES]);
    match answer(&mut command) {
        Ok(text) => read(&text),
        Err(error) if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) => Found::Silent,
        Err(_) => Found::None,
    }
}

fn read(text: &str) -> Found {
    let properties: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let of = |name: &str| properties.get(name).copied().unwrap_or_default();
    if of("LoadState") == "not-found" || of("ActiveState").is_empty() {
        return Found::None;
    }
    Found::Unit(Unit {
        active: of("ActiveState").to_owned(),
        enabled: of("UnitFileState").to_owned(),
        user: of("User").to_owned(),
        process: of("MainPID").parse().unwrap_or_default(),
        restarts: of("NRestarts").parse().unwrap_or_default(),
        exit: of("ExecMainStatus").parse().unwrap_or_default(),
        watchdog: !matches!(of("WatchdogUSec"), "" | "0" | "infinity"),
    })
}

/// A program that lies beside this one, else one found by PATH.
pub(super) fn beside(name: &str) -> Command {
    let here = std::env::current_exe().ok().and_then(|this| Some(this.parent()?.join(name))).filter(|program| program.exists());
    here.map_or_else(|| Command::new(name), Command::new)
}

/// Starts a program whose standard output can be read with a limit in time.
pub(super) fn start(command: &mut Command) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = command.stdin(Stdio::null()).stdout(OwnedFd::from(theirs)).stderr(Stdio::null()).spawn()?;
    // The command keeps its own copy of the other end, which would keep the stream open.
    command.stdout(Stdio::null());
    Ok((child, ours))
}

fn answer(command: &mut Command) -> io::Result<String> {
    let (mut child, stream) = start(command)?;
    stream.set_read_timeout(Some(Duration::from_millis(CHECK_LIMIT_MS)))?;
    let mut text = String::new();
    let read = stream.take(ANSWER_BYTES_MAX).read_to_string(&mut text);
    if read.is_err() {
        child.kill().ok();
    }
    child.wait()?;
    read.map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_shows_is_read() {
        let text = "LoadState=loaded\nActiveState=failed\nUnitFileState=enabled\nUser=punchd\nMainPID=0\nNRestarts=4\nExecMainStatus=78\nWatchdogUSec=20s\n";
        let Found::Unit(unit) = read(text) else { panic!("there is a unit") };
        let wanted = Unit {
            active: "failed".to_owned(),
            enabled: "enabled".to_owned(),
            user: "punchd".to_owned(),
            process: 0,
            restarts: 4,
            exit: 78,
            watchdog: true,
        };
        assert_eq!(unit, wanted);
        assert_eq!(read("LoadState=not-found\nActiveState=inactive\n"), Found::None);
    }

    #[test]
    fn a_program_that_says_nothing_is_given_up_and_one_that_ends_is_read_to_its_end() {
        let mut echo = Command::new("echo");
        assert_eq!(answer(echo.arg("well")).unwrap(), "well\n");
        let (mut child, mut stream) = start(Command::new("sleep").arg("60")).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
