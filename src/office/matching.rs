//! Whose a credential is, over a whole roster without walking all of it: the candidates are looked up, and [`Roster::find`] decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::credential::{BADGE_BYTES, Credential};
use crate::domain::id::{ReaderName, StaffNo, TerminalId};
use crate::domain::roster::{Binding, Claim, Match, Roster};
use crate::domain::time::WorkDate;

/// Whose a credential was on a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// This person's.
    Person(StaffNo),
    /// It was this person's: its dates are over, or the person has left the centre.
    Disabled(StaffNo),
    /// Nobody's, or more than one person's.
    Unknown,
}

impl Whose {
    /// The name as it is stored.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Disabled(_) => "disabled",
            Self::Unknown => "unknown",
        }
    }

    /// Whoever it points to, still holding it or not.
    pub const fn staff_no(&self) -> Option<&StaffNo> {
        match self {
            Self::Person(staff_no) | Self::Disabled(staff_no) => Some(staff_no),
            Self::Unknown => None,
        }
    }
}

/// A roster with its bindings indexed by what a reader can present.
#[derive(Debug, Default)]
pub struct Directory {
    roster: Roster,
    by_card: BTreeMap<Vec<u8>, Vec<usize>>,
    by_text: BTreeMap<String, Vec<usize>>,
    by_finger: BTreeMap<(TerminalId, ReaderName, u16), Vec<usize>>,
}

impl Directory {
    /// Indexes a roster.
    pub fn new(roster: Roster) -> Self {
        let mut directory = Self { roster, ..Self::default() };
        for (index, binding) in directory.roster.bindings.iter().enumerate() {
            match &binding.claim {
                Claim::Card(bytes) => directory.by_card.entry(low(bytes)).or_default().push(index),
                Claim::Text(text) => directory.by_text.entry(text.clone()).or_default().push(index),
                Claim::Finger { terminal, reader, slot } => {
                    directory.by_finger.entry((terminal.clone(), reader.clone(), *slot)).or_default().push(index);
                }
            }
        }
        directory
    }

    /// The roster itself.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whose a credential was on a date.
    pub fn whose(&self, terminal: &TerminalId, reader: &ReaderName, credential: &Credential, date: WorkDate) -> Whose {
        let bindings: Vec<Binding> = self.candidates(terminal, reader, credential).cloned().collect();
        if bindings.is_empty() {
            return Whose::Unknown;
        }
        let person = |binding: &Binding| self.roster.people.get_key_value(&binding.staff_no);
        let people = bindings.iter().filter_map(person).map(|(staff_no, person)| (staff_no.clone(), person.clone())).collect();
        let few = Roster { people, bindings };
        match few.find(terminal, reader, credential, date) {
            Match::Person(person, _) => Whose::Person(person.staff_no.clone()),
            Match::Disabled(person) => Whose::Disabled(person.staff_no.clone()),
            Match::Unknown => Whose::Unknown,
        }
    }

    /// The bindings that could be this credential's on some date, in the roster's order.
    pub fn candidates(&self, terminal: &TerminalId, reader: &ReaderName, credential: &Credential) -> impl Iterator<Item = &Binding> {
        let card = credential.card_bytes().and_then(|bytes| self.by_card.get(&low(bytes)));
        let other = match credential {
            Credential::Badge { .. } => None,
            Credential::Number { text, .. } | Credential::Text(text) => self.by_text.get(text),
            Credential::Finger(slot) => self.by_finger.get(&(terminal.clone(), reader.clone(), *slot)),
        };
        let indexes: BTreeSet<usize> = card.into_iter().chain(other).flatten().copied().collect();
        indexes.into_iter().filter_map(|index| self.roster.bindings.get(index))
    }
}

/// The bytes that every known form of one card has in common.
fn low(bytes: &[u8]) -> Vec<u8> {
    let from = bytes.len().saturating_sub(*BADGE_BYTES.start());
    bytes.get(from..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::credential::card_number;
    use crate::domain::person::{Person, PostClass};

    const CARDS: [&str; 6] = ["0003887558", "059,20934", "67003B51C6", "67003BA86C", "3887558000", "03887558"];

    proptest! {
        #[test]
        fn looking_up_gives_what_walking_the_whole_roster_gives(rows in prop::collection::vec((0..4_u8, 0..CARDS.len(), 1..28_u32, 1..28_u32), 0..12), day in 1..28_u32) {
            let roster = roster(&rows);
            let directory = Directory::new(roster.clone());
            let (terminal, reader) = ("hall-1".parse().unwrap(), "badge".parse().unwrap());
            for read in ["em4100:67003B51C6", "em4100:67003BA86C", "number:3B51C6:03887558", "text:QR-1", "finger:3"] {
                let credential = read.parse().unwrap();
                let expected = match roster.find(&terminal, &reader, &credential, date(day)) {
                    Match::Person(person, _) => Whose::Person(person.staff_no.clone()),
                    Match::Disabled(person) => Whose::Disabled(person.staff_no.clone()),
                    Match::Unknown => Whose::Unknown,
                };
                prop_assert_eq!(directory.whose(&terminal, &reader, &credential, date(day)), expected);
            }
        }
    }

    fn date(day: u32) -> WorkDate {
        WorkDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn roster(rows: &[(u8, usize, u32, u32)]) -> Roster {
        let mut roster = Roster::default();
        for (who, card, from, until) in rows {
            let staff_no: StaffNo = format!("S{who}").parse().unwrap();
            roster.people.insert(staff_no.clone(), person(staff_no.clone()));
            let claim = match card_number(CARDS[*card]) {
                Ok(bytes) if *who != 3 => Claim::Card(bytes),
                _ if from % 2 == 0 => Claim::Text("QR-1".to_owned()),
                _ => Claim::Finger { terminal: "hall-1".parse().unwrap(), reader: "badge".parse().unwrap(), slot: 3 },
            };
            roster.bindings.push(Binding { staff_no, claim, from: Some(date(*from)), until: Some(date(*until)) });
        }
        roster
    }

    fn person(staff_no: StaffNo) -> Person {
        Person {
            staff_no,
            name: "甲".to_owned(),
            name_pinyin: String::new(),
            department: "乙".to_owned(),
            window: String::new(),
            post_class: PostClass::Window,
            head: false,
            employment: String::new(),
            joined: date(1),
            on_post_from: None,
            exit: None,
            order: (0, 0),
            note: String::new(),
        }
    }
}
