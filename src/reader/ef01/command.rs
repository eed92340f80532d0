//! The commands that every EF01 module knows, whatever its dialect, and which acknowledgements can belong to each.
//!
//! An acknowledgement does not say what it acknowledges. Its length and its code do, well enough: only a search is answered with a slot and
//! a score, only the parameters with sixteen bytes, and no answer to features passes for the answer to a search. What does not
//! [`fit`](Command::fits) is a late answer to something else and is never believed.

use super::Password;

/// Confirmation codes (Grow R503 manual 1.2.2, Synochip protocol manual).
pub(super) mod code {
    pub(in super::super) const OK: u8 = 0x00;
    pub(in super::super) const RECEIVE_ERROR: u8 = 0x01;
    pub(in super::super) const NO_FINGER: u8 = 0x02;
    pub(in super::super) const CAPTURE_FAILED: u8 = 0x03;
    pub(in super::super) const TOO_DRY: u8 = 0x04;
    pub(in super::super) const TOO_WET: u8 = 0x05;
    pub(in super::super) const MESSY: u8 = 0x06;
    pub(in super::super) const TOO_FEW_FEATURES: u8 = 0x07;
    pub(in super::super) const NOT_MATCHING: u8 = 0x08;
    pub(in super::super) const NOT_FOUND: u8 = 0x09;
    pub(in super::super) const MERGE_FAILED: u8 = 0x0A;
    pub(in super::super) const OUT_OF_RANGE: u8 = 0x0B;
    pub(in super::super) const DELETE_FAILED: u8 = 0x10;
    pub(in super::super) const WRONG_PASSWORD: u8 = 0x13;
    pub(in super::super) const NO_VALID_IMAGE: u8 = 0x15;
    pub(in super::super) const RESIDUAL_PRINT: u8 = 0x17;
    pub(in super::super) const FLASH_ERROR: u8 = 0x18;
    pub(in super::super) const LIBRARY_FULL: u8 = 0x1F;
    pub(in super::super) const MUST_VERIFY: u8 = 0x21;
    pub(in super::super) const SLOT_STATE: u8 = 0x22;
    pub(in super::super) const SLOT_EMPTY: u8 = 0x23;
    pub(in super::super) const LIBRARY_EMPTY: u8 = 0x24;
    pub(in super::super) const ALREADY_ENROLLED: u8 = 0x27;
    pub(in super::super) const OVERLAP: u8 = 0x28;
    pub(in super::super) const SENSOR_ERROR: u8 = 0x29;
    pub(in super::super) const AREA_TOO_SMALL: u8 = 0x33;
    /// What may answer anything: a fault of the module, not of the command.
    pub(in super::super) const GENERAL: [u8; 8] = [0x1D, 0x20, SENSOR_ERROR, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF];
}

/// Time for a plain command, in milliseconds (host timeouts of the common libraries).
const PLAIN_LIMIT_MS: u64 = 1_000;
/// Time for searching the library or writing to flash, in milliseconds.
const LONG_LIMIT_MS: u64 = 2_000;
/// Bytes of one page of the index table: a bit for each of 256 slots.
pub(super) const INDEX_BYTES: usize = 32;
/// Slots of one page of the index table.
pub(super) const INDEX_SLOTS: u16 = 256;

/// What the module is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    VerifyPassword(Password),
    ReadParameters,
    Image,
    Features {
        buffer: u8,
    },
    Search {
        capacity: u16,
    },
    Model,
    Store {
        slot: u16,
    },
    Delete {
        slot: u16,
    },
    Index {
        page: u8,
    },
    /// Instruction, mode and three bytes by dialect.
    Light([u8; 5]),
}

/// What the module answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) code: u8,
    pub(super) data: Vec<u8>,
}

impl Command {
    /// Instruction and parameters.
    pub(super) fn content(&self) -> Vec<u8> {
        match self {
            Self::VerifyPassword(password) => [&[0x13][..], &password.0.to_be_bytes()].concat(),
            Self::ReadParameters => vec![0x0F],
            Self::Image => vec![0x01],
            Self::Features { buffer } => vec![0x02, *buffer],
            Self::Search { capacity } => [&[0x04, 0x01, 0x00, 0x00][..], &capacity.to_be_bytes()].concat(),
            Self::Model => vec![0x05],
            Self::Store { slot } => [&[0x06, 0x01][..], &slot.to_be_bytes()].concat(),
            Self::Delete { slot } => [&[0x0C][..], &slot.to_be_bytes(), &[0x00, 0x01]].concat(),
            Self::Index { page } => vec![0x1F, *page],
            Self::Light(bytes) => bytes.to_vec(),
        }
    }

    /// How long the module may take, in milliseconds.
    pub(super) const fn limit_ms(&self) -> u64 {
        match self {
            Self::VerifyPassword(_) | Self::ReadParameters | Self::Image | Self::Features { .. } | Self::Light(_) => PLAIN_LIMIT_MS,
            Self::Search { .. } | Self::Model | Self::Store { .. } | Self::Delete { .. } | Self::Index { .. } => LONG_LIMIT_MS,
        }
    }

    /// Whether this can be the answer. A refusal is bare, or padded to the length of a success.
    pub(super) fn fits(&self, ack: &Ack) -> bool {
        let full = ack.data.len() == self.data_len();
        match ack.code {
            code::OK => full,
            refusal => (full || ack.data.is_empty()) && (code::GENERAL.contains(&refusal) || self.refusals().contains(&refusal)),
        }
    }

