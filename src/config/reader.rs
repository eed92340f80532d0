//! A `[[reader]]` block: a serial reader's name, port, protocol and what that protocol lets one set.

use std::path::PathBuf;

use super::problem::Problems;
use super::table::Section;
use crate::domain::id::ReaderName;
use crate::reader::card_format::CardFormat;
use crate::reader::protocol::{DataBits, Parity, Protocol, Serial, Settings, StopBits};
use crate::reader::{ef01, line};
use crate::terminal::port::PortSettings;

/// Slowest and fastest line, in bits a second.
const BAUD: std::ops::RangeInclusive<i64> = 300..=921_600;
/// Longest hold, in milliseconds.
const HOLD_MS: std::ops::RangeInclusive<i64> = 0..=60_000;
/// Shortest and longest idle gap, in milliseconds.
const GAP_MS: std::ops::RangeInclusive<i64> = 5..=2_000;

/// Reads one block.
pub fn read(section: &mut Section<'_>, problems: &mut Problems) -> Option<PortSettings> {
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
    Some(PortSettings {
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
    if let Some(password) = hex_number(section, "password", problems) {
        settings.password = ef01::Password(password);
    }
    let captures = i64::from(*ef01::CAPTURES.start())..=i64::from(*ef01::CAPTURES.end());
    if let Some(captures) = section.number("captures", captures, problems).and_then(|captures| u8::try_from(captures.value).ok()) {
        settings.captures = captures;
    }
    settings
}

fn hex_number(section: &mut Section<'_>, key: &'static str, problems: &mut Problems) -> Option<u32> {
    let text = section.text(key, problems)?;
    let number = u32::from_str_radix(&text.value, 16).ok().filter(|_| text.value.len() == 8);
    if number.is_none() {
        problems.add(Some(text.place), format!("`reader.{key}` must be 8 hexadecimal digits"), format!("write {key} = \"FFFFFFFF\""));
    }
    number
}
