//! The flows, against a module that answers what each test dictates; its bytes are the published ones or written out by hand.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::super::vectors::{bytes, drain, frame, survives, traffic};
use super::*;
use crate::domain::credential::Credential;
use crate::reader::{Answer, Reading};

/// Answers that the manuals tabulate, with the checksum of each worked out by hand.
const MUST_VERIFY: &str = "ef 01 ff ff ff ff 07 00 03 21 00 2b";
const LIBRARY_FULL: &str = "ef 01 ff ff ff ff 07 00 03 1f 00 29";
const MERGE_FAILED: &str = "ef 01 ff ff ff ff 07 00 03 0a 00 14";
const WRONG_ADDRESS: &str = "ef 01 00 00 00 01 07 00 03 00 00 0a";
const SYSPARAM: &str = "sysparam cap200 lvl3 pkt128 57600";
const FOUND_7: &str = "found page7 score150";

fn finger(slot: u16) -> Output {
    Output::Reading(Reading::Credential(Credential::Finger(slot)))
}

fn empty_index() -> String {
    format!("ef 01 ff ff ff ff 07 00 23 00 {} 00 2a", "00 ".repeat(32))
}

fn failure(outputs: &[Output]) -> &str {
    let last = outputs.last().expect("something was said");
    let Output::Answer(Answer::Failed { why }) = last else { panic!("{last:?} is no failure") };
    why
}

/// A driver and the module that the test plays.
struct Bench {
    driver: Ef01,
    now: Mono,
    written: VecDeque<Vec<u8>>,
    said: Vec<Output>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let mut bench = Self { driver: Ef01::new(settings), now: Mono(10_000), written: VecDeque::new(), said: Vec::new() };
        bench.hears(&[]);
        bench
    }

    /// A module that is verified and has no finger on it.
    fn online(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.verifies();
        assert_eq!(bench.takes(), [Output::Online(true)]);
        bench
    }

    fn verifies(&mut self) {
        self.plays(&[("VfyPwd 00000000", "ok"), ("ReadSysPara", SYSPARAM)]);
    }

    fn plays(&mut self, script: &[(&str, &str)]) {
        for (asked, answer) in script {
            self.is_asked(asked);
            self.answers(answer);
        }
    }

    /// Lets time pass until the driver writes, which must be this published command.
    fn is_asked(&mut self, name: &str) {
        assert_eq!(self.next_written(), frame("ef01_commands", name), "the driver should have sent {name}");
    }

    fn next_written(&mut self) -> Vec<u8> {
        for _ in 0..100 {
            if let Some(written) = self.written.pop_front() {
                return written;
            }
            self.waits();
        }
        panic!("the driver writes nothing");
    }

    /// Lets time pass to the next timeout.
    fn waits(&mut self) {
        self.now = self.driver.poll_timeout().expect("a module that must answer is never left alone").max(self.now);
        self.driver.handle_timeout(self.now);
        self.collects();
    }

    /// Answers with a published acknowledgement or with bytes.
    fn answers(&mut self, answer: &str) {
        let wire = if answer.starts_with("ef 01") { bytes(answer) } else { frame("ef01_acks", answer) };
        self.hears(&wire);
    }

    fn hears(&mut self, wire: &[u8]) {
        self.now = self.now.plus_millis(5);
        self.driver.handle(self.now, wire);
        self.collects();
    }

    fn collects(&mut self) {
        for output in drain(&mut self.driver) {
            match output {
                Output::Write(bytes) => self.written.push_back(bytes),
                other @ (Output::Reading(_) | Output::Fault(_) | Output::Answer(_) | Output::Online(_)) => self.said.push(other),
            }
        }
        assert!(self.written.len() <= 1, "one command is under way at a time");
    }

    fn takes(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.said)
    }

    fn requests(&mut self, request: Request) {
        self.driver.request(self.now, request);
        self.collects();
    }
}

#[test]
fn a_press_is_one_reading_however_long_the_finger_stays() {
    let mut bench = Bench::online(Settings::default());
    for _ in 0..2 {
        bench.plays(&[("GetImage", "no finger"), ("GetImage", "ok"), ("Img2Tz buf1", "ok"), ("Search buf1 0..200", FOUND_7)]);
        assert_eq!(bench.takes(), [finger(7)]);
        bench.plays(&[("GetImage", "ok"), ("GetImage", "image fail"), ("GetImage", "ok"), ("GetImage", "no finger")]);
        assert_eq!(bench.takes(), []);
    }
}

#[test]
fn a_finger_that_nobody_has_is_no_match() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok"), ("Search buf1 0..200", "not found (Search)")]);
    assert_eq!(bench.takes(), [Output::Reading(Reading::NoMatch)]);
}

