//! `verify [--backup DIR]`.

use std::path::PathBuf;

use super::{Context, Failure, print_json, run_async};
use crate::office::backup::{DATABASE_FILE, read_manifest};
use crate::office::keys::{self, OFFICE_KEY_FILE};
use crate::office::store::{Database, SiteId, Store};
use crate::office::verify::{Report, verify};
use crate::supervise::Supervisor;
use crate::sys::{self, Exit};

/// What is verified.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A backup instead of the store in use
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (database, keys_in) = if let Some(folder) = &args.backup {
        read_manifest(folder)?;
        (folder.join(DATABASE_FILE), folder.clone())
    } else {
        let settings = context.settings()?;
        (settings.database, settings.data_dir)
    };
    let key = keys::known_office_key(&keys_in)?;
    let absent = || {
        Failure::new(
            Exit::Io,
            format_args!("{} is missing", keys_in.join(OFFICE_KEY_FILE).display()),
            "without it receipts cannot be checked",
        )
    };
    let key = key.ok_or_else(absent)?.verifying_key();
    let report = run_async(async {
        let (supervisor, _notices) = Supervisor::new();
        let store = Store::open_to_read(&Database::Sqlite(database), &supervisor)?;
        let report = verify(&store, SiteId::FIRST, &key).await;
        store.close().await;
        Ok(report?)
    })?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    Ok(if report.is_good() { Exit::Ok } else { Exit::Data })
}

fn print(report: &Report) {
    for journal in &report.journals {
        let forked = if journal.forked { ", forked" } else { "" };
        sys::out(format_args!(
            "{} {}: {} entries, whole up to {}, {} in quarantine{forked}",
            journal.terminal, journal.journal, journal.entries, journal.mark, journal.quarantined
        ));
        for hole in &journal.holes {
            sys::out(format_args!("  declared lost: {} to {} ({:?})", hole.from, hole.to, hole.reason));
        }
        for cut_off in &journal.cut_off {
            sys::out(format_args!("  declared lost before a fork of {}: {} to {} (Unreadable)", cut_off.journal, cut_off.from, cut_off.to));
        }
        for (from, to) in &journal.pending {
            sys::out(format_args!("  still to come: {from} to {to}"));
        }
    }
    for fault in &report.faults {
        let journal = fault.journal.map(|journal| format!(" {journal}")).unwrap_or_default();
        sys::out(format_args!("FAULT {} {}{journal}: {}", fault.code, fault.terminal, fault.text));
    }
    let verdict = if report.is_good() { "nothing was lost, added, changed or reordered" } else { "not everything is as it was received" };
    sys::out(format_args!("{verdict}; faults: {}", report.faults_total));
}
