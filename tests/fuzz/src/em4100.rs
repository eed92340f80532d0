//! ASCII badge frames: only whole frames with a right checksum are badges, and the next whole one is always read.

use punchd::domain::credential::{Credential, Technology};
use punchd::reader::em4100::Settings;
use punchd::reader::protocol;

use super::script::Script;
use super::talker::{check_present, feed, xor};

/// Characters of a frame: five bytes and their checksum.
const TEXT_LEN: usize = 12;

/// The first byte says whether the characters come alone; a script of pauses and pieces follows.
pub fn holds(bytes: &[u8]) {
    let mut script = Script(bytes);
    let bare = script.byte() % 2 == 1;
    let fed = feed(&protocol::Settings::Em4100(Settings { bare }), script);
    check_present(&fed.read, &present(&fed.stream, bare));
    let frame: &[u8] = if bare { b"67003B51C6CB" } else { b"\x0267003B51C6CB\x03" };
    fed.reads_after_silence(frame, &badge([0x67, 0x00, 0x3B, 0x51, 0xC6]));
}

/// Every place of the stream where a whole frame stands.
fn present(stream: &[u8], bare: bool) -> Vec<Credential> {
    let framed = |at: usize| {
        let rest = &stream[at + TEXT_LEN..];
        let ended = [&b"\x03"[..], b"\r\n\x03"].iter().any(|end| rest.starts_with(end));
        at > 0 && stream[at - 1] == 0x02 && ended
    };
    let starts = 0..(stream.len() + 1).saturating_sub(TEXT_LEN);
    starts.filter(|at| bare || framed(*at)).filter_map(|at| judge(&stream[at..at + TEXT_LEN])).collect()
}

fn judge(text: &[u8]) -> Option<Credential> {
    let digits: Vec<u8> = text.iter().map(|digit| char::from(*digit).to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let (number, sum) = bytes.split_at(5);
    (xor(number) == sum[0]).then(|| badge([number[0], number[1], number[2], number[3], number[4]]))
}

fn badge(bytes: [u8; 5]) -> Credential {
    Credential::Badge { technology: Technology::Em4100, bytes: bytes.to_vec() }
}
