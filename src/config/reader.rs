//! A `[[reader]]` block: a serial reader's name, port, protocol and what that protocol lets one set.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::problem::Problems;
use super::table::Section;
use crate::domain::id::ReaderName;
use crate::reader::card_format::CardFormat;
use crate::reader::protocol::{DataBits, Parity, Protocol, Serial, Settings, StopBits};
use crate::reader::{ef01, line};
use crate::sys;

/// Slowest and fastest line, in bits a second.
const BAUD: std::ops::RangeInclusive<i64> = 300..=921_600;
/// Longest hold, in milliseconds.
const HOLD_MS: std::ops::RangeInclusive<i64> = 0..=60_000;
/// Shortest and longest idle gap, in milliseconds.
const GAP_MS: std::ops::RangeInclusive<i64> = 5..=2_000;
/// Most bytes of a password's file: eight digits and a line's end, with room for a stray space.
const PASSWORD_BYTES_MAX: u64 = 64;
/// The permission bits of everybody else.
const OTHERS: u32 = 0o007;

/// What the configuration says of one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderSettings {
    /// The reader's name.
    pub reader: ReaderName,
    /// Its stable device name: `/dev/serial/by-id/…`, `/dev/serial/by-path/…` or a name given by udev.
    pub device: PathBuf,
    /// How the line is set.
    pub serial: Serial,
    /// The protocol and what it asks for.
    pub protocol: Settings,
    /// Silence that ends a presentation, in milliseconds, for the gate.
    pub hold_ms: u64,
}

impl ReaderSettings {
    /// A reader whose line and presentations are as its protocol usually has them.
    pub const fn new(reader: ReaderName, device: PathBuf, protocol: Settings) -> Self {
        let usual = protocol.protocol();
        Self { reader, device, serial: usual.serial(), protocol, hold_ms: usual.hold_ms() }
    }
}

/// Reads one block.
pub fn read(section: &mut Section<'_>, problems: &mut Problems) -> Option<ReaderSettings> {
    let name = section.parsed::<ReaderName>("name", problems);
    let name = section.require("name", name, "\"badge\"", problems);
    let device = section.text("device", problems);
    let device = section.require("device", device, "\"/dev/serial/by-id/…\"", problems);
    let protocol = section.parsed::<Protocol>("protocol", problems);
    let protocol = section.require("protocol", protocol, "\"em4100\"", problems);
    let Some(protocol) = protocol.map(|protocol| protocol.value) else {
        section.forgive();
        return None;
    };
    let serial = serial(section, protocol.serial(), problems);
    let hold_ms = section.number("hold-ms", HOLD_MS, problems).and_then(|hold| u64::try_from(hold.value).ok());
    let settings = match protocol.settings() {
        Settings::Em4100(mut settings) => {
            settings.bare = section.flag("bare", problems).is_some_and(|bare| bare.value);
            Settings::Em4100(settings)
        }
        Settings::Em4100Binary => Settings::Em4100Binary,
        Settings::Line(settings) => Settings::Line(line(section, settings, problems)),
        Settings::Ef01(settings) => Settings::Ef01(module(section, settings, problems)),
    };
    Some(ReaderSettings {
        reader: name?.value,
        device: PathBuf::from(device?.value),
        serial,
        protocol: settings,
        hold_ms: hold_ms.unwrap_or_else(|| protocol.hold_ms()),
    })
}

fn serial(section: &mut Section<'_>, mut serial: Serial, problems: &mut Problems) -> Serial {
    if let Some(baud) = section.number("baud", BAUD, problems).and_then(|baud| u32::try_from(baud.value).ok()) {
        serial.baud = baud;
    }
    if let Some(bits) = section.number("data-bits", 7..=8, problems) {
        serial.data_bits = if bits.value == 7 { DataBits::Seven } else { DataBits::Eight };
    }
    if let Some(bits) = section.number("stop-bits", 1..=2, problems) {
        serial.stop_bits = if bits.value == 1 { StopBits::One } else { StopBits::Two };
    }
    let parities = [("none", Parity::None), ("odd", Parity::Odd), ("even", Parity::Even)];
    if let Some(parity) = section.one_of("parity", &parities, problems) {
        serial.parity = parity;
    }
    serial
}

