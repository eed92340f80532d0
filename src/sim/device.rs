//! The four kinds of reader behind one face: what a presentation sends, and what a distortion does to a frame.

use super::badge::{self, Form};
use super::binary_badge;
use super::command::Distortion;
use super::finger::{self, Heard, Module, Touch};
use super::finger_instruction::Dialect;
use super::line::{self, Encoding, Terminator};

/// Which protocol a simulated reader speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// 125 kHz badges, ASCII frames.
    Em4100,
    /// 125 kHz and Mifare badges, binary frames.
    Em4100Binary,
    /// Lines of text.
    Line,
    /// Fingerprint modules.
    Ef01,
}

/// How a simulated reader is made; each setting matters to one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What it speaks.
    pub protocol: Protocol,
    /// `em4100`: how frames look.
    pub form: Form,
    /// `line`: what ends a text.
    pub terminator: Terminator,
    /// `line`: how text becomes bytes.
    pub encoding: Encoding,
    /// `ef01`: whose codes it understands.
    pub dialect: Dialect,
    /// `ef01`: its password, 0 for none.
    pub password: u32,
}

impl From<Protocol> for Settings {
    /// A reader as delivered.
    fn from(protocol: Protocol) -> Self {
        Self {
            protocol,
            form: Form::default(),
            terminator: Terminator::default(),
            encoding: Encoding::default(),
            dialect: Dialect::default(),
            password: 0,
        }
    }
}

/// One reader's insides.
#[derive(Debug)]
pub(crate) struct Device {
    settings: Settings,
    module: Module,
}

impl Device {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, module: Module::new(settings.dialect, settings.password) }
    }

    /// The frame of a badge; `None` where this reader reads no such badge.
    pub(crate) fn badge(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self.settings.protocol {
            Protocol::Em4100 => badge::frame(bytes, self.settings.form),
            Protocol::Em4100Binary => binary_badge::frame(bytes),
            Protocol::Line | Protocol::Ef01 => None,
        }
    }

    /// The bytes of a text; `None` where this reader reads none.
    pub(crate) fn line(&self, text: &str) -> Option<Vec<u8>> {
        (self.settings.protocol == Protocol::Line).then(|| line::frame(text, self.settings.encoding, self.settings.terminator))
    }

    /// Puts a finger on; `false` where there is no sensor or no such slot.
    pub(crate) fn touch(&mut self, touch: &Touch) -> bool {
        self.settings.protocol == Protocol::Ef01 && self.module.touch(touch)
    }

    /// The fingerprint module, where there is one.
    pub(crate) fn module(&mut self) -> Option<&mut Module> {
        (self.settings.protocol == Protocol::Ef01).then_some(&mut self.module)
    }

    /// What the host's bytes were, and the frames that answer them.
    pub(crate) fn host(&mut self, bytes: &[u8]) -> (Vec<Heard>, Vec<Vec<u8>>) {
        match self.module() {
            Some(module) => module.host(bytes),
            None => (vec![Heard { raw: bytes.to_vec(), name: "unasked".to_owned() }], Vec::new()),
        }
    }

    /// Whether a distortion is possible with this protocol.
    pub(crate) fn can(&self, distortion: Distortion) -> bool {
        distortion != Distortion::WrongAddress || self.settings.protocol == Protocol::Ef01
    }

    /// Changes the bytes of a frame as a distortion asks; [`Distortion::Split`] and [`Distortion::Late`] leave them as they are.
    pub(crate) fn distort(&self, frame: &mut Vec<u8>, distortion: Distortion) {
        match (distortion, self.settings.protocol) {
            (Distortion::Corrupt, Protocol::Em4100) => badge::spoil(frame, self.settings.form),
            (Distortion::Corrupt, Protocol::Em4100Binary) => binary_badge::spoil(frame),
            (Distortion::Corrupt, Protocol::Line) => line::spoil(frame),
            (Distortion::Corrupt, Protocol::Ef01) => finger::spoil(frame),
            (Distortion::WrongAddress, _) => finger::readdress(frame),
            (Distortion::Truncate, _) => frame.truncate(frame.len() / 2),
            (Distortion::Split | Distortion::Late(_), _) => {}
        }
    }
}
