//! One attempt to reach the office, step by step, so that what fails can be named: name, connection, certificate, answer. It changes nothing
//! at the office, shares no connection with the uplink, and ends within the limit of one check.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConnection};

use super::Link;
use super::trust::{Anchor, ClockStanding, certificate_end, client_config};
use crate::clock::Clock;
use crate::domain::time::{Mono, Trust, UtcOffset, Wall};
use crate::health::doctor::CHECK_LIMIT_MS;
use crate::health::doctor::office::{End, Trial};
use crate::machine::uplink::Failure;
use crate::supervise::Supervisor;

/// The port of an address that names none.
const PORT: u16 = 443;
/// Half of the second that an answer's date is cut to, in milliseconds.
const HALF_SECOND_MS: i64 = 500;
/// Least patience with one address of several.
const ADDRESS_LEAST: Duration = Duration::from_millis(500);

/// What an attempt needs to know.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The way to the office.
    pub link: Link,
    /// How far our clock is trusted.
    pub standing: ClockStanding,
    /// In which offset moments are told.
    pub utc_offset: UtcOffset,
}

/// A connection that stood, or where it broke.
struct Greeted {
    end: End,
    connect_ms: u64,
    tls_ms: u64,
    certificate: Option<Wall>,
}

impl Attempt {
    /// Tries it.
    pub async fn run(self, supervisor: &Supervisor) -> Trial {
        let clock = Clock::system();
        let deadline = clock.mono().plus_millis(CHECK_LIMIT_MS);
        let url = self.link.pairing().url.clone();
        let (trust, _) = self.standing.get();
        let mut trial = Trial { url: url.clone(), clock_trusted: trust == Trust::Synced, ..Trial::default() };
        let Some((name, port)) = host_and_port(&url) else {
            trial.end = End::NoName(format!("“{url}” is no address"));
            return trial;
        };
        trial.host = if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
        let addresses = match resolved(&name, port, supervisor, clock.until(deadline)).await {
            Ok(addresses) => addresses,
            Err(why) => {
                trial.end = End::NoName(why);
                return trial;
            }
        };
        trial.addresses = addresses.iter().map(ToString::to_string).collect();
        let attempt = self.clone();
        let greeting = supervisor.blocking(move || attempt.greet(&name, &addresses, deadline));
        let Ok(Ok(greeted)) = tokio::time::timeout(clock.until(deadline) + ADDRESS_LEAST, greeting).await else {
            trial.end = End::Silent;
            return trial;
        };
        (trial.end, trial.connect_ms, trial.tls_ms) = (greeted.end, greeted.connect_ms, greeted.tls_ms);
        trial.certificate_left_ms = greeted.certificate.map(|end| end.millis_since(self.link.clock.wall()));
        if trial.end == End::Answered {
            self.ask(&mut trial, &clock, deadline).await;
        }
        trial
    }

    /// Asks for something small that only the office can sign.
    async fn ask(&self, trial: &mut Trial, clock: &Clock, deadline: Mono) {
        let begun = clock.mono();
        let answered = tokio::time::timeout(clock.until(deadline), self.link.knock()).await;
        trial.answer_ms = clock.mono().millis_since(begun);
        match answered {
            Err(_) => trial.end = End::Silent,
            Ok(Ok(dated)) => {
                let half_ms = i64::try_from(trial.answer_ms / 2).unwrap_or_default();
                let ours = self.link.clock.wall().plus_millis(-half_ms);
                trial.clock_offset_ms = dated.map(|dated| ours.millis_since(dated.plus_millis(HALF_SECOND_MS)));
            }
            Ok(Err(Failure::Refused(why))) => trial.end = End::Refuses(why),
            Ok(Err(Failure::Garbled(what) | Failure::Untrusted(what))) => trial.end = End::Stranger(what),
            Ok(Err(Failure::Unreachable(why))) => trial.end = End::Failed(why),
        }
    }

