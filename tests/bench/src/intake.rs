//! What an office takes in: rows a second beside SQLite's own bulk insert of the same rows, and two hundred terminals at once.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use punchd::clock::Clock;
use punchd::office::store::{Arrival, Signed, SiteId};
use punchd::terminal::link::Link;
use punchd::wire::batch::{BATCH_ENTRIES_MAX, BATCH_VERSION, Batch};
use punchd::wire::canonical::{self, Purpose};
use punchd::wire::entry::Stored;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::fixture::{PEOPLE, PUNCH_EVERY_MS};
use crate::office::{Office, Premises, Registered};
use crate::run::{Run, float, per_second};
use crate::stopwatch::{MS, Spread, now, seconds_since};
use crate::table::Figure;

const ROW: &str = "intake";
/// Entries of each of the terminals that send all they can.
const STREAM: u64 = 12 * 1_024;
/// How many of them send at once.
const STREAMS: u8 = 4;
/// How many terminals come at once, how many entries each has, and in how many batches.
const CROWD: u8 = 200;
const CROWD_ENTRIES: u64 = 384;
const CROWD_BATCH: usize = 128;
/// How fast an office should be beside SQLite alone.
const RATIO_MIN: f64 = 0.5;
/// The order in which entries came.
const PLACE: &str = "terminal, journal, sequence";
/// The office's own schema, so that SQLite alone writes the same columns, indexes and triggers.
const SCHEMA: &str = include_str!("../../../src/office/store/migrations/0001.sql");

/// All of it, in one office.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = run.folder("store")?;
    let premises = Premises::new(&run.programs, &folder, PEOPLE)?;
    let alone = runtime.block_on(store_alone(&premises))?;
    let bulk = bulk(premises.database(), &folder)?;
    let folder = run.folder("office")?;
    let premises = Premises::new(&run.programs, &folder, PEOPLE)?;
    let (streams, crowd) = runtime.block_on(register(&premises))?;
    let office = premises.serve()?;
    let wire = runtime.block_on(stream(&office, streams))?;
    let crowd = runtime.block_on(gather(&office, crowd))?;
    office.stop()?;
    let rows = |what: &str, rate| {
        Figure::new(ROW, what, rate, "rows/s").beside("SQLite's own bulk insert of the same rows", bulk).ratio_at_least(RATIO_MIN)
    };
    let mut figures = vec![
        rows("entries into the store, from checked batches", alone).note("512 a transaction; each punch an entry and its line in the feed"),
        rows(&format!("entries over TLS, {STREAMS} terminals with a backlog at once"), wire).note("the senders share the machine's cores"),
    ];
    figures.extend(crowd);
    Ok(figures)
}

/// Batches straight into the store, one after the other.
async fn store_alone(premises: &Premises) -> anyhow::Result<f64> {
    let store = premises.store().await?;
    let mut terminal = Registered::new(&store, 1).await?;
    terminal.punches(STREAM * u64::from(STREAMS), month_ago(), PUNCH_EVERY_MS / 4)?;
    let arrivals: Vec<Arrival> =
        batches(&terminal, BATCH_ENTRIES_MAX).map(|entries| arrival(&terminal, entries)).collect::<anyhow::Result<_>>()?;
    let began = now();
    for arrival in arrivals {
        let taken = store.ingest(arrival).await?;
        anyhow::ensure!(taken.accepted == BATCH_ENTRIES_MAX, "a batch was not taken whole");
    }
    let rate = per_second(terminal.entries.len() as u64, began);
    store.close().await;
    Ok(rate)
}

fn batches(terminal: &Registered, size: usize) -> impl Iterator<Item = Vec<Stored>> + '_ {
    terminal.entries.chunks(size).map(<[Stored]>::to_vec)
}

/// A batch as the endpoint hands it over: signed by its terminal, read and checked.
pub(crate) fn arrival(terminal: &Registered, entries: Vec<Stored>) -> anyhow::Result<Arrival> {
    let last = entries.last().ok_or_else(|| anyhow!("no entries"))?;
    let state = terminal.state(last);
    let entries = entries.into_iter().map(|entry| RawValue::from_string(entry.text)).collect::<Result<_, _>>()?;
    let batch =
        Batch { version: BATCH_VERSION, terminal: terminal.id.clone(), journal: terminal.journal, entries, lost: Vec::new(), state };
    let body: Arc<[u8]> = serde_json::to_vec(&batch)?.into();
    let signature = canonical::sign(&terminal.key, Purpose::Batch, &body);
    let public_key = canonical::key_text(&terminal.key.verifying_key());
    let signed = Signed { purpose: Purpose::Batch, public_key, signature, body: Arc::clone(&body) };
    Ok(Arrival { site: SiteId::FIRST, batch: Batch::read(&body)?, signed: Some(signed), at: Clock::system().wall(), at_trusted: true })
}

fn month_ago() -> punchd::domain::time::Wall {
    Clock::system().wall().plus_millis(-30 * 24 * 3_600_000)
}

