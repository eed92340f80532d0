//! An office on a free port in a temporary folder, and a kiosk made of nothing but the wire format.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use punchd::clock::Clock;
use punchd::config::office::OfficeSettings;
use punchd::domain::id::{BootId, EntryHash, JournalId, Sequence, TerminalId, hex_text};
use punchd::domain::time::{ClockReading, Mono, Trust, Wall};
use punchd::office::pairing::open_code;
use punchd::office::serve::{Running, start};
use punchd::office::store::{SiteId, Store};
use punchd::supervise::Supervisor;
use punchd::wire::batch::{Batch, JournalState, Lost, Receipt, TerminalState};
use punchd::wire::canonical::{self, Purpose, SIGNATURE_HEADER, TERMINAL_HEADER};
use punchd::wire::entry::{Body, Draft, Stored};
use punchd::wire::pairing::{PairReply, PairRequest, PairingCode};
use reqwest::{Client, StatusCode};
use serde_json::value::RawValue;
use tempfile::TempDir;

use crate::rig::settings;

/// A Monday at 08:00.
pub(super) const MORNING: &str = "2026-11-23T08:00:00+08:00";
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// An office.
pub(super) struct Desk {
    pub(super) folder: TempDir,
    pub(super) settings: OfficeSettings,
    pub(super) clock: Clock,
    pub(super) client: Client,
    running: Option<Running>,
}

impl Desk {
    pub(super) async fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), "data").await
    }

    /// An office in a sub-folder, on what is there already.
    pub(super) async fn open_in(folder: TempDir, data: &str) -> Self {
        let settings = settings(folder.path().join(data));
        let clock = Clock::skipping(wall(MORNING));
        let running = start(&settings, &clock, Supervisor::new().0).await.unwrap();
        let client = client(&[running.ca_pem()]);
        Self { folder, settings, clock, client, running: Some(running) }
    }

    pub(super) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(super) fn store(&self) -> &Store {
        self.running().store()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.running().address())
    }

    pub(super) async fn close(mut self) -> (TempDir, OfficeSettings) {
        assert!(self.running.take().unwrap().stop().await, "everything stops in time");
        (self.folder, self.settings)
    }

    pub(super) async fn code(&self, terminal: &str) -> PairingCode {
        let anchor = self.running().identity().anchor();
        open_code(self.store(), SiteId::FIRST, id(terminal), anchor, self.clock.wall()).await.unwrap().code
    }

    pub(super) async fn pair(&self, code: &PairingCode, key: &SigningKey, named: Option<&str>) -> Result<PairReply, (StatusCode, String)> {
        let request = PairRequest {
            version: 1,
            secret: hex_text(&code.secret),
            public_key: canonical::key_text(&key.verifying_key()),
            terminal: named.map(id),
        };
        let response = self.client.post(self.url("/terminal/v1/pair")).json(&request).send().await.unwrap();
        match response.status() {
            StatusCode::OK => Ok(response.json().await.unwrap()),
            status => Err((status, error_code(response).await)),
        }
    }

    /// A kiosk that is paired.
    pub(super) async fn kiosk(&self, terminal: &str, seed: u8) -> Kiosk {
        let kiosk = Kiosk::new(terminal, seed);
        let code = self.code(terminal).await;
        self.pair(&code, &kiosk.key, None).await.unwrap();
        kiosk
    }

    /// Sends a body as it is; the receipt, or the refusal's status and code.
    pub(super) async fn post(&self, kiosk: &Kiosk, body: Vec<u8>) -> Result<Receipt, (StatusCode, String)> {
        let request = self.client.post(self.url("/terminal/v1/batch")).header(TERMINAL_HEADER, kiosk.terminal.as_str());
        let response =
            request.header(SIGNATURE_HEADER, canonical::sign(&kiosk.key, Purpose::Batch, &body)).body(body).send().await.unwrap();
        if response.status() != StatusCode::OK {
            return Err((response.status(), error_code(response).await));
        }
        let signature = response.headers()[SIGNATURE_HEADER].to_str().unwrap().to_owned();
        let body = response.bytes().await.unwrap();
        let key = punchd::office::keys::known_office_key(&self.settings.data_dir).unwrap().unwrap();
        canonical::verify(&key.verifying_key(), Purpose::Receipt, &body, &signature).unwrap();
        Ok(serde_json::from_slice(&body).unwrap())
    }

    /// Sends a kiosk's entries from one place to another, both included.
    pub(super) async fn send(&self, kiosk: &Kiosk, from: u64, to: u64) -> Receipt {
        self.post(kiosk, kiosk.body(from, to, Vec::new())).await.unwrap()
    }

    pub(super) async fn mark(&self, kiosk: &Kiosk) -> u64 {
        let terminal = self.store().terminal(SiteId::FIRST, kiosk.terminal.clone()).await.unwrap().unwrap();
        terminal.journals.iter().find(|journal| journal.journal == kiosk.journal).map_or(0, |journal| journal.mark.0)
    }
}

