//! A dialogue with a fingerprint module that answers anything at all: nobody is taken for anybody, and it works once the module does.

use punchd::domain::credential::Credential;
use punchd::domain::time::Mono;
use punchd::reader::ef01::{CAPTURES, Dialect, Settings};
use punchd::reader::{Driver, Output, Reading, Request, Signal, protocol};

use super::module;
use super::script::Script;

/// Speed of the line, in bits a second.
const BAUD: u32 = 57_600;
/// Unit of a pause, in milliseconds.
const PAUSE_MS: u64 = 10;
/// Most commands that one piece of bytes brings about: a module that asks for each again is obeyed three times.
const WRITES_MAX: usize = 4;
/// Time in which a module that does as it should is verified, whatever happened before, in milliseconds.
const SETTLED_MS: u64 = 8_000;
/// Time in which every errand has ended there, too, in milliseconds.
const ERRANDS_MS: u64 = 45_000;
/// Time in which a finger is read then, in milliseconds.
const READ_MS: u64 = 5_000;
/// Bytes of the answer to a search: it may have begun before the search was asked.
const FOUND_LEN: usize = 16;

/// The first byte chooses the settings; a script of answers, pauses, restarts and requests follows.
pub fn holds(bytes: &[u8]) {
    let mut script = Script(bytes);
    let first = script.byte();
    let light = Dialect::ALL[usize::from(first) % Dialect::ALL.len()].1;
    let captures = CAPTURES.start() + first / 64;
    let mut talk = Talk::new(Settings { light, captures, ..Settings::default() });
    while !script.is_over() {
        talk.step(&mut script);
    }
    talk.recovers();
}

/// The driver, and what the wire has seen.
struct Talk {
    driver: Box<dyn Driver>,
    now: Mono,
    /// The command that waits for an answer.
    asked: Option<Vec<u8>>,
    heard: Vec<u8>,
    /// How much had been heard when the call under way began.
    before: usize,
    /// Where in `heard` an answer to the last search may begin; `None` when another command was written since.
    searched: Option<usize>,
    fingers: Vec<u16>,
    errands: bool,
}

impl Talk {
    fn new(settings: Settings) -> Self {
        let driver = protocol::Settings::Ef01(settings).driver(BAUD);
        let mut talk = Self {
            driver,
            now: Mono(10_000),
            asked: None,
            heard: Vec::new(),
            before: 0,
            searched: None,
            fingers: Vec::new(),
            errands: false,
        };
        talk.hears(&[]);
        talk
    }

    fn step(&mut self, script: &mut Script<'_>) {
        let what = script.byte();
        match what % 12 {
            0..=2 => self.answers(what & 0x80 != 0),
            3 => {
                let content = [&[script.byte()], script.bytes(usize::from(what / 12))].concat();
                self.hears(&module::ack(&content));
            }
            4 => {
                let [slot, score] = [script.byte(), script.byte()];
                self.hears(&module::ack(&[0x00, 0x00, slot, 0x00, score]));
            }
            5 => {
                let count = usize::from(script.byte());
                self.hears(script.bytes(count));
            }
            6 => self.hears(&[0x55]),
            7 => self.waits(u64::from(script.byte()) * PAUSE_MS),
            8 => self.waits(self.driver.poll_timeout().map_or(0, |at| at.millis_since(self.now))),
            9 => {
                let signals = [Signal::Recorded, Signal::Unknown, Signal::Retry, Signal::NotRecorded];
                self.driver.signal(self.now, signals[usize::from(what / 12) % signals.len()]);
                self.takes();
            }
            10 => {
                self.errands = true;
                let slot = u16::from(script.byte());
                let wanted = (slot < 200).then_some(slot);
                let requests = [Request::Enrol { slot: wanted }, Request::Slots, Request::Delete { slot }, Request::Cancel];
                self.driver.request(self.now, requests[usize::from(what / 12) % requests.len()].clone());
                self.takes();
            }
            _ => self.hears(&[]),
        }
    }

    fn answers(&mut self, touched: bool) {
        if let Some(command) = self.asked.take() {
            self.hears(&module::healthy(&command, touched));
        }
    }

    fn hears(&mut self, bytes: &[u8]) {
        self.now = self.now.plus_millis(1);
        self.before = self.heard.len();
        self.heard.extend(bytes);
        self.driver.handle(self.now, bytes);
        self.takes();
        self.before = self.heard.len();
    }

    /// Time passes, and the driver is woken whenever it wants to be.
    fn waits(&mut self, millis: u64) {
        let until = self.now.plus_millis(millis);
        while let Some(due) = self.driver.poll_timeout().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.driver.handle_timeout(self.now);
            assert!(self.driver.poll_timeout().is_none_or(|at| at > self.now), "a timeout that was handled stays due");
            self.takes();
        }
        self.now = until;
    }

    fn takes(&mut self) {
        let mut writes = 0;
        while let Some(output) = self.driver.poll_output() {
            match output {
                Output::Write(wire) => {
                    writes += 1;
                    let command = module::command(&wire);
                    self.searched = (command[0] == module::SEARCH).then(|| self.before.saturating_sub(FOUND_LEN));
                    self.asked = Some(command);
                }
                Output::Reading(Reading::Credential(Credential::Finger(slot))) => {
                    let from = self.searched.take().expect("a finger is read only when it was searched for");
                    assert!(module::found(&self.heard[from..]).contains(&slot), "slot {slot} was not found");
                    self.fingers.push(slot);
                }
                Output::Reading(Reading::Credential(other)) => panic!("{other} from a fingerprint module"),
                Output::Reading(Reading::NoMatch | Reading::NotRead) | Output::Fault(_) | Output::Answer(_) | Output::Online(_) => {}
            }
        }
        assert!(writes <= WRITES_MAX, "{writes} commands at once");
        assert!(self.driver.poll_timeout().is_some(), "a module that must answer is left alone");
    }

    /// A module that does as it should is asked, and a finger that is put on is read.
    fn recovers(mut self) {
        let settled = self.now.plus_millis(if self.errands { ERRANDS_MS } else { SETTLED_MS });
        self.serves_until(settled, false);
        self.fingers.clear();
        let read = self.now.plus_millis(READ_MS);
        self.serves_until(read, true);
        assert_eq!(self.fingers, [7], "one press, one reading");
    }

    fn serves_until(&mut self, end: Mono, touched: bool) {
        while self.now < end {
            self.answers(touched);
            if self.asked.is_none() {
                self.waits(self.driver.poll_timeout().map_or(1, |at| at.millis_since(self.now)));
            }
        }
    }
}
