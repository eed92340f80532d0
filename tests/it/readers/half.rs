//! Frames cut short, one after the other: for an hour of simulated time at a driver and its gate, for some seconds at a real kiosk.

use punchd::domain::credential::Credential;
use punchd::domain::id::ReaderName;
use punchd::domain::time::Mono;
use punchd::machine::gate::Gate;
use punchd::reader::protocol::{Protocol, Settings};
use punchd::reader::{Driver, Output, Reading, em4100 as ascii, line};

use super::cable::{Cable, em4100, em4100_binary, pause};
use super::module::{GET_IMAGE, SEARCH, answer};
use super::vitals::{micros, recorded, start};
use crate::rig::{BADGE, Place, badge};

/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// Halves at the real kiosk, and the pause between them, in milliseconds.
const HALVES: u32 = 60;
const HALF_EVERY_MS: u64 = 50;
/// A whole frame is told on the page within 150 ms of its last byte, in microseconds; the rest is for a busy machine.
const AT_ONCE_US: u64 = 1_000_000;

/// A reader that only talks: its settings, a badge's whole frame, and the shortest pause that parts two halves of it.
struct Talker {
    settings: Settings,
    whole: fn(u32) -> Vec<u8>,
    shown: fn(u32) -> String,
    pause_ms: u64,
}

/// Every kind; a line without a mark at its end has no halves, so this one has one.
fn talkers() -> [Talker; 4] {
    let marked = line::Settings { prefix: "ID=".to_owned(), suffix: ";".to_owned(), ..line::Settings::default() };
    let bare = ascii::Settings { bare: true };
    let shown = |number| badge(number).1;
    [
        Talker { settings: Protocol::Em4100.settings(), whole: |number| em4100(badge(number).0), shown, pause_ms: 5 },
        Talker { settings: Settings::Em4100(bare), whole: |number| em4100(badge(number).0)[1..13].to_vec(), shown, pause_ms: 30 },
        Talker { settings: Settings::Em4100Binary, whole: |number| em4100_binary(badge(number).0), shown, pause_ms: 5 },
        Talker {
            settings: Settings::Line(marked),
            whole: |number| format!("ID=QR{number:06};\r\n").into_bytes(),
            shown: |number| format!("text:QR{number:06}"),
            pause_ms: 50,
        },
    ]
}

#[test]
fn an_hour_of_half_frames_is_no_badge_and_the_first_whole_one_is_read_at_once() {
    for talker in talkers() {
        let mut desk = Desk::new(&talker.settings);
        let (mut halves, mut number, nothing) = (0, 0_u32, Vec::<String>::new());
        while desk.now.0 < HOUR_MS {
            number += 1;
            let whole = (talker.whole)(number);
            // Of a line, the terminator alone may be missing: then nothing is cut off.
            let frame = whole.iter().rposition(|byte| !byte.is_ascii_whitespace()).unwrap();
            let cut = 1 + usize::try_from(number).unwrap() * 7 % frame;
            assert_eq!(desk.hears(&whole[..cut]), nothing, "half {number}, {cut} bytes of {whole:02x?}");
            assert_eq!(desk.waits(talker.pause_ms + u64::from(number) * 31 % 200), nothing, "after half {number}");
            halves += 1;
        }
        let read = desk.hears(&(talker.whole)(999_999));
        assert_eq!(read, [(talker.shown)(999_999)], "at once, after {halves} halves of {:?}", talker.settings);
        println!("{}: {halves} half frames in an hour, no badge; the whole one read at once", talker.settings.protocol());
    }
}

#[test]
fn an_hour_of_half_answers_is_nobody_and_the_first_whole_one_is_a_finger() {
    let mut desk = Desk::new(&Protocol::Ef01.settings());
    desk.hears(&[]);
    let (mut halves, mut read, mut lifted) = (0, Vec::new(), false);
    while desk.now.0 < HOUR_MS {
        // A finger is put on again and again; everything is answered but whose it is: that answer is cut short, each time elsewhere.
        let (asked, told) = match desk.written.take() {
            None => (None, desk.waits_for_driver()),
            Some(command) => {
                let whole = answer(command[9], !lifted);
                let cut = if command[9] == SEARCH { 1 + halves * 5 % (whole.len() - 1) } else { whole.len() };
                halves += usize::from(cut < whole.len());
                (Some(command[9]), desk.hears(&whole[..cut]))
            }
        };
        lifted = (lifted && asked != Some(GET_IMAGE)) || !told.is_empty();
        read.extend(told);
    }
    assert!(halves > 1_000 && read.len() > 300, "{halves} halves, {read:?}");
    assert!(read.iter().all(|reading| reading == "not read"), "{read:?}");
    println!("ef01: {halves} half answers in an hour, {} presses told as not read, nobody mistaken", read.len());
    let mut touched = false;
    let read = (0..200).find_map(|_| {
        let Some(command) = desk.written.take() else { return desk.waits_for_driver().pop() };
        // The finger that was on is lifted, then put on again.
        let answer = answer(command[9], touched);
        touched |= command[9] == GET_IMAGE;
        desk.hears(&answer).pop()
    });
    assert_eq!(read.as_deref(), Some("finger:7"));
}

