//! Exchanges with the office over HTTPS: pair, send a batch, fetch what the kiosk may know. One exchange is one future with a limit in time;
//! when to make one is the uplink's decision.

pub mod trial;
pub mod trust;

use std::time::Duration;

use ed25519_dalek::{SigningKey, VerifyingKey};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use self::trust::{Anchor, ClockStanding, client_config};
use super::identity::Pairing;
use crate::clock::Clock;
use crate::domain::id::{JournalId, hex_text};
use crate::domain::time::{Mono, Wall};
use crate::machine::uplink::{Download, Failure};
use crate::wire::batch::{Batch, Lost, Receipt, TerminalState};
use crate::wire::bundle::BUNDLE_BYTES_MAX;
use crate::wire::canonical::{self, CanonicalError, Purpose, SIGNATURE_HEADER, TERMINAL_HEADER};
use crate::wire::entry::Stored;
use crate::wire::pairing::{PairReply, PairRequest, PairingCode};

/// How long a connection may take, its TLS included: where a line loses three of ten packets, the first goes again after 1, 2 and 4 s.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long the other end may be silent once it has heard everything: its disk may take seconds; a person who waits for `punchctl pair` has
/// little more patience.
const SILENCE_LIMIT: Duration = Duration::from_secs(15);
/// How long one exchange may take beside what it moves: a connection, a silence, and a little.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(30);
/// The slowest line that is waited for, in bytes a second: 32 kbit/s, a poor mobile connection. What an exchange moves adds to its limits.
const SLOWEST_BYTES_PER_S: u64 = 4 * 1024;
/// How long a connection that nobody uses is kept: batches follow each other at once, and a heartbeat's connection is verified anew.
const IDLE_LIMIT: Duration = Duration::from_secs(10);
/// Most bytes of a receipt, of what pairing gives, and of a refusal: each is one small object, a certificate the longest part.
const REPLY_BYTES_MAX: usize = 64 * 1024;
/// Most characters of an answer that is shown as an error.
const SHOWN_MAX: usize = 200;

/// A paired office, ready to be talked to.
#[derive(Debug, Clone)]
pub struct Link {
    client: Client,
    pairing: Pairing,
    key: SigningKey,
    office_key: VerifyingKey,
    clock: Clock,
}

/// A receipt and when it was asked for and came: what the clockkeeper measures by.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The verified receipt.
    pub receipt: Receipt,
    /// When the batch went out.
    pub sent: Mono,
    /// When the receipt came.
    pub received: Mono,
}

/// Something downloaded.
#[derive(Debug, Clone)]
pub enum Fetched<T> {
    /// The one in force is still the office's.
    Unchanged,
    /// A new one, with its tag and its text as signed.
    New {
        /// The value.
        value: T,
        /// Its tag.
        tag: String,
        /// Its text, to be kept.
        text: String,
    },
}

impl Link {
    /// Prepares to talk to the office of a pairing.
    ///
    /// # Errors
    /// In words, when the pairing's CA, key or address cannot be used.
    pub fn new(pairing: Pairing, key: SigningKey, clock: Clock, standing: &ClockStanding) -> Result<Self, String> {
        let office_key = canonical::key_from_text(&pairing.office_key).map_err(|error| error.to_string())?;
        let client = client(&Anchor::Ca(pairing.ca.clone()), &clock, standing)?;
        Ok(Self { client, pairing, key, office_key, clock })
    }

    /// What pairing gave.
    pub const fn pairing(&self) -> &Pairing {
        &self.pairing
    }

    /// The kiosk's key, for what is signed outside an exchange.
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Sends a batch, or a heartbeat when it has no entries.
    ///
    /// # Errors
    /// Why no good receipt came.
    pub async fn send(&self, journal: JournalId, entries: Vec<Stored>, lost: Vec<Lost>, state: TerminalState) -> Result<Exchange, Failure> {
        let body = batch_body(&self.pairing, journal, entries, lost, state).map_err(Failure::Garbled)?;
        let (signature, length) = (canonical::sign(&self.key, Purpose::Batch, &body), body.len());
        let request = self
            .client
            .post(format!("{}/terminal/v1/batch", self.pairing.url))
            .header(TERMINAL_HEADER, self.pairing.terminal.as_str())
            .header(SIGNATURE_HEADER, signature)
            .header("content-type", "application/json")
            .body(body);
        let _exchange = self.clock.begin();
        let sent = self.clock.mono();
        let answer = answer(request, length, REPLY_BYTES_MAX).await?;
        let received = self.clock.mono();
        let receipt: Receipt = self.signed(&answer, Purpose::Receipt)?;
        if receipt.terminal != self.pairing.terminal || receipt.journal != journal {
            return Err(Failure::Garbled("the receipt is for another terminal or journal".to_owned()));
        }
        Ok(Exchange { receipt, sent, received })
    }

