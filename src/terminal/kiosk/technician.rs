//! What technicians ask over the local socket, and who of them listens to what.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use super::Kiosk;
use crate::control::{Reply, Request};
use crate::domain::id::{ReaderName, hex_text};
use crate::machine::feedback::Feedback;
use crate::machine::{core, uplink};
use crate::reader::{Answer, Request as ReaderRequest};
use crate::terminal::export;
use crate::terminal::journal;
use crate::terminal::port::{PortEvent, PortEventKind};
use crate::terminal::socket::Asked;
use crate::wire::entry::Body;

/// Most listeners of one kind.
const LISTENERS_MAX: usize = 16;
/// Most entries that wait for a slow reader of the journal.
const STREAM_MAX: usize = 256;

/// Who listens to what.
#[derive(Debug, Default)]
pub(super) struct Technician {
    watchers: Vec<mpsc::Sender<Reply>>,
    raw: Vec<(ReaderName, mpsc::Sender<Reply>)>,
    /// Readers that were asked for their bytes.
    listening: BTreeSet<ReaderName>,
    waiting: Vec<(ReaderName, mpsc::Sender<Reply>)>,
}

impl Technician {
    /// Tells every watcher.
    pub(super) fn feedback(&mut self, feedback: &Feedback) {
        if self.watchers.is_empty() {
            return;
        }
        let Ok(text) = serde_json::to_string(feedback) else { return };
        self.watchers.retain(|watcher| watcher.try_send(Reply::Line { text: text.clone() }).is_ok());
    }

    /// Tells those who listen to a reader's bytes or wait for its answer.
    pub(super) fn port(&mut self, event: &PortEvent) {
        match &event.kind {
            PortEventKind::Raw(bytes) => {
                let reply = Reply::Raw { mono: event.at.0, hex: hex_text(bytes) };
                self.raw.retain(|(reader, replies)| *reader != event.reader || replies.try_send(reply.clone()).is_ok());
            }
            PortEventKind::Answer(answer) => {
                let goes_on = matches!(answer, Answer::Press { .. } | Answer::Lift);
                self.answer(&event.reader, answer.clone(), goes_on);
            }
            PortEventKind::Closed { why } => self.answer(&event.reader, Answer::Failed { why: why.to_string() }, false),
            PortEventKind::Opened | PortEventKind::Reading(_) | PortEventKind::Faults { .. } | PortEventKind::Online(_) => {}
        }
    }

    /// Adds a listener to a reader's bytes.
    pub(super) fn listen(&mut self, reader: ReaderName, replies: mpsc::Sender<Reply>) {
        self.listening.insert(reader.clone());
        self.raw.push((reader, replies));
    }

    /// Adds somebody who waits for a reader's answers; at most one for each reader: see [`Technician::is_busy`].
    pub(super) fn wait_for(&mut self, reader: ReaderName, replies: mpsc::Sender<Reply>) {
        self.waiting.push((reader, replies));
    }

    /// Whoever went away while the reader is still busy for them stays in the list until [`Technician::left`].
    fn answer(&mut self, reader: &ReaderName, answer: Answer, goes_on: bool) {
        let reply = Reply::Answer { answer };
        for (_, replies) in self.waiting.iter().filter(|(waiting, _)| waiting == reader) {
            replies.try_send(reply.clone()).ok();
        }
        self.waiting.retain(|(waiting, _)| waiting != reader || goes_on);
    }

    /// Whether a request of somebody who is still there is under way at a reader.
    pub(super) fn is_busy(&self, reader: &ReaderName) -> bool {
        self.waiting.iter().any(|(waiting, replies)| waiting == reader && !replies.is_closed())
    }

    /// Forgets who went away: the readers whose bytes nobody wants any more, and those that are busy for nobody.
    pub(super) fn left(&mut self) -> (Vec<ReaderName>, Vec<ReaderName>) {
        self.watchers.retain(|watcher| !watcher.is_closed());
        self.raw.retain(|(_, replies)| !replies.is_closed());
        let is_deaf = |name: &ReaderName| !self.raw.iter().any(|(raw, _)| raw == name);
        let deaf: Vec<ReaderName> = self.listening.iter().filter(|name| is_deaf(name)).cloned().collect();
        self.listening.retain(|name| !deaf.contains(name));
        let (gone, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(|(_, replies)| replies.is_closed());
        self.waiting = waiting;
        (deaf, gone.into_iter().map(|(reader, _)| reader).collect())
    }
}

impl Kiosk {
    pub(super) fn asked(&mut self, asked: Asked) {
        let Asked { request, replies } = asked;
        match request {
            Request::Status => drop(replies.try_send(Reply::Status(Box::new(self.status())))),
            Request::Readers => drop(replies.try_send(Reply::Readers { readers: self.readers.status() })),
            Request::Watch if self.technician.watchers.len() >= LISTENERS_MAX => refuse_listener(&replies),
            Request::Watch => self.technician.watchers.push(replies),
            Request::Punches { after } => self.stream(after, replies),
            Request::Examine => self.examine(replies),
            Request::ExportSigned => self.export(replies),
            Request::Raw { reader } => self.listen_raw(reader, replies),
            Request::Reader { reader, request } => self.reader_request(reader, request, replies),
            Request::Pair { url, code } => self.pair(url, &code, replies),
            Request::Sync if self.office.link.is_none() => refuse_unpaired(&replies, "there is no office to try"),
            Request::Sync => {
                let now = self.now();
                self.uplink.handle(now, uplink::Event::TryNow);
                replies.try_send(Reply::Done { text: "trying now; see punchctl status".to_owned() }).ok();
            }
        }
    }

