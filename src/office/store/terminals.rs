//! Terminals, their keys and pairing codes. A key is revoked, never removed: what it signed stays verifiable.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::cell::{Json, Parsed, Place};
use super::error::StoreError;
use super::sqlite::Writing;
use super::{SiteId, Store};
use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::domain::time::Wall;
use crate::wire::batch::TerminalState;

/// Most terminals of an office.
pub const TERMINALS_MAX: usize = 10_000;

/// A terminal as the office knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its site.
    pub site: SiteId,
    /// Its name.
    pub id: TerminalId,
    /// When it was first added.
    pub added_at: Wall,
    /// When it last spoke, with a signature that verified.
    pub contact_at: Option<Wall>,
    /// What it last told of itself.
    pub state: Option<TerminalState>,
    /// Everything it recorded until then is at the office.
    pub complete_up_to: Option<Wall>,
    /// Its keys, oldest first.
    pub keys: Vec<TerminalKey>,
    /// Until when its pairing code holds, if one is open.
    pub code_until: Option<Wall>,
    /// Its journals in the order in which they became known.
    pub journals: Vec<TerminalJournal>,
}

impl Terminal {
    /// Whether it may speak.
    pub fn is_active(&self) -> bool {
        self.keys.iter().any(|key| key.revoked_at.is_none())
    }

    /// `active`, `revoked`, or `waiting` for its first pairing.
    pub fn standing(&self) -> &'static str {
        match (self.is_active(), self.keys.is_empty()) {
            (true, _) => "active",
            (false, true) => "waiting",
            (false, false) => "revoked",
        }
    }
}

/// A terminal's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalKey {
    /// Hexadecimal.
    pub public_key: String,
    /// When it was paired.
    pub added_at: Wall,
    /// When it was revoked, by hand or by the next pairing.
    pub revoked_at: Option<Wall>,
}

/// One journal of a terminal, as the office holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalJournal {
    /// Which.
    pub journal: JournalId,
    /// Everything up to here is held or declared lost.
    pub mark: Sequence,
    /// The hash there.
    pub head: EntryHash,
    /// The end that the terminal signed last.
    pub announced: Sequence,
    /// Whether two writers of it were ever seen.
    pub forked: bool,
    /// How many copies are in quarantine.
    pub quarantined: u64,
    /// How many entries were declared lost.
    pub lost: u64,
}

/// What became of a pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// The kiosk is this terminal from now on; so many older keys were revoked.
    Paired {
        /// Who it is.
        terminal: TerminalId,
        /// How many keys were revoked.
        revoked: usize,
    },
    /// No open code has this secret.
    Unknown,
    /// The code's time is over.
    Expired,
    /// The code was used with another key.
    Used,
    /// The code is for this terminal, the kiosk's configuration names another.
    OtherTerminal(TerminalId),
    /// The key belongs to a terminal already, or was revoked.
    KeyKnown,
}

/// What a revocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// How many keys.
    pub keys: usize,
    /// Whether an open pairing code.
    pub code: bool,
}