/// The same rows again, by SQLite alone: 512 a transaction, each of them durable.
fn bulk(database: &Path, folder: &Path) -> anyhow::Result<f64> {
    let from = Connection::open(database)?;
    let mut rows: VecDeque<(Vec<Value>, Vec<Value>)> = all(&from, "entry", PLACE)?.into_iter().zip(all(&from, "feed", PLACE)?).collect();
    let count = rows.len() as u64;
    let mut to = Connection::open(folder.join("bulk.db"))?;
    to.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    to.pragma_update(None, "synchronous", "FULL")?;
    to.execute_batch(SCHEMA)?;
    for table in ["site", "terminal", "journal"] {
        all(&from, table, "1")?.into_iter().try_for_each(|row| insert(&to, table, row))?; // What the rows lean on.
    }
    let began = now();
    while !rows.is_empty() {
        let transaction = to.transaction()?;
        for (entry, feed) in rows.drain(..rows.len().min(BATCH_ENTRIES_MAX)) {
            insert(&transaction, "entry", entry)?;
            insert(&transaction, "feed", feed)?;
        }
        transaction.commit()?;
    }
    Ok(per_second(count, began))
}

fn all(connection: &Connection, table: &str, order: &str) -> anyhow::Result<Vec<Vec<Value>>> {
    let mut select = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn insert(connection: &Connection, table: &str, row: Vec<Value>) -> rusqlite::Result<()> {
    let places = vec!["?"; row.len()].join(", ");
    connection.prepare_cached(&format!("INSERT INTO {table} VALUES ({places})"))?.execute(params_from_iter(row)).map(drop)
}

async fn register(premises: &Premises) -> anyhow::Result<(Vec<Registered>, Vec<Registered>)> {
    let store = premises.store().await?;
    let (mut streams, mut crowd) = (Vec::new(), Vec::new());
    for number in 1..=STREAMS {
        let mut terminal = Registered::new(&store, number).await?;
        terminal.punches(STREAM, month_ago(), PUNCH_EVERY_MS)?;
        streams.push(terminal);
    }
    for number in (STREAMS + 1)..=(STREAMS + CROWD) {
        let mut terminal = Registered::new(&store, number).await?;
        let today = Clock::system().wall().plus_millis(-3_600_000);
        terminal.punches(CROWD_ENTRIES, today, 8_000)?;
        crowd.push(terminal);
    }
    store.close().await;
    Ok((streams, crowd))
}

/// What one terminal met: how long each reply took, and how many came to nothing.
#[derive(Debug, Default)]
struct Met {
    replies: Spread,
    failures: Vec<String>,
}

/// Sends everything of a terminal, batch after batch.
async fn send(link: Link, terminal: Registered, size: usize) -> Met {
    let mut met = Met::default();
    let mut waiting: VecDeque<Vec<Stored>> = batches(&terminal, size).collect();
    while let Some(entries) = waiting.front().cloned() {
        let Some(last) = entries.last() else { break };
        let state = terminal.state(last);
        let began = now();
        match link.send(terminal.journal, entries, Vec::new(), state).await {
            Ok(_) => drop(waiting.pop_front()),
            Err(failure) => met.failures.push(format!("{failure:?}")),
        }
        met.replies.add(now() - began);
        if met.failures.len() > 5 {
            break;
        }
    }
    met
}

/// Everything of these terminals at once; what they met, and the seconds until the last was done.
async fn at_once(office: &Office, terminals: Vec<Registered>, size: usize) -> anyhow::Result<(Met, f64)> {
    let links = terminals.iter().map(|terminal| office.link(terminal)).collect::<anyhow::Result<Vec<_>>>()?;
    let (mut met, began) = (Met::default(), now());
    let mut under_way: JoinSet<Met> = JoinSet::new();
    for (link, terminal) in links.into_iter().zip(terminals) {
        under_way.spawn(send(link, terminal, size));
    }
    while let Some(done) = under_way.join_next().await {
        let done = done?;
        met.replies.join(&done.replies);
        met.failures.extend(done.failures);
    }
    Ok((met, seconds_since(began)))
}

async fn stream(office: &Office, terminals: Vec<Registered>) -> anyhow::Result<f64> {
    let (met, seconds) = at_once(office, terminals, BATCH_ENTRIES_MAX).await?;
    anyhow::ensure!(met.failures.is_empty(), "{:?}", met.failures);
    Ok(float(STREAM * u64::from(STREAMS)) / seconds)
}

async fn gather(office: &Office, terminals: Vec<Registered>) -> anyhow::Result<Vec<Figure>> {
    let (met, seconds) = at_once(office, terminals, CROWD_BATCH).await?;
    let entries = u64::from(CROWD) * CROWD_ENTRIES;
    let note =
        format!("{entries} entries of today in batches of {CROWD_BATCH}, {} handshakes, {:.0} rows/s", CROWD, float(entries) / seconds);
    Ok(vec![
        Figure::new(ROW, format!("{CROWD} terminals at once, until all are acknowledged"), seconds, "s").note(note),
        Figure::new(ROW, format!("{CROWD} terminals at once, a reply, p99"), met.replies.p99() / MS, "ms").note(format!(
            "p50 {:.0} ms, longest {:.0} ms",
            met.replies.p50() / MS,
            met.replies.longest() / MS
        )),
        Figure::new(ROW, format!("{CROWD} terminals at once, replies that were none"), float(met.failures.len() as u64), "")
            .at_most(0.0)
            .note(met.failures.first().cloned().unwrap_or_default()),
    ])
}
