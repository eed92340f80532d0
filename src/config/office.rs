//! `office.toml`: the office's configuration, checked whole.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::file::{ConfigFile, LoadError};
use super::problem::Problems;
use super::table::{Placed, Section, parse};
use crate::domain::time::UtcOffset;

/// The sample that `punch-office default-config` prints.
pub const SAMPLE: &str = include_str!("../../config/office.toml");
/// Where it is looked for when nobody names it.
pub const PLACES: [&str; 2] = ["./config/office.toml", "/etc/punchd/office.toml"];
/// Longest name of a centre, in bytes.
const NAME_BYTES_MAX: usize = 200;
const LISTEN_DEFAULT: &str = "127.0.0.1:8443";
const DATA_DIR_DEFAULT: &str = "/var/lib/punch-office";

/// The office's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeSettings {
    /// The centre's name.
    pub name: String,
    /// Its civil time.
    pub utc_offset: UtcOffset,
    /// Where terminals and other systems connect.
    pub listen: SocketAddr,
    /// The address that others are told; none is `https://` and where it listens.
    pub public_url: Option<PublicUrl>,
    /// Where plain pages are served; loopback.
    pub pages_listen: Option<SocketAddr>,
    /// The SQLite file.
    pub database: PathBuf,
    /// A certificate of one's own.
    pub certificate: Option<GivenCertificate>,
    /// Keys, the CA, and the database unless named.
    pub data_dir: PathBuf,
    /// Who vouches for the office's time.
    pub clock: OfficeClock,
}

/// A certificate of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenCertificate {
    /// The chain from the server's certificate to the CA's, PEM.
    pub chain: PathBuf,
    /// The server's key, PEM.
    pub key: PathBuf,
}

/// Who vouches for the office's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfficeClock {
    /// The kernel's synchronisation.
    Kernel,
    /// Something outside that this machine cannot see.
    Trusted,
}

impl FromStr for OfficeClock {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kernel" => Ok(Self::Kernel),
            "trusted" => Ok(Self::Trusted),
            _ => Err(format!("“{text}” is none of kernel, trusted")),
        }
    }
}

/// An address such as `https://office.example:8443`: a scheme, a host, perhaps a port, nothing behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
}

impl PublicUrl {
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host alone, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for PublicUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("“{text}” is not an address such as https://office.example:8443");
        let text = text.trim_end_matches('/');
        let place = text.strip_prefix("https://").ok_or_else(wrong)?;
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(host, port)| (host, port.strip_prefix(':'))).ok_or_else(wrong)?,
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let port = port.is_none_or(|port| port.parse::<u16>().is_ok());
        let known = !host.is_empty() && host.chars().all(plain) && port;
        if known { Ok(Self { text: text.to_owned(), host: host.to_owned() }) } else { Err(wrong()) }
    }
}

/// Reads the named file, or the first of the usual places.
///
/// # Errors
/// When there is none, it cannot be read, or anything in it is wrong.
pub fn load(named: Option<&Path>) -> Result<OfficeSettings, LoadError> {
    ConfigFile::read(named, PLACES)?.checked(check)
}

/// Checks a whole text.
///
/// # Errors
/// Everything that is wrong.
pub fn check(file: &str, text: &str) -> Result<OfficeSettings, Problems> {
    let mut problems = Problems::of(file, text);
    let table = parse(text, &mut problems);
    let mut top = Section::top(&table);
    let mut office = top.section("office", &mut problems);
    let settings = read(&mut office, &mut problems);
    office.finish(&mut problems);
    top.finish(&mut problems);
    problems.or(settings)
}