/// A kiosk: a key, a journal, a clock that is right.
pub(super) struct Kiosk {
    pub(super) key: SigningKey,
    pub(super) terminal: TerminalId,
    pub(super) journal: JournalId,
    pub(super) entries: Vec<Stored>,
    pub(super) clock: ClockReading,
}

impl Kiosk {
    pub(super) fn new(terminal: &str, seed: u8) -> Self {
        let clock =
            ClockReading { wall: wall(MORNING), mono: Mono(60_000), boot: BootId([seed; 16]), trust: Trust::Synced, uncertainty_ms: 5 };
        let mut kiosk = Self {
            key: SigningKey::from_bytes(&[seed; 32]),
            terminal: id(terminal),
            journal: JournalId([seed; 16]),
            entries: Vec::new(),
            clock,
        };
        kiosk.append(Body::Opened { predecessor: None, version: "0.1.0".to_owned() });
        kiosk
    }

    pub(super) fn append(&mut self, body: Body) -> &Stored {
        self.clock.mono.0 += 1_000;
        self.clock.wall.0 += 1_000;
        let (sequence, previous) = (self.last().next(), self.entries.last().map_or(EntryHash::NONE, |entry| entry.hash));
        let draft = Draft { clock: self.clock, body, origin: None };
        self.entries.push(canonical::seal(draft, self.journal, sequence, previous).unwrap());
        self.entries.last().unwrap()
    }

    pub(super) fn punch(&mut self, credential: &str) -> &Stored {
        let reader = if credential.starts_with("finger") { "finger" } else { "badge" };
        self.append(Body::Punch { reader: reader.parse().unwrap(), credential: credential.parse().unwrap() })
    }

    /// So many punches of one credential.
    pub(super) fn punches(&mut self, count: usize, credential: &str) {
        for _ in 0..count {
            self.punch(credential);
        }
    }

    pub(super) fn last(&self) -> Sequence {
        Sequence(self.entries.len() as u64)
    }

    pub(super) fn state(&self) -> TerminalState {
        let head = self.entries.last().map_or(EntryHash::NONE, |entry| entry.hash);
        TerminalState {
            clock: self.clock,
            journals: vec![JournalState { journal: self.journal, sequence: self.last(), head }],
            backlog: 0,
            software: "0.1.0".to_owned(),
            conditions: Vec::new(),
            bundle: None,
        }
    }

    pub(super) fn body(&self, from: u64, to: u64, lost: Vec<Lost>) -> Vec<u8> {
        let within = self.entries.iter().filter(|entry| (from..=to).contains(&entry.sequence.0));
        let entries = within.map(|entry| RawValue::from_string(entry.text.clone()).unwrap()).collect();
        let batch = Batch { version: 1, terminal: self.terminal.clone(), journal: self.journal, entries, lost, state: self.state() };
        serde_json::to_vec(&batch).unwrap()
    }

    pub(super) fn heartbeat(&self) -> Vec<u8> {
        self.body(1, 0, Vec::new())
    }
}

pub(super) fn client(cas: &[&str]) -> Client {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    for ca in cas {
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    }
    let tls = rustls::ClientConfig::builder_with_provider(punchd::sys::crypto()).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(roots).with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().timeout(PATIENCE).build().unwrap()
}

pub(super) fn id(terminal: &str) -> TerminalId {
    terminal.parse().unwrap()
}

pub(super) fn wall(text: &str) -> Wall {
    Wall::parse_rfc3339(text).unwrap()
}

pub(super) async fn error_code(response: reqwest::Response) -> String {
    let body: serde_json::Value = response.json().await.unwrap();
    for key in ["code", "text", "hint"] {
        assert!(body[key].is_string(), "{key} in {body}");
    }
    body["code"].as_str().unwrap().to_owned()
}

/// Waits until a condition holds, with a limit.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut looks = tokio::time::interval(LOOK);
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            looks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited too long until {what}");
}