    /// Fetches a bundle or the elsewhere list, if it is not the one with this tag.
    ///
    /// # Errors
    /// Why no good answer came.
    pub async fn fetch<T: DeserializeOwned>(&self, what: Download, tag: Option<&str>) -> Result<Fetched<T>, Failure> {
        let mut request = self.request(what);
        let _exchange = self.clock.begin();
        if let Some(tag) = tag {
            request = request.header("if-none-match", format!("\"{tag}\""));
        }
        let answer = answer(request, 0, BUNDLE_BYTES_MAX).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        let value = self.signed(&answer, Purpose::Bundle)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Ok(Fetched::New { value, tag: answer.tag, text })
    }

    /// Asks for something small that only the office can sign; the moment that its answer names, to a second.
    ///
    /// # Errors
    /// Why no good answer came.
    pub async fn knock(&self) -> Result<Option<Wall>, Failure> {
        let answer = answer(self.request(Download::Elsewhere), 0, BUNDLE_BYTES_MAX).await?;
        self.signed::<serde::de::IgnoredAny>(&answer, Purpose::Bundle)?;
        Ok(Wall::parse_http_date(&answer.date))
    }

    fn request(&self, what: Download) -> RequestBuilder {
        let path = match what {
            Download::Bundle => "/terminal/v1/bundle",
            Download::Elsewhere => "/terminal/v1/elsewhere",
        };
        self.client
            .get(format!("{}{path}", self.pairing.url))
            .header(TERMINAL_HEADER, self.pairing.terminal.as_str())
            .header(SIGNATURE_HEADER, canonical::sign(&self.key, Purpose::Request, path.as_bytes()))
    }

    fn signed<T: DeserializeOwned>(&self, answer: &Answer, purpose: Purpose) -> Result<T, Failure> {
        let told = |what: &str| format!("{what} ({} {})", answer.status, answer.kind);
        canonical::verify(&self.office_key, purpose, &answer.body, &answer.signature).map_err(|error| match error {
            CanonicalError::Signature => Failure::Untrusted(told("the answer is signed by another key than the one that pairing gave")),
            CanonicalError::SignatureForm | CanonicalError::Key | CanonicalError::Entry(_) => {
                Failure::Garbled(told("the answer is signed by nobody, as a login page of the network is"))
            }
        })?;
        serde_json::from_slice(&answer.body).map_err(|error| Failure::Garbled(unreadable(&error)))
    }
}

/// Pairs with an office: proves the code, shows our key, learns who we are.
///
/// # Errors
/// Why it did not come about, in words.
pub async fn pair(
    url: &str,
    code: &PairingCode,
    request: PairRequest,
    clock: &Clock,
    standing: &ClockStanding,
) -> Result<Pairing, Failure> {
    let url = url.trim_end_matches('/').to_owned();
    if !url.starts_with("https://") {
        return Err(Failure::Refused(format!("“{url}” is no address such as https://office.example:8443")));
    }
    let client = client(&Anchor::KeyDigest(code.ca_digest), clock, standing).map_err(Failure::Garbled)?;
    let request = PairRequest { secret: hex_text(&code.secret), ..request };
    let answer = answer(client.post(format!("{url}/terminal/v1/pair")).json(&request), 0, REPLY_BYTES_MAX).await?;
    let reply: PairReply = serde_json::from_slice(&answer.body).map_err(|error| Failure::Garbled(unreadable(&error)))?;
    let pairing = Pairing { url, terminal: reply.terminal, ca: reply.ca, office_key: reply.office_key };
    let vouched = trust::ca_has_digest(&pairing.ca, code.ca_digest);
    if vouched { Ok(pairing) } else { Err(Failure::Untrusted("the CA in the answer is not the one in the code".to_owned())) }
}

/// Whether an office refuses to pair because it has seen the key before, such as a revoked one: with a new key the same code still holds.
pub fn wants_a_new_key(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(why) if why.ends_with("(key-known)"))
}

fn client(anchor: &Anchor, clock: &Clock, standing: &ClockStanding) -> Result<Client, String> {
    let tls = client_config(anchor, clock, standing).map_err(|error| error.to_string())?;
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .build()
        .map_err(|error| error.to_string())
}

fn batch_body(
    pairing: &Pairing,
    journal: JournalId,
    entries: Vec<Stored>,
    lost: Vec<Lost>,
    state: TerminalState,
) -> Result<Vec<u8>, String> {
    let raw = |entry: Stored| RawValue::from_string(entry.text).map_err(|error| error.to_string());
    let entries = entries.into_iter().map(raw).collect::<Result<_, _>>()?;
    let batch = Batch { version: 1, terminal: pairing.terminal.clone(), journal, entries, lost, state };
    serde_json::to_vec(&batch).map_err(|error| error.to_string())
}

struct Answer {
    status: StatusCode,
    signature: String,
    tag: String,
    date: String,
    kind: String,
    body: Vec<u8>,
}

/// A refusal as the office words it.
#[derive(serde::Deserialize)]
struct Refusal {
    code: String,
    text: String,
}

impl Answer {
    /// What a refusal says: the office's sentence, or that something else spoke. Only for what is no success: a bundle holds names.
    fn refusal(&self) -> String {
        let said = serde_json::from_slice(&self.body).map(|Refusal { code, text }| format!("{text} ({code})"));
        let said = said.unwrap_or_else(|_| format!("{} bytes of type “{}”", self.body.len(), self.kind));
        let shown: String = said.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
        format!("{}: {shown}", self.status)
    }
}

