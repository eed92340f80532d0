//! The office as the loop sees it: exchanges are started here and their ends told to the machines; pairing; what was downloaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::Kiosk;
use crate::config::terminal::TerminalSettings;
use crate::control::Reply;
use crate::domain::time::{ClockReading, Mono, Wall};
use crate::health::Code;
use crate::machine::uplink::{self, Download, Failure, Request};
use crate::machine::{clockkeeper, core};
use crate::terminal::identity::{self, Pairing};
use crate::terminal::journal;
use crate::terminal::link::trust::ClockStanding;
use crate::terminal::link::{self, Exchange, Fetched, Link};
use crate::wire::bundle::{Bundle, Elsewhere};
use crate::wire::pairing::{PairRequest, PairingCode};

/// Under which names downloads are kept.
const BUNDLE_KEY: &str = "bundle";
const ELSEWHERE_KEY: &str = "elsewhere";
/// A roster older than this is worth a word, in milliseconds (7 days).
const ROSTER_STALE_MS: i64 = 7 * 24 * 3_600_000;

/// The end of something that was asked of the office.
#[derive(Debug)]
pub enum Exchanged {
    /// A batch or heartbeat.
    Batch {
        /// Which exchange.
        request: Request,
        /// The receipt, or why there is none.
        result: Result<Exchange, Failure>,
    },
    /// A bundle.
    Bundle(Result<Fetched<Bundle>, Failure>),
    /// Today's punches elsewhere.
    Elsewhere(Result<Fetched<Elsewhere>, Failure>),
    /// Pairing.
    Paired {
        /// What came of it.
        result: Result<Pairing, String>,
        /// Who asked.
        replies: mpsc::Sender<Reply>,
    },
}

/// A download as it is kept: its tag, its text, and when it came.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    tag: String,
    text: String,
    at: Wall,
}

/// What is known of the office.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) link: Option<Link>,
    pub(super) standing: ClockStanding,
    /// Why a pairing that is there is not used; empty where none is, or it is.
    pub(super) obstacle: String,
    /// Why the last download came to nothing; empty where it did not.
    pub(super) download_failure: String,
    /// What the log was told of the link: what is wrong, or nothing.
    told: Option<Code>,
    /// What is being downloaded: on a slow line that takes longer than the office takes to name it again.
    fetching: BTreeSet<Download>,
    pub(super) last_exchange: Option<Wall>,
    /// The same by our own counting.
    pub(super) last_exchanged: Option<Mono>,
    pub(super) bundle_tag: Option<String>,
    pub(super) bundle_at: Option<Wall>,
    pub(super) bundle: Option<Arc<Bundle>>,
    elsewhere_tag: Option<String>,
    ends: mpsc::Sender<Exchanged>,
}

impl Office {
    /// An office not yet known.
    pub(super) fn new(ends: mpsc::Sender<Exchanged>) -> Self {
        Self {
            link: None,
            standing: ClockStanding::default(),
            obstacle: String::new(),
            download_failure: String::new(),
            told: None,
            fetching: BTreeSet::new(),
            last_exchange: None,
            last_exchanged: None,
            bundle_tag: None,
            bundle_at: None,
            bundle: None,
            elsewhere_tag: None,
            ends,
        }
    }
}

impl Kiosk {
    /// Takes up what an earlier pairing gave, at the start and whenever the data directory comes back.
    pub(super) fn office_begin(&mut self) {
        if self.office.link.is_some() {
            return;
        }
        match identity::pairing(&self.settings.data_dir) {
            Ok(Some(pairing)) => match identity::contradiction(&self.settings, &pairing) {
                None => self.connect(pairing),
                Some(why) => self.unpaired(why),
            },
            Ok(None) => self.office.obstacle.clear(),
            Err(error) => self.unpaired(format!("{error}; {}", error.hint())),
        }
    }

    fn unpaired(&mut self, why: String) {
        if self.office.obstacle != why {
            tracing::error!(why, "the pairing cannot be used");
            self.office.obstacle = why;
        }
    }

    fn connect(&mut self, pairing: Pairing) {
        let now = self.now();
        let made = identity::paired_key(&self.settings.data_dir)
            .map_err(|error| format!("{error}; {}", error.hint()))
            .and_then(|key| Link::new(pairing, key, self.clock.clone(), &self.office.standing));
        match made {
            Ok(link) => {
                self.office.link = Some(link);
                self.office.obstacle.clear();
                self.uplink.handle(now, uplink::Event::Paired);
            }
            Err(why) => self.unpaired(why),
        }
    }

