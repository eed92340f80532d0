//! Readers that send a line of text: QR and barcode scanners, badge readers with a number printed, Wiegand boxes.
//!
//! Invariants: a record ends at CR, LF, ETX or an idle gap, whichever comes first, so CR LF never yields two; a record over the limit, in
//! no allowed encoding or with control characters is a fault, never a reading; nothing is ever written back to the reader.

use super::card_format::CardFormat;
use super::outbox::Outbox;
use super::{Answer, Driver, Fault, Output, Reading, Request, Signal};
use crate::domain::credential::TEXT_MAX;
use crate::domain::time::Mono;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
/// Longest record, in bytes as they come off the line.
pub const LENGTH_MAX: usize = TEXT_MAX;
/// Idle time that ends a record up to [`SLOW_BAUD`], in milliseconds (scan engines' tails; Wiegand boxes end a card after as much).
const GAP_SLOW_MS: u64 = 50;
/// The same above it.
const GAP_FAST_MS: u64 = 20;
/// The fastest line that is slow, in bits a second.
const SLOW_BAUD: u32 = 9_600;

/// What the configuration says of such a reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What every record begins with; a record without it is none.
    pub prefix: String,
    /// What every record ends with, before its terminator; a record without it is none.
    pub suffix: String,
    /// How the bytes are read.
    pub encoding: Encoding,
    /// Which printed number the text is.
    pub card_format: CardFormat,
    /// Idle time that ends a record, in milliseconds; by the line's speed where none is given.
    pub gap_ms: Option<u64>,
}

/// How a record's bytes become text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 and nothing else.
    #[default]
    Utf8,
    /// UTF-8 where it fits, otherwise GB 18030, which GBK is a part of.
    Gb18030,
}

impl Encoding {
    /// Every encoding with the name that a configuration gives it.
    pub const ALL: [(&'static str, Self); 2] = [("utf-8", Self::Utf8), ("gb18030", Self::Gb18030)];
}

/// The driver.
#[derive(Debug)]
pub struct Line {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    encoding: Encoding,
    card_format: CardFormat,
    gap_ms: u64,
    record: Vec<u8>,
    overrun: bool,
    heard: Mono,
    out: Outbox,
}

impl Line {
    /// A driver for a line of this speed, in bits a second.
    pub fn new(settings: &Settings, baud: u32) -> Self {
        let by_speed = if baud <= SLOW_BAUD { GAP_SLOW_MS } else { GAP_FAST_MS };
        Self {
            prefix: settings.prefix.as_bytes().to_vec(),
            suffix: settings.suffix.trim_end_matches(['\r', '\n', '\u{3}']).as_bytes().to_vec(),
            encoding: settings.encoding,
            card_format: settings.card_format,
            gap_ms: settings.gap_ms.unwrap_or(by_speed).max(1),
            record: Vec::new(),
            overrun: false,
            heard: Mono(0),
            out: Outbox::default(),
        }
    }

    fn is_idle(&self) -> bool {
        self.record.is_empty() && !self.overrun
    }

    fn end_at_gap(&mut self, now: Mono) {
        if now.millis_since(self.heard) >= self.gap_ms {
            self.end(now);
        }
    }

    fn end(&mut self, now: Mono) {
        let record = std::mem::take(&mut self.record);
        if std::mem::take(&mut self.overrun) || record.is_empty() {
            return;
        }
        let judged = self.body(now, &record).and_then(|body| self.judge(body));
        match judged {
            Ok(None) => {}
            Ok(Some(reading)) => self.out.reading(reading),
            Err(fault) => self.out.fault(now, fault),
        }
    }

    /// The record without what the reader is set to put around it.
    fn body<'a>(&mut self, now: Mono, record: &'a [u8]) -> Result<&'a [u8], Fault> {
        let last_start = record.iter().rposition(|byte| *byte == STX).unwrap_or(0);
        let (lost, record) = record.split_at(last_start);
        if !lost.is_empty() {
            self.out.fault(now, Fault::Truncated);
        }
        let unstarted = record.strip_prefix(&[STX]).unwrap_or(record);
        let body = record.strip_prefix(self.prefix.as_slice()).or_else(|| unstarted.strip_prefix(self.prefix.as_slice()));
        let body = body.ok_or(Fault::Noise)?;
        let body = body.strip_prefix(&[STX]).unwrap_or(body);
        body.strip_suffix(self.suffix.as_slice()).ok_or(Fault::Noise)
    }