    const fn data_len(&self) -> usize {
        match self {
            Self::ReadParameters => 16,
            Self::Search { .. } => 4,
            Self::Index { .. } => INDEX_BYTES,
            Self::VerifyPassword(_)
            | Self::Image
            | Self::Features { .. }
            | Self::Model
            | Self::Store { .. }
            | Self::Delete { .. }
            | Self::Light(_) => 0,
        }
    }

    const fn refusals(&self) -> &'static [u8] {
        use code::{
            ALREADY_ENROLLED, AREA_TOO_SMALL, CAPTURE_FAILED, DELETE_FAILED, FLASH_ERROR, LIBRARY_EMPTY, LIBRARY_FULL, MERGE_FAILED, MESSY,
            NO_FINGER, NO_VALID_IMAGE, NOT_FOUND, NOT_MATCHING, OUT_OF_RANGE, OVERLAP, RESIDUAL_PRINT, SLOT_EMPTY, SLOT_STATE, TOO_DRY,
            TOO_FEW_FEATURES, TOO_WET, WRONG_PASSWORD,
        };
        match self {
            Self::VerifyPassword(_) => &[WRONG_PASSWORD],
            Self::ReadParameters => &[],
            Self::Image => &[NO_FINGER, CAPTURE_FAILED, RESIDUAL_PRINT, AREA_TOO_SMALL],
            Self::Features { .. } => &[TOO_DRY, TOO_WET, MESSY, TOO_FEW_FEATURES, NO_VALID_IMAGE, RESIDUAL_PRINT, OVERLAP, AREA_TOO_SMALL],
            Self::Search { .. } => &[NOT_FOUND, LIBRARY_EMPTY],
            Self::Model => &[MERGE_FAILED, NOT_MATCHING, OVERLAP],
            Self::Store { .. } => &[OUT_OF_RANGE, FLASH_ERROR, LIBRARY_FULL, SLOT_STATE, ALREADY_ENROLLED],
            Self::Delete { .. } => &[OUT_OF_RANGE, DELETE_FAILED, FLASH_ERROR, SLOT_STATE, SLOT_EMPTY, LIBRARY_EMPTY],
            Self::Index { .. } => &[OUT_OF_RANGE],
            Self::Light(_) => &[OUT_OF_RANGE, 0x1A, 0x1B],
        }
    }
}

/// A refusal in a technician's words.
pub(super) fn meaning(refusal: u8) -> String {
    let known = match refusal {
        code::MERGE_FAILED | code::NOT_MATCHING => "the captures are not of one finger",
        code::OUT_OF_RANGE => "the module has no such slot",
        code::DELETE_FAILED => "the module could not delete it",
        code::FLASH_ERROR => "the module's memory is at fault",
        code::LIBRARY_FULL => "every slot is taken",
        code::SLOT_STATE => "the slot is not in the state that this needs",
        code::SLOT_EMPTY | code::LIBRARY_EMPTY => "the slot is empty",
        code::ALREADY_ENROLLED => "this finger is already enrolled",
        code::OVERLAP => "the captures are too much alike: move the finger a little",
        code::SENSOR_ERROR => "the module's sensor is at fault",
        _ => return format!("the module refused with code {refusal:02X}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::super::vectors::frame;
    use super::super::packet::command;
    use super::*;

    #[test]
    fn every_command_is_the_published_bytes() {
        let table = [
            ("VfyPwd 00000000", Command::VerifyPassword(Password::default())),
            ("ReadSysPara", Command::ReadParameters),
            ("GetImage", Command::Image),
            ("Img2Tz buf1", Command::Features { buffer: 1 }),
            ("Img2Tz buf2", Command::Features { buffer: 2 }),
            ("Search buf1 0..200", Command::Search { capacity: 200 }),
            ("RegModel", Command::Model),
            ("Store buf1 page7", Command::Store { slot: 7 }),
            ("Delete page7 x1", Command::Delete { slot: 7 }),
            ("ReadIndexTable 0", Command::Index { page: 0 }),
        ];
        for (name, asked) in table {
            assert_eq!(command(u32::MAX, &asked.content()), frame("ef01_commands", name), "{name}");
        }
    }

    #[test]
    fn an_answer_is_believed_only_where_it_fits_the_question() {
        let ack = |name: &str| {
            let wire = frame("ef01_acks", name);
            Ack { code: wire[9], data: wire[10..wire.len() - 2].to_vec() }
        };
        let (features, search) = (Command::Features { buffer: 1 }, Command::Search { capacity: 200 });
        for (asked, fitting) in [
            (&Command::Image, vec!["ok", "no finger", "image fail", "unsupported (Grow)"]),
            (&features, vec!["ok", "messy", "few features", "unsupported (Grow)"]),
            (&search, vec!["not found (Search)", "found page7 score150", "unsupported (Grow)"]),
            (&Command::ReadParameters, vec!["sysparam cap200 lvl3 pkt128 57600", "unsupported (Grow)"]),
            (&Command::Index { page: 0 }, vec!["index page0 with ids 0,7,9", "unsupported (Grow)"]),
        ] {
            for name in super::super::super::vectors::group("ef01_acks").keys() {
                let general = ["address error"].contains(&name.as_str());
                assert_eq!(asked.fits(&ack(name)), general || fitting.contains(&name.as_str()), "{asked:?} answered by {name}");
            }
        }
    }
}
