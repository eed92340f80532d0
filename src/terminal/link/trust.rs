//! Whether the other end of a connection is our office.
//!
//! Invariant (law 6): chain, name, key and the pinned CA are always checked. Expiry is enforced while the clock is trusted; while it is not,
//! the chain is judged at the clock's time clamped into the chain's validity, so that a kiosk that woke up in 1970 can still reach the
//! office that will tell it the time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::domain::time::{Trust, Wall};
use crate::machine::clockkeeper::tls_moment;
use crate::sys;
use crate::wire::pairing::CODE_PART_BYTES;

/// How often the moment of judging is clamped before a chain whose validities do not overlap is refused.
const CLAMPS_MAX: usize = 4;

/// A moment at which every certificate has expired: the year 9999, the last that a certificate can name.
const FAR_AHEAD: Wall = Wall(253_402_300_799_000);

/// Whom to trust.
#[derive(Debug, Clone)]
pub enum Anchor {
    /// The CA that pairing gave, PEM.
    Ca(String),
    /// While pairing: whichever CA in the presented chain has this key digest, which came by hand in the code.
    KeyDigest([u8; CODE_PART_BYTES]),
}

/// What is known of the clock now; shared with the loop that knows.
#[derive(Debug, Clone)]
pub struct ClockStanding(Arc<Mutex<(Trust, Option<Wall>)>>);

impl Default for ClockStanding {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Trust::Unset, None))))
    }
}

impl ClockStanding {
    /// Sets how far it can be believed, and what has certainly passed.
    pub fn set(&self, trust: Trust, floor: Option<Wall>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (trust, floor);
    }

    /// How far it can be believed, and what has certainly passed.
    pub fn get(&self) -> (Trust, Option<Wall>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TLS client that trusts this anchor alone, at this clock.
///
/// # Errors
/// When the anchor is no certificate.
pub fn client_config(anchor: &Anchor, clock: &Clock, standing: &ClockStanding) -> Result<ClientConfig, Error> {
    let provider = sys::crypto();
    let roots = match anchor {
        Anchor::Ca(pem) => Roots::Fixed(verifier(&pem_certificates(pem)?, &provider)?),
        Anchor::KeyDigest(digest) => Roots::ByDigest(*digest),
    };
    let verifier = OfficeVerifier { roots, provider: Arc::clone(&provider), clock: clock.clone(), standing: standing.clone() };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    // A resumed session is not verified again: one that began while the clock was in doubt would outlive the doubt.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn pem_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bad = || Error::General("the office's CA is no PEM certificate".to_owned());
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok().ok_or_else(bad)?;
    if certificates.is_empty() { Err(bad()) } else { Ok(certificates) }
}

fn verifier(certificates: &[CertificateDer<'_>], provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone().into_owned())?;
    }
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    built.map_err(|error| Error::General(error.to_string()))
}

/// Until when a presented chain holds, its first certificate being the server's; none where the CA does not vouch for it.
pub fn certificate_end(ca: &str, chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> Option<Wall> {
    let (server, intermediates) = chain.split_first()?;
    let verifier = verifier(&pem_certificates(ca).ok()?, &sys::crypto()).ok()?;
    match verifier.verify_server_cert(server, intermediates, name, &[], unix_time(FAR_AHEAD)) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => Some(wall_of(not_after)),
        Ok(_) | Err(_) => None,
    }
}

/// The first 16 bytes of the SHA-256 of a certificate's `SubjectPublicKeyInfo`.
///
/// # Errors
/// When it is no certificate.
pub fn key_digest(certificate: &CertificateDer<'_>) -> Result<[u8; CODE_PART_BYTES], Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned())?;
    let anchor = roots.roots.first().ok_or(Error::NoCertificatesPresented)?;
    let content: &[u8] = anchor.subject_public_key_info.as_ref();
    let digest: [u8; 32] = Sha256::new().chain_update(sequence_head(content.len())).chain_update(content).finalize().into();
    digest.first_chunk().copied().ok_or(Error::NoCertificatesPresented)
}

/// Whether a CA in PEM has the key that a pairing code names.
pub fn ca_has_digest(pem: &str, digest: [u8; CODE_PART_BYTES]) -> bool {
    let ours = |certificate: &CertificateDer<'_>| key_digest(certificate).is_ok_and(|found| found == digest);
    pem_certificates(pem).is_ok_and(|certificates| certificates.first().is_some_and(ours))
}

/// The DER head of a SEQUENCE of so many bytes: the trust anchor keeps the content alone.
fn sequence_head(length: usize) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    if let Ok(short @ 0..=0x7F) = u8::try_from(length) {
        return vec![SEQUENCE, short];
    }
    let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let count = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [vec![SEQUENCE, 0x80 | count], bytes].concat()
}

#[derive(Debug)]
enum Roots {
    Fixed(Arc<WebPkiServerVerifier>),
    ByDigest([u8; CODE_PART_BYTES]),
}

#[derive(Debug)]
struct OfficeVerifier {
    roots: Roots,
    provider: Arc<CryptoProvider>,
    clock: Clock,
    standing: ClockStanding,
}

impl OfficeVerifier {
    fn inner(&self, intermediates: &[CertificateDer<'_>]) -> Result<Arc<WebPkiServerVerifier>, Error> {
        match &self.roots {
            Roots::Fixed(verifier) => Ok(Arc::clone(verifier)),
            Roots::ByDigest(digest) => {
                let ours = |certificate: &&CertificateDer<'_>| key_digest(certificate).is_ok_and(|found| found == *digest);
                let ca = intermediates.iter().find(ours).ok_or(CertificateError::UnknownIssuer)?;
                verifier(std::slice::from_ref(ca), &self.provider)
            }
        }
    }
}

impl ServerCertVerifier for OfficeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let inner = self.inner(intermediates)?;
        let (wall, (trust, floor)) = (self.clock.wall(), self.standing.get());
        let (mut from, mut to) = (Wall(i64::MIN), Wall(i64::MAX));
        let mut moment = tls_moment(wall, trust, floor, from, to);
        for _ in 0..CLAMPS_MAX {
            let verdict = inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, unix_time(moment));
            match &verdict {
                Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
                    from = from.max(wall_of(*not_before));
                }
                Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                    to = to.min(wall_of(*not_after));
                }
                _ => return verdict,
            }
            let clamped = tls_moment(wall, trust, floor, from, to);
            if clamped == moment {
                return verdict;
            }
            moment = clamped;
        }
        Err(Error::InvalidCertificate(CertificateError::Expired))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn unix_time(wall: Wall) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(wall.0).unwrap_or_default()))
}

fn wall_of(time: UnixTime) -> Wall {
    Wall(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000))
}

#[cfg(test)]
#[cfg(feature = "office")]
mod tests;
