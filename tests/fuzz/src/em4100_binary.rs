//! Binary badge frames: only whole frames with a right checksum are badges, and the next whole one is always read.

use punchd::domain::credential::{Credential, Technology};
use punchd::reader::protocol::Settings;

use super::script::Script;
use super::talker::{check_present, feed, xor};

/// A published frame.
const FRAME: &[u8] = &[0x02, 0x0A, 0x02, 0x06, 0x00, 0x8E, 0x6D, 0x5D, 0xB0, 0x03];

/// A script of pauses and pieces.
pub fn holds(bytes: &[u8]) {
    let fed = feed(&Settings::Em4100Binary, Script(bytes));
    let present: Vec<Credential> = (0..fed.stream.len()).filter_map(|at| judge(&fed.stream[at..])).collect();
    check_present(&fed.read, &present);
    fed.reads_after_silence(FRAME, &judge(FRAME).unwrap());
}

/// The frame that stands at the beginning of these bytes.
fn judge(stream: &[u8]) -> Option<Credential> {
    let (length, technology) = match stream {
        [0x02, 9, 1, ..] => (9, Technology::Mifare),
        [0x02, 10, 2, ..] => (10, Technology::Em4100),
        _ => return None,
    };
    let frame = stream.get(..length)?;
    let (checked, end) = frame.split_at(length - 2);
    (end == [xor(&checked[1..]), 0x03]).then(|| Credential::Badge { technology, bytes: checked[3..].to_vec() })
}
