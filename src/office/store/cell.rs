//! Values as they stand in cells: texts that are the text form of something, numbers that SQLite only has signed, days, JSON.

use std::fmt::Display;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use serde::de::DeserializeOwned;

use crate::domain::id::Sequence;

/// A cell whose text is the text form of `T`.
#[derive(Debug)]
pub(super) struct Parsed<T>(pub(super) T);

impl<T: FromStr<Err: Display>> FromSql for Parsed<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(|error: T::Err| FromSqlError::Other(error.to_string().into()))
    }
}

/// A cell whose text is the JSON of `T`.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

/// A place in a journal, kept as a signed number; places end far below where that matters.
#[derive(Debug)]
pub(super) struct Place(pub(super) Sequence);

impl FromSql for Place {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(|place| Self(Sequence(place))).or(Err(FromSqlError::OutOfRange(number)))
    }
}

/// A number as SQLite keeps it.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count as SQLite takes it.
pub(super) fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