impl Store {
    /// Makes a terminal known, if it is not, and opens a pairing code for it in place of an older one; the store sees only the secret's hash.
    ///
    /// # Errors
    /// When the store fails or has too many terminals.
    pub async fn terminal_add(
        &self,
        site: SiteId,
        terminal: TerminalId,
        secret_hash: [u8; 32],
        now: Wall,
        expires: Wall,
    ) -> Result<(), StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .write("add a terminal", move |writing| {
                let count: i64 = writing.transaction.query_row("SELECT count(*) FROM terminal", [], |row| row.get(0))?;
                if usize::try_from(count).unwrap_or_default() >= TERMINALS_MAX {
                    return Err(StoreError::Limit { what: "terminals", limit: TERMINALS_MAX });
                }
                let key = (site.0, terminal.as_str());
                writing.execute(
                    "INSERT INTO terminal (site, terminal, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (key.0, key.1, now.0),
                )?;
                writing.execute(
                    "INSERT OR REPLACE INTO pairing_code (site, terminal, secret_hash, made_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                    (key.0, key.1, secret_hash, now.0, expires.0),
                )?;
                Ok(())
            })
            .await
    }

    /// Uses up a pairing code: the key is the terminal's from now on, its older keys are revoked. The same key with the same code gets the
    /// same answer again, because the first answer may have been lost on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pair(
        &self,
        secret_hash: [u8; 32],
        public_key: String,
        wanted: Option<TerminalId>,
        now: Wall,
    ) -> Result<Pairing, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.write("pair a terminal", move |writing| pair(writing, &secret_hash, &public_key, wanted.as_ref(), now)).await
    }

    /// Revokes a terminal's keys and its open code; `None` if there is no such terminal. Its history stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn terminal_revoke(&self, site: SiteId, terminal: TerminalId, now: Wall) -> Result<Option<Revoked>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .write("revoke a terminal", move |writing| {
                let known = writing
                    .transaction
                    .prepare_cached("SELECT 1 FROM terminal WHERE site = ? AND terminal = ?")?
                    .exists((site.0, terminal.as_str()))?;
                if !known {
                    return Ok(None);
                }
                let keys = revoke_keys(writing, site, &terminal, now)?;
                let code = writing
                    .execute("DELETE FROM pairing_code WHERE site = ? AND terminal = ? AND used_by IS NULL", (site.0, terminal.as_str()))?;
                Ok(Some(Revoked { keys, code: code > 0 }))
            })
            .await
    }

    /// Every key that a terminal of this name ever had, at any site, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn terminal_keys(&self, terminal: TerminalId) -> Result<Vec<(SiteId, TerminalKey)>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("read a terminal's keys", move |connection| {
                let mut statement = connection
                    .prepare_cached("SELECT public_key, added_at, revoked_at, site FROM terminal_key WHERE terminal = ? ORDER BY revoked_at IS NOT NULL, added_at DESC")?;
                let rows = statement.query_map([terminal.as_str()], |row| Ok((SiteId(row.get(3)?), key(row)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// All terminals of a site, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn terminals(&self, site: SiteId) -> Result<Vec<Terminal>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("list terminals", move |connection| {
                let mut statement = connection.prepare_cached("SELECT terminal FROM terminal WHERE site = ? ORDER BY terminal")?;
                let names: Vec<Parsed<TerminalId>> = statement.query_map([site.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                names.iter().filter_map(|name| terminal(connection, site, &name.0).transpose()).collect()
            })
            .await
    }

    /// One terminal.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn terminal(&self, site: SiteId, id: TerminalId) -> Result<Option<Terminal>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read a terminal", move |connection| terminal(connection, site, &id)).await
    }
}

struct OpenCode {
    site: SiteId,
    terminal: TerminalId,
    secret_hash: [u8; 32],
    expires_at: Wall,
    used_by: Option<String>,
}

fn pair(
    writing: &Writing<'_>,
    secret_hash: &[u8; 32],
    public_key: &str,
    wanted: Option<&TerminalId>,
    now: Wall,
) -> Result<Pairing, StoreError> {
    let Some(code) = find_code(writing.transaction, secret_hash)? else {
        return Ok(Pairing::Unknown);
    };
    if now >= code.expires_at {
        return Ok(Pairing::Expired);
    }
    if wanted.is_some_and(|wanted| *wanted != code.terminal) {
        return Ok(Pairing::OtherTerminal(code.terminal));
    }
    match &code.used_by {
        Some(key) if key == public_key => return Ok(Pairing::Paired { terminal: code.terminal, revoked: 0 }),
        Some(_) => return Ok(Pairing::Used),
        None => {}
    }
    if writing.transaction.prepare_cached("SELECT 1 FROM terminal_key WHERE public_key = ?")?.exists([public_key])? {
        return Ok(Pairing::KeyKnown);
    }
    let revoked = revoke_keys(writing, code.site, &code.terminal, now)?;
    let name = code.terminal.as_str();
    writing.execute(
        "INSERT INTO terminal_key (site, terminal, public_key, added_at) VALUES (?, ?, ?, ?)",
        (code.site.0, name, public_key, now.0),
    )?;
    writing.execute("UPDATE pairing_code SET used_by = ? WHERE site = ? AND terminal = ?", (public_key, code.site.0, name))?;
    Ok(Pairing::Paired { terminal: code.terminal, revoked })
}

