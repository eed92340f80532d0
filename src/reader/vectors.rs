//! The published frames of `tests/fixtures/readers.json`, and the ways in which every driver is fed.

use proptest::prelude::*;
use serde_json::Value;

use super::outbox::OUTPUTS_MAX;
use super::{Driver, Output, Reading};
use crate::domain::credential::Credential;
use crate::domain::id::hex_bytes;
use crate::domain::time::Mono;

/// Longer than any gap or time limit within a frame, in milliseconds.
const SILENCE_MS: u64 = 1_000;

/// One group of the fixtures.
pub(super) fn group(name: &str) -> serde_json::Map<String, Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/fixtures/readers.json")).unwrap();
    all[name].as_object().expect("a group of the fixtures").clone()
}

/// The bytes of one named frame.
pub(super) fn frame(of: &str, name: &str) -> Vec<u8> {
    let group = group(of);
    bytes(group.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no frame named {name}")))
}

/// Bytes written as `02 0a …`.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    hex_bytes(&hex.replace(' ', "")).expect("pairs of hexadecimal digits")
}

/// A reading of this credential.
pub(super) fn credential(text: &str) -> Reading {
    Reading::Credential(text.parse::<Credential>().unwrap())
}

/// Everything that a driver says to these bytes when they come as one piece and the line then falls silent.
pub(super) fn outputs(driver: &mut dyn Driver, now: Mono, bytes: &[u8]) -> Vec<Output> {
    driver.handle(now, bytes);
    let mut all = drain(driver);
    all.extend(fall_silent(driver, now));
    all
}

/// Everything that a driver says when nothing more comes.
pub(super) fn fall_silent(driver: &mut dyn Driver, now: Mono) -> Vec<Output> {
    if driver.poll_timeout().is_some() {
        driver.handle_timeout(now.plus_millis(SILENCE_MS));
    }
    drain(driver)
}

/// Everything that waits to be fetched.
pub(super) fn drain(driver: &mut dyn Driver) -> Vec<Output> {
    std::iter::from_fn(|| driver.poll_output()).collect()
}

/// Only the readings.
pub(super) fn readings(outputs: Vec<Output>) -> Vec<Reading> {
    let reading = |output| match output {
        Output::Reading(reading) => Some(reading),
        Output::Write(_) | Output::Fault(_) | Output::Answer(_) | Output::Online(_) => None,
    };
    outputs.into_iter().filter_map(reading).collect()
}

/// The same bytes in two pieces, cut at every place, and as single bytes, give the same readings as in one.
pub(super) fn same_at_every_cut(make: &dyn Fn() -> Box<dyn Driver>, frame: &[u8], expected: &[Reading]) {
    let cuts = (0..=frame.len()).map(|cut| vec![&frame[..cut], &frame[cut..]]);
    for pieces in cuts.chain([frame.chunks(1).collect()]) {
        let mut driver = make();
        let mut all = Vec::new();
        for (at, piece) in (1..).map(Mono).zip(&pieces) {
            if !piece.is_empty() {
                driver.handle(at, piece);
                all.extend(drain(driver.as_mut()));
            }
        }
        all.extend(fall_silent(driver.as_mut(), Mono(100)));
        assert_eq!(readings(all), expected, "in pieces of {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
    }
}

/// Arbitrary bytes at arbitrary times, with a liking for the bytes that protocols are made of.
pub(super) fn traffic() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let marked = prop::sample::select(vec![0x02_u8, 0x03, 0x0D, 0x0A, 0x09, 0xEF, 0x01, 0xFF, 0x07, 0x55, 0x00, b'0', b'C']);
    let byte = prop_oneof![3 => marked, 1 => any::<u8>()];
    prop::collection::vec((0_u64..200, prop::collection::vec(byte, 1..64)), 0..40)
}

/// Feeds arbitrary traffic and holds the driver to its contract on the way; gives the time at the end.
pub(super) fn survives(driver: &mut dyn Driver, traffic: &[(u64, Vec<u8>)]) -> Mono {
    let mut now = Mono(1_000);
    for (pause, bytes) in traffic {
        now = now.plus_millis(*pause);
        if driver.poll_timeout().is_some_and(|at| at <= now) {
            driver.handle_timeout(now);
            assert!(driver.poll_timeout().is_none_or(|at| at > now), "a timeout that was handled does not stay due");
        }
        driver.handle(now, bytes);
        assert!(drain(driver).len() < OUTPUTS_MAX, "no output was dropped");
    }
    now
}

/// Lets the line rest, then tells what the driver reads from this frame.
pub(super) fn reads_after_silence(driver: &mut dyn Driver, now: Mono, frame: &[u8]) -> Vec<Reading> {
    let later = now.plus_millis(SILENCE_MS);
    driver.handle_timeout(later);
    drain(driver);
    readings(outputs(driver, later.plus_millis(SILENCE_MS), frame))
}
