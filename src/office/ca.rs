//! The office's own certificate authority, and what of any authority is pinned by a pairing code.
//!
//! Invariants: key and certificate are made once, together, under a lock, 0600; the CA's names and dates follow from its key alone, so that a
//! wrong clock at the first start spoils nothing; only its public key is what terminals pin.

use std::net::IpAddr;
use std::path::Path;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use super::keys::{self, KeyError};
use crate::config::office::GivenCertificate;
use crate::domain::id::hex_text;
use crate::domain::time::Wall;
use crate::sys;
use crate::wire::pairing::CODE_PART_BYTES;

/// The files of the office's own CA.
pub const CA_KEY_FILE: &str = "ca.key.pem";
/// Its certificate.
pub const CA_FILE: &str = "ca.pem";
/// From when and until when the CA holds: longer than any kiosk lives.
const CA_FROM_YEAR: i32 = 2024;
const CA_UNTIL_YEAR: i32 = 2074;
/// For how long a server certificate holds, in days; a day before the issue begins it, for clocks behind ours.
const SERVER_DAYS: u64 = 90;
/// Bytes of a serial number.
const SERIAL_BYTES: usize = 16;
/// Most bytes of a given certificate file.
const PEM_BYTES_MAX: u64 = 256 * 1024;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file or random bytes could not be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Only one of the CA's two files is there, or they do not belong together.
    #[error("{CA_FILE} and {CA_KEY_FILE} in the data directory do not belong together")]
    Apart,
    /// A given file has no certificate or key.
    #[error("{file}: {why}")]
    Given {
        /// Which file.
        file: String,
        /// What is wrong.
        why: String,
    },
}

impl CaError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Key(error) => error.hint(),
            Self::Make(_) => "see the log",
            Self::Apart => "restore both from a backup; a new CA means pairing every terminal again",
            Self::Given { .. } => "tls-cert takes the chain in PEM, the server's certificate first and the CA's last; tls-key its key",
        }
    }
}

/// A certificate authority as clients need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its certificate, PEM.
    pub pem: String,
    /// The first bytes of the SHA-256 of its SubjectPublicKeyInfo: what a pairing code carries.
    pub digest: [u8; CODE_PART_BYTES],
}

/// A chain and its key, ready for TLS.
#[derive(Debug)]
pub struct ServerCertificate {
    /// The server's first, the CA's last.
    pub chain: Vec<CertificateDer<'static>>,
    /// The server's key.
    pub key: PrivateKeyDer<'static>,
}

/// The office's own CA.
#[derive(Debug)]
pub struct OwnCa {
    key: KeyPair,
    pem: String,
}

impl OwnCa {
    /// The CA in a data directory, made if absent.
    ///
    /// # Errors
    /// When it can neither be read nor made.
    pub fn ensure(data_dir: &Path) -> Result<Self, CaError> {
        keys::ensure_dir(data_dir)?;
        let _lock = keys::lock_making(data_dir)?;
        let (key_path, path) = (data_dir.join(CA_KEY_FILE), data_dir.join(CA_FILE));
        match (keys::read_if_there(&key_path)?, keys::read_if_there(&path)?) {
            (Some(key), Some(pem)) => Self::of(&key, pem),
            // Without its certificate a key was never used: the certificate is written last.
            (Some(key), None) => {
                let made = Self::make(KeyPair::from_pem(&key)?)?;
                made.write(&path)
            }
            (None, None) => {
                let made = Self::make(KeyPair::generate()?)?;
                sys::write_whole(&key_path, made.key.serialize_pem().as_bytes(), 0o600)
                    .map_err(|source| KeyError::file(&key_path, source))?;
                made.write(&path)
            }
            (None, Some(_)) => Err(CaError::Apart),
        }
    }

    fn make(key: KeyPair) -> Result<Self, CaError> {
        let pem = params(&key)?.self_signed(&key)?.pem();
        Ok(Self { key, pem })
    }

    fn write(self, path: &Path) -> Result<Self, CaError> {
        sys::write_whole(path, self.pem.as_bytes(), 0o600).map_err(|source| KeyError::file(path, source))?;
        Ok(self)
    }

    fn of(key: &str, pem: String) -> Result<Self, CaError> {
        let ca = Self { key: KeyPair::from_pem(key)?, pem };
        let certificate = CertificateDer::from_pem_slice(ca.pem.as_bytes()).or(Err(CaError::Apart))?;
        let theirs = public_key(&certificate).ok_or(CaError::Apart)?;
        if theirs == ca.key.subject_public_key_info() { Ok(ca) } else { Err(CaError::Apart) }
    }

    /// As clients need to know it.
    pub fn anchor(&self) -> Anchor {
        Anchor { pem: self.pem.clone(), digest: digest(&self.key.subject_public_key_info()) }
    }

    /// A new server certificate for these names and addresses.
    ///
    /// # Errors
    /// When a name is none, or making fails.
    pub fn issue(&self, names: &[String], addresses: &[IpAddr], now: Wall) -> Result<ServerCertificate, CaError> {
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(names.to_vec())?;
        leaf.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        leaf.distinguished_name = named("punch-office");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.serial_number = Some(SerialNumber::from(positive(keys::random::<SERIAL_BYTES>()?)));
        leaf.use_authority_key_identifier_extension = true;
        let shown = DateTime::<Utc>::from_timestamp_millis(now.0).unwrap_or_default().date_naive();
        // Within the CA's own validity: a chain whose dates do not overlap would be refused even by a kiosk that does not know the time.
        let today = shown.max(first_day(CA_FROM_YEAR)).min(first_day(CA_UNTIL_YEAR));
        let (from, until) = (today - Days::new(1), today + Days::new(SERVER_DAYS));
        leaf.not_before = date_time_ymd(from.year(), small(from.month()), small(from.day()));
        leaf.not_after = date_time_ymd(until.year(), small(until.month()), small(until.day()));
        let issuer = Issuer::new(params(&self.key)?, &self.key);
        let certificate = leaf.signed_by(&key, &issuer)?;
        let ca = CertificateDer::from_pem_slice(self.pem.as_bytes()).or(Err(CaError::Apart))?;
        Ok(ServerCertificate { chain: vec![certificate.der().clone(), ca], key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() })
    }
}

