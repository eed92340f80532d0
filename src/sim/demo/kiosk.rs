//! The demo's kiosk: the real one, in this process, with three simulated readers on pseudo-terminals, and a client of its page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::super::device::Protocol;
use super::super::reader::{SimError, SimReader, Touch};
use super::cast::{Presented, ReaderKind};
use super::control::Control;
use super::error::{self, DemoError};
use super::events::Events;
use crate::clock::Clock;
use crate::config::terminal;
use crate::domain::id::TerminalId;
use crate::machine::feedback::{Feedback, State};
use crate::supervise::Supervisor;
use crate::sys;
use crate::terminal::run::{self, Running};

/// How long the kiosk may take to answer a tap, to see a reader pulled, to have its bundle.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// Pause between two looks at how the kiosk stands.
const LOOK: Duration = Duration::from_millis(20);
/// Most data of the page that wait to be looked at.
const EVENTS_MAX: usize = 1_024;
/// After a finger is lifted the host asks the module so often until it knows: the question under way, and one more.
const QUESTIONS: u64 = 2;

/// The kiosk and its readers.
#[derive(Debug)]
pub(super) struct Kiosk {
    running: Running,
    control: Control,
    readers: BTreeMap<ReaderKind, Arc<SimReader>>,
    questions: watch::Receiver<u64>,
    events: mpsc::Receiver<Feedback>,
    client: Supervisor,
}

impl Kiosk {
    /// Writes `terminal.toml` into a folder, plugs the readers in and starts a kiosk by it.
    pub(super) async fn open(folder: &Path, id: &TerminalId, sound: bool, clock: &Clock) -> Result<Self, DemoError> {
        let (asked, questions) = watch::channel(0);
        let mut readers = BTreeMap::new();
        for kind in ReaderKind::ALL {
            let asked = asked.clone();
            let listener = Box::new(move |_: &_| asked.send_modify(|count| *count += 1));
            let reader = match kind {
                ReaderKind::Finger => SimReader::spawn_with(protocol(kind), &link(folder, kind), listener),
                ReaderKind::Badge | ReaderKind::Qr => SimReader::spawn(protocol(kind), &link(folder, kind)),
            };
            readers.insert(kind, Arc::new(reader.map_err(|source| DemoError::Reader { reader: kind.name(), source })?));
        }
        let text = configuration(folder, id, sound);
        let file = folder.join("terminal.toml");
        sys::write_whole(&file, text.as_bytes(), 0o644).map_err(|source| DemoError::Folder { path: file, source })?;
        let settings = terminal::check("terminal.toml", &text).map_err(|problems| error::kiosk("be configured")(problems.to_string()))?;
        let control = Control(settings.control_socket.clone());
        let running = run::start(settings, clock.clone()).await.map_err(error::kiosk("start"))?;
        let (events, client) = listen(running.page).await?;
        let kiosk = Self { running, control, readers, questions, events, client };
        for kind in ReaderKind::ALL {
            kiosk.until_connected(kind, true).await?;
        }
        Ok(kiosk)
    }

    /// Where its page is.
    pub(super) const fn page(&self) -> SocketAddr {
        self.running.page
    }

    /// Pairs it with an office, and waits until roster and rules are there.
    pub(super) async fn pair(&self, url: String, code: String) -> Result<(), DemoError> {
        self.control.pair(url, code).await?;
        let ready = async || Ok(self.control.status().await?.office.bundle.is_some());
        until("the kiosk had no roster and rules", ready).await
    }

    /// Holds something to its reader.
    pub(super) async fn present(&self, presented: &Presented) -> Result<(), DemoError> {
        let (presented, kind) = (presented.clone(), presented.reader());
        self.with_reader(kind, move |reader| match &presented {
            Presented::Badge(bytes) => reader.badge(bytes),
            Presented::Code(text) => reader.line(text),
            Presented::Finger(slot) => reader.finger(Touch::Slot(*slot)),
            Presented::Smudged => reader.finger(Touch::Smudged),
        })
        .await
    }

    /// Takes it away again, and waits until the kiosk has seen that.
    pub(super) async fn take_away(&mut self, presented: &Presented) -> Result<(), DemoError> {
        if presented.reader() != ReaderKind::Finger {
            return Ok(());
        }
        self.with_reader(ReaderKind::Finger, SimReader::lift).await?;
        let seen = *self.questions.borrow_and_update() + QUESTIONS;
        let what = "the kiosk did not ask the fingerprint module";
        match tokio::time::timeout(ANSWER_LIMIT, self.questions.wait_for(|count| *count >= seen)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(DemoError::Late { what, limit: ANSWER_LIMIT }),
        }
    }

    /// The next answer to something presented, as the page was told.
    pub(super) async fn answer(&mut self) -> Result<Feedback, DemoError> {
        let answer = tokio::time::timeout(ANSWER_LIMIT, self.next_answer()).await;
        answer.unwrap_or(Err(DemoError::Late { what: "the kiosk did not answer a tap", limit: ANSWER_LIMIT }))
    }

