//! 125 kHz badge modules that speak ASCII: `02`, ten hexadecimal characters, two of checksum, `03` (RDM6300, EM-18, Seeed 113020002); the
//! ID-12LA family puts CR LF before the `03`; some EM-18 boards send the twelve characters alone.
//!
//! Invariant: whatever came before, a whole frame is read, since its `02` can stand in no other place of a frame.

use super::outbox::Outbox;
use super::{Answer, Driver, Fault, Output, Reading, Request, Signal};
use crate::domain::credential::{Credential, Technology};
use crate::domain::id::hex_bytes;
use crate::domain::time::Mono;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const CR: u8 = b'\r';
const LF: u8 = b'\n';
/// Five bytes and their checksum, in characters.
const TEXT_LEN: usize = 12;
/// The same with the ID-12LA's CR LF.
const BODY_MAX: usize = TEXT_LEN + 2;
/// Silence that ends a frame, in milliseconds: 14 bytes at 9600 baud take 15, a USB adapter may hold them back another 16.
const GAP_MS: u64 = 100;
/// The same where nothing else parts two frames: a module that repeats does so every 50 or 65 ms, of which 12 bytes take 13.
const BARE_GAP_MS: u64 = 30;

/// What the configuration says of such a reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// The twelve characters come alone, without `02` and `03`.
    pub bare: bool,
}

/// The driver.
#[derive(Debug)]
pub struct Em4100 {
    bare: bool,
    place: Place,
    body: Vec<u8>,
    heard: Mono,
    out: Outbox,
}

/// Where in the stream the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between frames.
    Between,
    /// Within a frame.
    Within,
    /// Behind a frame that was given up; nothing counts until the next one begins.
    Lost,
}

impl Em4100 {
    /// A driver that has heard nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { bare: settings.bare, place: Place::Between, body: Vec::with_capacity(BODY_MAX), heard: Mono(0), out: Outbox::default() }
    }

    const fn gap_ms(&self) -> u64 {
        if self.bare { BARE_GAP_MS } else { GAP_MS }
    }

    fn silence(&mut self, now: Mono) {
        if self.place == Place::Within {
            self.out.fault(now, Fault::Truncated);
        }
        self.restart(Place::Between);
    }

    fn restart(&mut self, place: Place) {
        self.place = place;
        self.body.clear();
    }

    fn framed_byte(&mut self, now: Mono, byte: u8) {
        match (self.place, byte) {
            (Place::Within, STX) => {
                self.out.fault(now, Fault::Truncated);
                self.restart(Place::Within);
            }
            (Place::Between | Place::Lost, STX) => self.restart(Place::Within),
            (Place::Within, ETX) => {
                self.finish(now);
                self.restart(Place::Between);
            }
            (Place::Within, _) if self.body.len() < BODY_MAX => self.body.push(byte),
            (Place::Within, _) => {
                self.out.fault(now, Fault::TooLong);
                self.restart(Place::Lost);
            }
            (Place::Between, CR | LF) | (Place::Lost, _) => {}
            (Place::Between, _) => self.out.fault(now, Fault::Noise),
        }
    }

    fn bare_byte(&mut self, now: Mono, byte: u8) {
        match (self.place, byte) {
            (_, STX | ETX | CR | LF) => self.silence(now),
            (Place::Lost, _) => {}
            (Place::Between | Place::Within, _) if byte.is_ascii_hexdigit() => {
                self.place = Place::Within;
                self.body.push(byte);
                if self.body.len() == TEXT_LEN {
                    let after = if self.finish(now) { Place::Between } else { Place::Lost };
                    self.restart(after);
                }
            }
            (Place::Between | Place::Within, _) => {
                self.out.fault(now, Fault::Noise);
                self.restart(Place::Lost);
            }
        }
    }

    fn finish(&mut self, now: Mono) -> bool {
        let body = self.body.strip_suffix(&[CR, LF]).unwrap_or(&self.body);
        let judged = judge(body);
        let read = judged.is_ok();
        match judged {
            Ok(reading) => self.out.reading(reading),
            Err(fault) => self.out.fault(now, fault),
        }
        read
    }
}

/// What twelve characters say.
fn judge(body: &[u8]) -> Result<Reading, Fault> {
    match body.len() {
        TEXT_LEN => {}
        0..TEXT_LEN => return Err(Fault::Truncated),
        _ => return Err(Fault::TooLong),
    }
    let mut bytes = std::str::from_utf8(body).ok().and_then(hex_bytes).ok_or(Fault::Noise)?;
    let checksum = bytes.pop();
    if checksum != Some(bytes.iter().fold(0, |sum, byte| sum ^ byte)) {
        return Err(Fault::Checksum);
    }
    Ok(Reading::Credential(Credential::Badge { technology: Technology::Em4100, bytes }))
}

impl Driver for Em4100 {
    fn handle(&mut self, now: Mono, bytes: &[u8]) {
        if bytes.is_empty() {
            self.restart(Place::Between);
            return;
        }
        if now.millis_since(self.heard) >= self.gap_ms() {
            self.silence(now);
        }
        self.heard = now;
        for byte in bytes {
            if self.bare { self.bare_byte(now, *byte) } else { self.framed_byte(now, *byte) }
        }
    }

