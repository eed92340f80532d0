//! A reader that does nothing but rustle, as fast as a USB line goes, beside one that works.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use punchd::clock::Clock;
use serde_json::Value;

use super::cable::{Cable, em4100_with, xor};
use super::vitals::{Vitals, median_tap, recorded, start};
use crate::rig::{Events, Kiosk, Place, badge, condition};

/// Bytes of noise a millisecond: 100 kB/s.
const NOISE_BYTES_A_MS: u64 = 100;
/// Pause between two bursts of it.
const NOISE_EVERY: Duration = Duration::from_millis(8);
/// Most bytes of a burst: what a line holds.
const BURST_MAX: usize = 3_000;
/// Taps of a measurement.
const TAPS: u32 = 40;
/// A tap beside the noise takes at most so many times the quiet one …
const SLOWER_MAX: u64 = 10;
/// … which counts as at least this, in microseconds, so that a quick machine is not held to its own haste.
const QUIET_MIN_US: u64 = 5_000;
/// Rustling readers cost less than this share of a processor, on a busy machine without optimisation: nothing turns without an end.
const PROCESSOR_PERCENT_MAX: u64 = 90;
/// Nothing that is noise is kept, in KiB.
const GROWN_MAX_KIB: u64 = 8 * 1_024;
/// A noisy line is shown after ten seconds.
const SHOWN: Duration = Duration::from_secs(25);

/// What makes the noise.
type Maker = fn(&mut Chance) -> Vec<u8>;

#[test]
fn a_reader_that_screams_delays_nobody_and_is_named() {
    screams("random bytes", &[("noisy", "em4100", random)]);
}

#[test]
fn a_reader_that_screams_beginnings_of_frames_delays_nobody_and_is_named() {
    screams("frames with a wrong checksum", &[("noisy", "em4100", wrong_frames)]);
}

#[test]
fn readers_of_every_kind_that_scream_at_once_delay_nobody_and_are_named() {
    let readers: [(&str, &str, Maker); 4] = [
        ("noisy-ascii", "em4100", heads),
        ("noisy-binary", "em4100-binary", binary_heads),
        ("noisy-finger", "ef01", packet_heads),
        ("noisy-line", "line", control_lines),
    ];
    screams("four kinds at once", &readers);
}

#[test]
fn a_reader_that_screams_texts_that_could_be_codes_crowds_nobody_out_and_is_named() {
    screams("texts without an end", &[("noisy", "line", texts)]);
}

/// Measures taps at a good reader in quiet and beside these.
fn screams(what: &str, noisy: &[(&str, &str, Maker)]) {
    let place = Place::new();
    let mut good = Cable::plugged(&place, "badge");
    let cables: Vec<Cable> = noisy.iter().map(|(name, ..)| Cable::plugged(&place, name)).collect();
    let configured: Vec<(&str, &str)> = noisy.iter().map(|(name, protocol, _)| (*name, *protocol)).chain([("badge", "em4100")]).collect();
    let kiosk = start(&place, &configured);
    kiosk.until("the good reader and the journal are open", |status| {
        status["readers"][noisy.len()]["connected"] == true && status["journal"].is_string()
    });
    let events = kiosk.events();
    let quiet = median_tap(&mut good, "badge", &events, 0..TAPS);
    let before = Vitals::of(&kiosk);
    let screaming: Vec<Screaming> = noisy.iter().zip(cables).map(|((.., maker), cable)| Screaming::begin(cable, *maker)).collect();
    let beside = named_beside(&kiosk, &mut good, &events, noisy);
    let spent = before.spent(&kiosk, what);
    let sent: Vec<(usize, usize)> = screaming.into_iter().map(Screaming::stop).collect();
    println!("{what}: median tap {quiet} us in quiet, {beside} us beside the noise; bytes sent and lost by each: {sent:?}");
    assert!(beside <= SLOWER_MAX * quiet.max(QUIET_MIN_US), "{beside} us beside the noise, {quiet} us in quiet");
    let fed: Vec<String> = (0..2 * TAPS).map(|number| badge(number).1).collect();
    let mut recorded = recorded(&kiosk);
    // What could be a code is one, whoever sent it: it is recorded like any other.
    let codes = recorded.extract_if(.., |credential| credential.starts_with("text:")).count();
    assert_eq!(recorded, fed, "every tap once, and nothing that is noise");
    println!("{what}: {codes} codes recorded");
    assert_eq!(codes > 0, noisy.iter().any(|(.., maker)| std::ptr::fn_addr_eq(*maker, texts as Maker)), "{codes} codes");
    assert!(spent.processor_percent < PROCESSOR_PERCENT_MAX, "{spent:?}");
    assert!(spent.grown_kib < GROWN_MAX_KIB, "{spent:?}");
    assert!(spent.log_lines as u64 <= spent.seconds, "{spent:?}\n{}", kiosk.log());
    let made: u64 = sent.iter().map(|(sent, lost)| (sent + lost) as u64).sum();
    assert!(made > spent.seconds * 50_000, "it did scream: {made} bytes in {} s", spent.seconds);
}

