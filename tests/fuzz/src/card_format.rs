//! Printed card numbers: what is of the form is that number by plain arithmetic, what is not is kept as it came.

use punchd::domain::credential::{BADGE_BYTES, Credential, TEXT_MAX};
use punchd::reader::card_format::CardFormat;

/// The first byte chooses the form; the text follows.
pub fn holds(bytes: &[u8]) {
    let Some((form, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text).into_owned();
    let form = CardFormat::ALL[usize::from(*form) % CardFormat::ALL.len()].1;
    let credential = form.credential(&text);
    if (1..=TEXT_MAX).contains(&text.len()) {
        assert_eq!(credential.to_string().parse().as_ref(), Ok(&credential), "it survives its text");
    }
    match &credential {
        Credential::Text(kept) => assert_eq!((kept, number(form, text.trim())), (&text, None), "{form:?}"),
        Credential::Number { bytes, text: kept } => {
            assert!(*kept == text && BADGE_BYTES.contains(&bytes.len()), "{credential}");
            assert_eq!(number(form, text.trim()).as_ref(), Some(bytes), "{form:?} {text}");
        }
        Credential::Badge { .. } | Credential::Finger(_) => panic!("{credential} is no print of a card"),
    }
}

/// The low bytes that a print says, worked out digit by digit.
fn number(form: CardFormat, text: &str) -> Option<Vec<u8>> {
    let digits = |text: &str, radix: u32| text.chars().map(|c| c.to_digit(radix)).collect::<Option<Vec<u32>>>();
    let value = |text: &str| Some(digits(text, 10)?.iter().fold(0_u64, |value, digit| value * 10 + u64::from(*digit)));
    let low = |value: u64, bytes: usize| (value >> (8 * bytes) == 0).then(|| value.to_be_bytes()[8 - bytes..].to_vec());
    match form {
        CardFormat::EightHexTenDecimal => (text.len() == 10).then(|| low(value(text)?, 4)).flatten(),
        CardFormat::SixHexEightDecimal => (text.len() == 8).then(|| low(value(text)?, 3)).flatten(),
        CardFormat::ThreePlusFive => {
            let plain = if text.len() == 9 && text.as_bytes()[3] == b',' { text.replacen(',', "", 1) } else { text.to_owned() };
            if plain.len() != 8 || !plain.is_ascii() {
                return None;
            }
            let (high, rest) = plain.split_at(3);
            Some([low(value(high)?, 1)?, low(value(rest)?, 2)?].concat())
        }
        CardFormat::Hex | CardFormat::HexReversed => {
            let digits = digits(text, 16)?;
            let fits = digits.len() % 2 == 0 && BADGE_BYTES.contains(&(digits.len() / 2));
            let mut bytes: Vec<u8> = digits.chunks(2).filter_map(|pair| Some((*pair.first()? << 4 | *pair.get(1)?) as u8)).collect();
            if form == CardFormat::HexReversed {
                bytes.reverse();
            }
            fits.then_some(bytes)
        }
        CardFormat::Text => None,
    }
}