#[test]
fn a_press_that_cannot_be_read_is_not_read_once() {
    for script in [
        &[("GetImage", "image fail"), ("GetImage", "image fail")][..],
        &[("GetImage", "ok"), ("Img2Tz buf1", "messy"), ("GetImage", "ok"), ("Img2Tz buf1", "few features")],
        &[("GetImage", "ok"), ("Img2Tz buf1", "messy"), ("GetImage", "no finger")],
    ] {
        let mut bench = Bench::online(Settings::default());
        bench.plays(script);
        assert_eq!(bench.takes(), [Output::Reading(Reading::NotRead)]);
        bench.plays(&[("GetImage", "no finger"), ("GetImage", "no finger")]);
        assert_eq!(bench.takes(), []);
    }
}

#[test]
fn a_smudged_first_image_of_a_press_is_taken_again() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[
        ("GetImage", "ok"),
        ("Img2Tz buf1", "messy"),
        ("GetImage", "ok"),
        ("Img2Tz buf1", "ok"),
        ("Search buf1 0..200", FOUND_7),
    ]);
    assert_eq!(bench.takes(), [finger(7)]);
}

#[test]
fn an_answer_in_single_bytes_is_one_answer() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok")]);
    bench.is_asked("Search buf1 0..200");
    for byte in frame("ef01_acks", FOUND_7) {
        bench.hears(&[byte]);
    }
    assert_eq!(bench.takes(), [finger(7)]);
}

#[test]
fn a_broken_answer_is_asked_for_again_and_the_press_is_still_read_once() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok")]);
    bench.is_asked("Search buf1 0..200");
    let mut broken = frame("ef01_acks", FOUND_7);
    broken[11] ^= 0x04;
    bench.hears(&broken);
    assert_eq!(bench.takes().first(), Some(&Output::Fault(Fault::Checksum)));
    bench.verifies();
    bench.plays(&[("Img2Tz buf1", "ok"), ("Search buf1 0..200", FOUND_7)]);
    assert_eq!(bench.takes(), [finger(7)]);
}

#[test]
fn an_answer_cut_off_by_silence_is_truncated_and_the_press_is_still_read() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "ok")]);
    bench.is_asked("Img2Tz buf1");
    bench.hears(&frame("ef01_acks", "ok")[..8]);
    bench.verifies();
    assert_eq!(bench.takes(), [Output::Fault(Fault::Truncated)]);
    bench.plays(&[("Img2Tz buf1", "ok"), ("Search buf1 0..200", FOUND_7)]);
    assert_eq!(bench.takes(), [finger(7)]);
}

#[test]
fn a_press_that_a_faulty_line_interrupts_again_and_again_is_not_read() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "ok")]);
    for round in 0..3 {
        if round > 0 {
            bench.verifies();
        }
        bench.is_asked("Img2Tz buf1");
        bench.hears(&bytes("ef 01 ff ff ff ff 07 00 03 00 00 00"));
    }
    assert!(bench.takes().contains(&Output::Reading(Reading::NotRead)));
    bench.verifies();
    bench.plays(&[("GetImage", "no finger"), ("GetImage", "no finger")]);
    assert!(!bench.takes().iter().any(|output| matches!(output, Output::Reading(_))));
}

#[test]
fn an_answer_from_another_address_is_not_believed() {
    let mut bench = Bench::online(Settings::default());
    bench.is_asked("GetImage");
    bench.answers(WRONG_ADDRESS);
    assert_eq!(bench.takes(), [Output::Fault(Fault::Unexpected)]);
    bench.answers("no finger");
    bench.is_asked("GetImage");
    assert_eq!(bench.takes(), []);
}

#[test]
fn a_late_answer_is_never_taken_for_the_answer_to_something_else() {
    for late_by_ms in [20, 170] {
        let mut bench = Bench::online(Settings::default());
        bench.is_asked("GetImage");
        bench.waits();
        assert_eq!(bench.takes(), [Output::Fault(Fault::Silent)]);
        if late_by_ms > QUIET_MS {
            bench.is_asked("VfyPwd 00000000");
            bench.answers("ok");
            bench.answers("ok");
            bench.is_asked("ReadSysPara");
            bench.answers(SYSPARAM);
        } else {
            bench.answers("ok");
            bench.verifies();
        }
        bench.plays(&[("GetImage", "no finger"), ("GetImage", "no finger")]);
        assert_eq!(bench.takes(), [Output::Fault(Fault::Unexpected)], "late by {late_by_ms} ms");
    }
}