/// Every code is compared over its whole length, so that the time taken tells nothing of any.
fn find_code(connection: &Connection, secret_hash: &[u8; 32]) -> Result<Option<OpenCode>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT site, terminal, secret_hash, expires_at, used_by FROM pairing_code")?;
    let rows = statement.query_map([], |row| {
        let terminal: Parsed<TerminalId> = row.get(1)?;
        let (site, expires_at) = (SiteId(row.get(0)?), Wall(row.get(3)?));
        Ok(OpenCode { site, terminal: terminal.0, secret_hash: row.get(2)?, expires_at, used_by: row.get(4)? })
    })?;
    let mut found = None;
    for code in rows {
        let code = code?;
        let differing = code.secret_hash.iter().zip(secret_hash).fold(0, |differing, (a, b)| differing | (a ^ b));
        if differing == 0 {
            found = Some(code);
        }
    }
    Ok(found)
}

fn revoke_keys(writing: &Writing<'_>, site: SiteId, terminal: &TerminalId, now: Wall) -> Result<usize, StoreError> {
    writing.execute(
        "UPDATE terminal_key SET revoked_at = ? WHERE site = ? AND terminal = ? AND revoked_at IS NULL",
        (now.0, site.0, terminal.as_str()),
    )
}

fn terminal(connection: &Connection, site: SiteId, id: &TerminalId) -> Result<Option<Terminal>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT t.added_at, t.contact_at, t.state, t.complete_up_to, c.expires_at FROM terminal t
         LEFT JOIN pairing_code c ON (c.site, c.terminal) = (t.site, t.terminal) AND c.used_by IS NULL
         WHERE t.site = ? AND t.terminal = ?",
    )?;
    let read = |row: &Row<'_>| {
        let state: Option<Json<TerminalState>> = row.get(2)?;
        let wall = |index: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(Wall));
        Ok(Terminal {
            site,
            id: id.clone(),
            added_at: Wall(row.get(0)?),
            contact_at: wall(1)?,
            state: state.map(|state| state.0),
            complete_up_to: wall(3)?,
            keys: Vec::new(),
            code_until: wall(4)?,
            journals: Vec::new(),
        })
    };
    let Some(mut terminal) = statement.query_row((site.0, id.as_str()), read).optional()? else { return Ok(None) };
    let mut keys = connection.prepare_cached(
        "SELECT public_key, added_at, revoked_at FROM terminal_key WHERE site = ? AND terminal = ? ORDER BY added_at, public_key",
    )?;
    terminal.keys = keys.query_map((site.0, id.as_str()), key)?.collect::<rusqlite::Result<_>>()?;
    terminal.journals = journals(connection, site, id)?;
    Ok(Some(terminal))
}

fn key(row: &Row<'_>) -> rusqlite::Result<TerminalKey> {
    Ok(TerminalKey { public_key: row.get(0)?, added_at: Wall(row.get(1)?), revoked_at: row.get::<_, Option<i64>>(2)?.map(Wall) })
}

fn journals(connection: &Connection, site: SiteId, terminal: &TerminalId) -> Result<Vec<TerminalJournal>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT journal, mark, head, announced, forked,
                (SELECT count(*) FROM quarantine q WHERE (q.site, q.terminal, q.journal) = (j.site, j.terminal, j.journal)),
                (SELECT coalesce(sum(last - first + 1), 0) FROM hole h WHERE (h.site, h.terminal, h.journal) = (j.site, j.terminal, j.journal))
         FROM journal j WHERE site = ? AND terminal = ? ORDER BY first_seen_at, journal",
    )?;
    let rows = statement.query_map((site.0, terminal.as_str()), |row| {
        let (mark, announced): (Place, Place) = (row.get(1)?, row.get(3)?);
        let (quarantined, lost): (Place, Place) = (row.get(5)?, row.get(6)?);
        Ok(TerminalJournal {
            journal: JournalId(row.get(0)?),
            mark: mark.0,
            head: EntryHash(row.get(2)?),
            announced: announced.0,
            forked: row.get(4)?,
            quarantined: quarantined.0.0,
            lost: lost.0.0,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
