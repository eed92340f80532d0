//! Packets of EF01 modules: `EF 01`, address (4), kind, length (2, of what follows), content, checksum (2, the sum from kind to content).
//!
//! Invariants: once a header is found the length is trusted, since `EF 01` also occurs in contents; only a wrong checksum or silence makes
//! the decoder look for a header anew. The buffer never outgrows one packet.

use std::collections::VecDeque;

/// What a packet begins with.
const HEADER: [u8; 2] = [0xEF, 0x01];
/// Header, address, kind and length, in bytes.
const HEAD_LEN: usize = 9;
/// The checksum, in bytes.
const SUM_LEN: usize = 2;
/// Longest content: the largest data chunk that a module can be set to, in bytes.
const CONTENT_MAX: usize = 256;
/// Kinds: command, data, acknowledgement, last data.
const COMMAND: u8 = 0x01;
const KINDS: [u8; 4] = [COMMAND, 0x02, ACK, 0x08];
/// The kind of an acknowledgement.
pub(super) const ACK: u8 = 0x07;
/// What a module says by itself after it started.
const STARTED: u8 = 0x55;

/// A packet whose checksum holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) address: u32,
    pub(super) kind: u8,
    pub(super) content: Vec<u8>,
}

/// What came off the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    Packet(Packet),
    /// A bare `55`: the module has started.
    Started,
    /// A byte that belongs to no packet.
    Noise,
    /// A packet whose checksum does not hold.
    Checksum,
}

/// Finds packets in a stream.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: VecDeque<u8>,
    /// How many of the first bytes were already part of a packet with a wrong checksum; a `55` among them means nothing.
    doubtful: usize,
}

/// What the first bytes of the buffer are.
enum Head {
    Incomplete,
    Foreign,
    Whole { content: usize },
}

impl Decoder {
    /// Takes a byte; `next` is to be called until `None` after each.
    pub(super) fn push(&mut self, byte: u8) {
        self.buffer.push_back(byte);
    }

    /// What the bytes so far amount to.
    pub(super) fn next(&mut self) -> Option<Event> {
        match self.head() {
            Head::Incomplete => None,
            Head::Foreign => {
                let started = self.buffer.front() == Some(&STARTED) && self.doubtful == 0;
                self.drop_first(1);
                Some(if started { Event::Started } else { Event::Noise })
            }
            Head::Whole { content } => {
                let whole = HEAD_LEN + content + SUM_LEN;
                let Some(packet) = parse(self.buffer.iter().copied().take(whole), content) else {
                    self.drop_first(1);
                    self.doubtful = self.doubtful.max(whole - 1);
                    return Some(Event::Checksum);
                };
                self.drop_first(whole);
                Some(Event::Packet(packet))
            }
        }
    }

    /// Forgets what has come of a packet; tells whether there was any.
    pub(super) fn clear(&mut self) -> bool {
        let partial = !self.buffer.is_empty();
        self.buffer.clear();
        self.doubtful = 0;
        partial
    }

    fn drop_first(&mut self, bytes: usize) {
        self.buffer.drain(..bytes.min(self.buffer.len()));
        self.doubtful = self.doubtful.saturating_sub(bytes);
    }

    fn head(&self) -> Head {
        if self.buffer.iter().zip(HEADER).any(|(byte, header)| *byte != header) {
            return Head::Foreign;
        }
        if self.buffer.get(6).is_some_and(|kind| !KINDS.contains(kind)) {
            return Head::Foreign;
        }
        let (Some(high), Some(low)) = (self.buffer.get(7), self.buffer.get(8)) else { return Head::Incomplete };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match length.checked_sub(SUM_LEN) {
            Some(content @ 1..=CONTENT_MAX) if self.buffer.len() >= HEAD_LEN + length => Head::Whole { content },
            Some(1..=CONTENT_MAX) => Head::Incomplete,
            Some(_) | None => Head::Foreign,
        }
    }
}

fn parse(bytes: impl Iterator<Item = u8>, content: usize) -> Option<Packet> {
    let mut bytes = bytes.skip(HEADER.len());
    let address = bytes.by_ref().take(4).fold(0, |address, byte| address << 8 | u32::from(byte));
    let summed: Vec<u8> = bytes.by_ref().take(3 + content).collect();
    let sum = bytes.fold(0_u16, |sum, byte| sum << 8 | u16::from(byte));
    let (kind, rest) = summed.split_first()?;
    let content = rest.get(2..)?.to_vec();
    (sum == sum_of(&summed)).then_some(Packet { address, kind: *kind, content })
}

