//! TLS for the office's listener: the certificate in force, renewed while running.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::ca::{self, Anchor, CaError, OwnCa, ServerCertificate};
use crate::clock::Clock;
use crate::config::office::OfficeSettings;
use crate::domain::time::Wall;
use crate::sys;

/// After how long a certificate of the own CA is made anew, in milliseconds: 30 of its 90 days.
const RENEW_AFTER_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// From how far the clock lies before the issue a certificate is made anew, in milliseconds: it begins between one and two days before.
const RENEW_BEFORE_MS: i64 = 12 * 3_600 * 1_000;

/// What the listener presents, and the authority behind it.
#[derive(Debug)]
pub struct Identity {
    anchor: Anchor,
    presented: Arc<Presented>,
}

#[derive(Debug)]
struct Own {
    ca: OwnCa,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

/// The certificate in force. One of the own CA is looked at in each handshake: an office that started at a wrong clock has a certificate that
/// holds for kiosks as soon as its clock is right.
#[derive(Debug)]
struct Presented {
    own: Option<Own>,
    clock: Clock,
    issued: RwLock<Issued>,
}

#[derive(Debug, Clone)]
struct Issued {
    key: Arc<CertifiedKey>,
    at: Wall,
}

impl Issued {
    const fn is_due(&self, now: Wall) -> bool {
        let age_ms = now.millis_since(self.at);
        age_ms < -RENEW_BEFORE_MS || age_ms >= RENEW_AFTER_MS
    }
}

impl Presented {
    fn issued(&self) -> Issued {
        self.issued.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn renew(&self, now: Wall) -> Result<(), CaError> {
        let Some(own) = &self.own else { return Ok(()) };
        let key = issue(&own.ca, &own.names, &own.addresses, now)?;
        *self.issued.write().unwrap_or_else(PoisonError::into_inner) = Issued { key, at: now };
        Ok(())
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now = self.clock.wall();
        if self.own.is_some()
            && self.issued().is_due(now)
            && let Err(error) = self.renew(now)
        {
            tracing::error!(hint = error.hint(), "the certificate was not renewed: {error}");
        }
        Some(self.issued().key)
    }
}

impl Identity {
    /// The given certificate, or one of the office's own CA for its names: the public address's host, the listening address, localhost.
    ///
    /// # Errors
    /// When the files or the CA cannot be used.
    pub fn new(settings: &OfficeSettings, listen: SocketAddr, clock: &Clock) -> Result<Self, CaError> {
        let (clock, at) = (clock.clone(), clock.wall());
        if let Some(files) = &settings.certificate {
            let (certificate, anchor) = ca::given(files)?;
            let key = certified(certificate).map_err(|why| CaError::Given { file: files.key.display().to_string(), why })?;
            return Ok(Self { anchor, presented: Arc::new(Presented { own: None, clock, issued: RwLock::new(Issued { key, at }) }) });
        }
        let ca = OwnCa::ensure(&settings.data_dir)?;
        let (names, addresses) = names(settings, listen);
        let key = issue(&ca, &names, &addresses, at)?;
        let anchor = ca.anchor();
        let own = Some(Own { ca, names, addresses });
        Ok(Self { anchor, presented: Arc::new(Presented { own, clock, issued: RwLock::new(Issued { key, at }) }) })
    }

    /// The authority that clients trust.
    pub const fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// Makes a new certificate of the own CA; a given one stays as it is.
    ///
    /// # Errors
    /// When making fails; the old one stays in force.
    pub fn renew(&self, now: Wall) -> Result<(), CaError> {
        self.presented.renew(now)
    }

    /// Accepts TLS connections with whatever certificate is in force then.
    ///
    /// # Errors
    /// When the algorithms do not fit the protocol's versions, which they do.
    pub fn acceptor(&self) -> Result<TlsAcceptor, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(sys::crypto()).with_safe_default_protocol_versions()?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&self.presented) as _;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The authority that clients trust, made if absent, without serving.
///
/// # Errors
/// When the files or the CA cannot be used.
pub fn anchor(settings: &OfficeSettings) -> Result<Anchor, CaError> {
    match &settings.certificate {
        Some(files) => ca::given(files).map(|(_, anchor)| anchor),
        None => OwnCa::ensure(&settings.data_dir).map(|ca| ca.anchor()),
    }
}

fn issue(ca: &OwnCa, names: &[String], addresses: &[IpAddr], now: Wall) -> Result<Arc<CertifiedKey>, CaError> {
    certified(ca.issue(names, addresses, now)?).map_err(|why| CaError::Given { file: "the new certificate".to_owned(), why })
}

fn certified(certificate: ServerCertificate) -> Result<Arc<CertifiedKey>, String> {
    let key = CertifiedKey::from_der(certificate.chain, certificate.key, &sys::crypto()).map_err(|error| error.to_string())?;
    Ok(Arc::new(key))
}

fn names(settings: &OfficeSettings, listen: SocketAddr) -> (Vec<String>, Vec<IpAddr>) {
    let mut names = vec!["localhost".to_owned()];
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    if let Some(url) = &settings.public_url {
        match url.host().parse::<IpAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) => names.push(url.host().to_owned()),
        }
    }
    if !listen.ip().is_unspecified() {
        addresses.push(listen.ip());
    }
    names.sort();
    names.dedup();
    addresses.sort();
    addresses.dedup();
    (names, addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 3_600_000;

    #[test]
    fn an_office_that_started_in_1970_or_400_days_ahead_presents_a_certificate_that_holds_once_its_clock_is_right() {
        let folder = tempfile::tempdir().unwrap();
        let key = issue(&OwnCa::ensure(folder.path()).unwrap(), &["localhost".to_owned()], &[], Wall(0)).unwrap();
        let now = Wall(1_795_000_000_000);
        let due = |at: Wall| Issued { key: Arc::clone(&key), at }.is_due(now);
        assert!(due(Wall(8_000)) && due(now.plus_millis(400 * DAY_MS)) && due(now.plus_millis(-30 * DAY_MS)));
        assert!(!due(now) && !due(now.plus_millis(-29 * DAY_MS)) && !due(now.plus_millis(3_600_000)));
    }
}