#[test]
fn nobody_is_taken_for_the_person_before_when_an_answer_is_doubled() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok")]);
    bench.is_asked("Search buf1 0..200");
    bench.answers("messy");
    bench.answers(FOUND_7);
    bench.verifies();
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "messy")]);
    let readings: Vec<_> = bench.takes().into_iter().filter(|output| matches!(output, Output::Reading(_))).collect();
    assert_eq!(readings, [Output::Reading(Reading::NotRead)]);
}

#[test]
fn two_answers_at_once_answer_one_question() {
    let mut bench = Bench::online(Settings::default());
    bench.is_asked("GetImage");
    let twice = frame("ef01_acks", "ok").repeat(2);
    bench.hears(&twice);
    assert_eq!(bench.takes(), [Output::Fault(Fault::Unexpected)]);
    bench.verifies();
}

#[test]
fn a_module_that_restarts_in_the_middle_is_verified_again() {
    for restart in [bytes("55"), [bytes("55"), frame("ef01_acks", "ok")].concat(), bytes(MUST_VERIFY)] {
        let mut bench = Bench::online(Settings::default());
        bench.plays(&[("GetImage", "ok")]);
        bench.is_asked("Img2Tz buf1");
        bench.hears(&restart);
        assert_eq!(bench.takes().first(), Some(&Output::Fault(Fault::Restarted)));
        bench.verifies();
        bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok"), ("Search buf1 0..200", FOUND_7)]);
        assert_eq!(bench.takes().last(), Some(&finger(7)));
    }
}

#[test]
fn a_module_that_starts_late_is_verified_when_it_says_so() {
    let mut bench = Bench::new(Settings::default());
    bench.is_asked("VfyPwd 00000000");
    bench.hears(&[0x55]);
    bench.verifies();
    assert_eq!(bench.takes(), [Output::Online(true)]);
}

#[test]
fn a_command_that_was_not_received_well_is_sent_three_times() {
    let mut bench = Bench::online(Settings::default());
    bench.plays(&[("GetImage", "recv error"), ("GetImage", "recv error"), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), []);
    bench.plays(&[("GetImage", "recv error"), ("GetImage", "recv error"), ("GetImage", "recv error")]);
    assert_eq!(bench.takes(), [Output::Fault(Fault::Unexpected)]);
    bench.verifies();
}

#[test]
fn a_module_that_falls_silent_is_offline_until_it_answers() {
    let mut bench = Bench::online(Settings::default());
    bench.is_asked("GetImage");
    bench.is_asked("VfyPwd 00000000");
    bench.is_asked("VfyPwd 00000000");
    assert_eq!(bench.takes(), [Output::Fault(Fault::Silent), Output::Fault(Fault::Silent), Output::Online(false)]);
    bench.answers("ok");
    bench.plays(&[("ReadSysPara", SYSPARAM), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), [Output::Online(true)]);
}

#[test]
fn a_module_that_only_rustles_is_offline() {
    let mut bench = Bench::new(Settings::default());
    for _ in 0..VERIFY_INTERRUPTIONS_MAX {
        bench.is_asked("VfyPwd 00000000");
        bench.hears(&[0x55]);
    }
    assert!(bench.takes().contains(&Output::Online(false)));
}

#[test]
fn a_wrong_password_is_told_and_tried_again_at_leisure() {
    let mut bench = Bench::new(Settings { password: Password(0x1234_5678), ..Settings::default() });
    let verify = bytes("ef 01 ff ff ff ff 01 00 07 13 12 34 56 78 01 2f");
    assert_eq!(bench.next_written(), verify);
    bench.answers("wrong password");
    assert_eq!(bench.takes(), [Output::Fault(Fault::Unexpected), Output::Online(false)]);
    let refused = bench.now;
    assert_eq!(bench.next_written(), verify);
    assert!(bench.now.millis_since(refused) >= REFUSED_MS);
    assert!(!format!("{:?}", bench.driver).contains("1234"), "a password is never shown");
}

#[test]
fn the_light_shows_what_was_recorded_and_goes_out() {
    let mut bench = Bench::online(Settings { light: Dialect::Grow, ..Settings::default() });
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok"), ("Search buf1 0..200", FOUND_7)]);
    bench.driver.signal(bench.now, Signal::Recorded);
    bench.collects();
    bench.plays(&[("AuraLed on green (Grow)", "ok")]);
    let off = bytes("ef 01 ff ff ff ff 01 00 07 35 04 00 00 00 00 41");
    let looks = (0..40).take_while(|_| {
        let written = bench.next_written();
        bench.answers(if written == off { "ok" } else { "no finger" });
        written != off
    });
    assert!((5..30).contains(&looks.count()), "it stays on for a while, and fingers are looked for meanwhile");
}

