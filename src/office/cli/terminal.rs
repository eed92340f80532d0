//! `terminal add|list|show|revoke`.

use std::net::SocketAddr;

use clap::Subcommand;
use serde::Serialize;

use super::{Context, Failure, print_json};
use crate::config::office::OfficeSettings;
use crate::domain::id::{JournalId, Sequence, TerminalId};
use crate::domain::time::{Trust, UtcOffset};
use crate::health::Condition;
use crate::office::serve::{LISTEN_FILE, public_url};
use crate::office::store::{SiteId, Terminal};
use crate::office::{keys, pairing, tls};
use crate::sys::{self, Exit};

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a terminal known and open a pairing code for it (valid 30 minutes)
    Add {
        /// Its name: a-z, 0-9 and -
        terminal: TerminalId,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// All terminals
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// One terminal with its keys and journals
    Show {
        /// Which
        terminal: TerminalId,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse a terminal from now on; its history stays
    Revoke {
        /// Which
        terminal: TerminalId,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Added {
    terminal: TerminalId,
    code: String,
    url: String,
    expires: String,
}

/// A terminal as interfaces show it.
#[derive(Serialize)]
struct Shown {
    terminal: TerminalId,
    standing: &'static str,
    added_at: String,
    contact_at: Option<String>,
    complete_up_to: Option<String>,
    code_until: Option<String>,
    backlog: Option<u64>,
    clock: Option<Trust>,
    software: Option<String>,
    conditions: Vec<Condition>,
    journals: Vec<ShownJournal>,
    keys: Vec<ShownKey>,
}

#[derive(Serialize)]
struct ShownJournal {
    journal: JournalId,
    mark: Sequence,
    announced: Sequence,
    forked: bool,
    quarantined: u64,
    lost: u64,
}

#[derive(Serialize)]
struct ShownKey {
    public_key: String,
    paired_at: String,
    revoked_at: Option<String>,
}

#[derive(Serialize)]
struct RevokedShown {
    terminal: TerminalId,
    keys: usize,
    code: bool,
}

pub(super) fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Add { terminal, json } => add(&terminal, json, context),
        Verb::List { json } => list(json, context),
        Verb::Show { terminal, json } => show(&terminal, json, context),
        Verb::Revoke { terminal, json } => revoke(&terminal, json, context),
    }
}

fn add(terminal: &TerminalId, json: bool, context: &Context) -> Result<Exit, Failure> {
    let added = context.with_store(async |store, settings| {
        let anchor = tls::anchor(settings)?;
        let opened = pairing::open_code(store, SiteId::FIRST, terminal.clone(), &anchor, context.now()).await?;
        let url = public_url(settings, listen(settings));
        let expires = settings.utc_offset.rfc3339(opened.expires);
        Ok(Added { terminal: terminal.clone(), code: opened.code.to_string(), url, expires })
    })?;
    if json {
        print_json(&added)?;
    } else {
        sys::out(format_args!("punchctl pair {} {}", added.url, added.code));
        sys::out(format_args!("valid until {}", added.expires));
    }
    Ok(Exit::Ok)
}

/// Where a running server listens, or would.
fn listen(settings: &OfficeSettings) -> SocketAddr {
    let written = keys::read_if_there(&settings.data_dir.join(LISTEN_FILE)).ok().flatten();
    let line = written.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    let written = line.and_then(|line| line.get("listen")?.as_str()?.parse::<SocketAddr>().ok());
    written.filter(|_| settings.listen.port() == 0).unwrap_or(settings.listen)
}

fn list(json: bool, context: &Context) -> Result<Exit, Failure> {
    let shown = context.with_store(async |store, settings| {
        let terminals = store.terminals(SiteId::FIRST).await?;
        Ok(terminals.into_iter().map(|terminal| Shown::of(terminal, settings.utc_offset)).collect::<Vec<_>>())
    })?;
    if json {
        print_json(&shown)?;
    } else {
        shown.iter().for_each(Shown::print);
    }
    Ok(Exit::Ok)
}

fn unknown(terminal: &TerminalId) -> Failure {
    Failure::new(Exit::Data, format_args!("{terminal} is no terminal of this office"), "see punch-office terminal list")
}

fn show(terminal: &TerminalId, json: bool, context: &Context) -> Result<Exit, Failure> {
    let shown = context.with_store(async |store, settings| {
        let found = store.terminal(SiteId::FIRST, terminal.clone()).await?;
        found.map(|found| Shown::of(found, settings.utc_offset)).ok_or_else(|| unknown(terminal))
    })?;
    if json {
        print_json(&shown)?;
    } else {
        shown.print();
        for journal in &shown.journals {
            let ShownJournal { journal, mark, announced, forked, quarantined, lost } = journal;
            let forked = if *forked { ", forked" } else { "" };
            sys::out(format_args!("  journal {journal}: {mark} of {announced}, {lost} lost, {quarantined} in quarantine{forked}"));
        }
        for key in &shown.keys {
            let revoked = key.revoked_at.as_ref().map(|at| format!(", revoked {at}")).unwrap_or_default();
            sys::out(format_args!("  key {} of {}{revoked}", key.public_key, key.paired_at));
        }
        for condition in &shown.conditions {
            let (zh, en) = condition.code.title();
            sys::out(format_args!("  {} {zh} / {en} {} {}", condition.code.code(), condition.subject, condition.detail));
        }
    }
    Ok(Exit::Ok)
}

fn revoke(terminal: &TerminalId, json: bool, context: &Context) -> Result<Exit, Failure> {
    let revoked = context.with_store(async |store, _| {
        let revoked = store.terminal_revoke(SiteId::FIRST, terminal.clone(), context.now()).await?;
        revoked.ok_or_else(|| unknown(terminal))
    })?;
    let shown = RevokedShown { terminal: terminal.clone(), keys: revoked.keys, code: revoked.code };
    if json {
        print_json(&shown)?;
    } else {
        sys::out(format_args!("{terminal}: {} key(s) revoked", shown.keys));
    }
    Ok(Exit::Ok)
}

impl Shown {
    fn of(terminal: Terminal, offset: UtcOffset) -> Self {
        let standing = terminal.standing();
        let time = |at| offset.rfc3339(at);
        let journal = |journal: crate::office::store::TerminalJournal| ShownJournal {
            journal: journal.journal,
            mark: journal.mark,
            announced: journal.announced,
            forked: journal.forked,
            quarantined: journal.quarantined,
            lost: journal.lost,
        };
        let key = |key: crate::office::store::TerminalKey| ShownKey {
            public_key: key.public_key,
            paired_at: time(key.added_at),
            revoked_at: key.revoked_at.map(time),
        };
        Self {
            terminal: terminal.id,
            standing,
            added_at: time(terminal.added_at),
            contact_at: terminal.contact_at.map(time),
            complete_up_to: terminal.complete_up_to.map(time),
            code_until: terminal.code_until.map(time),
            backlog: terminal.state.as_ref().map(|state| state.backlog),
            clock: terminal.state.as_ref().map(|state| state.clock.trust),
            software: terminal.state.as_ref().map(|state| state.software.clone()),
            conditions: terminal.state.map(|state| state.conditions).unwrap_or_default(),
            journals: terminal.journals.into_iter().map(journal).collect(),
            keys: terminal.keys.into_iter().map(key).collect(),
        }
    }

    fn print(&self) {
        let or_never = |at: &Option<String>| at.clone().unwrap_or_else(|| "never".to_owned());
        let backlog = self.backlog.map_or_else(|| "?".to_owned(), |backlog| backlog.to_string());
        sys::out(format_args!(
            "{}  {}  last contact {}  complete up to {}  backlog {backlog}",
            self.terminal,
            self.standing,
            or_never(&self.contact_at),
            or_never(&self.complete_up_to)
        ));
    }
}