fn read(office: &mut Section<'_>, problems: &mut Problems) -> Option<OfficeSettings> {
    let name = office.text("name", problems);
    if let Some(name) = name.as_ref().filter(|name| name.value.trim().is_empty() || name.value.len() > NAME_BYTES_MAX) {
        let remedy = format!("write the centre's name, at most {NAME_BYTES_MAX} bytes");
        problems.add(Some(name.place.clone()), "`office.name` must be a name", remedy);
    }
    let name = office.require("name", name, "\"示例县政务服务中心\"", problems);
    let utc_offset = office.parsed("utc-offset", problems).map_or_else(UtcOffset::china, |offset| offset.value);
    let listen = office.parsed::<SocketAddr>("listen", problems);
    let public_url = office.parsed::<PublicUrl>("public-url", problems);
    if let Some(listen) = listen.as_ref().filter(|listen| listen.value.ip().is_unspecified() && public_url.is_none()) {
        let remedy = "add public-url = \"https://HOST:PORT\" with the host by which terminals reach this machine";
        problems.add(Some(listen.place.clone()), "listening everywhere needs `office.public-url`", remedy);
    }
    let pages_listen = office.parsed::<SocketAddr>("pages-listen", problems);
    if let Some(pages) = pages_listen.as_ref().filter(|pages| !pages.value.ip().is_loopback()) {
        let remedy = "write 127.0.0.1:8080; the pages have no accounts and no encryption";
        problems.add(Some(pages.place.clone()), "`office.pages-listen` must be a loopback address", remedy);
    }
    let data_dir = office.text("data-dir", problems).map_or_else(|| PathBuf::from(DATA_DIR_DEFAULT), |dir| PathBuf::from(dir.value));
    let database = database(office, &data_dir, problems);
    let certificate = certificate(office, problems);
    let clock = office.parsed("clock", problems).map_or(OfficeClock::Trusted, |clock| clock.value);
    Some(OfficeSettings {
        name: name?.value,
        utc_offset,
        listen: listen.map_or_else(|| LISTEN_DEFAULT.parse().ok(), |listen| Some(listen.value))?,
        public_url: public_url.map(|url| url.value),
        pages_listen: pages_listen.map(|pages| pages.value),
        database,
        certificate,
        data_dir,
        clock,
    })
}

fn database(office: &mut Section<'_>, data_dir: &Path, problems: &mut Problems) -> PathBuf {
    let otherwise = data_dir.join("office.db");
    let Some(Placed { value, place }) = office.text("database", problems) else { return otherwise };
    if let Some(path) = value.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        return PathBuf::from(path);
    }
    if value.starts_with("postgres://") || value.starts_with("postgresql://") {
        problems.add(Some(place), "this punch-office was built without PostgreSQL", "write database = \"sqlite:PATH\"");
    } else {
        problems.add(Some(place), "`office.database` names no known kind of database", "write database = \"sqlite:PATH\"");
    }
    otherwise
}

fn certificate(office: &mut Section<'_>, problems: &mut Problems) -> Option<GivenCertificate> {
    let (chain, key) = (office.text("tls-cert", problems), office.text("tls-key", problems));
    match (chain, key) {
        (Some(chain), Some(key)) => Some(GivenCertificate { chain: chain.value.into(), key: key.value.into() }),
        (None, None) => None,
        (Some(alone), None) => {
            problems.add(Some(alone.place), "`office.tls-cert` needs `office.tls-key`", "name both, or neither");
            None
        }
        (None, Some(alone)) => {
            problems.add(Some(alone.place), "`office.tls-key` needs `office.tls-cert`", "name both, or neither");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_right_and_so_is_it_with_every_comment_of_a_key_taken_away() {
        assert!(check("office.toml", SAMPLE).is_ok());
        let uncommented = |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned();
        let whole: String = SAMPLE.lines().map(uncommented).fold(String::new(), |text, line| text + &line + "\n");
        let settings = check("office.toml", &whole).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(settings.certificate.is_some());
    }

    #[test]
    fn postgres_is_refused_with_a_sentence_until_it_is_built() {
        let shown = check("office.toml", "[office]\nname = \"n\"\ndatabase = \"postgres://db/office\"\n").unwrap_err().to_string();
        assert!(shown.contains("without PostgreSQL") && shown.contains("office.toml:3:12"), "{shown}");
    }

    #[test]
    fn everything_wrong_in_it_is_told_at_once() {
        let text = "[office]\nlisten = \"0.0.0.0:1\"\npages-listen = \"0.0.0.0:2\"\ntls-cert = \"x\"\ndatabase = \"mysql:x\"\nclock = \"sun\"\nport = 1\n";
        let shown = check("office.toml", text).unwrap_err().to_string();
        for part in [
            "`office.name` is missing",
            "public-url",
            "loopback",
            "tls-key",
            "no known kind",
            "kernel, trusted",
            "unknown key `office.port`",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }

    #[test]
    fn an_address_gives_its_host() {
        for (text, host) in [("https://a.example:8443", "a.example"), ("https://10.0.0.1/", "10.0.0.1"), ("https://[::1]:8443", "::1")] {
            assert_eq!(text.parse::<PublicUrl>().map(|url| url.host().to_owned()), Ok(host.to_owned()));
        }
        for bad in ["http://a", "https://", "https://a:b", "https://a/path", "https://a:99999", "office"] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
