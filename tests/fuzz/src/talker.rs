//! What every driver of a reader that only talks is held to: it is fed pieces of a stream at arbitrary times.

use punchd::domain::credential::Credential;
use punchd::domain::time::Mono;
use punchd::reader::protocol::Settings;
use punchd::reader::{Driver, Output, READ_BYTES_MAX, Reading};

use super::script::Script;

/// Longest pause between two pieces, in milliseconds: longer than any gap within a frame.
const PAUSE_MAX_MS: u64 = 255;
/// Longer than any gap or time limit, in milliseconds.
const SILENCE_MS: u64 = 10_000;
/// Speed of the line, in bits a second.
const BAUD: u32 = 9_600;
/// Most outputs of one call: a port that never fetches costs no more.
const OUTPUTS_MAX: usize = 2 * READ_BYTES_MAX;

/// A driver that was fed, the stream that it was fed, and what it read from it.
pub(crate) struct Fed {
    driver: Box<dyn Driver>,
    now: Mono,
    /// Everything that came, without the pauses.
    pub(crate) stream: Vec<u8>,
    /// Everything that was read.
    pub(crate) read: Vec<Credential>,
}

/// Feeds a script of pauses and pieces; whole pieces and single bytes must come to the same.
pub(crate) fn feed(settings: &Settings, script: Script<'_>) -> Fed {
    let (whole, outputs) = feed_in_pieces(settings, script.clone(), READ_BYTES_MAX);
    let (_, apart) = feed_in_pieces(settings, script, 1);
    assert_eq!(outputs, apart, "byte by byte it comes to something else");
    whole
}

fn feed_in_pieces(settings: &Settings, mut script: Script<'_>, piece_max: usize) -> (Fed, Vec<Output>) {
    let mut fed = Fed { driver: settings.driver(BAUD), now: Mono(SILENCE_MS), stream: Vec::new(), read: Vec::new() };
    let mut all = Vec::new();
    while !script.is_over() {
        fed.now = fed.now.plus_millis(u64::from(script.byte()).min(PAUSE_MAX_MS));
        fed.wakes(&mut all);
        let count = usize::from(script.byte());
        let piece = script.bytes(count);
        for part in piece.chunks(piece_max) {
            fed.driver.handle(fed.now, part);
            fed.takes(&mut all);
        }
        fed.stream.extend(piece);
    }
    (fed, all)
}

impl Fed {
    fn wakes(&mut self, all: &mut Vec<Output>) {
        if self.driver.poll_timeout().is_some_and(|at| at <= self.now) {
            self.driver.handle_timeout(self.now);
            assert!(self.driver.poll_timeout().is_none_or(|at| at > self.now), "a timeout that was handled stays due");
            self.takes(all);
        }
    }

    fn takes(&mut self, all: &mut Vec<Output>) {
        let mut taken = 0;
        while let Some(output) = self.driver.poll_output() {
            taken += 1;
            match &output {
                Output::Reading(Reading::Credential(credential)) => {
                    assert_eq!(credential.to_string().parse().as_ref(), Ok(credential), "it survives its text");
                    self.read.push(credential.clone());
                }
                Output::Fault(_) => {}
                other @ (Output::Reading(_) | Output::Write(_) | Output::Answer(_) | Output::Online(_)) => {
                    panic!("a reader that only talks gave {other:?}")
                }
            }
            all.push(output);
        }
        assert!(taken < OUTPUTS_MAX, "an output may have been dropped");
    }

    /// After a silence a whole frame is read, once and alone, whatever came before.
    pub(crate) fn reads_after_silence(mut self, frame: &[u8], expected: &Credential) {
        let mut all = Vec::new();
        for step in 0..2 {
            self.now = self.now.plus_millis(SILENCE_MS);
            self.wakes(&mut all);
            if step == 0 {
                self.read.clear();
                self.driver.handle(self.now, frame);
                self.takes(&mut all);
            }
        }
        assert_eq!(self.read, std::slice::from_ref(expected), "a whole frame after a silence");
        assert_eq!(self.driver.poll_timeout(), None, "it rests");
    }
}

/// Each of these was in the stream at least as often as it was read.
pub(crate) fn check_present(read: &[Credential], present: &[Credential]) {
    let mut left = present.to_vec();
    for credential in read {
        let place = left.iter().position(|found| found == credential);
        let place = place.unwrap_or_else(|| panic!("{credential} was read and no whole frame of it came"));
        left.remove(place);
    }
}

/// The exclusive or of some bytes.
pub(crate) fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}
