//! Tones, played by the daemon and not by the page: a browser that hangs must not make the kiosk mute, and a tone does not wait for a screen.
//!
//! Each tone is a WAV made here, or a file of the centre's own by the state's name (`sounds-dir/recorded.wav`), handed to ALSA's `aplay` in
//! a child process. [`Sound::play`] never waits; a new tone replaces the one that plays. A machine without a sound device works: that is the
//! Condition `no-sound`, and it is tried again by itself.

mod player;
mod tone;

use std::path::PathBuf;
use std::sync::mpsc;

use crate::health::Condition;
use crate::machine::feedback::State;

pub use player::Player;
pub use tone::Tone;

/// Most tones that wait for the player; it takes them at once and plays only the newest.
const WAITING_MAX: usize = 16;

/// What plays, and where a centre's own recordings are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundSettings {
    /// The player: found by PATH, given the WAV on standard input.
    pub program: PathBuf,
    /// Recordings that take the place of tones, a file for each state.
    pub sounds_dir: Option<PathBuf>,
}

impl Default for SoundSettings {
    fn default() -> Self {
        Self { program: PathBuf::from("aplay"), sounds_dir: None }
    }
}

/// Asks for tones. When every clone is dropped the player ends.
#[derive(Debug, Clone)]
pub struct Sound {
    wanted: mpsc::SyncSender<State>,
}

impl Sound {
    /// The asking side, and the player, which wants a thread of its own.
    pub fn new(settings: SoundSettings) -> (Self, Player) {
        let (wanted, waiting) = mpsc::sync_channel(WAITING_MAX);
        (Self { wanted }, Player::new(settings, waiting))
    }

    /// Sounds a state, if it has a sound. With the player far behind, the tone is left out: the page says the same.
    pub fn play(&self, state: State) {
        if Tone::of(state).is_some() {
            self.wanted.try_send(state).ok();
        }
    }
}

/// Tells whether sound works: none, or what is wrong. Called at each change.
pub type Report = Box<dyn FnMut(Option<Condition>) + Send>;

/// The state as the event stream and the file names write it.
fn file_stem(state: State) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
