//! Credentials given to people: whether one may be given, and how each is written.
//!
//! Invariant: on no date do two people hold what one reading could match, so no reading is ever anybody's guess.

use std::fmt;

use crate::domain::credential::{Credential, CredentialError, bytes_in_common, card_number};
use crate::domain::id::{IdError, ReaderName, TerminalId};
use crate::domain::roster::{Binding, Claim};
use crate::office::export::roster::printed;
use crate::office::store::{BindingId, UnknownCredential};

/// Why a text names no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No card number.
    #[error(transparent)]
    Card(#[from] CredentialError),
    /// No slot of a fingerprint module.
    #[error("“{0}” is not TERMINAL/READER:SLOT, such as east-hall-1/finger:7")]
    Finger(String),
    /// A terminal's or reader's name.
    #[error(transparent)]
    Name(#[from] IdError),
}

/// A card by its printed number.
///
/// # Errors
/// When it is none.
pub fn card(text: &str) -> Result<Claim, ClaimError> {
    Ok(Claim::Card(card_number(text)?))
}

/// A text as a reader gives it.
///
/// # Errors
/// When it is empty or too long.
pub fn text(text: &str) -> Result<Claim, ClaimError> {
    match format!("text:{text}").parse::<Credential>()? {
        Credential::Text(text) => Ok(Claim::Text(text)),
        Credential::Badge { .. } | Credential::Number { .. } | Credential::Finger(_) => Err(CredentialError::Text.into()),
    }
}

/// A slot of a fingerprint module: `east-hall-1/finger:7`.
///
/// # Errors
/// When it names none.
pub fn finger(text: &str) -> Result<Claim, ClaimError> {
    let wrong = || ClaimError::Finger(text.chars().take(80).collect());
    let (terminal, rest) = text.split_once('/').ok_or_else(wrong)?;
    let (reader, slot) = rest.split_once(':').ok_or_else(wrong)?;
    let (terminal, reader): (TerminalId, ReaderName) = (terminal.parse()?, reader.parse()?);
    Ok(Claim::Finger { terminal, reader, slot: slot.parse().ok().ok_or_else(wrong)? })
}

/// Whether one reading could match both.
pub fn alike(a: &Claim, b: &Claim) -> bool {
    match (a, b) {
        (Claim::Card(a), Claim::Card(b)) => bytes_in_common(a, b).is_some(),
        (Claim::Text(_), Claim::Text(_)) | (Claim::Finger { .. }, Claim::Finger { .. }) => a == b,
        (Claim::Card(_) | Claim::Text(_) | Claim::Finger { .. }, _) => false,
    }
}

/// Whether two bindings hold on a common date.
pub fn overlap(a: &Binding, b: &Binding) -> bool {
    let before = |a: &Binding, b: &Binding| a.until.zip(b.from).is_some_and(|(until, from)| until < from);
    !before(a, b) && !before(b, a)
}

/// Another person's credential that stands in the way of a binding.
pub fn in_the_way<'a>(wanted: &Binding, held: &'a [(BindingId, Binding)]) -> Option<&'a (BindingId, Binding)> {
    held.iter().find(|(_, other)| other.staff_no != wanted.staff_no && alike(&other.claim, &wanted.claim) && overlap(other, wanted))
}

/// A claim as people write it: the option that names it, and its text.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a>(pub &'a Claim);

impl Written<'_> {
    /// `card`, `text` or `finger`.
    pub const fn kind(self) -> &'static str {
        match self.0 {
            Claim::Card(_) => "card",
            Claim::Text(_) => "text",
            Claim::Finger { .. } => "finger",
        }
    }
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Claim::Card(bytes) => f.write_str(&printed(bytes)),
            Claim::Text(text) => f.write_str(text),
            Claim::Finger { terminal, reader, slot } => write!(f, "{terminal}/{reader}:{slot}"),
        }
    }
}

/// The claim that would make an unknown credential somebody's, by all that was read of it.
pub fn claim_of(unknown: &UnknownCredential) -> Claim {
    match &unknown.credential {
        Credential::Badge { bytes, .. } | Credential::Number { bytes, .. } => Claim::Card(bytes.clone()),
        Credential::Text(text) => Claim::Text(text.clone()),
        Credential::Finger(slot) => Claim::Finger { terminal: unknown.terminal.clone(), reader: unknown.reader.clone(), slot: *slot },
    }
}

/// Every printed form of a card's number: 8H10D, 3+5, 6H8D, hexadecimal, hexadecimal reversed. Empty for what is no card.
pub fn printed_forms(claim: &Claim) -> Vec<String> {
    let Claim::Card(bytes) = claim else { return Vec::new() };
    let mut forms = Vec::new();
    if let Some(low) = bytes.last_chunk::<4>() {
        forms.push(format!("{:010}", u32::from_be_bytes(*low)));
    }
    if let Some([high, middle, low]) = bytes.last_chunk::<3>() {
        forms.push(format!("{high:03},{:05}", u16::from_be_bytes([*middle, *low])));
        forms.push(format!("{:08}", u32::from_be_bytes([0, *high, *middle, *low])));
    }
    let hex = |bytes: &[u8]| crate::domain::id::hex_text(bytes).to_ascii_uppercase();
    forms.push(hex(bytes));
    forms.push(hex(&bytes.iter().rev().copied().collect::<Vec<_>>()));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::WorkDate;

    #[test]
    fn a_finger_is_written_as_terminal_reader_and_slot() {
        let claim = finger("east-hall-1/finger:7").unwrap();
        assert_eq!(Written(&claim).to_string(), "east-hall-1/finger:7");
        for bad in ["finger:7", "east-hall-1/finger", "east-hall-1/finger:x", "East/finger:7", "east-hall-1/finger:70000"] {
            assert!(finger(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_card_is_shown_in_every_form_that_may_be_printed_on_it() {
        let claim = card("em4100:67003B51C6").unwrap();
        assert_eq!(printed_forms(&claim), ["0003887558", "059,20934", "03887558", "67003B51C6", "C6513B0067"]);
        for form in printed_forms(&claim).iter().take(4) {
            assert!(alike(&claim, &card(form).unwrap()), "{form}");
        }
    }

    #[test]
    fn two_people_may_have_one_card_one_after_the_other_but_never_on_one_day() {
        let held = [(BindingId(1), binding("A", "0003887558", None, Some(10)))];
        assert!(in_the_way(&binding("B", "059,20934", None, None), &held).is_some());
        assert!(in_the_way(&binding("B", "059,20934", Some(10), None), &held).is_some());
        assert!(in_the_way(&binding("B", "059,20934", Some(11), None), &held).is_none());
        assert!(in_the_way(&binding("B", "0003909740", None, None), &held).is_none());
        assert!(in_the_way(&binding("A", "059,20934", None, None), &held).is_none());
    }

    fn binding(staff_no: &str, number: &str, from: Option<u32>, until: Option<u32>) -> Binding {
        let date = |day: u32| WorkDate::from_ymd_opt(2026, 11, day).unwrap();
        Binding { staff_no: staff_no.parse().unwrap(), claim: card(number).unwrap(), from: from.map(date), until: until.map(date) }
    }
}
