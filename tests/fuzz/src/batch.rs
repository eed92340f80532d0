//! The body of a batch: what is taken keeps every limit, carries its bytes as they came, and is taken again the same; entries are taken only
//! where they carry on from one another.

use ed25519_dalek::SigningKey;
use punchd::domain::id::{BootId, EntryHash, JournalId, Sequence};
use punchd::domain::time::{ClockReading, Mono, Trust, Wall};
use punchd::wire::batch::{
    BATCH_ENTRIES_MAX, BATCH_LISTS_MAX, BATCH_VERSION, Batch, BatchError, CLOCK_MS_MAX, CONDITIONS_MAX, CheckedBatch, SEQUENCE_MAX,
    STATE_TEXT_MAX, TerminalState,
};
use punchd::wire::canonical::{self, Purpose};
use punchd::wire::entry::{Body, Draft, ENTRY_BYTES_MAX, Stored};
use serde_json::value::RawValue;

use super::json;
use super::script::Script;

const JOURNAL: JournalId = JournalId([1; 16]);
/// Entries of the chain that a script picks from.
const CHAIN_LEN: u8 = 12;

/// Bytes that begin as JSON are the body; others are a script that picks entries of a chain and changes one of them.
pub fn holds(bytes: &[u8]) {
    if bytes.first() == Some(&b'{') { body(bytes) } else { picked(Script(bytes)) }
}

fn body(bytes: &[u8]) {
    let written = json::read::<Batch>(bytes);
    match Batch::read(bytes) {
        Ok(checked) => {
            within_limits(&checked);
            let again = Batch::read(&serde_json::to_vec(&written.expect("it was read")).unwrap()).expect("it is taken again");
            assert_eq!((&again.terminal, again.journal, &again.entries), (&checked.terminal, checked.journal, &checked.entries));
            assert_eq!((&again.lost, &again.state), (&checked.lost, &checked.state));
        }
        Err(error) => {
            let json = matches!(error, BatchError::Json(_));
            assert_eq!(json, written.is_none(), "{error}");
            assert!(error.code().starts_with("batch-") && error.to_string().len() <= 1_024 + 8 * bytes.len());
            let index = match error {
                BatchError::EntryBytes { index, .. }
                | BatchError::Entry { index, .. }
                | BatchError::Journal { index }
                | BatchError::Chain { index } => Some(index),
                BatchError::Bytes(_)
                | BatchError::Json(_)
                | BatchError::Version(_)
                | BatchError::Count { .. }
                | BatchError::StateText(_)
                | BatchError::Clock
                | BatchError::Sequence(_) => None,
            };
            assert!(index.is_none_or(|index| index < written.unwrap().entries.len()), "the entry that it names is there");
        }
    }
}

fn within_limits(checked: &CheckedBatch) {
    let lists = [checked.lost.len(), checked.state.journals.len()];
    assert!(checked.entries.len() <= BATCH_ENTRIES_MAX && lists.iter().all(|length| *length <= BATCH_LISTS_MAX));
    let state = &checked.state;
    assert!(state.conditions.len() <= CONDITIONS_MAX && state.software.len() <= STATE_TEXT_MAX);
    assert!(state.journals.iter().all(|end| end.sequence <= SEQUENCE_MAX));
    assert!(checked.lost.iter().all(|lost| lost.from >= Sequence(1) && lost.from <= lost.to && lost.to <= SEQUENCE_MAX));
    let mut before: Option<&Stored> = None;
    for entry in &checked.entries {
        let stored = &entry.stored;
        assert!(stored.text.len() <= ENTRY_BYTES_MAX && stored.journal == checked.journal);
        assert!((Sequence(1)..=SEQUENCE_MAX).contains(&stored.sequence) && entry.entry.sequence == stored.sequence);
        assert_eq!((stored.hash, canonical::open(&stored.text)), (canonical::entry_hash(&stored.text), Ok(entry.entry.clone())));
        assert!(entry.entry.clock.wall.0.unsigned_abs() <= CLOCK_MS_MAX && entry.entry.clock.uncertainty_ms <= CLOCK_MS_MAX);
        if let Some(before) = before {
            assert_eq!((stored.sequence, entry.entry.previous), (before.sequence.next(), before.hash));
        }
        before = Some(stored);
    }
}

/// Any choice of entries in any order: it is taken exactly if it is an unbroken run and no byte was changed.
fn picked(mut script: Script<'_>) {
    let chain = chain();
    let (changed, flipped) = (usize::from(script.byte()), script.byte());
    let picks: Vec<usize> = script.bytes(BATCH_ENTRIES_MAX).iter().map(|pick| usize::from(pick % CHAIN_LEN)).collect();
    let mut texts: Vec<String> = picks.iter().map(|pick| chain[*pick].text.clone()).collect();
    let whole = picks.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let mut altered = false;
    if flipped != 0
        && let Some(text) = texts.get_mut(changed)
    {
        let version = format!("\"version\":\"{flipped}\"");
        *text = text.replace("\"version\":\"0\"", &version);
        // The last one's hash is carried by nobody yet.
        altered = changed + 1 < picks.len();
    }
    let batch = batch(&texts);
    let body = serde_json::to_vec(&batch).unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    let signature = canonical::sign(&key, Purpose::Batch, &body);
    assert_eq!(canonical::verify(&key.verifying_key(), Purpose::Batch, &body, &signature), Ok(()));
    assert!(canonical::verify(&key.verifying_key(), Purpose::Request, &body, &signature).is_err(), "one purpose never passes for another");
    match Batch::read(&body) {
        Ok(checked) => {
            assert!(whole && !altered, "{picks:?} were taken, {changed} changed");
            assert_eq!(checked.entries.iter().map(|entry| entry.stored.text.clone()).collect::<Vec<_>>(), texts);
            within_limits(&checked);
        }
        Err(error) => assert!((!whole || altered) && error.code() == "batch-chain", "{error}: {picks:?}, {changed} changed"),
    }
}

fn chain() -> Vec<Stored> {
    let mut previous = EntryHash::NONE;
    let entry = |number: u8| {
        let draft = Draft { clock: clock(), body: Body::Boot { version: "0".to_owned() }, origin: None };
        let stored = canonical::seal(draft, JOURNAL, Sequence(u64::from(number)), previous).unwrap();
        previous = stored.hash;
        stored
    };
    (1..=CHAIN_LEN).map(entry).collect()
}

fn clock() -> ClockReading {
    ClockReading { wall: Wall(0), mono: Mono(0), boot: BootId([0; 16]), trust: Trust::Unset, uncertainty_ms: 0 }
}

fn batch(texts: &[String]) -> Batch {
    let state =
        TerminalState { clock: clock(), journals: Vec::new(), backlog: 0, software: "0".to_owned(), conditions: Vec::new(), bundle: None };
    let entries = texts.iter().map(|text| RawValue::from_string(text.clone()).unwrap()).collect();
    Batch { version: BATCH_VERSION, terminal: "hall-1".parse().unwrap(), journal: JOURNAL, entries, lost: Vec::new(), state }
}
