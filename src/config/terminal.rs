//! `terminal.toml`: a kiosk's configuration, checked whole.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::file::{ConfigFile, LoadError};
use super::problem::Problems;
use super::reader::{self, ReaderSettings};
use super::table::{Section, parse};
use sha2::{Digest, Sha256};

use crate::domain::id::{TerminalId, hex_text};
use crate::domain::time::UtcOffset;

/// The sample that `punchd default-config` prints.
pub const SAMPLE: &str = include_str!("../../config/terminal.toml");
/// Where it is looked for when nobody names it.
pub const PLACES: [&str; 2] = ["./config/terminal.toml", "/etc/punchd/terminal.toml"];
/// Most readers of one kiosk.
pub const READERS_MAX: usize = 16;
/// The technician's socket where the file names none.
pub const CONTROL_SOCKET: &str = "/run/punchd/kiosk.sock";
/// Shortest and longest retention, in days: a month to be useful, ten years.
const RETENTION_DAYS: std::ops::RangeInclusive<i64> = 30..=3_650;
/// Default retention, in days (architecture law 4).
const RETENTION_DAYS_DEFAULT: u32 = 180;

/// A kiosk's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalSettings {
    /// The file that it was read from, if from one.
    pub file: Option<PathBuf>,
    /// Who it is, if the file says.
    pub id: Option<TerminalId>,
    /// Its name on the page.
    pub name: String,
    /// Whom staff call.
    pub phone: String,
    /// Civil time, until the bundle's is known.
    pub utc_offset: UtcOffset,
    /// Where punches are kept.
    pub data_dir: PathBuf,
    /// The technician's socket.
    pub control_socket: PathBuf,
    /// Days that acknowledged entries stay.
    pub retention_days: u32,
    /// Where the page is served; loopback.
    pub listen: SocketAddr,
    /// The page's first language.
    pub language: PageLanguage,
    /// Sounds instead of the built-in ones.
    pub sounds_dir: Option<PathBuf>,
    /// Whether tones are played.
    pub sound: bool,
    /// Who may vouch for the time.
    pub clock_source: ClockSource,
    /// In the order of the file.
    pub readers: Vec<ReaderSettings>,
    /// What pairing must agree with.
    pub office: OfficeOverride,
}

impl TerminalSettings {
    /// The digest of what is set, wherever it was read from: what a `settings` entry records.
    pub fn digest(&self) -> String {
        let settings = Self { file: None, ..self.clone() };
        hex_text(&Sha256::digest(format!("{settings:?}").as_bytes()))
    }
}

/// What the file says of the office; pairing must agree with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfficeOverride {
    /// Its address.
    pub url: Option<String>,
    /// A file with its CA, PEM.
    pub ca_file: Option<PathBuf>,
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$item_doc])* $item,)* }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$item),)*
                    _ => Err(format!("“{text}” is none of {}", [$($text),*].join(", "))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$item => $text,)* })
            }
        }
    };
}

choice! {
    /// Who may vouch for the time.
    ClockSource {
        /// The kernel alone (NTP on this machine).
        Kernel = "kernel",
        /// The office alone.
        Office = "office",
        /// Either.
        Both = "both"
    }
}

choice! {
    /// The page's first language.
    PageLanguage {
        /// Chinese.
        Chinese = "zh",
        /// English.
        English = "en"
    }
}

/// Reads the named file, or the first of the usual places.
///
/// # Errors
/// When there is none, it cannot be read, or anything in it is wrong.
pub fn load(named: Option<&Path>) -> Result<TerminalSettings, LoadError> {
    let file = ConfigFile::read(named, PLACES)?;
    let settings = file.checked(check)?;
    let place = std::path::absolute(&file.name).ok();
    Ok(TerminalSettings { file: place, ..settings })
}

