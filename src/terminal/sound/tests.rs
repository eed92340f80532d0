//! The player with a stand-in, and with ALSA itself where no sound is heard.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::health::Code;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// Keeps what it is given under a name with its size. Each run has a file of its own meanwhile: the one before may still be writing.
const KEEPER: &str = "cat > \"$0.part.$$\" && mv \"$0.part.$$\" \"$0.$(wc -c < \"$0.part.$$\")\"";

#[test]
fn a_tone_reaches_the_players_standard_input_whole() {
    let (folder, program) = program_that(KEEPER);
    let bench = bench(program, None);
    let path = folder.path().join(format!("player.{}", Tone::Done.wav().len()));
    bench.sound.play(State::Recorded);
    wait_for(&path);
    assert_eq!(std::fs::read(path).unwrap(), Tone::Done.wav());
}

#[test]
fn a_centres_own_recording_takes_the_place_of_the_tone() {
    let (folder, program) = program_that(KEEPER);
    std::fs::write(folder.path().join("not-recorded.wav"), b"RIFF and then its own").unwrap();
    let bench = bench(program, Some(folder.path().to_owned()));
    bench.sound.play(State::NotRecorded);
    wait_for(&folder.path().join("player.21"));
    bench.sound.play(State::Already);
    wait_for(&folder.path().join(format!("player.{}", Tone::Already.wav().len())));
}

#[test]
fn a_new_tone_replaces_the_one_that_plays() {
    // Every tone but the two of “already” plays for ever.
    let already = Tone::Already.wav().len();
    let script =
        format!("size=$(wc -c); echo $$ > \"$0.$size\"; if [ $size -gt 5000 ] && [ $size -ne {already} ]; then exec sleep 600; fi");
    let (folder, program) = program_that(&script);
    let bench = bench(program, None);
    bench.sound.play(State::NotRecorded);
    let playing = folder.path().join(format!("player.{}", Tone::NotRecorded.wav().len()));
    wait_until(|| std::fs::read_to_string(&playing).is_ok_and(|id| id.ends_with('\n')));
    let id = std::fs::read_to_string(&playing).unwrap().trim().to_owned();
    bench.sound.play(State::Already);
    wait_for(&folder.path().join(format!("player.{already}")));
    assert!(!Path::new("/proc").join(id).exists(), "the first child was ended and reaped before the second began");
}

#[test]
fn without_a_player_it_is_a_condition_and_nothing_fails() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path().join("absent"), None);
    let wrong = bench.reports.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(wrong.code, Code::NoSound);
    assert!(wrong.detail.contains("absent"), "{wrong:?}");
    bench.sound.play(State::Recorded);
}

#[test]
fn a_device_that_comes_back_clears_the_condition_at_the_next_tone() {
    let (folder, program) =
        program_that("test -e \"$0.device\" || { echo 'audio open error: No such device' >&2; exit 1; }; cat > /dev/null");
    let bench = bench(program, None);
    let wrong = bench.reports.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!((wrong.code, wrong.detail.as_str()), (Code::NoSound, "audio open error: No such device"));
    std::fs::write(folder.path().join("player.device"), "").unwrap();
    bench.sound.play(State::Recorded);
    assert_eq!(bench.reports.recv_timeout(LIMIT).unwrap(), None);
}

#[test]
fn alsa_takes_every_tone() {
    let (folder, program) = program_that("aplay -D null \"$@\"; code=$?; echo $code >> \"$0.codes\"; exit $code");
    let codes = folder.path().join("player.codes");
    let bench = bench(program, None);
    let played = |count: usize| wait_until(|| std::fs::read_to_string(&codes).is_ok_and(|codes| codes.lines().count() == count));
    played(1);
    for (before, state) in
        [State::Recorded, State::Already, State::Retry, State::Unknown, State::NotRecorded, State::Fault].into_iter().enumerate()
    {
        bench.sound.play(state);
        played(before + 2);
    }
    let codes = std::fs::read_to_string(&codes).unwrap();
    assert_eq!(codes, "0\n".repeat(7), "127 means that alsa-utils is not installed (tests/run does it)");
}

#[test]
fn asking_never_waits_even_when_nobody_plays() {
    let (sound, player) = Sound::new(SoundSettings::default());
    for _ in 0..WAITING_MAX * 4 {
        sound.play(State::Recorded);
    }
    drop(player);
    sound.play(State::Recorded);
}

#[test]
fn recordings_are_named_as_the_states_are() {
    assert_eq!([State::Recorded, State::OffHours, State::NotRecorded].map(file_stem), ["recorded", "off-hours", "not-recorded"]);
}

/// A player at work on a thread of its own, which ends when its bench is dropped.
struct Bench {
    sound: Sound,
    reports: Receiver<Option<Condition>>,
}

fn bench(program: PathBuf, sounds_dir: Option<PathBuf>) -> Bench {
    let (sound, player) = Sound::new(SoundSettings { program, sounds_dir });
    let (tell, reports) = channel();
    std::thread::spawn(move || player.run(Box::new(move |wrong| tell.send(wrong).unwrap_or_default())));
    Bench { sound, reports }
}

/// A shell script in a folder of its own, standing in for the player. A child writes it: a handle of ours, open for writing while another
/// test forks, would make it “text file busy”.
fn program_that(does: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("player");
    let write = "printf '%s\\n' '#!/bin/sh' \"$2\" > \"$1\" && chmod 755 \"$1\"";
    let written = std::process::Command::new("sh").args(["-c", write, "sh"]).arg(&program).arg(does).status().unwrap();
    assert!(written.success());
    (folder, program)
}

fn wait_for(path: &Path) {
    wait_until(|| path.exists());
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let clock = crate::clock::Clock::system();
    let end = clock.mono().plus_millis(20_000);
    while !holds() {
        assert!(clock.mono() < end, "it did not come to pass within {LIMIT:?}");
        std::thread::yield_now();
    }
}
