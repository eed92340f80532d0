//! Who plays: the example roster's people and what each holds to a reader. All of them are invented.

use super::error::DemoError;
use crate::domain::credential::bytes_in_common;
use crate::domain::id::StaffNo;
use crate::domain::person::Person;
use crate::office::roster_file::{self, RosterRow};

/// The example roster, as it is shipped.
pub(super) const ROSTER: &str = include_str!("../../../config/roster-example.csv");

/// Badges of ten people, as published test frames have them: a roster knows only the number that is printed on a card.
const PUBLISHED: [[u8; 5]; 10] = [
    [0x67, 0x00, 0x3B, 0x51, 0xC6],
    [0x67, 0x00, 0x3B, 0xA8, 0x6C],
    [0x67, 0x00, 0x3B, 0xA8, 0x67],
    [0x6F, 0x00, 0x7B, 0x39, 0x72],
    [0x01, 0x00, 0x63, 0xE9, 0xAE],
    [0x3C, 0x00, 0xCE, 0x75, 0x4C],
    [0x45, 0x00, 0xC5, 0xD1, 0xE9],
    [0x10, 0x00, 0x86, 0xF4, 0x44],
    [0x0C, 0x00, 0x06, 0x21, 0xA5],
    [0x62, 0xE3, 0x08, 0x6C, 0xED],
];

/// Bytes of an EM4100 badge.
const EM4100_BYTES: usize = 5;

/// Who is given a QR code, and its text.
pub(super) const QR_CODES: [(&str, &str); 6] = [
    ("ZC2501", "PUNCH-ZC2501-7K3M"),
    ("ZC2601", "PUNCH-ZC2601-Q9TD"),
    ("ZC2701", "PUNCH-ZC2701-2XHA"),
    ("ZC2801", "PUNCH-ZC2801-M5WE"),
    ("ZC2901", "PUNCH-ZC2901-8RJC"),
    ("ZC3001", "PUNCH-ZC3001-V4NB"),
];

/// Whose finger is in which slot of the module.
pub(super) const FINGERS: [(&str, u16); 4] = [("ZC3101", 1), ("ZC3201", 2), ("ZC3301", 3), ("ZC3401", 4)];

/// Who is not in the roster when the day begins.
pub(super) const NEWCOMERS: [&str; 2] = ["ZC0402", "ZC0501"];

/// What is held to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presented {
    /// A badge by its raw bytes.
    Badge(Vec<u8>),
    /// A QR code.
    Code(String),
    /// A finger whose template is in this slot.
    Finger(u16),
    /// A finger that cannot be read.
    Smudged,
}

impl Presented {
    /// The reader that it is held to.
    pub(super) const fn reader(&self) -> ReaderKind {
        match self {
            Self::Badge(_) => ReaderKind::Badge,
            Self::Code(_) => ReaderKind::Qr,
            Self::Finger(_) | Self::Smudged => ReaderKind::Finger,
        }
    }
}

/// One of the three readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ReaderKind {
    /// EM4100 badges.
    Badge,
    /// A QR scanner.
    Qr,
    /// A fingerprint module.
    Finger,
}

impl ReaderKind {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Badge, Self::Qr, Self::Finger];

    /// Its name in the configuration.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Badge => "badge",
            Self::Qr => "qr",
            Self::Finger => "finger",
        }
    }
}

/// One person of the cast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Player {
    /// As the roster has them.
    pub(super) row: RosterRow,
    /// What they present.
    pub(super) presents: Presented,
}

impl Player {
    /// The 工号.
    pub(super) const fn staff_no(&self) -> &StaffNo {
        &self.row.person.staff_no
    }

    /// The person.
    pub(super) const fn person(&self) -> &Person {
        &self.row.person
    }
}

/// Reads the cast from the example roster.
///
/// # Errors
/// When the shipped roster is not one, or somebody in it has nothing to present.
pub(super) fn cast() -> Result<Vec<Player>, DemoError> {
    let file = roster_file::read(ROSTER.as_bytes());
    if let Some(problem) = file.problems.first() {
        return Err(DemoError::Roster { line: problem.line, text: format!("{} {}", problem.column, problem.en) });
    }
    file.rows.into_iter().map(player).collect()
}

fn player(row: RosterRow) -> Result<Player, DemoError> {
    let staff_no = row.person.staff_no.as_str();
    let code = QR_CODES.iter().find(|(who, _)| *who == staff_no).map(|(_, text)| Presented::Code((*text).to_owned()));
    let finger = FINGERS.iter().find(|(who, _)| *who == staff_no).map(|(_, slot)| Presented::Finger(*slot));
    let badge = row.card.as_deref().and_then(raw_badge).map(Presented::Badge);
    let nothing = || DemoError::Roster { line: row.line, text: format!("{staff_no} has nothing to present") };
    let presents = badge.or(code).or(finger).ok_or_else(nothing)?;
    Ok(Player { row, presents })
}

/// All bytes of the badge whose print knows these.
fn raw_badge(known: &[u8]) -> Option<Vec<u8>> {
    if known.len() == EM4100_BYTES {
        return Some(known.to_vec());
    }
    PUBLISHED.iter().find(|raw| bytes_in_common(*raw, known).is_some()).map(|raw| raw.to_vec())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_example_roster_is_forty_people_each_with_something_of_their_own() {
        let cast = cast().unwrap();
        assert_eq!(cast.len(), 40);
        assert_eq!(cast.iter().filter(|player| NEWCOMERS.contains(&player.staff_no().as_str())).count(), 2);
        let shown: BTreeSet<String> = cast.iter().map(|player| format!("{:?}", player.presents)).collect();
        assert_eq!(shown.len(), cast.len());
        let of = |kind| cast.iter().filter(|player| player.presents.reader() == kind).count();
        assert_eq!((of(ReaderKind::Badge), of(ReaderKind::Qr), of(ReaderKind::Finger)), (30, 6, 4));
    }

    #[test]
    fn the_ten_published_badges_are_ten_peoples() {
        let cast = cast().unwrap();
        for raw in PUBLISHED {
            let holders = cast.iter().filter(|player| player.presents == Presented::Badge(raw.to_vec())).count();
            assert_eq!(holders, 1, "{raw:02X?}");
        }
    }

    #[test]
    fn the_example_shows_an_eight_character_name_and_rare_characters() {
        let names: Vec<String> = cast().unwrap().into_iter().map(|player| player.row.person.name).collect();
        assert!(names.iter().any(|name| name.chars().count() == 8));
        assert!(names.iter().any(|name| name.contains('䶮')) && names.iter().any(|name| name.contains('𬱖')));
    }
}