fn first_day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default()
}

/// A certificate of one's own, and the authority at the end of its chain.
///
/// # Errors
/// When the files do not hold a chain and a key.
pub fn given(files: &GivenCertificate) -> Result<(ServerCertificate, Anchor), CaError> {
    let wrong = |file: &Path, why: String| CaError::Given { file: file.display().to_string(), why };
    let read = |file: &Path| sys::read_limited(file, PEM_BYTES_MAX).map_err(|error| wrong(file, error.to_string()));
    let (chain, key) = (read(&files.chain)?, read(&files.key)?);
    let chain =
        CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&files.chain, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong(&files.key, error.to_string()))?;
    let last = chain.last().ok_or_else(|| wrong(&files.chain, "no certificate in it".to_owned()))?;
    let public_key = public_key(last).ok_or_else(|| wrong(&files.chain, "its last certificate cannot be read".to_owned()))?;
    let anchor = Anchor { pem: pem(last), digest: digest(&public_key) };
    Ok((ServerCertificate { chain, key }, anchor))
}

/// Everything but the dates of issue follows from the key, so that the issuer of a later certificate is the same to the byte.
fn params(key: &KeyPair) -> Result<CertificateParams, CaError> {
    let hash: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
    let mut params = CertificateParams::new(Vec::new())?;
    let short = hash.get(..4).map(hex_text).unwrap_or_default();
    params.distinguished_name = named(&format!("punch-office CA {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.serial_number = hash.first_chunk().map(|serial| SerialNumber::from(positive::<SERIAL_BYTES>(*serial)));
    params.not_before = date_time_ymd(CA_FROM_YEAR, 1, 1);
    params.not_after = date_time_ymd(CA_UNTIL_YEAR, 1, 1);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A serial number is positive and not 0 (RFC 5280, section 4.1.2.2).
fn positive<const N: usize>(mut bytes: [u8; N]) -> Vec<u8> {
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x7F | 0x40;
    }
    bytes.to_vec()
}

fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(1)
}

fn digest(public_key: &[u8]) -> [u8; CODE_PART_BYTES] {
    let hash: [u8; 32] = Sha256::digest(public_key).into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// A certificate's whole SubjectPublicKeyInfo.
fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let mut store = rustls::RootCertStore::empty();
    store.add(certificate.clone().into_owned()).ok()?;
    let content = &store.roots.first()?.subject_public_key_info;
    // The trust anchor keeps what stands inside the sequence; the digest is over the sequence itself.
    let length = content.len();
    let head = match u8::try_from(length) {
        Ok(short) if short < 0x80 => vec![0x30, short],
        Ok(long) => vec![0x30, 0x81, long],
        Err(_) => {
            let [high, low] = u16::try_from(length).ok()?.to_be_bytes();
            vec![0x30, 0x82, high, low]
        }
    };
    Some([head.as_slice(), content.as_ref()].concat())
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    const LINE: usize = 64;
    let base64 = base64(certificate.as_ref());
    let lines = base64.as_bytes().chunks(LINE).filter_map(|line| std::str::from_utf8(line).ok());
    let body: String = lines.fold(String::new(), |text, line| text + line + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
}

/// Base64 of RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain(&[0, 0]).take(3).fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS.get(group >> (18 - 6 * place) & 63).copied().map_or('=', char::from);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ca_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = OwnCa::ensure(folder.path()).unwrap();
        let again = OwnCa::ensure(folder.path()).unwrap();
        assert_eq!(first.anchor(), again.anchor());
        std::fs::remove_file(folder.path().join(CA_KEY_FILE)).unwrap();
        assert!(matches!(OwnCa::ensure(folder.path()), Err(CaError::Apart)));
    }

    #[test]
    fn a_key_left_without_its_certificate_by_a_power_cut_gets_one() {
        let folder = tempfile::tempdir().unwrap();
        let first = OwnCa::ensure(folder.path()).unwrap();
        std::fs::remove_file(folder.path().join(CA_FILE)).unwrap();
        assert_eq!(OwnCa::ensure(folder.path()).unwrap().anchor().digest, first.anchor().digest);
    }

    #[test]
    fn a_ca_of_another_key_is_refused() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        OwnCa::ensure(one.path()).unwrap();
        OwnCa::ensure(two.path()).unwrap();
        std::fs::copy(one.path().join(CA_FILE), two.path().join(CA_FILE)).unwrap();
        assert!(matches!(OwnCa::ensure(two.path()), Err(CaError::Apart)));
    }

    #[test]
    fn a_given_chain_is_pinned_by_its_last_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let ca = OwnCa::ensure(folder.path()).unwrap();
        let server = ca.issue(&["office.example".to_owned()], &[], Wall(1_795_000_000_000)).unwrap();
        let chain: String = server.chain.iter().map(pem).collect();
        let key = KeyPair::try_from(server.key.secret_der()).unwrap();
        let files = GivenCertificate { chain: folder.path().join("chain.pem"), key: folder.path().join("server.key") };
        std::fs::write(&files.chain, chain).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let (read, anchor) = given(&files).unwrap();
        assert_eq!((read.chain, anchor.digest), (server.chain, ca.anchor().digest));
        std::fs::write(&files.chain, "").unwrap();
        assert!(matches!(given(&files), Err(CaError::Given { .. })));
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
