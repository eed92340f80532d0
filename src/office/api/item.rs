//! A punch as other systems see it. The field names and their order are an interface that others rely on.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::estimate::Quality;
use crate::domain::time::UtcOffset;
use crate::office::matching::Whose;
use crate::office::store::FeedItem;

/// One punch, in the version that is known now. Its key is (terminal, journal, sequence); a later version of the same key replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PunchItem {
    /// The terminal that recorded it.
    #[schema(example = "east-hall-1")]
    pub terminal: String,
    /// The terminal's journal, 32 hexadecimal digits.
    #[schema(example = "9f2c6a5d0b1e4f7788990011aabbccdd")]
    pub journal: String,
    /// Its place in the journal, from 1.
    #[schema(example = 17)]
    pub sequence: u64,
    /// Where it was recorded first, if the journal had to be begun anew: the same punch, not another one.
    pub origin: Option<PunchOrigin>,
    /// The reader at which the credential was presented.
    #[schema(example = "badge")]
    pub reader: String,
    /// What was presented.
    pub credential: PunchCredential,
    /// Whose punch it is (工号); null while that is unknown.
    #[schema(example = "ZC0101")]
    pub staff_no: Option<String>,
    /// That person's name; null while it is unknown.
    pub name: Option<String>,
    /// The best-known time, RFC 3339 with the centre's offset. Use this one.
    #[schema(example = "2026-11-23T08:21:04+08:00")]
    pub at: String,
    /// What the terminal's clock showed, right or wrong, RFC 3339.
    #[schema(example = "2026-11-23T08:21:04+08:00")]
    pub at_raw: String,
    /// What `at` rests on: `trusted` (the terminal's clock was right), `estimated` (counted from a moment of the same boot at which it was),
    /// `suspect` (nothing certain to a second is known yet).
    #[schema(example = "trusted")]
    pub clock: &'static str,
    /// When the office received it, RFC 3339.
    #[schema(example = "2026-11-23T08:21:05+08:00")]
    pub received_at: String,
}

/// The place at which a punch was recorded first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PunchOrigin {
    /// The journal of the same terminal.
    pub journal: String,
    /// The place in it.
    pub sequence: u64,
    /// The hash of the entry there, 64 hexadecimal digits.
    pub hash: String,
}

/// What was presented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PunchCredential {
    /// `badge`, `text` or `finger`.
    #[schema(example = "badge")]
    pub kind: &'static str,
    /// Its identity.
    #[schema(example = "em4100:67003B51C6")]
    pub value: String,
    /// As people know it: the number printed on the card.
    #[schema(example = "0003887558")]
    pub shown: String,
}

impl PunchItem {
    /// A punch of the feed. A credential that was ended is nobody's now.
    pub fn of(item: &FeedItem, offset: UtcOffset) -> Self {
        let punch = &item.punch;
        let staff_no = match &item.whose {
            Whose::Person(staff_no) => Some(staff_no.to_string()),
            Whose::Disabled(_) | Whose::Unknown => None,
        };
        Self {
            terminal: punch.key.terminal.to_string(),
            journal: punch.key.journal.to_string(),
            sequence: punch.key.sequence.0,
            origin: punch.origin.map(|origin| PunchOrigin {
                journal: origin.journal.to_string(),
                sequence: origin.sequence.0,
                hash: origin.hash.to_string(),
            }),
            reader: punch.reader.to_string(),
            credential: PunchCredential {
                kind: punch.credential.kind(),
                value: punch.credential.to_string(),
                shown: punch.credential.shown(),
            },
            name: item.name.clone().filter(|_| staff_no.is_some()),
            staff_no,
            at: offset.rfc3339(punch.best.at),
            at_raw: offset.rfc3339(punch.clock.wall),
            clock: match punch.best.quality {
                Quality::Trusted => "trusted",
                Quality::Estimated => "estimated",
                Quality::Suspect => "suspect",
            },
            received_at: offset.rfc3339(item.received_at),
        }
    }
}
