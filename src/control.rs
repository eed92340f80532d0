//! Requests and replies of the kiosk's local socket: JSON, one line each way; `watch`, `punches` and `raw` answer with many lines.
//!
//! The socket is for its owner and group only (0660); whoever may open it is the technician.

use serde::{Deserialize, Serialize};

use crate::domain::id::{JournalId, ReaderName, Sequence, TerminalId};
use crate::domain::time::ClockReading;
use crate::health::doctor::Part;
use crate::health::{Condition, Severity};
use crate::reader::{Answer, Fault, Request as ReaderRequest};

/// Most bytes of a request line.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// What a technician asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Request {
    /// How things stand.
    Status,
    /// Every feedback datum from now on.
    Watch,
    /// Every entry, oldest first.
    Punches {
        /// Only after this place of the open journal; all journals where none.
        #[serde(default)]
        after: Option<Sequence>,
    },
    /// The readers and their counters.
    Readers,
    /// Live bytes of one reader.
    Raw {
        /// Which.
        reader: ReaderName,
    },
    /// Pair with an office.
    Pair {
        /// `https://host:port`.
        url: String,
        /// The code as it was printed.
        code: String,
    },
    /// Try the office now.
    Sync,
    /// Take back what a wrong source said had passed: the clock is right now.
    ForgiveClock,
    /// Something of a fingerprint module.
    Reader {
        /// Which.
        reader: ReaderName,
        /// What.
        request: ReaderRequest,
    },
    /// Everything that the doctor wants to know, part by part.
    Examine,
    /// A signed file's content: every entry of every journal.
    ExportSigned,
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Readers`].
    Readers {
        /// In the order of the configuration.
        readers: Vec<ReaderStatus>,
    },
    /// One line of [`Request::Punches`], [`Request::Watch`] or [`Request::ExportSigned`]: JSON as it is.
    Line {
        /// The JSON text.
        text: String,
    },
    /// Bytes of a reader.
    Raw {
        /// Milliseconds since boot.
        mono: u64,
        /// Hexadecimal.
        hex: String,
    },
    /// A step or the end of a reader's request.
    Answer {
        /// What.
        answer: Answer,
    },
    /// One part of the answer to [`Request::Examine`]; what takes too long is left out.
    Part {
        /// What.
        part: Part,
    },
    /// It is done.
    Done {
        /// In a sentence.
        text: String,
    },
    /// It could not be done.
    Failed {
        /// A stable code.
        code: String,
        /// What and where.
        text: String,
        /// What to do.
        hint: String,
    },
}

/// How a kiosk stands. The keys are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its id; none while neither paired nor configured.
    pub terminal: Option<TerminalId>,
    /// The journal open for append; none while unavailable.
    pub journal: Option<JournalId>,
    /// Its last entry.
    pub sequence: Sequence,
    /// What the office holds of it.
    pub acknowledged: Sequence,
    /// Committed and not acknowledged, over all journals.
    pub backlog: u64,
    /// Both clocks and their trust.
    pub clock: ClockStatus,
    /// Every journal, oldest first.
    pub journals: Vec<JournalStatus>,
    /// In the order of the configuration.
    pub readers: Vec<ReaderStatus>,
    /// What is wrong now, worst first.
    pub conditions: Vec<ConditionStatus>,
    /// The office.
    pub office: OfficeStatus,
    /// The program's version.
    pub version: String,
}

/// Both clocks in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// The reading itself.
    #[serde(flatten)]
    pub reading: ClockReading,
    /// The raw wall clock, RFC 3339.
    pub raw: String,
    /// The best-known time, RFC 3339.
    pub best: String,
    /// Our clock less the office's at the last exchange, in milliseconds.
    pub office_offset_ms: Option<i64>,
}

/// One journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalStatus {
    /// Which.
    pub journal: JournalId,
    /// Its last entry.
    pub sequence: Sequence,
    /// The first that is still kept.
    pub first: Sequence,
    /// What the office holds of it.
    pub acknowledged: Sequence,
    /// Whether entries are appended to it.
    pub open: bool,
    /// What is wrong with its file; empty where nothing is.
    pub damage: String,
}

/// One reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderStatus {
    /// Its name.
    pub reader: ReaderName,
    /// Its protocol.
    pub protocol: String,
    /// Its stable device name.
    pub device: String,
    /// Whether the port is open and, where it can tell, the module answers.
    pub connected: bool,
    /// Why not; empty where it is.
    pub detail: String,
    /// Readings since the start.
    pub readings: u64,
    /// Faults since the start.
    pub faults: Vec<(Fault, u64)>,
    /// How often the port was opened again.
    pub reopened: u64,
}

/// A condition with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionStatus {
    /// The condition.
    #[serde(flatten)]
    pub condition: Condition,
    /// How bad.
    pub severity: Severity,
    /// Chinese, then English.
    pub title: [String; 2],
    /// Chinese, then English.
    pub remedy: [String; 2],
}

/// The office as the kiosk sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeStatus {
    /// Its address; none while not paired.
    pub url: Option<String>,
    /// Whether the last exchange went through.
    pub reachable: bool,
    /// When the last one did, RFC 3339.
    pub last_exchange: Option<String>,
    /// The last failure in words; empty where none.
    pub last_error: String,
    /// The bundle in force.
    pub bundle: Option<String>,
}
