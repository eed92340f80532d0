//! A module's own light, in the dialect that the configuration names: the same instruction lights one make and shakes hands with another,
//! so it is never found out by trying.
//!
//! Invariant: what is shown is news; a light that could not be shown in time is not shown at all.

use serde::{Deserialize, Serialize};

use super::command::Command;
use crate::domain::time::Mono;
use crate::reader::Signal;

/// How long a light stays on, in milliseconds (the page shows a result for 1.5 to 3 s).
const SHOWN_MS: u64 = 1_500;
/// How old news may be when it is shown, in milliseconds.
const NEWS_MS: u64 = 2_000;
/// Refusals after which the module is taken to have no light.
const REFUSALS_MAX: u8 = 3;

/// Modes, numbered alike in both dialects.
const FLASH: u8 = 2;
const ON: u8 = 3;
const OFF: u8 = 4;
/// How fast Grow's light flashes, where 255 is slowest; how often Synochip's does.
const GROW_SPEED: u8 = 0x20;
const SYNOCHIP_CYCLES: u8 = 3;

/// Whose instructions switch the light.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Grow's AuraLedConfig, 35h (R503 and its kin).
    Grow,
    /// Synochip's ControlBLN, 3Ch (AS608 line, FPM383, ZW, M5 Unit).
    Synochip,
    /// No light.
    #[default]
    None,
}

impl Dialect {
    /// Every dialect with the name that a configuration gives it.
    pub const ALL: [(&'static str, Self); 3] = [("grow", Self::Grow), ("synochip", Self::Synochip), ("none", Self::None)];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Green,
    Yellow,
    Red,
}

/// What the light is to show, and until when.
#[derive(Debug)]
pub(super) struct Light {
    dialect: Dialect,
    news: Option<(Signal, Mono)>,
    off_at: Option<Mono>,
    refusals: u8,
}

impl Light {
    pub(super) const fn new(dialect: Dialect) -> Self {
        Self { dialect, news: None, off_at: None, refusals: 0 }
    }

    pub(super) fn signal(&mut self, now: Mono, signal: Signal) {
        if self.dialect != Dialect::None && self.refusals < REFUSALS_MAX {
            self.news = Some((signal, now));
        }
    }

    /// What to send now, if anything.
    pub(super) fn next(&mut self, now: Mono) -> Option<Command> {
        if let Some((signal, since)) = self.news.take()
            && now.millis_since(since) <= NEWS_MS
        {
            self.off_at = Some(now.plus_millis(SHOWN_MS));
            let (mode, colour) = look(signal);
            return shown(self.dialect, mode, colour);
        }
        self.off_at.filter(|at| *at <= now)?;
        self.off_at = None;
        dark(self.dialect)
    }

    /// When `next` will have something.
    pub(super) const fn wake(&self) -> Option<Mono> {
        self.off_at
    }

    /// The module did not do it.
    pub(super) const fn refused(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= REFUSALS_MAX {
            self.off_at = None;
        }
    }
}

const fn look(signal: Signal) -> (u8, Colour) {
    match signal {
        Signal::Recorded => (ON, Colour::Green),
        Signal::Unknown => (ON, Colour::Red),
        Signal::Retry => (ON, Colour::Yellow),
        Signal::NotRecorded => (FLASH, Colour::Red),
    }
}

const fn shown(dialect: Dialect, mode: u8, colour: Colour) -> Option<Command> {
    match dialect {
        Dialect::Grow => {
            let speed = if mode == FLASH { GROW_SPEED } else { 0 };
            let number = match colour {
                Colour::Green => 4,
                Colour::Yellow => 5,
                Colour::Red => 1,
            };
            Some(Command::Light([0x35, mode, speed, number, 0]))
        }
        Dialect::Synochip => {
            let cycles = if mode == FLASH { SYNOCHIP_CYCLES } else { 0 };
            let bits = match colour {
                Colour::Green => 2,
                Colour::Yellow => 6,
                Colour::Red => 4,
            };
            Some(Command::Light([0x3C, mode, bits, bits, cycles]))
        }
        Dialect::None => None,
    }
}

const fn dark(dialect: Dialect) -> Option<Command> {
    match dialect {
        Dialect::Grow => Some(Command::Light([0x35, OFF, 0, 0, 0])),
        Dialect::Synochip => Some(Command::Light([0x3C, OFF, 0, 0, 0])),
        Dialect::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::vectors::frame;
    use super::super::packet::command;
    use super::*;

    fn sent(light: &mut Light, now: u64) -> Option<Vec<u8>> {
        light.next(Mono(now)).map(|asked| command(u32::MAX, &asked.content()))
    }

    #[test]
    fn green_is_the_published_bytes_of_each_dialect_and_goes_out_by_itself() {
        for (dialect, name) in [(Dialect::Grow, "AuraLed on green (Grow)"), (Dialect::Synochip, "ControlBLN on green (Synochip)")] {
            let mut light = Light::new(dialect);
            light.signal(Mono(10), Signal::Recorded);
            assert_eq!(sent(&mut light, 20), Some(frame("ef01_commands", name)));
            assert_eq!((sent(&mut light, 30), light.wake()), (None, Some(Mono(20 + SHOWN_MS))));
            assert!(sent(&mut light, 20 + SHOWN_MS).is_some());
            assert_eq!((sent(&mut light, 9_000), light.wake()), (None, None));
        }
    }

    #[test]
    fn without_a_dialect_nothing_is_ever_sent() {
        let mut light = Light::new(Dialect::None);
        light.signal(Mono(10), Signal::Recorded);
        assert_eq!(sent(&mut light, 20), None);
    }

    #[test]
    fn old_news_is_not_shown() {
        let mut light = Light::new(Dialect::Grow);
        light.signal(Mono(10), Signal::Recorded);
        assert_eq!(sent(&mut light, 11 + NEWS_MS), None);
    }

    #[test]
    fn a_module_that_refuses_is_left_alone() {
        let mut light = Light::new(Dialect::Grow);
        for _ in 0..REFUSALS_MAX {
            light.signal(Mono(10), Signal::Recorded);
            assert!(sent(&mut light, 10).is_some());
            light.refused();
        }
        light.signal(Mono(10), Signal::Recorded);
        assert_eq!((sent(&mut light, 10), light.wake()), (None, None));
    }
}