    fn handle_timeout(&mut self, now: Mono) {
        if now.millis_since(self.heard) >= self.gap_ms() {
            self.silence(now);
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Mono> {
        (self.place != Place::Between).then(|| self.heard.plus_millis(self.gap_ms()))
    }

    fn signal(&mut self, _now: Mono, _signal: Signal) {}

    fn request(&mut self, _now: Mono, _request: Request) {
        self.out.push(Output::Answer(Answer::Unsupported));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::vectors::{bytes, credential, drain, frame, group, outputs, readings, reads_after_silence, same_at_every_cut};
    use super::super::vectors::{survives, traffic};
    use super::*;

    fn framed() -> Box<dyn Driver> {
        Box::new(Em4100::new(Settings::default()))
    }

    fn bare() -> Box<dyn Driver> {
        Box::new(Em4100::new(Settings { bare: true }))
    }

    fn published() -> Vec<(Vec<u8>, Reading)> {
        let frame = |(text, row): (String, serde_json::Value)| {
            let badge = credential(&format!("em4100:{}", text.split_at(10).0));
            (bytes(row["frame"].as_str().unwrap()), badge)
        };
        group("em4100").into_iter().map(frame).collect()
    }

    #[test]
    fn every_published_frame_is_read_wherever_it_is_cut() {
        assert_eq!(published().len(), 10);
        for (frame, badge) in published() {
            same_at_every_cut(&framed, &frame, &[badge]);
        }
    }

    #[test]
    fn the_id_12la_puts_cr_lf_before_the_end() {
        for (frame, badge) in published() {
            let long = [&[STX], &frame[1..13], &[CR, LF, ETX]].concat();
            assert_eq!(long.len(), 16);
            same_at_every_cut(&framed, &long, &[badge]);
        }
    }

    #[test]
    fn bare_boards_send_the_twelve_characters_alone() {
        for (frame, badge) in published() {
            same_at_every_cut(&bare, &frame[1..13], std::slice::from_ref(&badge));
            same_at_every_cut(&bare, &frame, &[badge]);
        }
    }

    #[test]
    fn published_frames_that_must_be_refused_are_faults() {
        let expected = [
            ("67003B51C6 with a wrong checksum", Fault::Checksum),
            ("two characters too many", Fault::TooLong),
            ("not hexadecimal", Fault::Noise),
            ("not ASCII", Fault::Noise),
        ];
        assert_eq!(group("em4100_refused").len(), expected.len());
        for (name, fault) in expected {
            assert_eq!(outputs(framed().as_mut(), Mono(0), &frame("em4100_refused", name)), [Output::Fault(fault)], "{name}");
        }
    }

    #[test]
    fn a_stream_that_starts_in_the_middle_of_a_frame_yields_the_next_one() {
        let (frame, badge) = published().swap_remove(0);
        for start in 1..frame.len() {
            let stream = [&frame[start..], &frame].concat();
            assert_eq!(readings(outputs(framed().as_mut(), Mono(0), &stream)), std::slice::from_ref(&badge), "from {start}");
        }
    }

    #[test]
    fn a_bare_stream_that_starts_in_the_middle_is_right_after_the_first_pause() {
        let (frame, badge) = published().swap_remove(0);
        let mut driver = bare();
        driver.handle(Mono(0), &frame[5..13]);
        driver.handle(Mono(50), &frame[1..13]);
        assert_eq!(drain(driver.as_mut()), [Output::Fault(Fault::Truncated), Output::Reading(badge)]);
    }

    #[test]
    fn a_badge_held_on_the_reader_is_read_with_every_frame() {
        let (frame, badge) = published().swap_remove(0);
        let mut driver = framed();
        for repeat in 0..20 {
            driver.handle(Mono(65 * repeat), &frame);
            assert_eq!(drain(driver.as_mut()), [Output::Reading(badge.clone())]);
        }
    }

    #[test]
    fn a_frame_cut_off_by_silence_does_not_join_the_next() {
        let (frame, badge) = published().swap_remove(0);
        let mut driver = framed();
        driver.handle(Mono(0), &frame[..6]);
        assert_eq!(driver.poll_timeout(), Some(Mono(GAP_MS)));
        driver.handle_timeout(Mono(GAP_MS));
        driver.handle(Mono(GAP_MS), &frame[6..]);
        driver.handle(Mono(500), &frame);
        assert_eq!(drain(driver.as_mut()), [Output::Fault(Fault::Truncated), Output::Fault(Fault::Noise), Output::Reading(badge)]);
    }

    #[test]
    fn an_opened_port_begins_between_frames() {
        let (frame, badge) = published().swap_remove(0);
        let mut driver = framed();
        driver.handle(Mono(0), &frame[..6]);
        driver.handle(Mono(1), &[]);
        assert_eq!(driver.poll_timeout(), None);
        driver.handle(Mono(2), &frame);
        assert_eq!(drain(driver.as_mut()), [Output::Reading(badge)]);
    }

    proptest! {
        #[test]
        fn a_whole_frame_is_read_whatever_came_before(garbage in traffic(), which in 0_usize..10) {
            let (frame, badge) = published().swap_remove(which);
            let mut driver = framed();
            let now = survives(driver.as_mut(), &garbage);
            prop_assert_eq!(readings(outputs(driver.as_mut(), now, &frame)), [badge]);
        }

        #[test]
        fn a_bare_frame_is_read_after_a_pause_whatever_came_before(garbage in traffic(), which in 0_usize..10) {
            let (frame, badge) = published().swap_remove(which);
            let mut driver = bare();
            let now = survives(driver.as_mut(), &garbage);
            prop_assert_eq!(reads_after_silence(driver.as_mut(), now, &frame[1..13]), [badge]);
        }

        #[test]
        fn one_wrong_character_is_never_another_badge(which in 0_usize..10, at in 1_usize..13, other in "[0-9A-F]") {
            let (mut frame, _) = published().swap_remove(which);
            let other = other.as_bytes()[0];
            prop_assume!(frame[at] != other);
            frame[at] = other;
            prop_assert_eq!(outputs(framed().as_mut(), Mono(0), &frame), [Output::Fault(Fault::Checksum)]);
        }
    }
}
