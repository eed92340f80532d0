//! What an EF01 module can be asked, what it answers when it cannot, and which codes mean what in the two dialects.

/// Feature buffers, numbered from 1.
const BUFFERS: std::ops::RangeInclusive<u8> = 1..=6;

/// What the same codes mean: two makers, two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Dialect {
    /// Grow: R503 and its kin.
    #[default]
    Grow,
    /// Synochip: the AS608 line, FPM383, ZW.
    Synochip,
}

/// An instruction that the module knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instruction {
    GetImage,
    GetImageEx,
    GetEnrollImage,
    Img2Tz,
    Match,
    Search,
    HiSpeedSearch,
    RegModel,
    Store,
    LoadChar,
    UpChar,
    DownChar,
    Delete,
    Empty,
    SetSysPara,
    ReadSysPara,
    SetPwd,
    VfyPwd,
    GetRandom,
    SetAddr,
    TemplateNum,
    ReadIndexTable,
    Cancel,
    AuraLedConfig,
    ControlBln,
    HandShake,
    CheckSensor,
    ReadProdInfo,
    SoftRst,
    GetImageInfo,
    GetEcho,
}

impl Instruction {
    /// What a code means in a dialect.
    pub(crate) fn of(code: u8, dialect: Dialect) -> Option<Self> {
        Some(match (code, dialect) {
            (0x01, _) => Self::GetImage,
            (0x02, _) => Self::Img2Tz,
            (0x03, _) => Self::Match,
            (0x04, _) => Self::Search,
            (0x05, _) => Self::RegModel,
            (0x06, _) => Self::Store,
            (0x07, _) => Self::LoadChar,
            (0x08, _) => Self::UpChar,
            (0x09, _) => Self::DownChar,
            (0x0C, _) => Self::Delete,
            (0x0D, _) => Self::Empty,
            (0x0E, _) => Self::SetSysPara,
            (0x0F, _) => Self::ReadSysPara,
            (0x12, _) => Self::SetPwd,
            (0x13, _) => Self::VfyPwd,
            (0x14, _) => Self::GetRandom,
            (0x15, _) => Self::SetAddr,
            (0x1B, _) => Self::HiSpeedSearch,
            (0x1D, _) => Self::TemplateNum,
            (0x1F, _) => Self::ReadIndexTable,
            (0x28, Dialect::Grow) => Self::GetImageEx,
            (0x29, Dialect::Synochip) => Self::GetEnrollImage,
            (0x30, _) => Self::Cancel,
            (0x35, Dialect::Grow) => Self::AuraLedConfig,
            (0x3C, Dialect::Synochip) => Self::ControlBln,
            (0x40, Dialect::Grow) | (0x35, Dialect::Synochip) => Self::HandShake,
            (0x36, _) => Self::CheckSensor,
            (0x3C, Dialect::Grow) => Self::ReadProdInfo,
            (0x3D, Dialect::Grow) => Self::SoftRst,
            (0x3D, Dialect::Synochip) => Self::GetImageInfo,
            (0x53, _) => Self::GetEcho,
            _ => return None,
        })
    }

    /// Whether a module with a password answers it before the password was verified.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::VfyPwd | Self::HandShake | Self::GetEcho)
    }
}

/// An acknowledgement that is not “done”: its code and what follows it.
pub(crate) struct Refusal(pub(crate) u8, pub(crate) &'static [u8]);

impl Refusal {
    pub(crate) const RECEIVE: Self = Self(0x01, &[]);
    pub(crate) const NO_FINGER: Self = Self(0x02, &[]);
    pub(crate) const MESSY: Self = Self(0x06, &[]);
    pub(crate) const NOT_MATCHING: Self = Self(0x08, &[0, 0]);
    pub(crate) const NOT_FOUND: Self = Self(0x09, &[0, 0, 0, 0]);
    pub(crate) const NOT_MERGED: Self = Self(0x0A, &[]);
    pub(crate) const NO_SUCH_SLOT: Self = Self(0x0B, &[]);
    pub(crate) const NO_TEMPLATE: Self = Self(0x0C, &[]);
    pub(crate) const NOT_UPLOADED: Self = Self(0x0D, &[]);
    pub(crate) const NOT_DELETED: Self = Self(0x10, &[]);
    pub(crate) const WRONG_PASSWORD: Self = Self(0x13, &[]);
    pub(crate) const NO_IMAGE: Self = Self(0x15, &[]);
    pub(crate) const NO_SUCH_SETTING: Self = Self(0x1A, &[]);
    pub(crate) const NO_SUCH_VALUE: Self = Self(0x1B, &[]);
    pub(crate) const VERIFY_FIRST: Self = Self(0x21, &[]);
    pub(crate) const ECHO: Self = Self(0x55, &[]);
    pub(crate) const UNSUPPORTED: Self = Self(0xFC, &[]);
}

/// An instruction's parameters, taken from the front.
pub(crate) struct Parameters<'a>(pub(crate) &'a [u8]);

impl Parameters<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Refusal::RECEIVE)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Refusal> {
        self.take().map(|[byte]| byte)
    }

    pub(crate) fn word(&mut self) -> Result<u16, Refusal> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn double(&mut self) -> Result<u32, Refusal> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn buffer(&mut self) -> Result<u8, Refusal> {
        self.byte().and_then(|buffer| if BUFFERS.contains(&buffer) { Ok(buffer) } else { Err(Refusal::RECEIVE) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_code_lights_a_led_in_one_dialect_and_shakes_hands_in_the_other() {
        assert_eq!(Instruction::of(0x35, Dialect::Grow), Some(Instruction::AuraLedConfig));
        assert_eq!(Instruction::of(0x35, Dialect::Synochip), Some(Instruction::HandShake));
        assert_eq!(Instruction::of(0x40, Dialect::Synochip), None);
    }

    #[test]
    fn missing_parameters_are_a_reception_error() {
        let mut given = Parameters(&[1, 0]);
        assert_eq!(given.buffer().ok(), Some(1));
        assert_eq!(given.word().err().map(|refusal| refusal.0), Some(0x01));
        assert_eq!(Parameters(&[7]).buffer().err().map(|refusal| refusal.0), Some(0x01));
    }
}