/// The sum of all bytes, overflow dropped.
fn sum_of(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum: u16, byte| sum.wrapping_add(u16::from(*byte)))
}

/// A command as it goes to the module.
pub(super) fn command(address: u32, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + SUM_LEN).unwrap_or(u16::MAX);
    let summed = [&[COMMAND], &length.to_be_bytes()[..], content].concat();
    let sum = sum_of(&summed).to_be_bytes();
    [&HEADER[..], &address.to_be_bytes(), &summed, &sum].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::vectors::{bytes, frame, group, traffic};
    use super::*;

    fn decode(stream: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        feed(&mut decoder, stream)
    }

    fn feed(decoder: &mut Decoder, stream: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in stream {
            decoder.push(*byte);
            events.extend(std::iter::from_fn(|| decoder.next()));
        }
        events
    }

    fn packets(events: Vec<Event>) -> usize {
        events.into_iter().filter(|event| matches!(event, Event::Packet(_))).count()
    }

    #[test]
    fn every_published_packet_holds_and_every_single_wrong_bit_is_found() {
        for (name, hex) in group("ef01_commands").into_iter().chain(group("ef01_acks")) {
            let wire = bytes(hex.as_str().unwrap());
            assert_eq!(packets(decode(&wire)), 1, "{name}");
            for bit in 6 * 8..wire.len() * 8 {
                let mut wrong = wire.clone();
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(packets(decode(&wrong)), 0, "{name} with bit {bit} wrong");
            }
        }
    }

    #[test]
    fn what_is_written_is_what_was_published() {
        for (name, hex) in group("ef01_commands") {
            let wire = bytes(hex.as_str().unwrap());
            assert_eq!(command(0xFFFF_FFFF, &wire[9..wire.len() - 2]), wire, "{name}");
        }
    }

    #[test]
    fn a_header_within_a_content_is_content() {
        let wire = bytes("ef 01 ff ff ff ff 07 00 07 00 ef 01 ff ff 02 fc");
        assert_eq!(decode(&wire), [Event::Packet(Packet { address: u32::MAX, kind: ACK, content: bytes("00 ef 01 ff ff") })]);
    }

    #[test]
    fn a_bare_55_says_that_the_module_started_but_not_within_a_broken_packet() {
        let ok = frame("ef01_acks", "ok");
        let started = [&[0x55][..], &ok].concat();
        assert_eq!(decode(&started).first(), Some(&Event::Started));
        let cut_off = [&ok[..7], &[0x55], &ok].concat();
        assert!(packets(decode(&cut_off)) <= 1);
        let broken = [&bytes("ef 01 ff ff ff ff 07 00 03 55 00 00")[..], &ok].concat();
        let events = decode(&broken);
        assert!(events.contains(&Event::Checksum) && !events.contains(&Event::Started), "{events:?}");
        assert_eq!(packets(events), 1);
    }

    #[test]
    fn a_packet_behind_a_broken_one_is_found() {
        let ok = frame("ef01_acks", "ok");
        let mut broken = frame("ef01_acks", "found page7 score150");
        broken[11] ^= 1;
        assert_eq!(packets(decode(&[broken, ok].concat())), 1);
    }

    #[test]
    fn what_was_begun_is_forgotten_on_demand() {
        let ok = frame("ef01_acks", "ok");
        let mut decoder = Decoder::default();
        assert_eq!(feed(&mut decoder, &ok[..8]), []);
        assert!(decoder.clear() && !decoder.clear());
        assert_eq!(packets(feed(&mut decoder, &ok)), 1);
    }

    proptest! {
        #[test]
        fn the_buffer_never_outgrows_one_packet(garbage in traffic()) {
            let mut decoder = Decoder::default();
            for (_, bytes) in garbage {
                feed(&mut decoder, &bytes);
                prop_assert!(decoder.buffer.len() < HEAD_LEN + CONTENT_MAX + SUM_LEN);
            }
        }
    }
}
