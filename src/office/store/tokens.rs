//! Bearer tokens of other systems. Only hashes are kept; a token is shown once.

use std::fmt;
use std::str::FromStr;

use rusqlite::OptionalExtension as _;

use super::error::StoreError;
use super::{SiteId, Store};
use crate::domain::time::Wall;

/// Most tokens in force at a site.
const TOKENS_MAX: usize = 1_000;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Read punches, days and months.
    Read,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] = &[Self::Read];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|scope| scope.name() == text).ok_or_else(|| format!("“{text}” is no scope; known: read"))
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose site it opens.
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub added_at: Wall,
    /// When it was revoked.
    pub revoked_at: Option<Wall>,
}

impl Store {
    /// Keeps a new token's hash; `false` if a token of that name is in force.
    ///
    /// # Errors
    /// When the store fails or there are too many.
    pub async fn token_add(&self, token: Token, hash: [u8; 32]) -> Result<bool, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .write("add a token", move |writing| {
                let count: i64 = writing.transaction.query_row(
                    "SELECT count(*) FROM token WHERE site = ? AND revoked_at IS NULL",
                    [token.site.0],
                    |row| row.get(0),
                )?;
                if usize::try_from(count).unwrap_or_default() >= TOKENS_MAX {
                    return Err(StoreError::Limit { what: "tokens", limit: TOKENS_MAX });
                }
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.name()).collect();
                let added = writing.execute(
                    "INSERT INTO token (site, name, hash, scopes, added_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (token.site.0, &token.name, hash, scopes.join(","), token.added_at.0),
                )?;
                Ok(added > 0)
            })
            .await
    }

    /// The token in force that has this hash.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("look up a token", move |connection| {
                let mut statement = connection
                    .prepare_cached("SELECT site, name, scopes, added_at, revoked_at FROM token WHERE hash = ? AND revoked_at IS NULL")?;
                Ok(statement.query_row([hash], token).optional()?)
            })
            .await
    }

    /// A site's tokens, revoked ones too, in the order in which they were made.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens(&self, site: SiteId) -> Result<Vec<Token>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("list tokens", move |connection| {
                let mut statement = connection
                    .prepare_cached("SELECT site, name, scopes, added_at, revoked_at FROM token WHERE site = ? ORDER BY added_at, rowid")?;
                Ok(statement.query_map([site.0], token)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// Revokes a token; `false` if none of that name is in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn token_revoke(&self, site: SiteId, name: String, now: Wall) -> Result<bool, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .write("revoke a token", move |writing| {
                let sql = "UPDATE token SET revoked_at = ? WHERE site = ? AND name = ? AND revoked_at IS NULL";
                Ok(writing.execute(sql, (now.0, site.0, &name))? > 0)
            })
            .await
    }
}

fn token(row: &rusqlite::Row<'_>) -> rusqlite::Result<Token> {
    let scopes: String = row.get(2)?;
    Ok(Token {
        site: SiteId(row.get(0)?),
        name: row.get(1)?,
        scopes: scopes.split(',').filter_map(|scope| scope.parse().ok()).collect(),
        added_at: Wall(row.get(3)?),
        revoked_at: row.get::<_, Option<i64>>(4)?.map(Wall),
    })
}
