//! What an exchange says when it fails: enough for a technician, and never a name out of a bundle.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::domain::time::Trust;
use crate::supervise::Supervisor;
use crate::wire::bundle::Bundle;

#[tokio::test]
async fn a_refusal_is_shown_in_the_offices_words() {
    let body = "{\"code\":\"batch-unreadable\",\"text\":\"version 1 is unknown here\",\"hint\":\"update\"}";
    for (status, expected) in [("400 Bad Request", "garbled"), ("403 Forbidden", "refused"), ("503 Service Unavailable", "unreachable")] {
        let office = Office::answering(&response(status, "application/json", body)).await;
        let failure = office.link(Trust::Unset).fetch::<Bundle>(Download::Bundle, None).await.unwrap_err();
        let (kind, text) = told(&failure);
        assert_eq!((kind, text), (expected, format!("{status}: version 1 is unknown here (batch-unreadable)").as_str()));
    }
}

#[tokio::test]
async fn a_login_page_in_the_offices_place_is_told_by_its_type_and_not_repeated() {
    for answer in [login_page(), response("404 Not Found", "text/html", "<html>欧阳明月</html>")] {
        let failure = Office::answering(&answer).await.link(Trust::Unset).fetch::<Bundle>(Download::Bundle, None).await.unwrap_err();
        let (kind, text) = told(&failure);
        assert!(kind == "garbled" && text.contains("text/html") && !text.contains("欧阳") && !text.contains("示例"), "{text}");
    }
}

#[tokio::test]
async fn names_of_a_bundle_that_does_not_verify_are_in_no_error() {
    let answer = response("200 OK", "application/json", "{\"roster\":[{\"name\":\"欧阳明月\"}]}");
    let failure = Office::answering(&answer).await.link(Trust::Unset).fetch::<Bundle>(Download::Bundle, None).await.unwrap_err();
    let (kind, text) = told(&failure);
    assert!(kind == "garbled" && !text.contains("欧阳明月"), "{text}");
}

#[tokio::test]
async fn another_ca_and_an_expired_certificate_are_untrusted_and_not_merely_unreachable() {
    let (office, other) = (Office::answering(&login_page()).await, Office::answering(&login_page()).await);
    let mut link = office.link(Trust::Unset);
    link.client = client(&Anchor::Ca(other.ca.clone()), &link.clock, &ClockStanding::default()).unwrap();
    let strange = link.fetch::<Bundle>(Download::Bundle, None).await.unwrap_err();
    assert_eq!(told(&strange).0, "untrusted", "{strange:?}");
    let expired = office.link(Trust::Synced).fetch::<Bundle>(Download::Bundle, None).await.unwrap_err();
    assert_eq!(told(&expired).0, "untrusted", "the clock is synced and far ahead: {expired:?}");
}

/// Something that answers every request with the same bytes, over TLS.
struct Office {
    url: String,
    ca: String,
}

impl Office {
    async fn answering(answer: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        leaf.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let leaf = leaf.signed_by(&key, &Issuer::new(params, ca_key)).unwrap();
        let config = ServerConfig::builder_with_provider(crate::sys::crypto()).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let answer = answer.to_owned();
        Supervisor::new().0.passing(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok() {
                    stream.write_all(answer.as_bytes()).await.ok();
                    stream.shutdown().await.ok();
                }
            }
        });
        Self { url, ca }
    }

    /// A paired kiosk whose clock shows 2031.
    fn link(&self, trust: Trust) -> Link {
        let key = SigningKey::from_bytes(&[7; 32]);
        let pairing = Pairing {
            url: self.url.clone(),
            terminal: "east-hall-1".parse().unwrap(),
            ca: self.ca.clone(),
            office_key: canonical::key_text(&key.verifying_key()),
        };
        let clock = Clock::skipping(Wall::parse_rfc3339("2031-01-01T08:00:00+08:00").unwrap());
        let standing = ClockStanding::default();
        standing.set(trust, None);
        Link::new(pairing, key, clock, &standing).unwrap()
    }
}

fn login_page() -> String {
    response("200 OK", "text/html", "<html>示例: please log in</html>")
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn told(failure: &Failure) -> (&'static str, &str) {
    match failure {
        Failure::Unreachable(text) => ("unreachable", text),
        Failure::Untrusted(text) => ("untrusted", text),
        Failure::Refused(text) => ("refused", text),
        Failure::Garbled(text) => ("garbled", text),
    }
}
