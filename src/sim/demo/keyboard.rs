//! Keys without Enter where standard input is a terminal, and letters of lines where it is not.

use std::io::Read as _;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

use super::error::DemoError;
use crate::supervise::Supervisor;

/// Most keys that wait.
const KEYS_MAX: usize = 64;
/// What Ctrl-D sends where the terminal does not take it for the end itself.
const END_OF_TRANSMISSION: u8 = 0x04;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// 1 to 9: somebody's badge; 0: nobody's.
    Badge(u8),
    /// f.
    Finger,
    /// q.
    Code,
    /// u.
    Cable,
    /// Enter, ?, h.
    Help,
    /// Ctrl-D, or the end of the input.
    End,
}

/// The keyboard; the terminal is as it was when this is dropped.
#[derive(Debug)]
pub(super) struct Keyboard {
    keys: mpsc::Receiver<Key>,
    before: Option<Termios>,
}

impl Keyboard {
    /// Begins to read standard input.
    pub(super) fn open(supervisor: &Supervisor) -> Result<Self, DemoError> {
        let before = key_by_key();
        let lines = before.is_none();
        let (sender, keys) = mpsc::channel(KEYS_MAX);
        let read = move || {
            let mut meaning = Meaning { lines, in_line: false };
            for byte in std::io::stdin().lock().bytes() {
                let Ok(byte) = byte else { return };
                if let Some(key) = meaning.of(byte)
                    && sender.blocking_send(key).is_err()
                {
                    return;
                }
            }
        };
        let thread = supervisor.device_thread("keyboard", read);
        thread.map_err(|source| DemoError::System { doing: "listen to the keyboard", source: source.into() })?;
        Ok(Self { keys, before })
    }

    /// The next key.
    pub(super) async fn next(&mut self) -> Key {
        self.keys.recv().await.unwrap_or(Key::End)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs no setting back.
            tcsetattr(std::io::stdin(), OptionalActions::Now, before).ok();
        }
    }
}

/// Has the terminal give every key at once, and gives how it was set; `None` where standard input is no terminal.
fn key_by_key() -> Option<Termios> {
    let before = tcgetattr(std::io::stdin()).ok()?;
    let mut terminal = before.clone();
    terminal.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    terminal.special_codes[SpecialCodeIndex::VMIN] = 1;
    terminal.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(std::io::stdin(), OptionalActions::Now, &terminal).ok()?;
    Some(before)
}

/// What bytes mean. Where lines are read, the Enter that ends a line of keys is no call for help.
#[derive(Debug)]
struct Meaning {
    lines: bool,
    in_line: bool,
}

impl Meaning {
    fn of(&mut self, byte: u8) -> Option<Key> {
        let ends_line = matches!(byte, b'\n' | b'\r');
        let after_keys = std::mem::replace(&mut self.in_line, self.lines && !ends_line);
        match byte {
            b'0'..=b'9' => Some(Key::Badge(byte - b'0')),
            b'f' | b'F' => Some(Key::Finger),
            b'q' | b'Q' => Some(Key::Code),
            b'u' | b'U' => Some(Key::Cable),
            b'?' | b'h' => Some(Key::Help),
            b'\n' | b'\r' if !after_keys => Some(Key::Help),
            END_OF_TRANSMISSION => Some(Key::End),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let mut meaning = Meaning { lines: false, in_line: false };
        let keys: Vec<Key> = b"1\n 9fqux?\x04".iter().filter_map(|byte| meaning.of(*byte)).collect();
        assert_eq!(keys, [Key::Badge(1), Key::Help, Key::Badge(9), Key::Finger, Key::Code, Key::Cable, Key::Help, Key::End]);
    }

    #[test]
    fn the_end_of_a_line_of_keys_calls_no_help() {
        let mut meaning = Meaning { lines: true, in_line: false };
        let keys: Vec<Key> = b"1\n\nf\n".iter().filter_map(|byte| meaning.of(*byte)).collect();
        assert_eq!(keys, [Key::Badge(1), Key::Help, Key::Finger]);
    }
}