/// How long so many bytes may take.
fn on_the_slowest_line(bytes: usize) -> Duration {
    Duration::from_millis(u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1_000) / SLOWEST_BYTES_PER_S)
}

/// Where an answer cannot be read. Its text is not repeated: a bundle holds names.
fn unreadable(error: &serde_json::Error) -> String {
    format!("the answer cannot be read at line {} column {}", error.line(), error.column())
}

/// Sends a request of so many bytes and hears the answer out, within every limit of time and length.
async fn answer(request: RequestBuilder, sent_bytes: usize, bytes_max: usize) -> Result<Answer, Failure> {
    let quiet = |limit: Duration| Failure::Unreachable(format!("nothing is heard from the office for {} s", limit.as_secs()));
    let head_limit = SILENCE_LIMIT + on_the_slowest_line(sent_bytes);
    let mut end = std::pin::pin!(tokio::time::sleep(EXCHANGE_LIMIT + on_the_slowest_line(sent_bytes)));
    let response = tokio::time::timeout(head_limit, request.send()).await.map_err(|_elapsed| quiet(head_limit))?;
    let mut response = response.map_err(|error| failure(&error))?;
    let header =
        |response: &Response, name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut answer = Answer {
        status: response.status(),
        signature: header(&response, SIGNATURE_HEADER),
        tag: header(&response, "etag").trim_matches('"').to_owned(),
        date: header(&response, "date"),
        kind: header(&response, "content-type").chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect(),
        body: Vec::new(),
    };
    let bytes_max = if answer.status.is_success() { bytes_max } else { REPLY_BYTES_MAX };
    loop {
        let chunk = tokio::select! {
            chunk = tokio::time::timeout(SILENCE_LIMIT, response.chunk()) => chunk,
            () = &mut end => return Err(Failure::Unreachable(format!("the answer comes too slowly: {} bytes so far", answer.body.len()))),
        };
        let chunk = chunk.map_err(|_elapsed| quiet(SILENCE_LIMIT))?.map_err(|error| failure(&error))?;
        let Some(chunk) = chunk else { break };
        if answer.body.len() + chunk.len() > bytes_max {
            let told = format!("{}: the answer is longer than {bytes_max} bytes", answer.status);
            return Err(if answer.status.is_server_error() { Failure::Unreachable(told) } else { Failure::Garbled(told) });
        }
        let later = end.deadline() + on_the_slowest_line(chunk.len());
        end.as_mut().reset(later);
        answer.body.extend_from_slice(&chunk);
    }
    match answer.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::NOT_MODIFIED => Ok(answer),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::GONE | StatusCode::CONFLICT => {
            Err(Failure::Refused(answer.refusal()))
        }
        status if status.is_redirection() => Err(Failure::Garbled(format!("{status}: something else answers in the office's place"))),
        status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::REQUEST_TIMEOUT => {
            Err(Failure::Garbled(answer.refusal()))
        }
        _ => Err(Failure::Unreachable(answer.refusal())),
    }
}

/// A certificate that does not pass, and something that speaks another language, are told apart from an office that is not there: the
/// remedies differ.
fn failure(error: &reqwest::Error) -> Failure {
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut found = Found::Nothing;
    while let Some(next) = cause {
        causes.push(next.to_string());
        found = found.max(sign(next));
        cause = next.source();
    }
    causes.dedup();
    let text = causes.join(": ");
    match found {
        Found::Certificate => Failure::Untrusted(text),
        Found::NoTls => Failure::Garbled(format!("what answers does not speak TLS, as a login page of the network does not ({text})")),
        Found::NoHttp => Failure::Garbled(format!("what answers does not speak HTTP ({text})")),
        Found::Nothing => Failure::Unreachable(text),
    }
}

/// What a cause tells about the other end, the plainest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Nothing,
    NoHttp,
    NoTls,
    Certificate,
}

/// Looks at one cause; an I/O error may hold another, which is not among its sources.
fn sign(error: &(dyn std::error::Error + 'static)) -> Found {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        let strange = matches!(
            tls,
            rustls::Error::InvalidMessage(_)
                | rustls::Error::InappropriateMessage { .. }
                | rustls::Error::InappropriateHandshakeMessage { .. }
                | rustls::Error::PeerIncompatible(_)
                | rustls::Error::PeerMisbehaved(_)
        );
        let refused = matches!(tls, rustls::Error::InvalidCertificate(_));
        return if refused {
            Found::Certificate
        } else if strange {
            Found::NoTls
        } else {
            Found::Nothing
        };
    }
    if let Some(http) = error.downcast_ref::<hyper::Error>() {
        return if http.is_parse() { Found::NoHttp } else { Found::Nothing };
    }
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.map_or(Found::Nothing, |held| sign(held))
}

#[cfg(test)]
#[cfg(feature = "office")]
mod tests;
