//! `punchctl doctor`: asks everything that a technician asks first, and says what to do. Every question has a limit in time; what passes it is
//! told as that. While no daemon answers, `punchd examine` is asked for what lies in files, and for the office.

mod configuration;
mod device;
mod page;
mod service;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::Global;
use super::client::{Client, ClientError};
use super::words::{Language, columns, padded};
use crate::config::terminal::{self, TerminalSettings};
use crate::control::{Reply, Request};
use crate::health::doctor::codes::{Class, State};
use crate::health::doctor::text::Text;
use crate::health::doctor::{CHAIN_LIMIT_MS, CHECK_LIMIT_MS, Facts, Finding, Told, daemon, first_fault, judge, summary};
use crate::sys::{self, Exit};

/// How long the first part is waited for.
const FIRST_LIMIT: Duration = Duration::from_millis(CHECK_LIMIT_MS);
/// How long any further part is waited for: the chain's own limit, and what the kiosk needs to say that it was passed.
const FURTHER_LIMIT: Duration = Duration::from_millis(CHAIN_LIMIT_MS + 2 * CHECK_LIMIT_MS);
/// Columns of a mark and the space behind it.
const MARK_COLUMNS: usize = 2;

/// Asks, judges, prints.
pub(super) fn run(global: &Global, language: Language) -> Exit {
    let facts = gather(global);
    let findings = judge(&facts);
    if global.json {
        sys::out(json(&findings, language));
    } else {
        print(&findings, language).into_iter().for_each(sys::out);
    }
    exit_of(&findings)
}

fn exit_of(findings: &[Finding]) -> Exit {
    match first_fault(findings) {
        None => Exit::Ok,
        Some(Class::Unavailable) => Exit::Unavailable,
        Some(Class::Storage) => Exit::Io,
        Some(Class::Permission) => Exit::Permission,
        Some(Class::Configuration) => Exit::Config,
    }
}

fn gather(global: &Global) -> Facts {
    let named = global.config.as_deref();
    let socket = global.socket.clone().or_else(|| terminal::control_socket(named).ok());
    let socket = socket.unwrap_or_else(|| PathBuf::from(terminal::CONTROL_SOCKET));
    let mut facts = Facts { version: env!("CARGO_PKG_VERSION").to_owned(), ..Facts::default() };
    (facts.daemon, facts.told) = ask(&socket);
    // The file that counts is the one that the daemon was started with, unless somebody names another.
    let started_with = facts.told.standing.as_ref().and_then(|standing| standing.configuration.clone()).map(PathBuf::from);
    let (found, settings) = configuration::read(named.or(started_with.as_deref()), &socket, facts.told.standing.as_ref());
    facts.configuration = found;
    facts.service = service::ask();
    if let Some(settings) = &settings {
        match &mut facts.daemon {
            daemon::Found::Down { process, .. } => {
                *process = device::lock_holder(&settings.data_dir.join("lock"));
                facts.told = at_rest(settings);
            }
            // The files tell much of why it says nothing.
            daemon::Found::Silent { .. } | daemon::Found::Strange { .. } => facts.told = at_rest(settings),
            daemon::Found::NotAsked | daemon::Found::Answers { .. } | daemon::Found::Denied { .. } => {}
        }
    }
    facts.ports = device::look(&facts, settings.as_ref());
    facts.page = page::ask(facts.told.standing.as_ref().map(|standing| standing.page.clone()), settings.as_ref());
    facts
}

