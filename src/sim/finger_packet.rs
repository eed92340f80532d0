//! Packets of EF01 fingerprint modules as the module sees them: takes the host's apart, builds its own.
//!
//! Header `EF 01`, address (4), kind (1), length (2, counts content and checksum), content, checksum (2: sum of kind, length, content).

/// First two bytes of a packet.
const HEADER: [u8; 2] = [0xEF, 0x01];
/// Bytes before the content.
const HEAD: usize = 9;
/// Bytes of the checksum, which the length counts.
const SUM: usize = 2;
/// Longest content a packet may have (the largest data packet that can be set), in bytes.
const CONTENT_MAX: usize = 256;

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An instruction.
    Command,
    /// Data, more follow.
    Data,
    /// The module's answer.
    Acknowledge,
    /// The last data.
    LastData,
}

impl Kind {
    const ALL: [(Self, u8); 4] = [(Self::Command, 1), (Self::Data, 2), (Self::Acknowledge, 7), (Self::LastData, 8)];

    fn of(code: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == code).map(|(kind, _)| *kind)
    }

    fn code(self) -> u8 {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, code)| *code)
    }
}

/// What the bytes from the host turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A whole packet.
    Packet {
        /// Whom it is for.
        address: u32,
        /// Which kind.
        kind: Kind,
        /// Without head and checksum.
        content: Vec<u8>,
        /// As it came.
        raw: Vec<u8>,
    },
    /// A packet whose checksum or kind is wrong.
    Damaged(Vec<u8>),
    /// Bytes outside any packet.
    Stray(Vec<u8>),
}

/// Builds a packet.
pub(crate) fn packet(address: u32, kind: Kind, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + SUM).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = HEADER.to_vec();
    packet.extend(address.to_be_bytes());
    packet.push(kind.code());
    packet.extend(length);
    packet.extend(content);
    packet.extend(sum(kind.code(), length, content).to_be_bytes());
    packet
}

fn sum(kind: u8, length: [u8; 2], content: &[u8]) -> u16 {
    let [high, low] = length;
    [kind, high, low].iter().chain(content).fold(0, |sum: u16, byte| sum.wrapping_add(u16::from(*byte)))
}

/// Takes the host's bytes apart; holds at most one unfinished packet.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    pending: Vec<u8>,
}

impl Unpacker {
    /// Takes bytes as they come and gives what they complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.pending.extend(bytes);
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Drops an unfinished packet, as a restart does.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
    }

    fn next(&mut self) -> Option<Piece> {
        let stray = self.before_header();
        if stray > 0 {
            return Some(Piece::Stray(self.pending.drain(..stray).collect()));
        }
        let (head, rest) = self.pending.split_at_checked(HEAD)?;
        let &[_, _, a, b, c, d, kind, high, low] = head else { return None };
        let counted = usize::from(u16::from_be_bytes([high, low]));
        let Some(content_length) = counted.checked_sub(SUM).filter(|length| *length <= CONTENT_MAX) else {
            return Some(Piece::Damaged(self.pending.drain(..HEADER.len()).collect()));
        };
        let (content, after) = rest.split_at_checked(content_length)?;
        let told = u16::from_be_bytes(*after.first_chunk()?);
        let holds = told == sum(kind, [high, low], content);
        let content = content.to_vec();
        let raw: Vec<u8> = self.pending.drain(..HEAD + counted).collect();
        Some(match Kind::of(kind).filter(|_| holds) {
            Some(kind) => Piece::Packet { address: u32::from_be_bytes([a, b, c, d]), kind, content, raw },
            None => Piece::Damaged(raw),
        })
    }

    /// How many bytes stand before the next header, or before what may become one.
    fn before_header(&self) -> usize {
        let whole = self.pending.windows(HEADER.len()).position(|pair| pair == HEADER);
        whole.unwrap_or_else(|| self.pending.len() - usize::from(self.pending.last() == HEADER.first()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::hex;

    const ADDRESS: u32 = 0xFFFF_FFFF;

    #[test]
    fn answers_are_byte_for_byte_the_published_ones() {
        // The manual's own example packets of the R503 and R30x.
        let cases: [(&[u8], &str); 4] = [
            (&[0x00], "EF01FFFFFFFF07000300000A"),
            (&[0x02], "EF01FFFFFFFF07000302000C"),
            (&[0x00, 0x00, 0x07, 0x00, 0x96], "EF01FFFFFFFF0700070000070096 00AB"),
            (&[0x09, 0, 0, 0, 0], "EF01FFFFFFFF07000709000000000017"),
        ];
        for (content, expected) in cases {
            assert_eq!(hex::shown(&packet(ADDRESS, Kind::Acknowledge, content)), expected.replace(' ', ""));
        }
    }

    #[test]
    fn a_packet_is_found_after_stray_bytes_and_byte_by_byte() {
        let raw = hex::parsed("EF01FFFFFFFF010003010005").unwrap();
        let mut unpacker = Unpacker::default();
        assert_eq!(unpacker.take(&[0x55, 0xEF, 0x00]), [Piece::Stray(vec![0x55, 0xEF, 0x00])]);
        let pieces: Vec<Piece> = raw.iter().flat_map(|byte| unpacker.take(&[*byte])).collect();
        assert_eq!(pieces, [Piece::Packet { address: ADDRESS, kind: Kind::Command, content: vec![1], raw }]);
    }

    #[test]
    fn a_wrong_sum_is_damage_and_the_next_packet_is_whole() {
        let good = packet(ADDRESS, Kind::Command, &[0x01]);
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        let pieces = Unpacker::default().take(&[bad.clone(), good].concat());
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0], Piece::Damaged(bad));
        assert!(matches!(pieces[1], Piece::Packet { .. }));
    }

    proptest! {
        #[test]
        fn no_bytes_are_lost_or_invented(bytes in proptest::collection::vec(any::<u8>(), 0..600), cut in 0_usize..600) {
            let mut unpacker = Unpacker::default();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut pieces = unpacker.take(first);
            pieces.extend(unpacker.take(second));
            let mut back: Vec<u8> = pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Piece::Packet { raw, .. } | Piece::Damaged(raw) | Piece::Stray(raw) => raw,
                })
                .collect();
            prop_assert!(unpacker.pending.len() < HEAD + CONTENT_MAX + SUM);
            back.extend(&unpacker.pending);
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn what_is_packed_is_unpacked(content in proptest::collection::vec(any::<u8>(), 0..=CONTENT_MAX), address: u32) {
            let raw = packet(address, Kind::LastData, &content);
            let pieces = Unpacker::default().take(&raw);
            prop_assert_eq!(pieces, [Piece::Packet { address, kind: Kind::LastData, content, raw }]);
        }
    }
}