#[test]
fn slots_are_listed_and_emptied() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Slots);
    bench.plays(&[("GetImage", "no finger"), ("ReadIndexTable 0", "index page0 with ids 0,7,9")]);
    assert_eq!(bench.takes(), [Output::Answer(Answer::Slots { taken: vec![0, 7, 9], capacity: 200 })]);
    bench.plays(&[("GetImage", "no finger")]);
    bench.requests(Request::Delete { slot: 7 });
    bench.plays(&[("Delete page7 x1", "ok"), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), [Output::Answer(Answer::Deleted { slot: 7 })]);
}

#[test]
fn a_finger_is_enrolled_into_an_empty_module_and_does_not_punch() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Enrol { slot: Some(7) });
    bench.plays(&[("GetImage", "no finger"), ("ReadIndexTable 0", &empty_index())]);
    assert_eq!(bench.takes(), [Output::Answer(Answer::Press { capture: 1 })]);
    bench.plays(&[("GetImage", "no finger"), ("GetImage", "ok"), ("Img2Tz buf1", "ok")]);
    assert_eq!(bench.takes(), [Output::Answer(Answer::Lift)]);
    bench.plays(&[("GetImage", "ok"), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), [Output::Answer(Answer::Press { capture: 2 })]);
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf2", "ok"), ("RegModel", "ok"), ("Store buf1 page7", "ok")]);
    assert_eq!(bench.takes(), [Output::Answer(Answer::Enrolled { slot: 7 })]);
    bench.plays(&[("GetImage", "ok"), ("GetImage", "no finger"), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), []);
}

#[test]
fn the_first_free_slot_is_taken_where_none_is_named() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Enrol { slot: None });
    bench.plays(&[("GetImage", "no finger"), ("ReadIndexTable 0", "index page0 with ids 0,7,9"), ("GetImage", "ok")]);
    bench.plays(&[("Img2Tz buf1", "ok"), ("GetImage", "no finger"), ("GetImage", "ok"), ("Img2Tz buf2", "ok"), ("RegModel", "ok")]);
    assert_eq!(bench.next_written(), bytes("ef 01 ff ff ff ff 01 00 06 06 01 00 01 00 0f"));
    bench.answers("ok");
    assert_eq!(bench.takes().last(), Some(&Output::Answer(Answer::Enrolled { slot: 1 })));
}

#[test]
fn an_enrolment_that_cannot_be_says_why() {
    let index = ("ReadIndexTable 0", "index page0 with ids 0,7,9");
    let empty = empty_index();
    let captured = [("GetImage", "ok"), ("Img2Tz buf1", "ok"), ("GetImage", "no finger"), ("GetImage", "ok"), ("Img2Tz buf2", "ok")];
    let unread = [("GetImage", "ok"), ("Img2Tz buf1", "messy"), ("GetImage", "no finger")].repeat(5);
    let cases = [
        (Some(7), vec![index], "slot 7 is taken"),
        (Some(200), vec![index], "only slots 0 to 199"),
        (Some(7), [&[("ReadIndexTable 0", empty.as_str())], &captured[..], &[("RegModel", MERGE_FAILED)]].concat(), "not of one finger"),
        (Some(7), [&[("ReadIndexTable 0", empty.as_str())], &unread[..14]].concat(), "cannot be read"),
        (
            Some(7),
            [&[("ReadIndexTable 0", empty.as_str())], &captured[..], &[("RegModel", "ok"), ("Store buf1 page7", LIBRARY_FULL)]].concat(),
            "every slot is taken",
        ),
    ];
    for (slot, script, why) in cases {
        let mut bench = Bench::online(Settings::default());
        bench.plays(&[("GetImage", "no finger")]);
        bench.requests(Request::Enrol { slot });
        bench.plays(&script);
        let said = bench.takes();
        assert!(failure(&said).contains(why), "{said:?} should say: {why}");
    }
}

#[test]
fn an_enrolment_without_a_finger_ends_by_itself() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Enrol { slot: Some(7) });
    bench.plays(&[("GetImage", "no finger"), ("ReadIndexTable 0", &empty_index())]);
    let started = bench.now;
    while !bench.said.iter().any(|output| matches!(output, Output::Answer(Answer::Failed { .. }))) {
        bench.plays(&[("GetImage", "no finger")]);
        assert!(bench.now.millis_since(started) < 60_000, "patience has an end");
    }
    assert!(failure(&bench.takes()).contains("no finger came"));
}

