//! Rulings: what a person decided about a half-day or a checkpoint. 旷工 exists only here (law 8): nothing that is computed ever becomes it.

use serde::{Deserialize, Serialize};

use super::leave::Entered;
use super::rules::{CheckpointId, HalfDay};

/// The four cases of article 26.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Article26 {
    /// 26-1: no leave was asked for, or by the wrong route.
    #[serde(rename = "26-1")]
    NotAsked,
    /// 26-2: asked for and not approved.
    #[serde(rename = "26-2")]
    NotApproved,
    /// 26-3: leave was exceeded without good reason.
    #[serde(rename = "26-3")]
    Overrun,
    /// 26-4: the reason was false.
    #[serde(rename = "26-4")]
    False,
}

impl Article26 {
    /// The case's number in the article.
    pub const fn number(self) -> u8 {
        match self {
            Self::NotAsked => 1,
            Self::NotApproved => 2,
            Self::Overrun => 3,
            Self::False => 4,
        }
    }
}

/// What a person may rule a checkpoint to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuledOutcome {
    /// It was met in time.
    OnTime,
    /// It was met so many minutes late.
    Late(u32),
    /// It was met so many minutes early.
    EarlyLeave(u32),
    /// It was not met.
    Missing,
    /// It is not held against the person.
    Excused,
}

/// What a person ruled, and about what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// 旷工 for a half-day; `None` takes an earlier one back.
    Absence(HalfDay, Option<Article26>),
    /// One checkpoint's outcome; `None` takes an earlier one back.
    Checkpoint(CheckpointId, Option<RuledOutcome>),
}

/// A ruling with its author. Of several about the same thing the one entered last holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ruling {
    /// Who ruled, when, on what paper. First, so that the order of rulings is that of their entry.
    pub entered: Entered,
    /// What.
    pub verdict: Verdict,
}