    async fn next_answer(&mut self) -> Result<Feedback, DemoError> {
        while let Some(feedback) = self.events.recv().await {
            if feedback.sequence.is_some() || feedback.state == State::NotRecorded {
                return Ok(feedback);
            }
        }
        Err(error::kiosk("be listened to")("its event stream ended"))
    }

    /// Pulls a reader's cable, and waits until the kiosk has seen that.
    pub(super) async fn unplug(&self, kind: ReaderKind) -> Result<(), DemoError> {
        self.with_reader(kind, SimReader::unplug).await?;
        self.until_connected(kind, false).await
    }

    /// Puts it in again, and waits until the kiosk reads it.
    pub(super) async fn plug(&self, kind: ReaderKind) -> Result<(), DemoError> {
        self.with_reader(kind, SimReader::plug).await?;
        self.until_connected(kind, true).await
    }

    /// Whether it is plugged in.
    pub(super) fn is_plugged(&self, kind: ReaderKind) -> bool {
        self.readers.get(&kind).is_some_and(|reader| reader.path().is_some())
    }

    /// How much has not reached the office.
    pub(super) async fn backlog(&self) -> Result<u64, DemoError> {
        self.control.status().await.map(|status| status.backlog)
    }

    /// Stops it; whether everything ended in time.
    pub(super) async fn stop(self) -> bool {
        self.client.stop().cancel();
        self.running.stop().await
    }

    async fn until_connected(&self, kind: ReaderKind, connected: bool) -> Result<(), DemoError> {
        let seen = async || {
            let status = self.control.status().await?;
            Ok(status.readers.iter().any(|reader| reader.reader.as_str() == kind.name() && reader.connected == connected))
        };
        let looked = until("the kiosk did not see what became of its reader", seen).await;
        if let Err(DemoError::Late { .. }) = looked {
            let readers = self.control.status().await?.readers.into_iter();
            let detail = readers.filter(|reader| reader.reader.as_str() == kind.name()).map(|reader| reader.detail).collect::<String>();
            return Err(error::kiosk("see what became of its reader")(detail));
        }
        looked
    }

    /// A verb of a simulated reader blocks for a moment; the kiosk's own loop is not held up by it.
    async fn with_reader(
        &self,
        kind: ReaderKind,
        verb: impl FnOnce(&SimReader) -> Result<(), SimError> + Send + 'static,
    ) -> Result<(), DemoError> {
        let fails = |source| DemoError::Reader { reader: kind.name(), source };
        let reader = self.readers.get(&kind).map(Arc::clone).ok_or_else(|| fails(SimError::Stopped))?;
        let done = self.client.blocking(move || verb(&reader)).await;
        done.map_err(|source| DemoError::System { doing: "run a thread", source: source.into() })?.map_err(fails)
    }
}

/// Looks until something is so.
async fn until(otherwise: &'static str, so: impl AsyncFn() -> Result<bool, DemoError>) -> Result<(), DemoError> {
    let looking = async {
        while !so().await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    let looked = tokio::time::timeout(ANSWER_LIMIT, looking).await;
    looked.unwrap_or(Err(DemoError::Late { what: otherwise, limit: ANSWER_LIMIT }))
}

/// A task that hears what the page is told, for as long as the demo runs.
async fn listen(page: SocketAddr) -> Result<(mpsc::Receiver<Feedback>, Supervisor), DemoError> {
    let (client, _) = Supervisor::new();
    let (sender, receiver) = mpsc::channel(EVENTS_MAX);
    let mut events = Events::connect(page).await.map_err(error::kiosk("show its page"))?;
    let stop = client.stop().clone();
    client.passing(async move {
        while let Some(Ok(Some(feedback))) = stop.run_until_cancelled(events.next()).await {
            if sender.send(feedback).await.is_err() {
                return;
            }
        }
    });
    Ok((receiver, client))
}

const fn protocol(kind: ReaderKind) -> Protocol {
    match kind {
        ReaderKind::Badge => Protocol::Em4100,
        ReaderKind::Qr => Protocol::Line,
        ReaderKind::Finger => Protocol::Ef01,
    }
}

fn link(folder: &Path, kind: ReaderKind) -> std::path::PathBuf {
    folder.join(format!("tty-{}", kind.name()))
}

/// `terminal.toml`, as somebody would write it for this kiosk.
fn configuration(folder: &Path, id: &TerminalId, sound: bool) -> String {
    let folder_text = folder.display();
    let head = format!(
        "[terminal]\nid = \"{id}\"\nname = \"一楼东厅 1号机\"\nphone = \"8211234\"\ndata-dir = \"{folder_text}/kiosk\"\n\
         control-socket = \"{folder_text}/kiosk.sock\"\n\n[kiosk]\nlisten = \"127.0.0.1:0\"\nsound = {sound}\n"
    );
    let reader = |kind: ReaderKind| {
        let protocol = match kind {
            ReaderKind::Badge => "em4100",
            ReaderKind::Qr => "line",
            ReaderKind::Finger => "ef01",
        };
        format!("\n[[reader]]\nname = \"{}\"\ndevice = \"{}\"\nprotocol = \"{protocol}\"\n", kind.name(), link(folder, kind).display())
    };
    head + &ReaderKind::ALL.map(reader).concat()
}
