//! The table of protocols: name, how its line is usually set, how long silence ends a presentation, and the driver.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Driver, ef01, em4100, em4100_binary, line};

/// Silence that ends a presentation at a reader that repeats itself, in milliseconds: modules repeat every 50 to 65 ms while a badge is
/// held, and their drivers take 300 to 500 ms of silence for its absence.
pub const HOLD_MS: u64 = 1_000;

/// A protocol that this program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Badge modules that speak ASCII.
    Em4100,
    /// Badge modules that speak binary.
    Em4100Binary,
    /// Anything that sends a line of text.
    Line,
    /// Fingerprint modules.
    Ef01,
}

/// How a serial line is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serial {
    /// Bits a second.
    pub baud: u32,
    /// Bits of a character.
    pub data_bits: DataBits,
    /// The check of a character.
    pub parity: Parity,
    /// Bits after a character.
    pub stop_bits: StopBits,
}

/// Bits of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataBits {
    /// Seven.
    Seven,
    /// Eight.
    Eight,
}

/// The check of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parity {
    /// None.
    None,
    /// An odd number of ones.
    Odd,
    /// An even number of ones.
    Even,
}

/// Bits after a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopBits {
    /// One.
    One,
    /// Two.
    Two,
}

/// A protocol with what the configuration says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// Badge modules that speak ASCII.
    Em4100(em4100::Settings),
    /// Badge modules that speak binary.
    Em4100Binary,
    /// Anything that sends a line of text.
    Line(line::Settings),
    /// Fingerprint modules.
    Ef01(ef01::Settings),
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 4] = [Self::Em4100, Self::Em4100Binary, Self::Line, Self::Ef01];

    /// The name that a configuration gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Em4100 => "em4100",
            Self::Em4100Binary => "em4100-binary",
            Self::Line => "line",
            Self::Ef01 => "ef01",
        }
    }

    /// How its modules leave the factory.
    pub const fn serial(self) -> Serial {
        let baud = match self {
            Self::Em4100 | Self::Em4100Binary | Self::Line => 9_600,
            Self::Ef01 => 57_600,
        };
        Serial { baud, data_bits: DataBits::Eight, parity: Parity::None, stop_bits: StopBits::One }
    }

    /// Silence that ends a presentation, in milliseconds; 0 where the driver itself waits for the finger to lift.
    pub const fn hold_ms(self) -> u64 {
        match self {
            Self::Em4100 | Self::Em4100Binary | Self::Line => HOLD_MS,
            Self::Ef01 => 0,
        }
    }

    /// Whether its module is asked and answers, so that bytes are written to it.
    pub const fn answers(self) -> bool {
        match self {
            Self::Em4100 | Self::Em4100Binary | Self::Line => false,
            Self::Ef01 => true,
        }
    }

    /// It, with nothing configured.
    pub fn settings(self) -> Settings {
        match self {
            Self::Em4100 => Settings::Em4100(em4100::Settings::default()),
            Self::Em4100Binary => Settings::Em4100Binary,
            Self::Line => Settings::Line(line::Settings::default()),
            Self::Ef01 => Settings::Ef01(ef01::Settings::default()),
        }
    }
}

impl Settings {
    /// Which protocol they are of.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Em4100(_) => Protocol::Em4100,
            Self::Em4100Binary => Protocol::Em4100Binary,
            Self::Line(_) => Protocol::Line,
            Self::Ef01(_) => Protocol::Ef01,
        }
    }

    /// A driver for a line of this speed, in bits a second.
    pub fn driver(&self, baud: u32) -> Box<dyn Driver> {
        match self {
            Self::Em4100(settings) => Box::new(em4100::Em4100::new(*settings)),
            Self::Em4100Binary => Box::new(em4100_binary::Em4100Binary::new()),
            Self::Line(settings) => Box::new(line::Line::new(settings, baud)),
            Self::Ef01(settings) => Box::new(ef01::Ef01::new(settings.clone())),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|protocol| protocol.name() == text).ok_or_else(|| format!("“{text}” is none of {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{frame, outputs};
    use super::super::{Answer, Output, Request};
    use super::*;
    use crate::domain::time::Mono;

    #[test]
    fn every_protocol_is_known_by_its_name_and_has_a_driver() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse(), Ok(protocol));
            assert_eq!(serde_json::to_value(protocol).unwrap(), protocol.name());
            assert_eq!(protocol.settings().protocol(), protocol);
            let written = outputs(protocol.settings().driver(9_600).as_mut(), Mono(0), &[]);
            assert_eq!(written.iter().any(|output| matches!(output, Output::Write(_))), protocol.answers(), "{protocol}");
        }
        assert!("wiegand".parse::<Protocol>().is_err_and(|why| why.contains("em4100-binary")));
    }

    #[test]
    fn a_reader_that_cannot_be_asked_says_so() {
        for protocol in Protocol::ALL.into_iter().filter(|protocol| !protocol.answers()) {
            let mut driver = protocol.settings().driver(9_600);
            driver.request(Mono(0), Request::Slots);
            assert_eq!(driver.poll_output(), Some(Output::Answer(Answer::Unsupported)));
        }
    }

    #[test]
    fn one_protocol_does_not_read_the_frames_of_another() {
        let ascii = frame("em4100_refused", "two characters too many");
        let binary = frame("em4100_binary", "mifare:6B3D12D6");
        for (protocol, foreign) in [(Protocol::Em4100, binary), (Protocol::Em4100Binary, ascii)] {
            let all = outputs(protocol.settings().driver(9_600).as_mut(), Mono(0), &foreign);
            assert!(all.iter().all(|output| matches!(output, Output::Fault(_))) && !all.is_empty(), "{protocol}: {all:?}");
        }
    }
}
