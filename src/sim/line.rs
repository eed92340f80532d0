//! A text and its terminator, as scan engines and Wiegand converters send it.

/// What ends a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Terminator {
    /// Carriage return: most scan engines as delivered.
    #[default]
    Cr,
    /// Line feed.
    Lf,
    /// Both.
    Crlf,
    /// The control character 03.
    Etx,
    /// Nothing: silence ends it.
    None,
}

/// How a text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// GB18030, as many QR codes in China are.
    Gb18030,
}

/// The bytes for one text.
pub(crate) fn frame(text: &str, encoding: Encoding, terminator: Terminator) -> Vec<u8> {
    let mut bytes = match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Gb18030 => encoding_rs::GB18030.encode(text).0.into_owned(),
    };
    bytes.extend(match terminator {
        Terminator::Cr => &b"\r"[..],
        Terminator::Lf => b"\n",
        Terminator::Crlf => b"\r\n",
        Terminator::Etx => b"\x03",
        Terminator::None => b"",
    });
    bytes
}

/// Puts a NUL in the middle of the text: there is no checksum, but no honest text holds one.
pub(crate) fn spoil(frame: &mut [u8]) {
    let middle = frame.len().saturating_sub(1) / 2;
    if let Some(byte) = frame.get_mut(middle) {
        *byte = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminator_follows_the_text() {
        let ends = [Terminator::Cr, Terminator::Lf, Terminator::Crlf, Terminator::Etx, Terminator::None]
            .map(|terminator| frame("3D12D6", Encoding::Utf8, terminator));
        assert_eq!(ends, [&b"3D12D6\r"[..], b"3D12D6\n", b"3D12D6\r\n", b"3D12D6\x03", b"3D12D6"]);
    }

    #[test]
    fn chinese_text_is_two_bytes_a_character_in_gb18030() {
        assert_eq!(frame("工牌", Encoding::Gb18030, Terminator::None), [0xB9, 0xA4, 0xC5, 0xC6]);
    }

    #[test]
    fn a_spoilt_text_holds_a_nul_and_keeps_its_end() {
        let mut bad = frame("QR-17", Encoding::Utf8, Terminator::Cr);
        spoil(&mut bad);
        assert_eq!(bad, b"QR\x0017\r");
    }
}