    /// What was downloaded before is in force until something newer is.
    pub(super) fn restore_downloads(&mut self, now: ClockReading, kept: &BTreeMap<String, String>) {
        if self.office.bundle.is_none()
            && let Some((value, kept)) = restore::<Bundle>(kept, BUNDLE_KEY)
        {
            self.bundle_in_force(now, value, kept.tag, kept.at);
        }
        if let Some((value, kept)) = restore::<Elsewhere>(kept, ELSEWHERE_KEY) {
            self.core.handle(now, core::Event::Elsewhere(Arc::new(value)));
            self.in_force(now, Download::Elsewhere, kept.tag);
        }
    }

    pub(super) fn uplink_action(&mut self, action: uplink::Action) {
        match action {
            uplink::Action::Load { journal, from, limit } => self.journal_command(journal::Command::Load { journal, from, limit }),
            uplink::Action::Acknowledge { journal, mark, receipt } => {
                if let Some(view) = self.journals.iter_mut().find(|view| view.journal == journal) {
                    view.acknowledged = mark;
                }
                self.journal_command(journal::Command::Acknowledge { journal, mark, receipt });
            }
            uplink::Action::HealFork { journal, from } => self.journal_command(journal::Command::HealFork { journal, from }),
            uplink::Action::Send { request, journal, entries, lost } => {
                let (state, ends) = (self.terminal_state(), self.office.ends.clone());
                let Some(link) = self.office.link.clone() else { return };
                self.supervisor.passing(async move {
                    let result = link.send(journal, entries, lost, state).await;
                    ends.send(Exchanged::Batch { request, result }).await.ok();
                });
            }
            uplink::Action::Fetch(what) => self.fetch(what),
        }
    }

    fn fetch(&mut self, what: Download) {
        let Some(link) = self.office.link.clone() else { return };
        if !self.office.fetching.insert(what) {
            return;
        }
        let ends = self.office.ends.clone();
        let (bundle, elsewhere) = (self.office.bundle_tag.clone(), self.office.elsewhere_tag.clone());
        self.supervisor.passing(async move {
            let end = match what {
                Download::Bundle => Exchanged::Bundle(link.fetch(what, bundle.as_deref()).await),
                Download::Elsewhere => Exchanged::Elsewhere(link.fetch(what, elsewhere.as_deref()).await),
            };
            ends.send(end).await.ok();
        });
    }

    fn journal_command(&self, command: journal::Command) {
        if self.journal.try_send(command).is_err() {
            tracing::warn!("the journal's thread is too far behind; tried again later");
        }
    }

    pub(super) fn exchanged(&mut self, exchanged: Exchanged) {
        let now = self.now();
        match &exchanged {
            Exchanged::Bundle(_) => self.office.fetching.remove(&Download::Bundle),
            Exchanged::Elsewhere(_) => self.office.fetching.remove(&Download::Elsewhere),
            Exchanged::Batch { .. } | Exchanged::Paired { .. } => false,
        };
        match exchanged {
            Exchanged::Batch { request, result: Ok(exchange) } => {
                let told = clockkeeper::Exchange {
                    sent: exchange.sent,
                    received: exchange.received,
                    office_wall: exchange.receipt.at,
                    office_trusted: exchange.receipt.at_trusted,
                };
                self.keeper.handle(self.clock.read(), clockkeeper::Event::Exchange(told));
                (self.office.last_exchange, self.office.last_exchanged) = (Some(exchange.receipt.at), Some(exchange.received));
                self.uplink.handle(now, uplink::Event::Replied { request, receipt: exchange.receipt });
            }
            Exchanged::Batch { request, result: Err(failure) } => self.uplink.handle(now, uplink::Event::Failed { request, failure }),
            Exchanged::Bundle(Ok(Fetched::New { value, tag, text })) => {
                let at = self.keeper.best_now(self.clock.read()).at;
                self.keep_download(BUNDLE_KEY, &tag, text, at);
                self.bundle_in_force(now, value, tag, at);
            }
            Exchanged::Elsewhere(Ok(Fetched::New { value, tag, text })) => {
                self.keep_download(ELSEWHERE_KEY, &tag, text, now.wall);
                self.core.handle(now, core::Event::Elsewhere(Arc::new(value)));
                self.in_force(now, Download::Elsewhere, tag);
            }
            Exchanged::Bundle(Ok(Fetched::Unchanged)) | Exchanged::Elsewhere(Ok(Fetched::Unchanged)) => {
                self.office.download_failure.clear();
            }
            Exchanged::Bundle(Err(failure)) | Exchanged::Elsewhere(Err(failure)) => {
                tracing::info!(?failure, "a download failed; it is tried again");
                failure_text(&failure).clone_into(&mut self.office.download_failure);
            }
            Exchanged::Paired { result, replies } => self.paired(result, &replies),
        }
    }

