//! What technicians ask over the local socket, and who of them listens to what.

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
                let reply = Reply::Answer { answer: answer.clone() };
                self.waiting.retain(|(reader, replies)| *reader != event.reader || (replies.try_send(reply.clone()).is_ok() && goes_on));
            }
            PortEventKind::Closed { why } => {
                let reply = Reply::Answer { answer: Answer::Failed { why: why.to_string() } };
                self.waiting
                    .retain(|(reader, replies)| *reader != event.reader || !matches!(replies.try_send(reply.clone()), Ok(()) | Err(_)));
            }
            PortEventKind::Opened | PortEventKind::Reading(_) | PortEventKind::Fault(_) | PortEventKind::Online(_) => {}
        }
    }
}

impl Kiosk {
    pub(super) fn asked(&mut self, asked: Asked) {
        let Asked { request, replies } = asked;
        match request {
            Request::Status => drop(replies.try_send(Reply::Status(Box::new(self.status())))),
            Request::Readers => drop(replies.try_send(Reply::Readers { readers: self.readers.status() })),
            Request::Watch => {
                if self.technician.watchers.len() < LISTENERS_MAX {
                    self.technician.watchers.push(replies);
                }
            }
            Request::Punches { after } => self.stream(after, replies),
            Request::ExportSigned => self.export(replies),
            Request::Raw { reader } => self.listen_raw(reader, replies),
            Request::Reader { reader, request } => self.reader_request(reader, request, replies),
            Request::Pair { url, code } => self.pair(url, &code, replies),
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
            refuse(&replies, "not-paired", "only a paired kiosk can sign for the office", "pair first: punchctl pair URL CODE");
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
        } else if self.technician.raw.len() < LISTENERS_MAX {
            self.readers.listen(&reader, true);
            self.technician.raw.push((reader, replies));
        }
    }

    fn reader_request(&mut self, reader: ReaderName, request: ReaderRequest, replies: mpsc::Sender<Reply>) {
        if !self.readers.is_known(&reader) {
            refuse(&replies, "unknown-reader", &format!("no reader is named {reader}"), "see punchctl readers");
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
        if self.technician.waiting.len() < LISTENERS_MAX {
            self.technician.waiting.push((reader, replies));
        }
    }

    /// A technician's act is an entry.
    pub(super) fn record_maintenance(&mut self, action: &str) {
        let now = self.now();
        self.core.handle(now, core::Event::Record(Body::Maintenance { action: action.to_owned() }));
    }
}

fn refuse(replies: &mpsc::Sender<Reply>, code: &str, text: &str, hint: &str) {
    let reply = Reply::Failed { code: code.to_owned(), text: text.to_owned(), hint: hint.to_owned() };
    replies.try_send(reply).ok();
}
