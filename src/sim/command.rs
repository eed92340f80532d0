//! What a person at the keyboard, or a test, can do to a simulated reader; one line of text each.

use std::time::Duration;

use super::finger::Touch;
use super::hex;

/// Longest text that can be presented, in bytes: more than any host takes, so that its limit can be tried.
pub const TEXT_MAX: usize = 2 * 1_024;
/// Most bytes of noise at once.
pub const NOISE_MAX: usize = 1_024;
/// Longest hold or delay.
pub const DURATION_MAX: Duration = Duration::from_hours(1);

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Present a badge by its raw bytes, once.
    Badge(Vec<u8>),
    /// Send a text.
    Line(String),
    /// Put a finger on; it stays until it is lifted or a hold ends.
    Finger(Touch),
    /// Take the finger or the badge away.
    Lift,
    /// Keep the last badge repeating, or the finger on, for so long.
    Hold(Duration),
    /// Send so many bytes that mean nothing.
    Noise(usize),
    /// Do this to the next frame.
    Distort(Distortion),
    /// Pull the cable.
    Unplug,
    /// Put it in again.
    Plug,
    /// Let the reader's supply dip, so that it restarts.
    BrownOut,
    /// Set the module's password.
    Password(u32),
    /// Fill every free slot of the module.
    Full,
}

/// What happens to the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distortion {
    /// Its checksum is wrong (a line: it holds a NUL).
    Corrupt,
    /// It comes byte by byte.
    Split,
    /// Its second half is missing.
    Truncate,
    /// It bears another module's address.
    WrongAddress,
    /// It comes so much later.
    Late(Duration),
}

/// A line that is no command, with what would be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The first word is unknown.
    #[error(
        "“{0}” is no command: badge HEX, line TEXT, finger SLOT|new N|none|smudged, lift, hold 3s, noise N, corrupt, split, truncate, \
         wrong-address, late 2s, unplug, plug, brown-out, password HEX, full"
    )]
    Unknown(String),
    /// The first word is known, the rest is not what it takes.
    #[error("{word} takes {takes}, not “{given}”")]
    Argument {
        /// The first word.
        word: &'static str,
        /// What should follow it.
        takes: &'static str,
        /// What followed it.
        given: String,
    },
}

impl std::str::FromStr for Command {
    type Err = LineError;

    fn from_str(line: &str) -> Result<Self, LineError> {
        let line = line.trim_matches(['\r', '\n']);
        let (word, rest) = line.trim_start().split_once(' ').unwrap_or((line.trim(), ""));
        let given = rest.trim();
        match word {
            "badge" => argument("badge", "4 or 5 bytes in hexadecimal", given, hex::parsed(given)).map(Self::Badge),
            // A text may begin or end with spaces.
            "line" => argument("line", "1 to 2048 bytes of text", rest, text(rest)).map(Self::Line),
            "finger" => argument("finger", "a slot, new and a number, none, or smudged", given, touch(given)).map(Self::Finger),
            "hold" => argument("hold", "a duration up to an hour, like 3s or 500ms", given, duration(given)).map(Self::Hold),
            "late" => argument("late", "a duration up to an hour, like 2s", given, duration(given))
                .map(|late| Self::Distort(Distortion::Late(late))),
            "noise" => {
                let count = given.parse().ok().filter(|count| (1..=NOISE_MAX).contains(count));
                argument("noise", "1 to 1024", given, count).map(Self::Noise)
            }
            "password" => {
                argument("password", "up to 8 hexadecimal digits", given, u32::from_str_radix(given, 16).ok()).map(Self::Password)
            }
            _ => alone(word, given),
        }
    }
}

fn alone(word: &str, given: &str) -> Result<Command, LineError> {
    let (word, command) = match word {
        "lift" => ("lift", Command::Lift),
        "corrupt" => ("corrupt", Command::Distort(Distortion::Corrupt)),
        "split" => ("split", Command::Distort(Distortion::Split)),
        "truncate" => ("truncate", Command::Distort(Distortion::Truncate)),
        "wrong-address" => ("wrong-address", Command::Distort(Distortion::WrongAddress)),
        "unplug" => ("unplug", Command::Unplug),
        "plug" => ("plug", Command::Plug),
        "brown-out" => ("brown-out", Command::BrownOut),
        "full" => ("full", Command::Full),
        _ => return Err(LineError::Unknown(word.to_owned())),
    };
    argument(word, "nothing after it", given, given.is_empty().then_some(command))
}

fn argument<T>(word: &'static str, takes: &'static str, given: &str, parsed: Option<T>) -> Result<T, LineError> {
    parsed.ok_or_else(|| LineError::Argument { word, takes, given: given.to_owned() })
}

fn text(text: &str) -> Option<String> {
    (1..=TEXT_MAX).contains(&text.len()).then(|| text.to_owned())
}

fn touch(given: &str) -> Option<Touch> {
    match given {
        "none" => Some(Touch::Unknown),
        "smudged" => Some(Touch::Smudged),
        _ => match given.strip_prefix("new ") {
            Some(number) => number.trim().parse().ok().map(Touch::New),
            None => given.parse().ok().map(Touch::Slot),
        },
    }
}

/// A whole number with `ms`, `s` or `m` after it.
fn duration(given: &str) -> Option<Duration> {
    let digits = given.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let number: u64 = digits.parse().ok()?;
    let millis = match given.strip_prefix(digits)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(millis)?)).filter(|duration| *duration <= DURATION_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_line() {
        let cases = [
            ("badge 67003B51C6", Command::Badge(vec![0x67, 0x00, 0x3B, 0x51, 0xC6])),
            ("line QR-17  twice", Command::Line("QR-17  twice".to_owned())),
            ("finger 7", Command::Finger(Touch::Slot(7))),
            ("finger new 3", Command::Finger(Touch::New(3))),
            ("finger none", Command::Finger(Touch::Unknown)),
            ("finger smudged", Command::Finger(Touch::Smudged)),
            ("lift\r\n", Command::Lift),
            ("hold 3s", Command::Hold(Duration::from_secs(3))),
            ("hold 500ms", Command::Hold(Duration::from_millis(500))),
            ("noise 12", Command::Noise(12)),
            ("corrupt", Command::Distort(Distortion::Corrupt)),
            (" split ", Command::Distort(Distortion::Split)),
            ("truncate", Command::Distort(Distortion::Truncate)),
            ("wrong-address", Command::Distort(Distortion::WrongAddress)),
            ("late 2s", Command::Distort(Distortion::Late(Duration::from_secs(2)))),
            ("unplug", Command::Unplug),
            ("plug", Command::Plug),
            ("brown-out", Command::BrownOut),
            ("password 1234ABCD", Command::Password(0x1234_ABCD)),
            ("full", Command::Full),
        ];
        for (line, command) in cases {
            assert_eq!(line.parse(), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_what_would_be() {
        for line in
            ["", "tap 1", "badge", "badge XY", "finger", "finger -1", "hold 3", "hold 2h", "noise 0", "noise 9999", "lift now", "line "]
        {
            let error = line.parse::<Command>().unwrap_err().to_string();
            assert!(error.contains("takes") || error.contains("badge HEX"), "{line}: {error}");
        }
    }
}
