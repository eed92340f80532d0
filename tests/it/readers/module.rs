//! A fingerprint module that misbehaves: others are not delayed, it is told what to do, and it works again as soon as the module does.

use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::cable::{Cable, pause};
use super::vitals::{Vitals, median_tap, recorded, start};
use crate::rig::{Place, badge, condition, has};

/// Taps of a measurement at the badge reader beside it.
const TAPS: u32 = 30;
/// A tap beside it takes at most so many times the quiet one …
const SLOWER_MAX: u64 = 10;
/// … which counts as at least this, in microseconds, so that a quick machine is not held to its own haste.
const QUIET_MIN_US: u64 = 5_000;
/// A module is asked a few times a second: it costs less than this share of a processor without optimisation.
const PROCESSOR_PERCENT_MAX: u64 = 50;
/// A module that does not work is named after a few seconds.
const NAMED: Duration = Duration::from_secs(30);
/// Late by more than a host waits for any answer, in milliseconds.
const LATE_MS: u64 = 2_300;
/// Instructions (Grow R503 manual 1.2.2).
pub(super) const GET_IMAGE: u8 = 0x01;
pub(super) const SEARCH: u8 = 0x04;
const READ_PARAMETERS: u8 = 0x0F;
/// The slot of the finger that is put on.
const SLOT: u8 = 7;

/// How a module behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// As the manual says.
    Well,
    /// It starts anew at each command and says so.
    Restarts,
    /// It starts anew when its light goes on, which is when it looks for a finger.
    RestartsAtImages,
    /// It starts anew at each command and says nothing.
    Silent,
    /// It falls silent when it looks for a finger.
    SilentAtImages,
    /// Each answer comes after the host has given up.
    Late,
    /// Each answer has a wrong checksum.
    Broken,
}

#[test]
fn a_module_that_restarts_at_each_command_is_named_and_works_again() {
    misbehaves(Habit::Restarts);
}

#[test]
fn a_module_that_restarts_whenever_it_looks_for_a_finger_is_named_and_works_again() {
    misbehaves(Habit::RestartsAtImages);
}

#[test]
fn a_module_that_never_answers_is_named_and_works_again() {
    misbehaves(Habit::Silent);
}

#[test]
fn a_module_that_never_answers_a_look_for_a_finger_is_named_and_works_again() {
    misbehaves(Habit::SilentAtImages);
}

#[test]
fn a_module_that_answers_too_late_is_named_and_works_again() {
    misbehaves(Habit::Late);
}

#[test]
fn a_module_whose_every_packet_is_broken_is_named_and_works_again() {
    misbehaves(Habit::Broken);
}

fn misbehaves(habit: Habit) {
    let place = Place::new();
    let mut good = Cable::plugged(&place, "badge");
    let module = Module::plugged(&place, "finger");
    let kiosk = start(&place, &[("badge", "em4100"), ("finger", "ef01")]);
    kiosk.until_open();
    let events = kiosk.events();
    let quiet = median_tap(&mut good, "badge", &events, 0..TAPS);
    let before = Vitals::of(&kiosk);
    module.becomes(habit);
    let beside = median_tap(&mut good, "badge", &events, TAPS..2 * TAPS);
    let status = kiosk.within("the module is named", NAMED, |status| has(status, "reader-silent"));
    let shown = condition(&status, "reader-silent").unwrap();
    assert!(shown["subject"] == "finger" && shown["remedy"][1].as_str().unwrap().contains("power"), "{shown}");
    assert_eq!(status["readers"][1]["connected"], false);
    let spent = before.spent(&kiosk, &format!("{habit:?}"));
    println!("{habit:?}: median tap {quiet} us in quiet, {beside} us beside it");
    assert!(beside <= SLOWER_MAX * quiet.max(QUIET_MIN_US), "{beside} us beside it, {quiet} us in quiet");
    assert!(spent.processor_percent < PROCESSOR_PERCENT_MAX, "{spent:?}");
    assert!(spent.log_lines as u64 <= spent.seconds, "{spent:?}\n{}", kiosk.log());
    module.becomes(Habit::Well);
    kiosk.until("the module is back", |status| status["readers"][1]["connected"] == true && !has(status, "reader-silent"));
    module.is_touched();
    events.next("the finger is recorded", |datum| datum["reader"] == "finger" && datum["sequence"].is_u64());
    let fed = (0..2 * TAPS).map(|number| badge(number).1).chain([format!("finger:{SLOT}")]);
    assert_eq!(recorded(&kiosk), fed.collect::<Vec<_>>(), "each once, and nobody else");
}

/// What the test tells the module.
enum Told {
    Become(Habit),
    Touched,
}

/// A module on a thread of its own.
struct Module {
    tell: Option<Sender<Told>>,
    thread: Option<JoinHandle<()>>,
}

impl Module {
    fn plugged(place: &Place, reader: &str) -> Self {
        let mut cable = Cable::plugged(place, reader);
        let (tell, told) = channel();
        let thread = std::thread::spawn(move || {
            let (mut habit, mut touched, mut heard) = (Habit::Well, false, Vec::new());
            loop {
                match told.try_recv() {
                    Ok(Told::Become(next)) => habit = next,
                    Ok(Told::Touched) => touched = true,
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => return,
                }
                heard.extend(cable.read());
                while let Some(instruction) = take_command(&mut heard) {
                    let answer = answer(instruction, touched);
                    touched &= instruction != SEARCH;
                    answers(&mut cable, habit, instruction, answer);
                }
            }
        });
        Self { tell: Some(tell), thread: Some(thread) }
    }

    fn becomes(&self, habit: Habit) {
        self.tell.as_ref().unwrap().send(Told::Become(habit)).unwrap();
    }

    fn is_touched(&self) {
        self.tell.as_ref().unwrap().send(Told::Touched).unwrap();
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        drop(self.tell.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The instruction of the next whole command, which is taken out.
fn take_command(heard: &mut Vec<u8>) -> Option<u8> {
    let length = usize::from(*heard.get(8)?) + 9;
    assert!(heard.starts_with(&[0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00]), "{heard:02x?}");
    let command: Vec<u8> = (heard.len() >= length).then(|| heard.drain(..length).collect())?;
    Some(command[9])
}

/// What the manual says: one finger, in one slot, lifted once it was searched for.
pub(super) fn answer(instruction: u8, touched: bool) -> Vec<u8> {
    let content = match instruction {
        GET_IMAGE if !touched => vec![0x02],
        SEARCH => vec![0x00, 0x00, SLOT, 0x00, 0x96],
        READ_PARAMETERS => [&[0; 5][..], &[0x00, 0xC8, 0x00, 0x03, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x02, 0x00, 0x06]].concat(),
        _ => vec![0x00],
    };
    let body = [&[0x07, 0x00, u8::try_from(content.len()).unwrap() + 2], &content[..]].concat();
    let sum: u16 = body.iter().map(|byte| u16::from(*byte)).sum();
    [&[0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF], &body[..], &sum.to_be_bytes()].concat()
}

/// Answers as the habit has it.
fn answers(cable: &mut Cable, habit: Habit, instruction: u8, mut answer: Vec<u8>) {
    let image = instruction == GET_IMAGE;
    match habit {
        Habit::Restarts => answer = vec![0x55],
        Habit::RestartsAtImages if image => answer = vec![0x55],
        Habit::Silent => return,
        Habit::SilentAtImages if image => return,
        Habit::Broken => *answer.last_mut().unwrap() ^= 1,
        Habit::Late => pause(LATE_MS),
        Habit::Well | Habit::RestartsAtImages | Habit::SilentAtImages => {}
    }
    cable.sends(&answer);
}
