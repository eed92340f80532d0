//! TLS for the office's listener: the certificate in force, renewed while running.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::ca::{self, Anchor, CaError, OwnCa, ServerCertificate};
use crate::config::office::OfficeSettings;
use crate::domain::time::Wall;
use crate::sys;

/// How often a certificate of the own CA is made anew, in milliseconds: 30 of its 90 days.
pub const RENEW_EVERY_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// What the listener presents, and the authority behind it.
#[derive(Debug)]
pub struct Identity {
    anchor: Anchor,
    own: Option<Own>,
    presented: Arc<Presented>,
}

#[derive(Debug)]
struct Own {
    ca: OwnCa,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

#[derive(Debug)]
struct Presented(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Identity {
    /// The given certificate, or one of the office's own CA for its names: the public address's host, the listening address, localhost.
    ///
    /// # Errors
    /// When the files or the CA cannot be used.
    pub fn new(settings: &OfficeSettings, listen: SocketAddr, now: Wall) -> Result<Self, CaError> {
        if let Some(files) = &settings.certificate {
            let (certificate, anchor) = ca::given(files)?;
            let key = certified(certificate).map_err(|why| CaError::Given { file: files.key.display().to_string(), why })?;
            return Ok(Self { anchor, own: None, presented: Arc::new(Presented(RwLock::new(key))) });
        }
        let ca = OwnCa::ensure(&settings.data_dir)?;
        let (names, addresses) = names(settings, listen);
        let key = issue(&ca, &names, &addresses, now)?;
        Ok(Self { anchor: ca.anchor(), own: Some(Own { ca, names, addresses }), presented: Arc::new(Presented(RwLock::new(key))) })
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
        let Some(own) = &self.own else { return Ok(()) };
        let key = issue(&own.ca, &own.names, &own.addresses, now)?;
        *self.presented.0.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
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