/// Taps while it is noisy, then waits until each noisy reader is named with what to do.
fn named_beside(kiosk: &Kiosk, good: &mut Cable, events: &Events, noisy: &[(&str, &str, Maker)]) -> u64 {
    let beside = median_tap(good, "badge", events, TAPS..2 * TAPS);
    let status = kiosk.within("the noise is told", SHOWN, |status| noisy.iter().all(|(name, ..)| is_named(status, name)));
    let shown = condition(&status, "reader-noisy").or_else(|| condition(&status, "reader-silent")).unwrap();
    assert!(shown["remedy"][1].as_str().unwrap().contains("baud rate"), "{shown}");
    beside
}

fn is_named(status: &Value, reader: &str) -> bool {
    let conditions = status["conditions"].as_array().unwrap();
    conditions.iter().any(|condition| condition["code"] == "reader-noisy" && condition["subject"] == reader)
}

/// A thread that screams.
struct Screaming {
    end: Sender<()>,
    thread: JoinHandle<(usize, usize)>,
}

impl Screaming {
    fn begin(mut cable: Cable, maker: Maker) -> Self {
        let (end, ended) = channel();
        let thread = std::thread::spawn(move || {
            let (mut chance, mut sent, mut lost) = (Chance(7), 0, 0);
            let (clock, mut made) = (Clock::system(), 0);
            let begun = clock.mono();
            while matches!(ended.recv_timeout(NOISE_EVERY), Err(RecvTimeoutError::Timeout)) {
                let due = usize::try_from(clock.mono().millis_since(begun) * NOISE_BYTES_A_MS).unwrap();
                let mut noise = Vec::new();
                while made + noise.len() < due && noise.len() + BURST_MAX / 10 < BURST_MAX {
                    noise.extend(maker(&mut chance));
                }
                made += noise.len();
                let count = if cable.write(&noise) { &mut sent } else { &mut lost };
                *count += noise.len();
                cable.read();
            }
            (sent, lost)
        });
        Self { end, thread }
    }

    /// How many bytes went out, and how many the kiosk did not take in time.
    fn stop(self) -> (usize, usize) {
        drop(self.end);
        self.thread.join().unwrap()
    }
}

/// Reproducible chance (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(u16::from_le_bytes(self.bytes())) % limit.max(1)
    }

    fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }
}

fn random(chance: &mut Chance) -> Vec<u8> {
    chance.bytes::<64>().to_vec()
}

/// Whole frames of ASCII modules, each with a wrong checksum.
fn wrong_frames(chance: &mut Chance) -> Vec<u8> {
    let badge = chance.bytes::<5>();
    em4100_with(badge, xor(&badge) ^ 1)
}

/// The start of a frame and less than a badge, over and over.
fn heads(chance: &mut Chance) -> Vec<u8> {
    let length = 1 + chance.below(11);
    [vec![0x02], vec![b'A'; length]].concat()
}

/// Heads of binary frames, with an end that no frame has.
fn binary_heads(chance: &mut Chance) -> Vec<u8> {
    [&[0x02, 0x0A, 0x02], &chance.bytes::<5>()[..], &[0x00, 0x00]].concat()
}

/// Heads of acknowledgements, with a wrong checksum.
fn packet_heads(chance: &mut Chance) -> Vec<u8> {
    let [slot, score] = chance.bytes();
    vec![0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00, 0x07, 0x00, 0x00, slot, 0x00, score, 0xFF, 0xFF]
}

/// Lines with a control character at both ends: no text, wherever they are cut.
fn control_lines(chance: &mut Chance) -> Vec<u8> {
    let length = chance.below(20);
    [vec![0x1B], vec![b'x'; length], b"\x1B\r\n".to_vec()].concat()
}

/// Texts of a QR code's length, hardly ever the same: about a thousand a second.
fn texts(chance: &mut Chance) -> Vec<u8> {
    format!("{:096X}\r", chance.below(0x1_0000)).into_bytes()
}