/// Reads the technician's socket alone, so that a running kiosk can be asked while its configuration is being changed, and by someone who may
/// not open the secrets that it names.
///
/// # Errors
/// When there is no file, or it cannot be read.
pub fn control_socket(named: Option<&Path>) -> Result<PathBuf, LoadError> {
    let file = ConfigFile::read(named, PLACES)?;
    let text = file.lossy_text();
    let mut ignored = Problems::of(&file.name, &text);
    let table = parse(&text, &mut ignored);
    let mut terminal = Section::top(&table).section("terminal", &mut ignored);
    Ok(path(&mut terminal, "control-socket", CONTROL_SOCKET, &mut ignored))
}

/// Checks a whole text.
///
/// # Errors
/// Everything that is wrong.
pub fn check(file: &str, text: &str) -> Result<TerminalSettings, Problems> {
    let mut problems = Problems::of(file, text);
    let table = parse(text, &mut problems);
    let mut top = Section::top(&table);
    let settings = read(&mut top, &mut problems);
    top.finish(&mut problems);
    problems.or(Some(settings))
}

fn read(top: &mut Section<'_>, problems: &mut Problems) -> TerminalSettings {
    let mut terminal = top.section("terminal", problems);
    let id = terminal.parsed("id", problems).map(|id| id.value);
    let name = terminal.text("name", problems).map(|name| name.value).unwrap_or_default();
    let phone = terminal.text("phone", problems).map(|phone| phone.value).unwrap_or_default();
    let utc_offset = terminal.parsed("utc-offset", problems).map_or_else(UtcOffset::china, |offset| offset.value);
    let data_dir = path(&mut terminal, "data-dir", "/var/lib/punchd", problems);
    let control_socket = path(&mut terminal, "control-socket", CONTROL_SOCKET, problems);
    let retention = terminal.number("retention-days", RETENTION_DAYS, problems).map(|days| days.value);
    terminal.finish(problems);

    let mut kiosk = top.section("kiosk", problems);
    let listen = kiosk.parsed::<SocketAddr>("listen", problems);
    if let Some(listen) = listen.as_ref().filter(|listen| !listen.value.ip().is_loopback()) {
        let remedy = "write 127.0.0.1:8025; the page is for the browser on this machine only";
        problems.add(Some(listen.place.clone()), "`kiosk.listen` must be a loopback address", remedy);
    }
    let language = kiosk.parsed("language", problems).map_or(PageLanguage::Chinese, |language| language.value);
    let sounds_dir = kiosk.text("sounds-dir", problems).map(|dir| PathBuf::from(dir.value));
    let sound = kiosk.flag("sound", problems).is_none_or(|sound| sound.value);
    kiosk.finish(problems);

    let mut clock = top.section("clock", problems);
    let clock_source = clock.parsed("source", problems).map_or(ClockSource::Both, |source| source.value);
    clock.finish(problems);

    let office = office(top, problems);
    let readers = readers(top, problems);
    TerminalSettings {
        file: None,
        id,
        name,
        phone,
        utc_offset,
        data_dir,
        control_socket,
        retention_days: retention.and_then(|days| u32::try_from(days).ok()).unwrap_or(RETENTION_DAYS_DEFAULT),
        listen: listen.map_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8025)), |listen| listen.value),
        language,
        sounds_dir,
        sound,
        clock_source,
        readers,
        office,
    }
}

fn path(section: &mut Section<'_>, key: &'static str, otherwise: &str, problems: &mut Problems) -> PathBuf {
    section.text(key, problems).map_or_else(|| PathBuf::from(otherwise), |path| PathBuf::from(path.value))
}

fn office(top: &mut Section<'_>, problems: &mut Problems) -> OfficeOverride {
    let mut section = top.section("office", problems);
    let url = section.text("url", problems);
    if let Some(url) = url.as_ref().filter(|url| !url.value.starts_with("https://")) {
        problems.add(Some(url.place.clone()), "`office.url` must begin with https://", "punches travel encrypted or not at all");
    }
    let ca_file = section.text("ca-file", problems).map(|file| PathBuf::from(file.value));
    section.finish(problems);
    OfficeOverride { url: url.map(|url| url.value.trim_end_matches('/').to_owned()), ca_file }
}