    fn keep_download(&mut self, key: &'static str, tag: &str, text: String, at: Wall) {
        self.office.download_failure.clear();
        let kept = Kept { tag: tag.to_owned(), text, at };
        if let Ok(value) = serde_json::to_string(&kept) {
            self.keep(key, value);
        }
    }

    fn bundle_in_force(&mut self, now: ClockReading, bundle: Bundle, tag: String, at: Wall) {
        let bundle = Arc::new(bundle);
        self.office.bundle = Some(Arc::clone(&bundle));
        self.office.bundle_at = Some(at);
        let configured = self.settings.utc_offset;
        let differs = (bundle.utc_offset != configured).then(|| format!("{configured} here, {} at the office", bundle.utc_offset));
        self.board.set(now.mono, Code::OffsetDiffers, "", differs);
        self.core.handle(now, core::Event::Bundle(bundle));
        self.in_force(now, Download::Bundle, tag);
    }

    fn in_force(&mut self, now: ClockReading, what: Download, tag: String) {
        match what {
            Download::Bundle => self.office.bundle_tag = Some(tag.clone()),
            Download::Elsewhere => self.office.elsewhere_tag = Some(tag.clone()),
        }
        self.uplink.handle(now, uplink::Event::InForce { what, tag });
    }

    /// Conditions that come of the office's standing.
    pub(super) fn office_conditions(&mut self, now: ClockReading) {
        let standing = self.uplink.standing().clone();
        let paired = self.office.link.is_some();
        self.board.set(now.mono, Code::NotPaired, "", (!paired).then(|| self.office.obstacle.clone()));
        let failure = standing.failure.filter(|_| paired && !standing.reachable);
        let wrong = failure.as_ref().map(|failure| (office_code(failure), failure_text(failure)));
        self.tell_of_change(wrong.map(|(code, why)| (code, why.to_owned())));
        // Whatever is wrong in its course, an outage lasts since it began.
        let since = standing.unreachable_since.unwrap_or(now.mono);
        for code in [Code::OfficeUnreachable, Code::OfficeRefuses, Code::OfficeUntrusted, Code::OfficeGarbled] {
            let detail = wrong.filter(|(raised, _)| *raised == code).map(|(_, why)| why.to_owned());
            self.board.set(since, code, "", detail);
        }
        let best = self.keeper.best_now(self.clock.read()).at;
        let stale = self.office.bundle_at.is_some_and(|at| standing.unreachable_since.is_some() && best.millis_since(at) > ROSTER_STALE_MS);
        self.board.set(now.mono, Code::RosterStale, "", stale.then(String::new));
    }

    /// One line in the log when the office is lost, when that gets another reason, and when it is back; not one for every try.
    fn tell_of_change(&mut self, wrong: Option<(Code, String)>) {
        let code = wrong.as_ref().map(|(code, _)| *code);
        if self.office.told == code {
            return;
        }
        if let Some((code, why)) = wrong {
            tracing::warn!(code = code.code(), why, "no exchange with the office; it is tried again");
        } else {
            tracing::info!("exchanges with the office go through again");
        }
        self.office.told = code;
    }

