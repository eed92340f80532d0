//! The binary frame of dual-frequency modules: start, length of the whole frame, card type, serial number, XOR, end.

/// First byte.
const START: u8 = 0x02;
/// Last byte.
const END: u8 = 0x03;
/// Card type of a four-byte Mifare serial number.
const MIFARE: u8 = 0x01;
/// Card type of a five-byte EM4100 number.
const EM4100: u8 = 0x02;
/// Start, length, type, XOR and end.
const AROUND: usize = 5;

/// The frame for a card: four bytes are Mifare, five are EM4100, anything else is `None`.
pub(crate) fn frame(serial: &[u8]) -> Option<Vec<u8>> {
    let kind = match serial.len() {
        4 => MIFARE,
        5 => EM4100,
        _ => return None,
    };
    let length = u8::try_from(serial.len() + AROUND).ok()?;
    let sum = serial.iter().fold(length ^ kind, |sum, byte| sum ^ byte);
    let mut frame = vec![START, length, kind];
    frame.extend(serial);
    frame.extend([sum, END]);
    Some(frame)
}

/// Changes the XOR byte.
pub(crate) fn spoil(frame: &mut [u8]) {
    if let Some(sum) = frame.iter_mut().rev().nth(1) {
        *sum ^= 0x40;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_em4100_frame_is_ten_bytes_by_its_own_length() {
        // The published frame of a shop's module page: batch 06, number 0009334109.
        let frame = frame(&[0x06, 0x00, 0x8E, 0x6D, 0x5D]).unwrap();
        assert_eq!(frame, [0x02, 0x0A, 0x02, 0x06, 0x00, 0x8E, 0x6D, 0x5D, 0xB0, 0x03]);
    }

    #[test]
    fn a_mifare_frame_is_nine_bytes() {
        let frame = frame(&[0x6B, 0x3D, 0x12, 0xD6]).unwrap();
        assert_eq!(frame, [0x02, 0x09, 0x01, 0x6B, 0x3D, 0x12, 0xD6, 0x9A, 0x03]);
    }

    #[test]
    fn a_spoilt_frame_keeps_its_length_and_its_end() {
        let mut bad = frame(&[0x06, 0x00, 0x8E, 0x6D, 0x5D]).unwrap();
        spoil(&mut bad);
        assert_eq!(bad, [0x02, 0x0A, 0x02, 0x06, 0x00, 0x8E, 0x6D, 0x5D, 0xF0, 0x03]);
    }

    #[test]
    fn seven_bytes_have_no_frame() {
        assert_eq!(frame(&[0; 7]), None);
    }
}
