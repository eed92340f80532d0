//! The frame of 125 kHz badge modules in ASCII: RDM6300 and EM-18 (14 bytes), ID-12LA (16 bytes), EM-18 without frame (12 bytes).

use super::hex;

/// Bytes of an EM4100 transponder.
const TAG_BYTES: usize = 5;
/// First byte of a frame.
const START: u8 = 0x02;
/// Last byte of a frame.
const END: u8 = 0x03;

/// How a module frames the twelve characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// Start, twelve characters, end: RDM6300.
    #[default]
    Rdm6300,
    /// The same with CR LF before the end: ID-12LA.
    Id12la,
    /// Nothing but the twelve characters: some EM-18 boards.
    Bare,
}

/// The frame for a tag; `None` unless it has five bytes.
pub(crate) fn frame(tag: &[u8], form: Form) -> Option<Vec<u8>> {
    if tag.len() != TAG_BYTES {
        return None;
    }
    let sum = tag.iter().fold(0, |sum, byte| sum ^ byte);
    let characters = hex::shown(tag) + &hex::shown(&[sum]);
    let mut frame = characters.into_bytes();
    match form {
        Form::Bare => return Some(frame),
        Form::Rdm6300 => {}
        Form::Id12la => frame.extend(b"\r\n"),
    }
    frame.insert(0, START);
    frame.push(END);
    Some(frame)
}

/// Changes the last digit of the checksum into another digit.
pub(crate) fn spoil(frame: &mut [u8], form: Form) {
    let last_digit = match form {
        Form::Rdm6300 | Form::Id12la => 12,
        Form::Bare => 11,
    };
    if let Some(digit) = frame.get_mut(last_digit) {
        *digit = if *digit == b'0' { b'1' } else { b'0' };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rdm6300_frame_is_the_published_one() {
        // PyPI rdm6300 0.1.1, its own test frames.
        let frame = frame(&[0x67, 0x00, 0x3B, 0x51, 0xC6], Form::Rdm6300).unwrap();
        assert_eq!(frame, b"\x0267003B51C6CB\x03");
    }

    #[test]
    fn the_id12la_puts_cr_lf_before_the_end() {
        // ID-12LA datasheet.
        let frame = frame(&[0x0C, 0x00, 0x06, 0x21, 0xA5], Form::Id12la).unwrap();
        assert_eq!(frame, b"\x020C000621A58E\r\n\x03");
    }

    #[test]
    fn a_bare_frame_is_twelve_characters() {
        assert_eq!(frame(&[0x45, 0x00, 0xC5, 0xD1, 0xE9], Form::Bare).unwrap(), b"4500C5D1E9B8");
    }

    #[test]
    fn a_spoilt_frame_differs_in_its_checksum_alone() {
        for form in [Form::Rdm6300, Form::Id12la, Form::Bare] {
            let good = frame(&[0x62, 0xE3, 0x08, 0x6C, 0xED], form).unwrap();
            let mut bad = good.clone();
            spoil(&mut bad, form);
            let differing: Vec<usize> = (0..good.len()).filter(|&i| good[i] != bad[i]).collect();
            assert_eq!(differing, [if form == Form::Bare { 11 } else { 12 }]);
            assert!(bad[differing[0]].is_ascii_hexdigit());
        }
    }

    #[test]
    fn four_bytes_are_no_em4100_tag() {
        assert_eq!(frame(&[1, 2, 3, 4], Form::Rdm6300), None);
    }
}
