//! The kiosk's page and its event stream, on loopback: `GET /` the page, `GET /events` server-sent events, `GET /health`.
//!
//! The contract of `/events`, which others build on:
//! - an event without a type is a [`Feedback`] datum as JSON, with the words that the page shows for it; it carries `journal` and `sequence`
//!   if and only if its entry is durable, and then its id is `journal/sequence`;
//! - each datum given to [`Display::show`] goes out once on each connection, in order; none is coalesced. A connection whose queue is full
//!   is closed: its client has seen a prefix, and comes again;
//! - the first event of a connection says how things stand, with `"replay": true`: the result that is still on the screen, else what stands;
//! - `event: page` comes at once, after every datum and every second: the clock, what is wrong, what is due, what waits. It has no sequence
//!   and may be missed. Its silence tells the page that nobody is behind it.
//!
//! [`Display::show`] and [`Display::page`] never wait: the core loop is not held up by a browser.

mod page;
mod result;
mod serve;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::domain::time::Mono;
use crate::health::Severity;
use crate::machine::feedback::{Feedback, State};

pub use page::{PageClock, PageState};
pub use serve::DisplayError;
use words::Words;

/// Most data that wait for one connection; a person looks at a result for two seconds, so a client this far behind is dead.
pub const EVENTS_QUEUED_MAX: usize = 64;
/// Most event streams at a time: the kiosk's page, a technician's, and a few that have not noticed their end.
pub const STREAMS_MAX: usize = 16;

/// The page as the core loop holds it; clones are the same page.
#[derive(Debug, Clone)]
pub struct Display {
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
}

/// What a connection is told first, and what every later one needs.
#[derive(Debug)]
struct Shared {
    page: Option<PageState>,
    standing: Feedback,
    result: Option<Shown>,
    last_shown: Mono,
    streams: Vec<mpsc::Sender<Bytes>>,
}

/// A result that is on the screen until a moment.
#[derive(Debug)]
struct Shown {
    feedback: Feedback,
    until: Mono,
}

/// One datum as it goes out: the feedback's own keys, and what the page makes of them.
#[derive(Serialize)]
struct Datum<'a> {
    #[serde(flatten)]
    feedback: &'a Feedback,
    words: Words,
}

impl Display {
    /// A page on which nothing happened yet.
    pub fn new(clock: Clock) -> Self {
        let last_shown = clock.mono();
        let shared = Shared { page: None, standing: Feedback::of(State::Idle), result: None, last_shown, streams: Vec::new() };
        Self { clock, shared: Arc::new(Mutex::new(shared)) }
    }

    /// Shows a datum on every connection.
    pub fn show(&self, feedback: Feedback) {
        let now = self.clock.mono();
        let mut shared = self.lock();
        let page = shared.page.get_or_insert_default();
        page.backlog = feedback.backlog;
        page.offline_since = feedback.offline.then(|| page.offline_since.unwrap_or(now));
        let words = words::of(&feedback, page);
        let hold_ms = words.hold_ms;
        let frame = datum_frame(&feedback, words);
        if hold_ms == 0 {
            shared.standing = feedback;
        } else {
            shared.last_shown = now;
            shared.result = Some(Shown { feedback, until: now.plus_millis(hold_ms) });
        }
        shared.streams.retain(|stream| stream.try_send(frame.clone()).is_ok());
    }

    /// Sets everything else that the page shows; it reaches the screen within a second.
    pub fn page(&self, page: PageState) {
        self.lock().page = Some(page);
    }

    /// How many event streams are open.
    pub fn streams(&self) -> usize {
        let mut shared = self.lock();
        shared.streams.retain(|stream| !stream.is_closed());
        shared.streams.len()
    }

    /// A new connection's queue, the replay already in it; `None` where there are too many.
    fn connect(&self) -> Option<mpsc::Receiver<Bytes>> {
        let now = self.clock.mono();
        let (sender, queue) = mpsc::channel(EVENTS_QUEUED_MAX);
        let mut shared = self.lock();
        shared.streams.retain(|stream| !stream.is_closed());
        if shared.streams.len() >= STREAMS_MAX {
            return None;
        }
        sender.try_send(shared.replay(now)).ok()?;
        shared.streams.push(sender);
        Some(queue)
    }

    /// The page event of this moment.
    fn page_frame(&self) -> Bytes {
        let now = self.clock.mono();
        let mut shared = self.lock();
        let shared = &mut *shared;
        if shared.result.as_ref().is_some_and(|shown| shown.until <= now) {
            shared.result = None;
        }
        let page = shared.page.get_or_insert_default();
        let view = page.view(&shared.standing, now, shared.last_shown);
        frame(Some("page"), None, &view)
    }

    /// Whether the kiosk can take punches, and the codes of what is wrong.
    fn health(&self) -> (bool, Vec<&'static str>) {
        let shared = self.lock();
        let Some(page) = &shared.page else { return (false, Vec::new()) };
        let fault = page.conditions.iter().any(|condition| condition.code.severity() == Severity::Fault);
        (!fault, page.conditions.iter().map(|condition| condition.code.code()).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// How things stand: a result while it is on the screen, with the rest of its time; else what stands. Nobody's name comes back later.
    fn replay(&mut self, now: Mono) -> Bytes {
        let page = self.page.get_or_insert_default();
        let current = self.result.as_ref().filter(|shown| shown.until > now);
        let (feedback, left_ms) = match current {
            Some(shown) => (&shown.feedback, shown.until.millis_since(now)),
            None => (&self.standing, 0),
        };
        let feedback = Feedback { replay: true, offline: page.offline_since.is_some(), backlog: page.backlog, ..feedback.clone() };
        let mut words = words::of(&feedback, page);
        words.hold_ms = left_ms;
        datum_frame(&feedback, words)
    }
}

fn datum_frame(feedback: &Feedback, words: Words) -> Bytes {
    let id = feedback.journal.zip(feedback.sequence).map(|(journal, sequence)| format!("{journal}/{sequence}"));
    frame(None, id.as_deref(), &Datum { feedback, words })
}

/// One server-sent event. Compact JSON has no line breaks, so one `data:` line holds it.
fn frame(kind: Option<&str>, id: Option<&str>, data: &impl Serialize) -> Bytes {
    let json = serde_json::to_string(data).expect("text keys and plain values always have a JSON form");
    let kind = kind.map(|kind| format!("event: {kind}\n")).unwrap_or_default();
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("{kind}{id}data: {json}\n\n"))
}

#[cfg(test)]
mod tests;