    /// Connects and shakes hands; blocks until the deadline at the latest.
    fn greet(&self, name: &str, addresses: &[SocketAddr], deadline: Mono) -> Greeted {
        let clock = Clock::system();
        let begun = clock.mono();
        let mut greeted = Greeted { end: End::NoConnection, connect_ms: 0, tls_ms: 0, certificate: None };
        let mut connected = None;
        for address in addresses {
            let patience = clock.until(deadline).max(ADDRESS_LEAST);
            match TcpStream::connect_timeout(address, patience) {
                Ok(stream) => {
                    connected = Some(stream);
                    break;
                }
                Err(error) => greeted.end = unconnected(&error),
            }
        }
        let Some(stream) = connected else { return greeted };
        greeted.connect_ms = clock.mono().millis_since(begun);
        let begun = clock.mono();
        greeted.end = match self.shake(name, stream, clock.until(deadline).max(ADDRESS_LEAST)) {
            Ok(certificate) => {
                greeted.certificate = certificate;
                End::Answered
            }
            Err(error) => self.broken(&error),
        };
        greeted.tls_ms = clock.mono().millis_since(begun);
        greeted
    }

    /// A whole TLS handshake; until when the certificate holds.
    fn shake(&self, name: &str, mut stream: TcpStream, patience: Duration) -> io::Result<Option<Wall>> {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let ca = &self.link.pairing().ca;
        let config = client_config(&Anchor::Ca(ca.clone()), &self.link.clock, &self.standing).map_err(io::Error::other)?;
        let server = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::new(config), server.clone()).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        connection.send_close_notify();
        connection.complete_io(&mut stream).ok();
        Ok(connection.peer_certificates().and_then(|chain| certificate_end(ca, chain, &server)))
    }

    fn broken(&self, error: &io::Error) -> End {
        let at = |time: rustls::pki_types::UnixTime| {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            self.utc_offset.rfc3339(Wall(seconds.saturating_mul(1_000)))
        };
        let Some(tls) = error.get_ref().and_then(|held| held.downcast_ref::<rustls::Error>()) else {
            let silent = [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind());
            return if silent { End::Silent } else { End::Failed(error.to_string()) };
        };
        if let rustls::Error::InvalidMessage(_) = tls {
            return End::NotTls;
        }
        let rustls::Error::InvalidCertificate(problem) = tls else { return End::Failed(tls.to_string()) };
        if let CertificateError::NotValidYetContext { not_before, .. } = problem {
            return End::NotYet(at(*not_before));
        }
        if let CertificateError::ExpiredContext { not_after, .. } = problem {
            return End::Expired(at(*not_after));
        }
        if let CertificateError::NotValidForNameContext { presented, .. } = problem {
            return End::OtherName(presented.iter().map(|name| bare(name)).collect());
        }
        let other = [CertificateError::UnknownIssuer, CertificateError::BadSignature].contains(problem);
        if other { End::OtherAuthority } else { End::BadCertificate(problem.to_string()) }
    }
}

/// A presented name without the quotes and the kind that it is told with.
fn bare(name: &str) -> String {
    let inside = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inside.trim_matches('"').to_owned()
}

fn host_and_port(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port_or_known_default().unwrap_or(PORT)))
}

async fn resolved(name: &str, port: u16, supervisor: &Supervisor, patience: Duration) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let asked = name.to_owned();
    let resolving = supervisor.blocking(move || (asked.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    match tokio::time::timeout(patience, resolving).await {
        Err(_) => Err(format!("no answer within {} s", CHECK_LIMIT_MS / 1_000)),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Ok(Ok(addresses))) if addresses.is_empty() => Err("no address".to_owned()),
        Ok(Ok(Ok(addresses))) => Ok(addresses),
    }
}

fn unconnected(error: &io::Error) -> End {
    if error.kind() == ErrorKind::ConnectionRefused {
        return End::Refused;
    }
    let silent = [ErrorKind::TimedOut, ErrorKind::WouldBlock].contains(&error.kind());
    if silent { End::NoConnection } else { End::NoRoute(error.to_string()) }
}
