//! One wounded data directory: opened, tapped at, and everything in it asked for.

use std::collections::{BTreeMap, BTreeSet};

use punchd::domain::id::Sequence;
use punchd::health::Code;
use punchd::wire::canonical;
use punchd::wire::entry::{Body, Stored, SuccessionReason};

use super::files::{self, Files};
use super::journal::start;
use super::original::Original;
use crate::rig::journal::{Journal, punch};

/// The first badge that is presented after the damage.
const AFTER: u64 = 900_000;

/// How a case came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether the journal was set aside.
    pub(super) set_aside: bool,
    /// How many entries were declared lost.
    pub(super) lost: usize,
}

/// Opens what is left and holds it to the law; what is against it, in words.
pub(super) fn judge(original: &Original, wounded: &Files) -> Result<Verdict, String> {
    let folder = files::folder();
    files::write(folder.path(), wounded);
    let mut journal = start(folder.path());
    let views = journal.opened().map(|opened| opened.journals).map_err(|why| format!("nothing can be stored: {why}"))?;
    let id = original.journal();
    let new = journal.store(punch(AFTER)).map_err(|why| format!("the next punch is not stored: {why}"))?;
    let set_aside = new.journal != id;
    let conditions = journal.conditions();
    let told = conditions.iter().any(|condition| condition.code == Code::JournalDamaged && condition.subject == id.to_string());
    if set_aside != told {
        return Err(format!("set aside: {set_aside}, and the conditions are {conditions:?}"));
    }
    let Some(view) = views.iter().find(|view| view.journal == id) else {
        return Err(format!("the journal is not known any more: {views:?}"));
    };
    let (found, lost) = journal.drain(view);
    let mut given = BTreeMap::new();
    for stored in found {
        if stored == new {
            continue;
        }
        let place = usize::try_from(stored.sequence.0).unwrap().checked_sub(1);
        if place.and_then(|place| original.entries.get(place)) != Some(&stored) || given.insert(stored.sequence, stored.hash).is_some() {
            return Err(format!("invented or given twice: {stored:?}"));
        }
    }
    let declared: BTreeSet<Sequence> = lost.iter().flat_map(|hole| (hole.from.0..=hole.to.0).map(Sequence)).collect();
    let names = |known: &&Stored| !given.contains_key(&known.sequence) && !declared.contains(&known.sequence);
    if let Some(silent) = original.entries.iter().find(names) {
        return Err(format!("entry {} is neither given nor declared lost: {view:?} {lost:?}", silent.sequence));
    }
    for stored in original.entries.iter().filter(|stored| declared.contains(&stored.sequence)) {
        let whole = [stored.text.as_bytes(), &stored.hash.0].concat();
        if given.contains_key(&stored.sequence) || files::hold(wounded, &whole) {
            return Err(format!("entry {} is declared lost and still stands in the files", stored.sequence));
        }
    }
    if let Some(beyond) = declared.iter().find(|sequence| sequence.0 > original.entries.len() as u64) {
        return Err(format!("entry {beyond} is declared lost and never was"));
    }
    if set_aside {
        succession(&mut journal, original, &new)?;
    } else if !lost.is_empty() || new.sequence.0 != original.entries.len() as u64 + 1 {
        return Err(format!("the journal goes on at {} with {} holes", new.sequence, lost.len()));
    }
    journal.stop();
    Ok(Verdict { set_aside, lost: declared.len() })
}

/// The first entry of the new journal names the one before.
fn succession(journal: &mut Journal, original: &Original, new: &Stored) -> Result<(), String> {
    let (first, _) = journal.load(new.journal, Sequence(1));
    let opened = first.first().and_then(|stored| canonical::open(&stored.text).ok());
    let Some(Body::Opened { predecessor: Some(before), .. }) = opened.map(|entry| entry.body) else {
        return Err(format!("the new journal names no predecessor: {first:?}"));
    };
    let expected = (original.journal(), SuccessionReason::Damaged);
    if (before.journal, before.reason) == expected { Ok(()) } else { Err(format!("the new journal follows {before:?}")) }
}