    /// Begins pairing; the answer comes when the office has spoken.
    pub(super) fn pair(&self, url: String, code: &str, replies: mpsc::Sender<Reply>) {
        let refuse = |code: &str, text: String, hint: &str| {
            let reply = Reply::Failed { code: code.to_owned(), text, hint: hint.to_owned() };
            replies.try_send(reply).ok();
        };
        let parsed = code.parse::<PairingCode>();
        let key = identity::key(&self.settings.data_dir);
        let (code, key) = match (parsed, key) {
            (Ok(code), Ok(key)) => (code, key),
            (Err(error), _) => return refuse("bad-code", error.to_string(), "type the code as punch-office terminal add printed it"),
            (_, Err(error)) => return refuse("no-key", error.to_string(), error.hint()),
        };
        if let Some(configured) = self.settings.office.url.as_ref().filter(|configured| **configured != url.trim_end_matches('/')) {
            let text = format!("the configuration names another office: {configured}");
            return refuse("contradiction", text, "correct [office] url in terminal.toml, or pair with that office");
        }
        let request = PairRequest {
            version: 1,
            secret: String::new(),
            public_key: crate::wire::canonical::key_text(&key.verifying_key()),
            terminal: self.settings.id.clone(),
        };
        let (clock, standing, ends) = (self.clock.clone(), self.office.standing.clone(), self.office.ends.clone());
        let (settings, supervisor) = (Arc::clone(&self.settings), self.supervisor.clone());
        self.supervisor.passing(async move {
            let first = link::pair(&url, &code, request.clone(), &clock, &standing).await;
            let fresh = first.as_ref().err().filter(|failure| link::wants_a_new_key(failure)).and_then(|_| identity::new_key().ok());
            let answer = match &fresh {
                Some(key) => {
                    let public_key = crate::wire::canonical::key_text(&key.verifying_key());
                    link::pair(&url, &code, PairRequest { public_key, ..request }, &clock, &standing).await
                }
                None => first,
            };
            let result = match answer {
                Err(Failure::Unreachable(why)) => Err(format!("the office cannot be reached: {why}")),
                Err(Failure::Untrusted(why)) => Err(format!("the office's certificate does not fit the code: {why}")),
                Err(Failure::Refused(why)) => Err(format!("the office refuses: {why}")),
                Err(Failure::Garbled(why)) => Err(format!("that is no office: {why}")),
                Ok(pairing) => {
                    let kept = supervisor.blocking(move || kept(&settings, fresh.as_ref(), pairing)).await;
                    kept.unwrap_or_else(|error| Err(error.to_string()))
                }
            };
            ends.send(Exchanged::Paired { result, replies }).await.ok();
        });
    }

    fn paired(&mut self, result: Result<Pairing, String>, replies: &mpsc::Sender<Reply>) {
        let reply = match result {
            Ok(pairing) => {
                let text = format!("paired with {} as {}", pairing.url, pairing.terminal);
                // What another office gave stays in force until this one gives its own, whatever its tag.
                (self.office.bundle_tag, self.office.elsewhere_tag) = (None, None);
                (self.office.last_exchange, self.office.last_exchanged) = (None, None);
                self.office.fetching.clear();
                self.connect(pairing);
                self.record_maintenance("paired with an office");
                Reply::Done { text }
            }
            Err(text) => {
                let hint = "check the address and the code; a code holds 30 minutes and works once".to_owned();
                Reply::Failed { code: "not-paired".to_owned(), text, hint }
            }
        };
        replies.try_send(reply).ok();
    }
}

/// Keeps a pairing, with the new key that it may be for, unless the configuration speaks of another office: the kiosk would not start again
/// with it. The key first: should the power fail between the two, the same code pairs it again.
fn kept(settings: &TerminalSettings, fresh: Option<&SigningKey>, pairing: Pairing) -> Result<Pairing, String> {
    if let Some(why) = identity::contradiction(settings, &pairing) {
        return Err(why);
    }
    if let Some(key) = fresh {
        identity::keep_key(&settings.data_dir, key).map_err(|error| error.to_string())?;
    }
    identity::keep_pairing(&settings.data_dir, &pairing).map_err(|error| error.to_string())?;
    Ok(pairing)
}

/// A failure in words.
pub(super) fn failure_text(failure: &Failure) -> &str {
    match failure {
        Failure::Unreachable(why) | Failure::Untrusted(why) | Failure::Refused(why) | Failure::Garbled(why) => why,
    }
}

/// What is wrong with the office when an exchange fails so.
const fn office_code(failure: &Failure) -> Code {
    match failure {
        Failure::Unreachable(_) => Code::OfficeUnreachable,
        Failure::Untrusted(_) => Code::OfficeUntrusted,
        Failure::Refused(_) => Code::OfficeRefuses,
        Failure::Garbled(_) => Code::OfficeGarbled,
    }
}

fn restore<T: serde::de::DeserializeOwned>(kept: &BTreeMap<String, String>, key: &str) -> Option<(T, Kept)> {
    let kept: Kept = serde_json::from_str(kept.get(key)?).ok()?;
    let value = serde_json::from_str(&kept.text).ok()?;
    Some((value, kept))
}