#[test]
fn a_kiosk_hears_half_frames_for_seconds_and_reads_the_first_whole_one_at_once() {
    let place = Place::new();
    let mut cables = [Cable::plugged(&place, "ascii"), Cable::plugged(&place, "binary")];
    let kiosk = start(&place, &[("ascii", "em4100"), ("binary", "em4100-binary")]);
    kiosk.until_open();
    let events = kiosk.events();
    for number in 0..HALVES {
        for (cable, frame) in cables.iter_mut().zip([em4100(badge(number).0), em4100_binary(badge(number).0)]) {
            cable.sends(&frame[..=usize::try_from(number).unwrap() * 3 % (frame.len() - 1)]);
        }
        pause(HALF_EVERY_MS);
    }
    for (cable, (reader, frame)) in cables.iter_mut().zip([("ascii", em4100(BADGE)), ("binary", em4100_binary(BADGE))]) {
        cable.sends(&frame);
        let sent = micros();
        events.next("the whole frame is read", |datum| datum["reader"] == reader && datum["sequence"].is_u64());
        let taken = micros() - sent;
        println!("{reader}: {HALVES} half frames, then a whole one on the page after {taken} us");
        assert!(taken < AT_ONCE_US, "{taken} us");
    }
    assert_eq!(recorded(&kiosk), ["em4100:67003B51C6", "em4100:67003B51C6"], "the whole ones and nothing else");
}

/// A driver and its gate in simulated time.
struct Desk {
    driver: Box<dyn Driver>,
    gate: Gate,
    reader: ReaderName,
    now: Mono,
    written: Option<Vec<u8>>,
}

impl Desk {
    fn new(settings: &Settings) -> Self {
        let reader: ReaderName = "badge".parse().unwrap();
        let gate = Gate::new([(reader.clone(), settings.protocol().hold_ms())]);
        Self { driver: settings.driver(settings.protocol().serial().baud), gate, reader, now: Mono(1_000), written: None }
    }

    /// Bytes come; what is admitted, as it is shown.
    fn hears(&mut self, bytes: &[u8]) -> Vec<String> {
        self.now = self.now.plus_millis(1);
        self.driver.handle(self.now, bytes);
        self.admitted()
    }

    /// Time passes, and the driver is woken whenever it wants to be.
    fn waits(&mut self, millis: u64) -> Vec<String> {
        let until = self.now.plus_millis(millis);
        let mut admitted = Vec::new();
        while let Some(due) = self.driver.poll_timeout().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.driver.handle_timeout(self.now);
            admitted.extend(self.admitted());
        }
        self.now = until;
        admitted
    }

    fn waits_for_driver(&mut self) -> Vec<String> {
        let due = self.driver.poll_timeout().expect("a module that must answer is never left alone");
        self.waits(due.millis_since(self.now))
    }

    fn admitted(&mut self) -> Vec<String> {
        let mut admitted = Vec::new();
        while let Some(output) = self.driver.poll_output() {
            match output {
                Output::Reading(reading) if self.gate.admit(self.now, &self.reader, &reading) => admitted.push(shown(&reading)),
                Output::Write(bytes) => assert!(self.written.replace(bytes).is_none(), "one command is under way at a time"),
                Output::Reading(_) | Output::Fault(_) | Output::Answer(_) | Output::Online(_) => {}
            }
        }
        admitted
    }
}

fn shown(reading: &Reading) -> String {
    match reading {
        Reading::Credential(credential) => Credential::to_string(credential),
        Reading::NoMatch => "no match".to_owned(),
        Reading::NotRead => "not read".to_owned(),
    }
}
