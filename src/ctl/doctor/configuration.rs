//! The configuration, through the same checks as `punchd check`.

use std::io::ErrorKind;
use std::path::Path;

use crate::config::file::LoadError;
use crate::config::problem::{Problem, Problems};
use crate::config::terminal::{self, TerminalSettings};
use crate::health::doctor::configuration::Found;
use crate::health::doctor::daemon::Standing;

/// How a problem begins that comes of a secret which this user may not read.
const HIDDEN: &str = "`reader.password-file`: cannot read";

/// Reads the named file, or the first of the usual places.
pub(super) fn read(named: Option<&Path>, socket: &Path, standing: Option<&Standing>) -> (Found, Option<TerminalSettings>) {
    match terminal::load(named) {
        Ok(mut settings) => {
            let file = settings.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            let changed = standing.is_some_and(|standing| !is_in_force(&settings, socket, &standing.settings));
            // `--socket` overrides the file for the daemon as it does here.
            socket.clone_into(&mut settings.control_socket);
            (Found::Right { file, readers: settings.readers.len(), changed }, Some(settings))
        }
        Err(LoadError::Nowhere(_)) => (Found::Nowhere, None),
        Err(LoadError::Read { path, source }) => {
            let denied = source.kind() == ErrorKind::PermissionDenied;
            (Found::Unreadable { file: path.display().to_string(), why: source.to_string(), denied }, None)
        }
        Err(LoadError::Wrong(problems)) => (wrong(&problems), None),
    }
}

/// Whether a daemon runs by these settings: its socket may be the file's or one that it was given, and is the same however it is named here.
fn is_in_force(settings: &TerminalSettings, socket: &Path, digest: &str) -> bool {
    let absolute = std::path::absolute(socket).unwrap_or_else(|_| socket.to_owned());
    let names = [settings.control_socket.clone(), socket.to_owned(), absolute];
    names.into_iter().any(|control_socket| TerminalSettings { control_socket, ..settings.clone() }.digest() == digest)
}

fn wrong(problems: &Problems) -> Found {
    let file = problems.file.clone();
    let hidden = |problem: &Problem| problem.what.starts_with(HIDDEN) && problem.what.contains("ermission denied");
    if !rustix::process::geteuid().is_root() && problems.problems.iter().all(hidden) {
        return Found::Hidden { file };
    }
    let first = problems.problems.first().map(|problem| told(problem, &problems.text)).unwrap_or_default();
    Found::Wrong { file, problems: problems.problems.len(), first }
}

/// A problem with its line and column.
fn told(problem: &Problem, text: &str) -> String {
    let before = problem.place.as_ref().and_then(|place| text.get(..place.start));
    let Some(before) = before else { return problem.what.clone() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column} {}", problem.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_named_in_another_way_is_no_change_of_the_configuration() {
        let checked = |text: &str| terminal::check("terminal.toml", text).unwrap();
        let here = std::path::absolute("k.sock").unwrap();
        let settings = checked(&format!("[terminal]\ncontrol-socket = {here:?}\n"));
        let digest = settings.digest();
        for socket in [here.as_path(), Path::new("k.sock"), Path::new("elsewhere/k.sock")] {
            assert!(is_in_force(&settings, socket, &digest), "{}", socket.display());
        }
        let given = TerminalSettings { control_socket: "/run/given.sock".into(), ..settings.clone() };
        assert!(is_in_force(&settings, Path::new("/run/given.sock"), &given.digest()));
        let other = TerminalSettings { phone: "8211234".to_owned(), ..settings };
        assert!(!is_in_force(&other, &here, &digest));
    }
}
