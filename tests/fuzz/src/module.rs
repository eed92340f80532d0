//! A fingerprint module's side of the wire, written out from the manual: commands taken apart, acknowledgements put together.

/// Instructions (Grow R503 manual 1.2.2).
pub(crate) const GET_IMAGE: u8 = 0x01;
pub(crate) const SEARCH: u8 = 0x04;
const READ_PARAMETERS: u8 = 0x0F;
const READ_INDEX: u8 = 0x1F;
/// Header and the address that modules leave the factory with.
const HEAD: [u8; 6] = [0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF];
/// Slots of the module that is played.
pub(crate) const CAPACITY: u16 = 200;

/// The content of a command, which must be whole and right to the last bit.
pub(crate) fn command(wire: &[u8]) -> Vec<u8> {
    let body = wire.strip_prefix(&HEAD).unwrap_or_else(|| panic!("{wire:02x?} does not begin as a packet does"));
    let (summed, sum) = body.split_at(body.len() - 2);
    assert_eq!(sum, checksum(summed), "{wire:02x?}");
    let [0x01, high, low, content @ ..] = summed else { panic!("{wire:02x?} is no command") };
    assert_eq!(usize::from(u16::from_be_bytes([*high, *low])), content.len() + 2, "{wire:02x?}");
    content.to_vec()
}

/// An acknowledgement with this confirmation code and data.
pub(crate) fn ack(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    let summed = [&[0x07], &length[..], content].concat();
    [&HEAD[..], &summed, &checksum(&summed)].concat()
}

/// The right answer to a command of a module with one finger, in slot 7.
pub(crate) fn healthy(command: &[u8], touched: bool) -> Vec<u8> {
    match command[0] {
        GET_IMAGE if !touched => ack(&[0x02]),
        SEARCH => ack(&[0x00, 0x00, 0x07, 0x00, 0x96]),
        READ_PARAMETERS => {
            let [high, low] = CAPACITY.to_be_bytes();
            ack(&[0x00, 0x00, 0x00, 0x00, 0x00, high, low, 0x00, 0x03, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x02, 0x00, 0x06])
        }
        READ_INDEX => ack(&[0x00; 33]),
        _ => ack(&[0x00]),
    }
}

/// The slots that successful searches in this stream name.
pub(crate) fn found(stream: &[u8]) -> Vec<u16> {
    let packets = stream.windows(16).filter(|wire| wire.starts_with(&HEAD) && wire[6..10] == [0x07, 0x00, 0x07, 0x00]);
    packets.filter(|wire| wire[14..] == checksum(&wire[6..14])).map(|wire| u16::from_be_bytes([wire[10], wire[11]])).collect()
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte))).to_be_bytes()
}
