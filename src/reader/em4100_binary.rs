//! Dual-frequency badge modules that speak binary: `02`, the length of the whole frame, the type (`01` Mifare, `02` EM4100), four or five
//! bytes of number, the XOR from length to number, `03`.
//!
//! Invariant: a frame ends where its length says, never at a byte that looks like its end, since `02` and `03` also occur in numbers.

use super::outbox::Outbox;
use super::{Answer, Driver, Fault, Output, Reading, Request, Signal};
use crate::domain::credential::{Credential, Technology};
use crate::domain::time::Mono;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const MIFARE: u8 = 0x01;
const EM4100: u8 = 0x02;
/// The whole frame of a Mifare card, in bytes.
const MIFARE_LEN: u8 = 9;
/// The whole frame of an EM4100 badge, in bytes.
const EM4100_LEN: u8 = 10;
/// Silence that ends a frame, in milliseconds: 10 bytes at 9600 baud take 11, a USB adapter may hold them back another 16.
const GAP_MS: u64 = 100;

/// The driver.
#[derive(Debug, Default)]
pub struct Em4100Binary {
    buffer: Vec<u8>,
    heard: Option<Mono>,
    out: Outbox,
}

/// What the first bytes of the buffer are.
enum Verdict {
    /// The beginning of a frame, perhaps.
    NotYet,
    /// A frame.
    Frame(Reading),
    /// Not a frame: look again one byte further on.
    Skip(Fault),
}

impl Em4100Binary {
    /// A driver that has heard nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn settle(&mut self, now: Mono) {
        while !self.buffer.is_empty() {
            match judge(&self.buffer) {
                Verdict::NotYet => return,
                Verdict::Frame(reading) => {
                    self.out.reading(reading);
                    self.buffer.clear();
                }
                Verdict::Skip(fault) => {
                    self.out.fault(now, fault);
                    self.buffer.remove(0);
                }
            }
        }
    }

    fn end_at_silence(&mut self, now: Mono) {
        let silent = self.heard.is_some_and(|heard| now.millis_since(heard) >= GAP_MS);
        if silent && !self.buffer.is_empty() {
            self.out.fault(now, Fault::Truncated);
            self.buffer.clear();
        }
    }
}

fn judge(buffer: &[u8]) -> Verdict {
    match buffer {
        [] | [STX] => return Verdict::NotYet,
        [STX, MIFARE_LEN | EM4100_LEN, ..] => {}
        _ => return Verdict::Skip(Fault::Noise),
    }
    let Some((head @ [_, len, kind], rest)) = buffer.split_first_chunk::<3>() else { return Verdict::NotYet };
    if buffer.len() < usize::from(*len) {
        return Verdict::NotYet;
    }
    let Some((number, [check, end])) = rest.split_last_chunk::<2>() else { return Verdict::NotYet };
    let sum = head.iter().skip(1).chain(number).fold(0, |sum, byte| sum ^ byte);
    if *end != ETX || *check != sum {
        return Verdict::Skip(Fault::Checksum);
    }
    let technology = match (*kind, *len) {
        (MIFARE, MIFARE_LEN) => Technology::Mifare,
        (EM4100, EM4100_LEN) => Technology::Em4100,
        _ => return Verdict::Skip(Fault::Unexpected),
    };
    Verdict::Frame(Reading::Credential(Credential::Badge { technology, bytes: number.to_vec() }))
}

impl Driver for Em4100Binary {
    fn handle(&mut self, now: Mono, bytes: &[u8]) {
        if bytes.is_empty() {
            self.buffer.clear();
            return;
        }
        self.end_at_silence(now);
        self.heard = Some(now);
        for byte in bytes {
            self.buffer.push(*byte);
            self.settle(now);
        }
    }

