//! The thread that plays. One child process at a time; the newest wish wins; a child that neither ends nor fails is ended.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Report, SoundSettings, Tone, file_stem, tone};
use crate::clock::Clock;
use crate::domain::time::Mono;
use crate::health::{Code, Condition};
use crate::machine::feedback::State;

/// How often a child that plays is looked after.
const LOOK_AFTER: Duration = Duration::from_millis(20);
/// How long sound that failed is left before it is tried again, in milliseconds.
const RETRY_MS: u64 = 30_000;
/// The longest a recording may play, in milliseconds; a device that blocks is ended with it.
const PLAY_MAX_MS: u64 = 15_000;
/// Longest recording that is read, in bytes: PLAY_MAX_MS of 48 kHz stereo.
const RECORDING_BYTES_MAX: u64 = 3 * 1024 * 1024;
/// Most of a child's complaint that is kept, in bytes.
const COMPLAINT_BYTES_MAX: u64 = 300;

/// The playing side of [`super::Sound`].
#[derive(Debug)]
pub struct Player {
    settings: SoundSettings,
    waiting: Receiver<State>,
    clock: Clock,
    playing: Option<Playing>,
    wrong: Option<Condition>,
    retry_at: Option<Mono>,
}

#[derive(Debug)]
struct Playing {
    child: Child,
    until: Mono,
}

impl Player {
    pub(super) fn new(settings: SoundSettings, waiting: Receiver<State>) -> Self {
        Self { settings, waiting, clock: Clock::system(), playing: None, wrong: None, retry_at: None }
    }

    /// Plays until every [`super::Sound`] is dropped. Blocks: it wants a thread of its own. Begins with a moment of silence, so that a
    /// missing device is known before the first tap.
    pub fn run(mut self, mut report: Report) {
        self.start(&tone::silence(), &mut report);
        loop {
            match self.waiting.recv_timeout(self.pause()) {
                Ok(state) => self.play(state, &mut report),
                Err(RecvTimeoutError::Timeout) => self.look_after(&mut report),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.end();
    }

    fn pause(&self) -> Duration {
        match (&self.playing, self.retry_at) {
            (Some(_), _) => LOOK_AFTER,
            (None, Some(at)) => self.clock.until(at),
            (None, None) => Duration::from_millis(RETRY_MS),
        }
    }

    /// Plays the newest of the states that wait.
    fn play(&mut self, state: State, report: &mut Report) {
        let newest = self.waiting.try_iter().last().unwrap_or(state);
        self.look_after(report);
        if let Some(wav) = self.recording(newest).or_else(|| Tone::of(newest).map(Tone::wav)) {
            self.end();
            self.start(&wav, report);
        }
    }

    /// The centre's own recording for a state, where there is one that can be read.
    fn recording(&self, state: State) -> Option<Vec<u8>> {
        let path = self.settings.sounds_dir.as_ref()?.join(file_stem(state)).with_extension("wav");
        let file = File::open(path).ok()?;
        let mut wav = Vec::new();
        file.take(RECORDING_BYTES_MAX).read_to_end(&mut wav).ok()?;
        wav.starts_with(b"RIFF").then_some(wav)
    }

    fn start(&mut self, wav: &[u8], report: &mut Report) {
        match spawn(&self.settings, wav) {
            Ok(child) => self.playing = Some(Playing { child, until: self.clock.mono().plus_millis(PLAY_MAX_MS) }),
            Err(error) => self.failed(format!("{}: {error}", self.settings.program.display()), report),
        }
    }

    /// Sees whether the child ended and how; tries again when it is time.
    fn look_after(&mut self, report: &mut Report) {
        let now = self.clock.mono();
        let Some(playing) = &mut self.playing else {
            if self.retry_at.is_some_and(|at| at <= now) {
                self.retry_at = None;
                self.start(&tone::silence(), report);
            }
            return;
        };
        match playing.child.try_wait() {
            Ok(None) if playing.until > now => {}
            Ok(None) => {
                self.end();
                self.failed("the sound device blocks".to_owned(), report);
            }
            Ok(Some(status)) if status.success() => {
                self.playing = None;
                self.retry_at = None;
                self.told(None, report);
            }
            Ok(Some(status)) => {
                let complaint = complaint(&mut playing.child);
                self.playing = None;
                self.failed(if complaint.is_empty() { status.to_string() } else { complaint }, report);
            }
            Err(error) => {
                self.playing = None;
                self.failed(error.to_string(), report);
            }
        }
    }

    /// Ends the child at once; a device is free for the next one only when the last has gone.
    fn end(&mut self) {
        if let Some(mut playing) = self.playing.take() {
            playing.child.kill().ok();
            playing.child.wait().ok();
        }
    }

    fn failed(&mut self, detail: String, report: &mut Report) {
        self.retry_at = Some(self.clock.mono().plus_millis(RETRY_MS));
        self.told(Some(Condition { code: Code::NoSound, subject: String::new(), detail }), report);
    }

    fn told(&mut self, wrong: Option<Condition>, report: &mut Report) {
        if self.wrong != wrong {
            self.wrong.clone_from(&wrong);
            report(wrong);
        }
    }
}

/// A child that has the WAV as its standard input: a file in memory, so that nothing is fed to it and no disk is needed.
fn spawn(settings: &SoundSettings, wav: &[u8]) -> std::io::Result<Child> {
    let mut memory = File::from(memfd_create("tone.wav", MemfdFlags::CLOEXEC)?);
    memory.write_all(wav)?;
    memory.rewind()?;
    Command::new(&settings.program).args(["-q", "-"]).stdin(memory).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}

/// The first line that an ended child left on standard error.
fn complaint(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(COMPLAINT_BYTES_MAX).read_to_string(&mut text).ok();
    }
    text.lines().next().unwrap_or_default().trim().to_owned()
}
