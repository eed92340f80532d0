//! Who is here, and whose credential is whose on a date. Unknown is an answer; a guess is not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::credential::{Credential, bytes_in_common};
use super::id::{ReaderName, StaffNo, TerminalId};
use super::person::{Person, Standing};
use super::time::WorkDate;

/// What an office knows of a credential: the claim that a reader's reading is matched against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// A card by the low bytes that its print knows.
    Card(#[serde(with = "hex_text")] Vec<u8>),
    /// A text as it is read.
    Text(String),
    /// A slot of one fingerprint module.
    Finger {
        /// The kiosk.
        terminal: TerminalId,
        /// The module on it.
        reader: ReaderName,
        /// The slot in it.
        slot: u16,
    },
}

/// A credential given to a person, from a date to a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Whose it is.
    pub staff_no: StaffNo,
    /// What identifies.
    pub claim: Claim,
    /// First day; `None` is open to the past.
    #[serde(default)]
    pub from: Option<WorkDate>,
    /// Last day; `None` is open to the future.
    #[serde(default)]
    pub until: Option<WorkDate>,
}

impl Binding {
    /// Whether it holds on a date.
    pub fn holds_on(&self, date: WorkDate) -> bool {
        self.from.is_none_or(|from| from <= date) && self.until.is_none_or(|until| date <= until)
    }

    /// How well the claim fits a reading: more is better, `None` is not at all.
    fn fit(&self, terminal: &TerminalId, reader: &ReaderName, credential: &Credential) -> Option<usize> {
        match (&self.claim, credential) {
            (Claim::Card(known), read) => bytes_in_common(known, read.card_bytes()?),
            (Claim::Text(known), Credential::Text(read) | Credential::Number { text: read, .. }) => (known == read).then_some(usize::MAX),
            (Claim::Finger { terminal: t, reader: r, slot: s }, Credential::Finger(slot)) => {
                (t == terminal && r == reader && s == slot).then_some(usize::MAX)
            }
            (Claim::Text(_) | Claim::Finger { .. }, _) => None,
        }
    }
}

/// Whose a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match<'a> {
    /// One person, and where they stand on that date.
    Person(&'a Person, Standing),
    /// It was somebody's and its dates are over, or the person has exited.
    Disabled(&'a Person),
    /// Nobody's, or more than one person's: never guessed.
    Unknown,
}

/// People and their credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// By staff number.
    pub people: BTreeMap<StaffNo, Person>,
    /// In the order they were given.
    pub bindings: Vec<Binding>,
}

impl Roster {
    /// Whose a credential was, on the date it was read.
    pub fn find(&self, terminal: &TerminalId, reader: &ReaderName, credential: &Credential, date: WorkDate) -> Match<'_> {
        match self.best(terminal, reader, credential, |binding| binding.holds_on(date)) {
            Candidates::One(person) => match person.standing(date) {
                Standing::Exited => Match::Disabled(person),
                standing @ (Standing::BeforePost | Standing::OnPost) => Match::Person(person, standing),
            },
            Candidates::Several => Match::Unknown,
            Candidates::None => match self.best(terminal, reader, credential, |binding| binding.until.is_some_and(|until| until < date)) {
                Candidates::One(person) => Match::Disabled(person),
                Candidates::None | Candidates::Several => Match::Unknown,
            },
        }
    }

    fn best(
        &self,
        terminal: &TerminalId,
        reader: &ReaderName,
        credential: &Credential,
        holds: impl Fn(&Binding) -> bool,
    ) -> Candidates<'_> {
        let mut best_fit = 0;
        let mut candidates = Candidates::None;
        for binding in self.bindings.iter().filter(|binding| holds(binding)) {
            let (Some(fit), Some(person)) = (binding.fit(terminal, reader, credential), self.people.get(&binding.staff_no)) else {
                continue;
            };
            if fit > best_fit {
                (best_fit, candidates) = (fit, Candidates::One(person));
            } else if fit == best_fit && !matches!(candidates, Candidates::One(other) if other.staff_no == person.staff_no) {
                candidates = Candidates::Several;
            }
        }
        candidates
    }
}

enum Candidates<'a> {
    None,
    One(&'a Person),
    Several,
}

mod hex_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::super::id::hex_text(bytes).to_ascii_uppercase())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::super::id::hex_bytes(&text).ok_or_else(|| D::Error::custom("not pairs of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::card_number;
    use crate::domain::person::PostClass;

    #[test]
    fn the_most_bytes_that_both_sides_know_decide() {
        let roster = roster(&[("A", "0003887558", None), ("B", "59,20934", None), ("C", "059,20934", None)]);
        assert!(matches!(find(&roster, "em4100:67003B51C6"), Match::Person(p, _) if p.staff_no.as_str() == "A"));
    }

    #[test]
    fn two_candidates_are_never_guessed() {
        let roster = roster(&[("A", "059,20934", None), ("B", "03887558", None)]);
        assert_eq!(find(&roster, "em4100:67003B51C6"), Match::Unknown);
    }

    #[test]
    fn an_ended_card_is_disabled_and_one_issued_again_is_its_new_owners() {
        let ended = [("A", "0003887558", Some(date(1)))];
        assert!(matches!(find(&roster(&ended), "em4100:67003B51C6"), Match::Disabled(_)));
        let again = [ended[0], ("B", "0003887558", None)];
        assert!(matches!(find(&roster(&again), "em4100:67003B51C6"), Match::Person(p, _) if p.staff_no.as_str() == "B"));
    }

    fn find<'a>(roster: &'a Roster, credential: &str) -> Match<'a> {
        roster.find(&"east-hall-1".parse().unwrap(), &"badge".parse().unwrap(), &credential.parse().unwrap(), date(23))
    }

    fn date(day: u32) -> WorkDate {
        WorkDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn roster(rows: &[(&str, &str, Option<WorkDate>)]) -> Roster {
        let mut roster = Roster::default();
        for (staff_no, card, until) in rows {
            let staff_no: StaffNo = staff_no.parse().unwrap();
            roster.people.insert(staff_no.clone(), person(staff_no.clone()));
            if let Ok(known) = card_number(card) {
                roster.bindings.push(Binding { staff_no, claim: Claim::Card(known), from: None, until: *until });
            }
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
