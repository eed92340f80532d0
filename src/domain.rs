//! What attendance is, as values and pure functions: people, credentials, punches, rules, the calendar and the one function that judges a day.
//!
//! Invariant: nothing here knows a file, a socket, a clock or a random number, and nothing of the rest of the crate. The same inputs give the same bytes.

pub mod calendar;
pub mod credential;
pub mod daysheet;
pub mod estimate;
pub mod fact;
pub mod id;
pub mod judge;
pub mod leave;
pub mod person;
pub mod punch;
pub mod roster;
pub mod rules;
pub mod ruling;
pub mod time;
pub mod why;
pub mod why_text;