    fn judge(&self, body: &[u8]) -> Result<Option<Reading>, Fault> {
        let text = self.decode(body).ok_or(Fault::Encoding)?;
        if text.chars().any(char::is_control) {
            return Err(Fault::Encoding);
        }
        if text.len() > TEXT_MAX {
            return Err(Fault::TooLong);
        }
        Ok((!text.trim().is_empty()).then(|| Reading::Credential(self.card_format.credential(&text))))
    }

    fn decode(&self, body: &[u8]) -> Option<String> {
        let utf8 = std::str::from_utf8(body).ok().map(str::to_owned);
        match self.encoding {
            Encoding::Utf8 => utf8,
            Encoding::Gb18030 => utf8.or_else(|| {
                let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(body)?;
                Some(text.into_owned())
            }),
        }
    }
}

impl Driver for Line {
    fn handle(&mut self, now: Mono, bytes: &[u8]) {
        if bytes.is_empty() {
            self.record.clear();
            self.overrun = false;
            return;
        }
        self.end_at_gap(now);
        self.heard = now;
        for byte in bytes {
            match *byte {
                b'\r' | b'\n' | ETX => self.end(now),
                _ if self.overrun => {}
                _ if self.record.len() == LENGTH_MAX => {
                    self.out.fault(now, Fault::TooLong);
                    self.record.clear();
                    self.overrun = true;
                }
                byte => self.record.push(byte),
            }
        }
    }