    fn stream(&self, after: Option<crate::domain::id::Sequence>, replies: mpsc::Sender<Reply>) {
        let (into, mut entries) = mpsc::channel(STREAM_MAX);
        if self.journal.try_send(journal::Command::Stream { after, into }).is_err() {
            refuse(&replies, "busy", "the journal's thread is too far behind", "try again");
            return;
        }
        self.supervisor.passing(async move {
            while let Some(stored) = entries.recv().await {
                if replies.send(Reply::Line { text: stored.text }).await.is_err() {
                    return;
                }
            }
        });
    }

    fn export(&mut self, replies: mpsc::Sender<Reply>) {
        let state = self.terminal_state();
        let Some(link) = &self.office.link else {
            refuse_unpaired(&replies, "only a paired kiosk can sign for the office");
            return;
        };
        let (into, entries) = mpsc::channel(STREAM_MAX);
        if self.journal.try_send(journal::Command::Stream { after: None, into }).is_err() {
            refuse(&replies, "busy", "the journal's thread is too far behind", "try again");
            return;
        }
        let (terminal, key) = (link.pairing().terminal.clone(), link.key().clone());
        self.supervisor.passing(async move {
            if let Err(why) = export::write(terminal, &key, state, entries, &replies).await {
                refuse(&replies, "export", &why, "see punchd's log");
            }
        });
    }

    fn listen_raw(&mut self, reader: ReaderName, replies: mpsc::Sender<Reply>) {
        if !self.readers.is_known(&reader) {
            refuse(&replies, "unknown-reader", &format!("no reader is named {reader}"), "see punchctl readers");
        } else if self.technician.raw.len() >= LISTENERS_MAX {
            refuse_listener(&replies);
        } else {
            self.readers.listen(&reader, true);
            self.technician.listen(reader, replies);
        }
    }

    /// Nobody's bytes are passed on, and no reader is kept busy, for someone who has gone.
    pub(super) fn conversation_ended(&mut self) {
        let (deaf, idle) = self.technician.left();
        for reader in deaf {
            self.readers.listen(&reader, false);
        }
        for reader in idle {
            self.readers.request(&reader, ReaderRequest::Cancel);
        }
    }

    fn reader_request(&mut self, reader: ReaderName, request: ReaderRequest, replies: mpsc::Sender<Reply>) {
        if !self.readers.is_known(&reader) {
            refuse(&replies, "unknown-reader", &format!("no reader is named {reader}"), "see punchctl readers");
            return;
        }
        if self.technician.is_busy(&reader) {
            refuse(&replies, "busy", &format!("another request is under way at {reader}"), "wait for its end, or stop the other punchctl");
            return;
        }
        let told = match &request {
            ReaderRequest::Enrol { .. } => Some(format!("enrol at {reader}")),
            ReaderRequest::Delete { slot } => Some(format!("delete finger:{slot} at {reader}")),
            ReaderRequest::Slots | ReaderRequest::Cancel => None,
        };
        if !self.readers.request(&reader, request) {
            refuse(&replies, "busy", "the reader's port is not ready", "see punchctl readers");
            return;
        }
        if let Some(action) = told {
            self.record_maintenance(&action);
        }
        self.technician.wait_for(reader, replies);
    }

    /// A technician's act is an entry.
    pub(super) fn record_maintenance(&mut self, action: &str) {
        let now = self.now();
        self.core.handle(now, core::Event::Record(Body::Maintenance { action: action.to_owned() }));
    }
}

pub(super) fn refuse(replies: &mpsc::Sender<Reply>, code: &str, text: &str, hint: &str) {
    let reply = Reply::Failed { code: code.to_owned(), text: text.to_owned(), hint: hint.to_owned() };
    replies.try_send(reply).ok();
}

fn refuse_listener(replies: &mpsc::Sender<Reply>) {
    refuse(replies, "busy", &format!("{LISTENERS_MAX} others are listening already"), "stop one of the other punchctl");
}

fn refuse_unpaired(replies: &mpsc::Sender<Reply>, text: &str) {
    refuse(replies, "not-paired", text, "pair first: punchctl pair URL CODE");
}