#[test]
fn an_enrolment_whose_captures_were_lost_in_a_restart_is_not_stored() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Enrol { slot: Some(7) });
    bench.plays(&[("GetImage", "no finger"), ("ReadIndexTable 0", &empty_index())]);
    bench.plays(&[("GetImage", "ok"), ("Img2Tz buf1", "ok"), ("GetImage", "ok")]);
    bench.hears(&[0x55]);
    assert!(failure(&bench.takes()).contains("interrupted"));
    bench.verifies();
    bench.plays(&[("GetImage", "ok"), ("GetImage", "no finger"), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), []);
}

#[test]
fn one_request_at_a_time_and_it_can_be_cancelled() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Cancel);
    assert_eq!(failure(&bench.takes()), "nothing is under way");
    bench.requests(Request::Enrol { slot: Some(7) });
    bench.plays(&[("GetImage", "no finger"), ("ReadIndexTable 0", &empty_index())]);
    bench.is_asked("GetImage");
    bench.requests(Request::Slots);
    assert_eq!(failure(&bench.takes()), "another request is under way");
    bench.requests(Request::Cancel);
    assert_eq!(failure(&bench.takes()), "cancelled");
    bench.answers("ok");
    bench.plays(&[("GetImage", "no finger"), ("GetImage", "no finger")]);
    assert_eq!(bench.takes(), []);
}

#[test]
fn a_request_to_a_module_that_does_not_answer_fails_at_once_or_with_the_module() {
    let mut bench = Bench::new(Settings::default());
    bench.requests(Request::Slots);
    bench.is_asked("VfyPwd 00000000");
    bench.waits();
    assert!(bench.takes().contains(&Output::Answer(failed("the module does not answer"))));
    bench.requests(Request::Slots);
    assert_eq!(failure(&bench.takes()), "the module does not answer");
}

#[test]
fn a_module_that_verifies_well_and_restarts_at_every_look_for_a_finger_counts_as_not_answering() {
    let mut bench = Bench::online(Settings::default());
    for _ in 0..2 * SHAKEN_MAX {
        bench.is_asked("GetImage");
        bench.hears(&[0x55]);
        bench.verifies();
    }
    let online = |outputs: Vec<Output>| outputs.into_iter().filter(|output| matches!(output, Output::Online(_))).collect::<Vec<_>>();
    assert_eq!(online(bench.takes()), [Output::Online(false)], "told once, and not taken back by being verified");
    bench.plays(&[("GetImage", "no finger")]);
    assert_eq!(online(bench.takes()), [Output::Online(true)]);
}

#[test]
fn a_port_opened_anew_begins_from_the_beginning() {
    let mut bench = Bench::online(Settings::default());
    bench.requests(Request::Enrol { slot: None });
    bench.is_asked("GetImage");
    bench.hears(&[]);
    assert_eq!(failure(&bench.takes()), "the port was opened anew");
    bench.verifies();
    assert_eq!(bench.takes(), [Output::Online(true)]);
}

/// What a module answers to each instruction while a finger is on it, or none.
fn healthy(written: &[u8], finger: bool) -> Vec<u8> {
    let name = match written[9] {
        0x0F => SYSPARAM,
        0x04 => FOUND_7,
        0x01 if !finger => "no finger",
        0x01 | 0x02 | 0x13 => "ok",
        other => panic!("instruction {other:02X} was not expected"),
    };
    frame("ef01_acks", name)
}

proptest! {
    #[test]
    fn after_any_garbage_a_healthy_module_is_verified_and_the_next_press_is_read(garbage in traffic()) {
        let mut driver = Ef01::new(Settings::default());
        driver.handle(Mono(0), &[]);
        drain(&mut driver);
        let now = survives(&mut driver, &garbage);
        let mut bench = Bench { driver, now, written: VecDeque::new(), said: Vec::new() };
        for exchange in 0..20 {
            let written = bench.next_written();
            bench.hears(&healthy(&written, exchange >= 10));
        }
        prop_assert_eq!(bench.driver.link, Link::Up { capacity: 200 });
        prop_assert_eq!(bench.takes().into_iter().filter(|output| *output == finger(7)).count(), 1);
    }

    #[test]
    fn garbage_alone_never_punches_for_anyone(garbage in traffic()) {
        let mut driver = Ef01::new(Settings::default());
        let mut now = Mono(1_000);
        for (pause, bytes) in garbage {
            now = now.plus_millis(pause);
            driver.handle(now, &bytes);
            prop_assert!(!drain(&mut driver).iter().any(|output| matches!(output, Output::Reading(Reading::Credential(_)))));
        }
    }
}
