//! Names and numbers by which things are known. Each is checked once, where it is made, and can be trusted afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name of a terminal or a reader, in characters.
pub const NAME_MAX: usize = 40;
/// Longest 工号, in characters (domain rule N7).
pub const STAFF_NO_MAX: usize = 20;

/// Why a text is not the name or number it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} “{text}” must be {must}")]
pub struct IdError {
    what: &'static str,
    text: String,
    must: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $must:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { what: $what, text: text.chars().take(64).collect(), must: $must })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_name(text: &str) -> bool {
    let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=NAME_MAX).contains(&text.len()) && text.chars().all(dashed) && !text.starts_with('-')
}

text_id!(
    /// A kiosk's name, unique in its site: `east-hall-1`.
    TerminalId, "terminal", "1 to 40 of a-z, 0-9 and -, not beginning with -", is_name
);
text_id!(
    /// A reader's name, unique on its terminal: `badge`, `finger`.
    ReaderName, "reader", "1 to 40 of a-z, 0-9 and -, not beginning with -", is_name
);
text_id!(
    /// A person's 工号: text, leading zeros kept. Never a card number.
    StaffNo, "staff number", "1 to 20 of 0-9, A-Z, a-z and -",
    |text| (1..=STAFF_NO_MAX).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal, $must:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex_text(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError { what: $what, text: text.chars().take(80).collect(), must: $must };
                let bytes = hex_bytes(text).ok_or_else(wrong)?;
                bytes.try_into().map(Self).or_else(|_: Vec<u8>| Err(wrong()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

hex_id!(
    /// A journal's random id, made with its file and never used again.
    JournalId, 16, "journal", "32 hexadecimal digits"
);
hex_id!(
    /// The kernel's id of one run of the machine (`/proc/sys/kernel/random/boot_id`).
    BootId, 16, "boot id", "32 hexadecimal digits"
);
hex_id!(
    /// SHA-256 of an entry's canonical bytes; the next entry carries it.
    EntryHash, 32, "entry hash", "64 hexadecimal digits"
);

impl EntryHash {
    /// What stands before a journal's first entry.
    pub const NONE: Self = Self([0; 32]);
}

/// An entry's place in its journal, from 1, without gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key by which an entry is known everywhere, for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryKey {
    /// The kiosk that wrote it.
    pub terminal: TerminalId,
    /// The journal it stands in.
    pub journal: JournalId,
    /// Its place there.
    pub sequence: Sequence,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.terminal, self.journal, self.sequence)
    }
}

/// The bytes that pairs of hexadecimal digits spell, upper or lower case; `None` for anything else.
pub fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(hex_digit(*high)? << 4 | hex_digit(*low)?);
    }
    odd.is_empty().then_some(bytes)
}

const fn hex_digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

/// Bytes as pairs of hexadecimal digits, lower case.
pub fn hex_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0xF] {
            text.push(DIGITS.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_text() {
        let hash = EntryHash([0xA5; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("a5".parse::<EntryHash>().is_err());
        assert!("zz".parse::<EntryHash>().is_err());
    }

    #[test]
    fn hexadecimal_is_read_in_either_case_and_nothing_else_is() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(hex_bytes(&hex_text(&all)), Some(all.clone()));
        assert_eq!(hex_bytes(&hex_text(&all).to_uppercase()), Some(all));
        for bad in ["0", "0g", "g0", "0x", " 00", "0\u{ff10}", "：0"] {
            assert_eq!(hex_bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_checked_where_they_are_made() {
        assert!("east-hall-1".parse::<TerminalId>().is_ok());
        for bad in ["", "East", "-x", "a b", &"x".repeat(41)] {
            assert!(bad.parse::<TerminalId>().is_err(), "{bad}");
        }
        assert!("0145".parse::<StaffNo>().is_ok_and(|no| no.as_str() == "0145"));
    }
}