fn readers(top: &mut Section<'_>, problems: &mut Problems) -> Vec<ReaderSettings> {
    let sections = top.sections("reader", problems);
    if let Some(surplus) = sections.get(READERS_MAX) {
        problems.add(Some(surplus.place()), format!("more than {READERS_MAX} readers"), "one kiosk serves one desk");
    }
    let mut readers: Vec<ReaderSettings> = Vec::new();
    for mut section in sections.into_iter().take(READERS_MAX) {
        let place = section.place();
        let found = reader::read(&mut section, problems);
        section.finish(problems);
        let Some(found) = found else { continue };
        for other in &readers {
            if other.reader == found.reader {
                problems.add(Some(place.clone()), format!("two readers are named `{}`", found.reader), "each name is given once");
            }
            if other.device == found.device {
                let both = format!("`{}` and `{}` name the same device", other.reader, found.reader);
                problems.add(Some(place.clone()), both, "a serial port belongs to one reader");
            }
        }
        readers.push(found);
    }
    readers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_right_and_so_is_it_with_every_comment_of_a_key_taken_away() {
        assert!(check("terminal.toml", SAMPLE).is_ok_and(|settings| settings.readers.len() == 1));
        let whole: String = SAMPLE
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.starts_with("[[") || rest.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("finger.password");
        crate::sys::write_whole(&password, b"00000000\n", 0o600).unwrap();
        let whole = whole.replace("/etc/punchd/finger.password", &password.display().to_string());
        let settings = check("terminal.toml", &whole).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(settings.readers.len(), 3);
    }

    #[test]
    fn a_running_kiosk_is_found_although_its_configuration_is_wrong_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("terminal.toml");
        std::fs::write(&file, "[terminal]\ncontrol-socket = \"/tmp/k.sock\"\nretention-days = 1\n[[reader]]\n").unwrap();
        assert_eq!(control_socket(Some(&file)).unwrap(), Path::new("/tmp/k.sock"));
        std::fs::write(&file, "").unwrap();
        assert_eq!(control_socket(Some(&file)).unwrap(), Path::new(CONTROL_SOCKET));
    }

    #[test]
    fn an_empty_file_is_a_kiosk_without_readers() {
        let settings = check("terminal.toml", "").unwrap();
        assert_eq!((settings.readers.len(), settings.retention_days), (0, 180));
    }

    #[test]
    fn a_file_of_nothing_but_the_same_reader_is_told_in_a_few_problems() {
        let one = "[[reader]]\nname = \"a\"\ndevice = \"/dev/x\"\nprotocol = \"em4100\"\n";
        let problems = check("terminal.toml", &one.repeat(4_000)).unwrap_err();
        assert!(problems.problems.len() <= READERS_MAX * READERS_MAX, "{} problems", problems.problems.len());
        assert!(problems.problems.iter().any(|problem| problem.what == "more than 16 readers"));
    }

    #[test]
    fn brackets_within_brackets_are_refused_at_any_depth() {
        for open in ["[", "{a=", "[{a="] {
            assert!(check("terminal.toml", &format!("a = {}", open.repeat(60_000))).is_err());
        }
    }

    #[test]
    fn everything_wrong_in_it_is_told_at_once() {
        let text = "[terminal]\nid = \"East Hall\"\nutc-offset = \"8\"\n[kiosk]\nlisten = \"0.0.0.0:80\"\n[office]\nurl = \"http://x\"\n\
                    [[reader]]\nname = \"a\"\nprotocol = \"rs232\"\n[[reader]]\nname = \"b\"\ndevice = \"/dev/x\"\nprotocol = \"em4100\"\nspeed = 5\n\
                    [[reader]]\nname = \"b\"\ndevice = \"/dev/x\"\nprotocol = \"em4100\"\n";
        let shown = check("terminal.toml", text).unwrap_err().to_string();
        let wanted = [
            "terminal.id",
            "utc-offset",
            "loopback",
            "https://",
            "rs232",
            "`reader.device` is missing",
            "reader.speed",
            "two readers",
            "same device",
        ];
        for part in wanted {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }
}