/// Asks the daemon.
fn ask(socket: &Path) -> (daemon::Found, Told) {
    let shown = socket.display().to_string();
    let mut client = match Client::connect(socket) {
        Ok(client) => client,
        Err(ClientError::Connect { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            return (daemon::Found::Denied { socket: shown }, Told::default());
        }
        Err(_) => return (daemon::Found::Down { socket: shown, process: None }, Told::default()),
    };
    let asked = client.limit(FIRST_LIMIT).and_then(|()| client.ask(&Request::Examine));
    let mut told = Told::default();
    if asked.is_err() {
        return (daemon::Found::Silent { socket: shown }, told);
    }
    let first = listen(&mut client, &mut told);
    match first {
        Err(ClientError::Broken(error)) if told == Told::default() && is_limit(&error) => (daemon::Found::Silent { socket: shown }, told),
        Err(error) if told == Told::default() => (daemon::Found::Strange { why: error.to_string() }, told),
        Ok(()) if told == Told::default() => (daemon::Found::Down { socket: shown, process: None }, told),
        Ok(()) | Err(_) => (daemon::Found::Answers { socket: shown }, told),
    }
}

/// Takes in every part that comes.
fn listen(client: &mut Client, told: &mut Told) -> Result<(), ClientError> {
    while let Some(reply) = client.reply()? {
        match reply {
            Reply::Part { part } => told.take(part),
            Reply::Failed { text, .. } => return Err(ClientError::Refused(text)),
            Reply::Status(_)
            | Reply::Readers { .. }
            | Reply::Line { .. }
            | Reply::Raw { .. }
            | Reply::Answer { .. }
            | Reply::Done { .. } => {}
        }
        client.limit(FURTHER_LIMIT)?;
    }
    Ok(())
}

fn is_limit(error: &std::io::Error) -> bool {
    [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind())
}

/// What can be found out while no daemon runs.
fn at_rest(settings: &TerminalSettings) -> Told {
    let mut told = Told::default();
    let mut command = service::beside("punchd");
    command.arg("examine");
    if let Some(file) = &settings.file {
        command.arg("--config").arg(file);
    }
    let Ok((mut child, stream)) = service::start(&mut command) else { return told };
    let mut client = Client::over(stream);
    let listened = client.limit(FURTHER_LIMIT).and_then(|()| listen(&mut client, &mut told));
    // One that is still busy with a disk that hangs is left to its end.
    if listened.is_ok() {
        child.wait().ok();
    } else {
        child.kill().ok();
    }
    told
}

/// The answer as one object.
fn json(findings: &[Finding], language: Language) -> String {
    #[derive(Serialize)]
    struct Answer<'a> {
        ok: bool,
        checks: Vec<Line<'a>>,
    }
    #[derive(Serialize)]
    struct Line<'a> {
        check: &'a str,
        state: State,
        found: &'a str,
        remedy: &'a str,
        code: &'static str,
    }
    let line = |finding| {
        let Finding { check, code, found, remedy, .. }: &Finding = finding;
        Line { check, state: code.state(), found: said(found, language), remedy: said(remedy, language), code: code.code() }
    };
    let answer = Answer { ok: first_fault(findings).is_none(), checks: findings.iter().map(line).collect() };
    serde_json::to_string(&answer).unwrap_or_default()
}

/// The answer for people: a line for each check, what to do below it, and a last line that sums up.
fn print(findings: &[Finding], language: Language) -> Vec<String> {
    let width = findings.iter().map(|finding| columns(said(&finding.label, language))).max().unwrap_or_default();
    let indent = " ".repeat(MARK_COLUMNS + width + 1);
    let mut lines = Vec::new();
    for finding in findings {
        let label = padded(said(&finding.label, language), width);
        lines.push(format!("{} {label} {}", mark(finding.state()), said(&finding.found, language)));
        lines.extend(Some(said(&finding.remedy, language)).filter(|remedy| !remedy.is_empty()).map(|remedy| format!("{indent}→ {remedy}")));
    }
    let worst = [State::Fault, State::Warning].into_iter().find(|worst| findings.iter().any(|finding| finding.state() == *worst));
    lines.push(format!("{} {}", mark(worst.unwrap_or(State::Ok)), said(&summary(findings), language)));
    lines
}

const fn mark(state: State) -> &'static str {
    match state {
        State::Ok => "✔",
        State::Fault => "✘",
        State::Warning => "!",
        State::NotApplicable => "–",
    }
}

fn said(text: &Text, language: Language) -> &str {
    match language {
        Language::Zh => &text.zh,
        Language::En => &text.en,
    }
}