fn line(section: &mut Section<'_>, mut settings: line::Settings, problems: &mut Problems) -> line::Settings {
    if let Some(prefix) = section.text("prefix", problems) {
        settings.prefix = prefix.value;
    }
    if let Some(suffix) = section.text("suffix", problems) {
        settings.suffix = suffix.value;
    }
    if let Some(encoding) = section.one_of("encoding", &line::Encoding::ALL, problems) {
        settings.encoding = encoding;
    }
    let formats = [
        ("text", CardFormat::Text),
        ("8h10d", CardFormat::EightHexTenDecimal),
        ("3+5", CardFormat::ThreePlusFive),
        ("6h8d", CardFormat::SixHexEightDecimal),
        ("hex", CardFormat::Hex),
        ("hex-reversed", CardFormat::HexReversed),
    ];
    if let Some(format) = section.one_of("card-format", &formats, problems) {
        settings.card_format = format;
    }
    settings.gap_ms = section.number("gap-ms", GAP_MS, problems).and_then(|gap| u64::try_from(gap.value).ok());
    settings
}

fn module(section: &mut Section<'_>, mut settings: ef01::Settings, problems: &mut Problems) -> ef01::Settings {
    if let Some(dialect) = section.one_of("dialect", &ef01::Dialect::ALL, problems) {
        settings.light = dialect;
    }
    if let Some(address) = hex_number(section, "address", problems) {
        settings.address = address;
    }
    if let Some(file) = section.text("password-file", problems) {
        match password(Path::new(&file.value)) {
            Ok(password) => settings.password = password,
            Err((what, remedy)) => problems.add(Some(file.place), format!("`reader.password-file`: {what}"), remedy),
        }
    }
    let captures = i64::from(*ef01::CAPTURES.start())..=i64::from(*ef01::CAPTURES.end());
    if let Some(captures) = section.number("captures", captures, problems).and_then(|captures| u8::try_from(captures.value).ok()) {
        settings.captures = captures;
    }
    settings
}

/// A module's password from its file, else what is wrong and what to do. The password itself is never repeated.
fn password(file: &Path) -> Result<ef01::Password, (String, &'static str)> {
    let unread =
        |error: std::io::Error| (format!("cannot read {}: {error}", file.display()), "name a file that the daemon's user may read");
    let mode = fs::metadata(file).map_err(unread)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err((format!("everybody may open {}", file.display()), "take it from the others: chmod 640"));
    }
    let bytes = sys::read_limited(file, PASSWORD_BYTES_MAX).map_err(unread)?;
    let text = String::from_utf8_lossy(&bytes);
    let wrong = || (format!("{} does not hold a password", file.display()), "write 8 hexadecimal digits into it, such as 00000000");
    hex_digits(text.trim()).map(ef01::Password).ok_or_else(wrong)
}

fn hex_digits(text: &str) -> Option<u32> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| digits)
}

fn hex_number(section: &mut Section<'_>, key: &'static str, problems: &mut Problems) -> Option<u32> {
    let text = section.text(key, problems)?;
    let number = hex_digits(&text.value);
    if number.is_none() {
        problems.add(Some(text.place), format!("`reader.{key}` must be 8 hexadecimal digits"), format!("write {key} = \"FFFFFFFF\""));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::terminal::check;

    #[test]
    fn a_modules_password_comes_from_a_file_that_others_may_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let text = format!(
            "[[reader]]\nname = \"finger\"\ndevice = \"/dev/finger\"\nprotocol = \"ef01\"\npassword-file = \"{}\"\n",
            file.display()
        );
        let refused = || check("terminal.toml", &text).unwrap_err().to_string();
        assert!(refused().contains("cannot read"));
        fs::write(&file, "1234abcd\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refused().contains("chmod 640"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let settings = check("terminal.toml", &text).unwrap();
        let Settings::Ef01(module) = &settings.readers[0].protocol else { panic!("{settings:?}") };
        assert_eq!(module.password, ef01::Password(0x1234_ABCD));
        for wrong in ["+1234567", "12345", "secret-word"] {
            fs::write(&file, wrong).unwrap();
            assert!(refused().contains("8 hexadecimal digits") && !refused().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_password_written_into_the_configuration_is_refused_and_its_file_named() {
        let text = "[[reader]]\nname = \"f\"\ndevice = \"/dev/f\"\nprotocol = \"ef01\"\npassword = \"1234ABCD\"\n";
        let shown = check("terminal.toml", text).unwrap_err().to_string();
        assert!(shown.contains("unknown key `reader.password`") && shown.contains("password-file"), "{shown}");
    }
}