    fn handle_timeout(&mut self, now: Mono) {
        self.end_at_gap(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Mono> {
        (!self.is_idle()).then(|| self.heard.plus_millis(self.gap_ms))
    }

    fn signal(&mut self, _now: Mono, _signal: Signal) {}

    fn request(&mut self, _now: Mono, _request: Request) {
        self.out.push(Output::Answer(Answer::Unsupported));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::vectors::{drain, outputs, readings, reads_after_silence, same_at_every_cut, survives, traffic};
    use super::*;
    use crate::domain::credential::Credential;

    fn make(settings: &Settings) -> Box<dyn Driver> {
        Box::new(Line::new(settings, 9_600))
    }

    fn text(text: &str) -> Reading {
        Reading::Credential(Credential::Text(text.to_owned()))
    }

    #[test]
    fn every_terminator_and_none_end_one_record() {
        for end in [&b"\r"[..], b"\n", b"\r\n", b"\x03", b"\x03\r\n", b""] {
            for start in [&b""[..], b"\x02"] {
                let record = [start, b"QR-17 \xE4\xB8\xAD", end].concat();
                same_at_every_cut(&|| make(&Settings::default()), &record, &[text("QR-17 中")]);
            }
        }
    }

    #[test]
    fn records_back_to_back_are_parted() {
        let all = outputs(make(&Settings::default()).as_mut(), Mono(0), b"A1\r\nB2\r\n\r\nC3\x03D4");
        assert_eq!(readings(all), ["A1", "B2", "C3", "D4"].map(text));
    }

    #[test]
    fn an_idle_gap_parts_records_by_the_speed_of_the_line() {
        for (baud, gap) in [(9_600, 50), (115_200, 20)] {
            let mut driver = Line::new(&Settings::default(), baud);
            driver.handle(Mono(100), b"ONE");
            assert_eq!(driver.poll_timeout(), Some(Mono(100 + gap)));
            driver.handle(Mono(100 + gap - 1), b"+1");
            driver.handle(Mono(100 + 2 * gap), b"TWO");
            assert_eq!(readings(drain(&mut driver)), [text("ONE+1")]);
            driver.handle_timeout(Mono(100 + 3 * gap));
            assert_eq!(readings(drain(&mut driver)), [text("TWO")]);
            assert_eq!(driver.poll_timeout(), None);
        }
    }

    #[test]
    fn a_configured_prefix_and_suffix_are_taken_off_and_asked_for() {
        let settings = Settings { prefix: "ID=".into(), suffix: ";\r\n".into(), ..Settings::default() };
        let read = |bytes: &[u8]| outputs(make(&settings).as_mut(), Mono(0), bytes);
        assert_eq!(readings(read(b"ID=0145;\r\n")), [text("0145")]);
        assert_eq!(readings(read(b"\x02ID=0145;\x03")), [text("0145")]);
        for other in [&b"0145;\r"[..], b"ID=0145\r", b"@@@@\r"] {
            assert_eq!(read(other), [Output::Fault(Fault::Noise)]);
        }
    }

    #[test]
    fn a_card_number_keeps_its_text_and_the_bytes_it_knows() {
        let settings = Settings { card_format: CardFormat::EightHexTenDecimal, ..Settings::default() };
        let all = outputs(make(&settings).as_mut(), Mono(0), b"0003887558\r\n");
        let number = Credential::Number { bytes: vec![0x00, 0x3B, 0x51, 0xC6], text: "0003887558".into() };
        assert_eq!(readings(all), [Reading::Credential(number)]);
    }

    #[test]
    fn gb18030_is_read_only_where_the_configuration_says_so() {
        let gbk = b"\xD5\xFE\xCE\xF1-7\r";
        assert_eq!(outputs(make(&Settings::default()).as_mut(), Mono(0), gbk), [Output::Fault(Fault::Encoding)]);
        let settings = Settings { encoding: Encoding::Gb18030, ..Settings::default() };
        assert_eq!(readings(outputs(make(&settings).as_mut(), Mono(0), gbk)), [text("政务-7")]);
        assert_eq!(readings(outputs(make(&settings).as_mut(), Mono(0), "政务-7\r".as_bytes())), [text("政务-7")]);
        assert_eq!(outputs(make(&settings).as_mut(), Mono(0), b"\xFF\xFF\r"), [Output::Fault(Fault::Encoding)]);
    }

    #[test]
    fn control_characters_are_refused_and_empty_records_are_nothing() {
        for bad in [&b"A\x00B\r"[..], b"A\x1BB\r", b"A\x7FB\r", "A\u{85}B\r".as_bytes()] {
            assert_eq!(outputs(make(&Settings::default()).as_mut(), Mono(0), bad), [Output::Fault(Fault::Encoding)], "{bad:?}");
        }
        assert_eq!(outputs(make(&Settings::default()).as_mut(), Mono(0), b"\r\n \r\n\x02\x03"), []);
    }

    #[test]
    fn a_record_over_the_limit_is_one_fault_and_the_next_is_read() {
        let mut driver = make(&Settings::default());
        let long = [vec![b'A'; LENGTH_MAX], b"\r".to_vec()].concat();
        assert_eq!(readings(outputs(driver.as_mut(), Mono(0), &long)), [text(&"A".repeat(LENGTH_MAX))]);
        let longer = [vec![b'A'; 5 * LENGTH_MAX], b"\rNEXT\r".to_vec()].concat();
        assert_eq!(outputs(driver.as_mut(), Mono(9_000), &longer), [Output::Fault(Fault::TooLong), Output::Reading(text("NEXT"))]);
    }

    #[test]
    fn a_text_that_grows_over_the_limit_when_decoded_is_refused() {
        let settings = Settings { encoding: Encoding::Gb18030, ..Settings::default() };
        let record = [b"\xD5\xFE".repeat(LENGTH_MAX / 2), b"\r".to_vec()].concat();
        assert_eq!(outputs(make(&settings).as_mut(), Mono(0), &record), [Output::Fault(Fault::TooLong)]);
    }

    #[test]
    fn a_record_cut_off_by_the_start_of_the_next_is_not_part_of_it() {
        let all = outputs(make(&Settings::default()).as_mut(), Mono(0), b"half\x02WHOLE\x03");
        assert_eq!(all, [Output::Fault(Fault::Truncated), Output::Reading(text("WHOLE"))]);
    }

    proptest! {
        #[test]
        fn a_record_is_read_after_silence_whatever_came_before(garbage in traffic(), word in "[A-Z0-9]{1,40}") {
            let mut driver = make(&Settings::default());
            let now = survives(driver.as_mut(), &garbage);
            let record = format!("{word}\r");
            prop_assert_eq!(reads_after_silence(driver.as_mut(), now, record.as_bytes()), [text(&word)]);
        }

        #[test]
        fn every_text_that_is_read_is_a_credential_that_survives_its_text(garbage in traffic(), gb in any::<bool>()) {
            let encoding = if gb { Encoding::Gb18030 } else { Encoding::Utf8 };
            let mut driver = make(&Settings { encoding, ..Settings::default() });
            for (pause, bytes) in garbage {
                for reading in readings(outputs(driver.as_mut(), Mono(pause), &bytes)) {
                    let Reading::Credential(credential) = reading else { panic!("only credentials") };
                    prop_assert_eq!(credential.to_string().parse::<Credential>(), Ok(credential));
                }
            }
        }
    }
}