    fn handle_timeout(&mut self, now: Mono) {
        self.end_at_silence(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Mono> {
        self.heard.filter(|_| !self.buffer.is_empty()).map(|heard| heard.plus_millis(GAP_MS))
    }

    fn signal(&mut self, _now: Mono, _signal: Signal) {}

    fn request(&mut self, _now: Mono, _request: Request) {
        self.out.push(Output::Answer(Answer::Unsupported));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::vectors::{bytes, credential, drain, group, outputs, readings, reads_after_silence, same_at_every_cut};
    use super::super::vectors::{survives, traffic};
    use super::*;

    fn make() -> Box<dyn Driver> {
        Box::new(Em4100Binary::new())
    }

    fn published() -> Vec<(Vec<u8>, Reading)> {
        group("em4100_binary").into_iter().map(|(name, frame)| (bytes(frame.as_str().unwrap()), credential(&name))).collect()
    }

    /// A frame written out by hand: `02 09 01`, a number, its XOR with 08, `03`.
    fn mifare(number: [u8; 4]) -> (Vec<u8>, Reading) {
        let [a, b, c, d] = number;
        let frame = vec![0x02, 0x09, 0x01, a, b, c, d, 0x08 ^ a ^ b ^ c ^ d, 0x03];
        (frame, credential(&format!("mifare:{a:02X}{b:02X}{c:02X}{d:02X}")))
    }

    #[test]
    fn every_published_frame_is_read_wherever_it_is_cut() {
        for (frame, badge) in published() {
            same_at_every_cut(&make, &frame, &[badge]);
        }
    }

    #[test]
    fn header_and_end_bytes_within_a_number_are_numbers() {
        for number in [[0x02, 0x09, 0x01, 0x03], [0x03, 0x03, 0x02, 0x0A], [0x02, 0x02, 0x02, 0x02]] {
            let (frame, badge) = mifare(number);
            same_at_every_cut(&make, &frame, std::slice::from_ref(&badge));
            same_at_every_cut(&make, &[frame.clone(), frame].concat(), &[badge.clone(), badge]);
        }
    }

    #[test]
    fn a_wrong_check_and_a_wrong_end_are_faults() {
        for at in [7, 8] {
            let (mut frame, _) = mifare([0x6B, 0x3D, 0x12, 0xD6]);
            frame[at] ^= 0x10;
            let all = outputs(make().as_mut(), Mono(0), &frame);
            assert_eq!(all.first(), Some(&Output::Fault(Fault::Checksum)));
            assert_eq!(readings(all), []);
        }
    }

    #[test]
    fn a_type_that_nobody_documents_is_no_badge() {
        let frame = [0x02, 0x09, 0x07, 0x6B, 0x3D, 0x12, 0xD6, 0x9C, 0x03];
        assert_eq!(outputs(make().as_mut(), Mono(0), &frame).first(), Some(&Output::Fault(Fault::Unexpected)));
    }

    #[test]
    fn a_stream_that_starts_in_the_middle_of_a_frame_yields_the_next_one() {
        for (frame, badge) in published() {
            for start in 1..frame.len() {
                let stream = [&frame[start..], &frame].concat();
                let read = readings(outputs(make().as_mut(), Mono(0), &stream));
                assert_eq!(read, std::slice::from_ref(&badge), "from {start}");
            }
        }
    }

    #[test]
    fn a_false_header_before_a_frame_costs_nothing() {
        for (frame, badge) in published() {
            for noise in [&[0x02][..], &[0x02, 0x0A], &[0x02, 0x09], &[0x02, 0x09, 0x01]] {
                let stream = [noise, &frame].concat();
                assert_eq!(readings(outputs(make().as_mut(), Mono(0), &stream)), std::slice::from_ref(&badge), "{noise:?}");
            }
        }
    }

    #[test]
    fn a_frame_cut_off_by_silence_does_not_join_the_next() {
        let (frame, badge) = mifare([0x6B, 0x3D, 0x12, 0xD6]);
        let mut driver = make();
        driver.handle(Mono(0), &frame[..4]);
        assert_eq!(driver.poll_timeout(), Some(Mono(GAP_MS)));
        driver.handle(Mono(200), &frame);
        assert_eq!(drain(driver.as_mut()), [Output::Fault(Fault::Truncated), Output::Reading(badge)]);
    }

    proptest! {
        #[test]
        fn a_frame_is_read_after_silence_whatever_came_before(garbage in traffic(), number in any::<[u8; 4]>()) {
            let (frame, badge) = mifare(number);
            let mut driver = make();
            let now = survives(driver.as_mut(), &garbage);
            prop_assert_eq!(reads_after_silence(driver.as_mut(), now, &frame), [badge]);
        }

        #[test]
        fn the_buffer_never_outgrows_one_frame(garbage in traffic()) {
            let mut driver = Em4100Binary::new();
            survives(&mut driver, &garbage);
            prop_assert!(driver.buffer.len() < usize::from(EM4100_LEN));
        }
    }
}
