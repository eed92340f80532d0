//! Law 6 at real handshakes, in memory: who is accepted as the office at which clock.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::*;

/// The name under which the office is called.
const NAME: &str = "office.example";
/// Within the certificates' validity, which is 2026.
const MIDSUMMER: &str = "2026-07-01T12:00:00+08:00";
const NEXT_YEARS_SUMMER: &str = "2027-08-05T12:00:00+08:00";
const NINETEEN_SEVENTY: &str = "1970-01-01T08:00:10+08:00";
const DOUBTED: [Trust; 3] = [Trust::Unset, Trust::Suspect, Trust::Holdover];

#[test]
fn a_clock_in_1970_or_400_days_ahead_still_reaches_the_office_while_it_is_in_doubt() {
    let office = Office::new();
    for trust in DOUBTED {
        for clock in [NINETEEN_SEVENTY, MIDSUMMER, NEXT_YEARS_SUMMER] {
            assert_eq!(office.greeted_by(&office.anchor(), clock, trust), Ok(()), "{clock} {trust:?}");
            assert_eq!(office.greeted_by(&office.code(), clock, trust), Ok(()), "pairing at {clock} {trust:?}");
        }
    }
}

#[test]
fn expiry_is_enforced_while_the_clock_is_synced() {
    let office = Office::new();
    assert_eq!(office.greeted_by(&office.anchor(), MIDSUMMER, Trust::Synced), Ok(()));
    for clock in [NINETEEN_SEVENTY, NEXT_YEARS_SUMMER] {
        for anchor in [office.anchor(), office.code()] {
            let refused = office.greeted_by(&anchor, clock, Trust::Synced);
            assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{clock}: {refused:?}");
        }
    }
}

#[test]
fn another_ca_is_refused_at_every_clock() {
    let (office, other) = (Office::new(), Office::new());
    for trust in DOUBTED.into_iter().chain([Trust::Synced]) {
        for clock in [NINETEEN_SEVENTY, MIDSUMMER, NEXT_YEARS_SUMMER] {
            for anchor in [other.anchor(), other.code()] {
                let refused = office.greeted_by(&anchor, clock, trust);
                assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{clock} {trust:?}: {refused:?}");
            }
        }
    }
}

#[test]
fn another_name_is_refused_at_every_clock() {
    let office = Office::new();
    for trust in DOUBTED.into_iter().chain([Trust::Synced]) {
        for anchor in [office.anchor(), office.code()] {
            let config = client_config(&anchor, &clock(MIDSUMMER), &standing(trust, None)).unwrap();
            let refused = shake(config, &office.server, "elsewhere.example");
            assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{trust:?}: {refused:?}");
        }
    }
}

#[test]
fn a_code_is_not_satisfied_by_a_ca_that_is_only_shown_and_did_not_sign() {
    let (office, impostor) = (Office::new(), Office::new());
    // The impostor sends its own certificate, and the office's CA beside it.
    let chain = vec![impostor.leaf.clone(), office.ca.clone()];
    let server = server(chain, impostor.leaf_key.clone_key());
    let config = client_config(&office.code(), &clock(MIDSUMMER), &standing(Trust::Unset, None)).unwrap();
    let refused = shake(config, &server, NAME);
    assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{refused:?}");
}

#[test]
fn a_floor_beyond_the_certificate_locks_no_kiosk_out() {
    let office = Office::new();
    let floor = Wall::parse_rfc3339(NEXT_YEARS_SUMMER).unwrap();
    let config = client_config(&office.anchor(), &clock(NINETEEN_SEVENTY), &standing(Trust::Suspect, Some(floor))).unwrap();
    assert_eq!(shake(config, &office.server, NAME), Ok(()));
}

#[test]
fn a_session_begun_in_doubt_is_verified_again_once_the_clock_is_synced() {
    let office = Office::new();
    let standing = standing(Trust::Unset, None);
    let config = client_config(&office.anchor(), &clock(NEXT_YEARS_SUMMER), &standing).unwrap();
    assert_eq!(shake(config.clone(), &office.server, NAME), Ok(()));
    standing.set(Trust::Synced, None);
    assert!(shake(config, &office.server, NAME).is_err());
}

#[test]
fn the_digest_of_a_key_is_over_its_whole_subject_public_key_info() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let expected: [u8; 32] = Sha256::digest(rcgen::PublicKeyData::subject_public_key_info(&key)).into();
    assert_eq!(key_digest(certificate.der()).unwrap(), expected[..CODE_PART_BYTES]);
    assert!(ca_has_digest(&certificate.pem(), key_digest(certificate.der()).unwrap()));
    assert!(!ca_has_digest(&certificate.pem(), [7; CODE_PART_BYTES]) && !ca_has_digest("no certificate", [7; CODE_PART_BYTES]));
}

#[test]
fn a_long_length_has_its_own_bytes() {
    assert_eq!(sequence_head(0x59), [0x30, 0x59]);
    assert_eq!(sequence_head(0x80), [0x30, 0x81, 0x80]);
    assert_eq!(sequence_head(0x126), [0x30, 0x82, 0x01, 0x26]);
}

/// An office with a CA of its own, both certificates valid for the year 2026.
struct Office {
    ca: CertificateDer<'static>,
    ca_pem: String,
    leaf: CertificateDer<'static>,
    leaf_key: PrivateKeyDer<'static>,
    server: Arc<ServerConfig>,
}

impl Office {
    fn new() -> Self {
        let mut params = of_2026(CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Office CA");
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let leaf_key = KeyPair::generate().unwrap();
        let leaf = of_2026(CertificateParams::new(vec![NAME.to_owned()]).unwrap()).signed_by(&leaf_key, &issuer).unwrap();
        let leaf_key = PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
        let server = server(vec![leaf.der().clone(), ca.der().clone()], leaf_key.clone_key());
        Self { ca_pem: ca.pem(), ca: ca.der().clone(), leaf: leaf.der().clone(), leaf_key, server }
    }

    fn anchor(&self) -> Anchor {
        Anchor::Ca(self.ca_pem.clone())
    }

    fn code(&self) -> Anchor {
        Anchor::KeyDigest(key_digest(&self.ca).unwrap())
    }

    fn greeted_by(&self, anchor: &Anchor, at: &str, trust: Trust) -> Result<(), Error> {
        shake(client_config(anchor, &clock(at), &standing(trust, None)).unwrap(), &self.server, NAME)
    }
}

fn of_2026(mut params: CertificateParams) -> CertificateParams {
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params
}

fn server(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(sys::crypto()).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

fn clock(at: &str) -> Clock {
    Clock::skipping(Wall::parse_rfc3339(at).unwrap())
}

fn standing(trust: Trust, floor: Option<Wall>) -> ClockStanding {
    let standing = ClockStanding::default();
    standing.set(trust, floor);
    standing
}

/// A whole handshake; the client's error if it refuses.
fn shake(client: ClientConfig, server: &Arc<ServerConfig>, name: &str) -> Result<(), Error> {
    let mut client = ClientConnection::new(Arc::new(client), name.to_owned().try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}
