//! The kiosk's one loop: wait for the earliest of channels, timer and stop, tell the machines, carry out what they decide.
//!
//! `wait` only chooses; `Kiosk::apply` is synchronous and never blocks: files, sockets and sounds are other tasks' work. So a tap waits for
//! nothing but the journal (law 5).

mod examine;
mod office;
mod readers;
mod status;
mod technician;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use self::office::{Exchanged, Office};
pub use self::readers::Readers;
use self::status::PageMark;
use self::technician::Technician;
use super::display::Display;
use super::journal;
use super::port::{PortEvent, PortEventKind};
use super::socket::Conversation;
use super::sound::Sound;
use crate::clock::{Clock, KERNEL_REFRESH_MS};
use crate::config::terminal::{ClockSource, TerminalSettings};
use crate::domain::time::{ClockReading, Mono, Wall};
use crate::health::board::Board;
use crate::health::{Code, Condition};
use crate::machine::clockkeeper::{self, ClockKeeper, Source};
use crate::machine::core::{self, Core};
use crate::machine::gate::Gate;
use crate::machine::uplink::{self, JournalView, Uplink};
use crate::machine::{Ticket, clockkeeper::Action as ClockAction};
use crate::supervise::{Notice, Supervisor};
use crate::wire::entry::Body;

/// Most commands that wait for the journal's thread; beyond it a tap is answered “not recorded”.
pub const JOURNAL_COMMANDS_MAX: usize = 1_024;
/// Most events of one kind that wait for the loop.
pub const EVENTS_MAX: usize = 1_024;
/// How often entries that may go are looked for, in milliseconds.
const PRUNE_EVERY_MS: u64 = 6 * 3_600_000;
/// How long a restarted part is mentioned, in milliseconds.
const RESTART_SHOWN_MS: u64 = 60_000;
/// How long appends have to be answered at the end, in milliseconds, and how long each of them.
const DRAIN_MS: u64 = 3_000;
const DRAIN_WAIT: Duration = Duration::from_secs(2);
/// The name under which the clock's floor is kept.
const FLOOR_KEY: &str = "clock-floor";

/// What the loop hears.
#[derive(Debug)]
pub enum Happened {
    /// A serial port spoke.
    Port(PortEvent),
    /// The journal spoke.
    Journal(journal::Event),
    /// An exchange with the office came to its end.
    Office(Exchanged),
    /// A technician asks, or has left.
    Control(Conversation),
    /// A task ended.
    Notice(Notice),
    /// Sound works, or does not.
    Sound(Option<Condition>),
    /// The moment that somebody waited for has come.
    Timer,
}

/// The ends of the loop's channels that others hold.
#[derive(Debug, Clone)]
pub struct Inlets {
    /// For the ports' threads.
    pub ports: mpsc::Sender<PortEvent>,
    /// For the journal's thread.
    pub journal: mpsc::Sender<journal::Event>,
    /// For exchanges.
    pub office: mpsc::Sender<Exchanged>,
    /// For the control socket.
    pub control: mpsc::Sender<Conversation>,
    /// For the player.
    pub sound: mpsc::Sender<Option<Condition>>,
}

/// The ends that the loop holds.
#[derive(Debug)]
pub struct Outlets {
    ports: mpsc::Receiver<PortEvent>,
    journal: mpsc::Receiver<journal::Event>,
    office: mpsc::Receiver<Exchanged>,
    control: mpsc::Receiver<Conversation>,
    sound: mpsc::Receiver<Option<Condition>>,
    notices: mpsc::Receiver<Notice>,
}

/// The loop's channels.
pub fn channels(notices: mpsc::Receiver<Notice>) -> (Inlets, Outlets) {
    let (ports, port_events) = mpsc::channel(EVENTS_MAX);
    let (journal, journal_events) = mpsc::channel(EVENTS_MAX);
    let (office, office_events) = mpsc::channel(EVENTS_MAX);
    let (control, control_events) = mpsc::channel(EVENTS_MAX);
    let (sound, sound_events) = mpsc::channel(EVENTS_MAX);
    let outlets = Outlets {
        ports: port_events,
        journal: journal_events,
        office: office_events,
        control: control_events,
        sound: sound_events,
        notices,
    };
    (Inlets { ports, journal, office, control, sound }, outlets)
}

/// What the loop is given to work with.
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub settings: Arc<TerminalSettings>,
    /// The clock.
    pub clock: Clock,
    /// Who spawns.
    pub supervisor: Supervisor,
    /// The journal's thread.
    pub journal: std::sync::mpsc::SyncSender<journal::Command>,
    /// The page.
    pub display: Display,
    /// Where it is.
    pub page: std::net::SocketAddr,
    /// The tone.
    pub sound: Option<Sound>,
    /// The ends that others hold, for exchanges.
    pub inlets: Inlets,
    /// How often systemd wants to hear of us, in milliseconds.
    pub watchdog_ms: Option<u64>,
    /// Spreads the retries of many kiosks.
    pub seed: u64,
}

/// The kiosk while it runs.
#[derive(Debug)]
pub struct Kiosk {
    settings: Arc<TerminalSettings>,
    clock: Clock,
    supervisor: Supervisor,
    journal: std::sync::mpsc::SyncSender<journal::Command>,
    display: Display,
    sound: Option<Sound>,
    keeper: ClockKeeper,
    core: Core,
    gate: Gate,
    uplink: Uplink,
    board: Board,
    readers: Readers,
    office: Office,
    technician: Technician,
    journals: Vec<JournalView>,
    /// Why nothing can be stored; none while it can.
    obstacle: Option<String>,
    journal_available: bool,
    begun: Mono,
    page: String,
    started: bool,
    watchdog: Option<Watchdog>,
    prune_at: Mono,
    kernel_at: Mono,
    restarted: Option<Mono>,
    shown: Option<PageMark>,
}

#[derive(Debug)]
struct Watchdog {
    every_ms: u64,
    next: Mono,
    probe: u64,
}

impl Kiosk {
    /// A kiosk before its first event.
    pub fn new(parts: Parts, readers: Readers) -> Self {
        let source = match parts.settings.clock_source {
            ClockSource::Kernel => Source::Kernel,
            ClockSource::Office => Source::Office,
            ClockSource::Both => Source::Both,
        };
        let now = parts.clock.mono();
        let holds = parts.settings.readers.iter().map(|reader| (reader.reader.clone(), reader.hold_ms));
        Self {
            keeper: ClockKeeper::new(clockkeeper::Settings { source, ..clockkeeper::Settings::default() }, None),
            core: Core::new(core::Settings { utc_offset: parts.settings.utc_offset }),
            gate: Gate::new(holds),
            uplink: Uplink::new(parts.seed, uplink::Settings::default()),
            board: Board::default(),
            office: Office::new(parts.inlets.office),
            technician: Technician::default(),
            journals: Vec::new(),
            obstacle: None,
            journal_available: false,
            begun: now,
            page: parts.page.to_string(),
            started: false,
            watchdog: parts.watchdog_ms.map(|every_ms| Watchdog { every_ms, next: now, probe: 0 }),
            prune_at: now.plus_millis(PRUNE_EVERY_MS),
            kernel_at: now,
            restarted: None,
            shown: None,
            settings: parts.settings,
            clock: parts.clock,
            supervisor: parts.supervisor,
            journal: parts.journal,
            display: parts.display,
            sound: parts.sound,
            readers,
        }
    }

    /// Runs until told to stop; whether an essential part ended before.
    pub async fn run(mut self, mut outlets: Outlets) -> bool {
        self.office_begin();
        self.settle();
        let stop = self.supervisor.stop().clone();
        loop {
            let next = self.next_timeout();
            let Some(happened) = stop.run_until_cancelled(wait(&mut outlets, &self.clock, next)).await else {
                self.drain(&mut outlets).await;
                return false;
            };
            if let Happened::Notice(Notice::Ended { name }) = &happened {
                tracing::error!(part = %name, "an essential part ended; the program ends");
                return true;
            }
            self.apply(happened);
            self.settle();
        }
    }

    /// Ends in good order: no more readings, and what was read already is stored and answered.
    async fn drain(&mut self, outlets: &mut Outlets) {
        self.readers.stop();
        while let Ok(event) = outlets.ports.try_recv() {
            self.apply(Happened::Port(event));
            self.settle();
        }
        let until = self.clock.mono().plus_millis(DRAIN_MS);
        while self.core.is_waiting() && self.clock.mono() < until {
            let Ok(Some(event)) = tokio::time::timeout(DRAIN_WAIT, outlets.journal.recv()).await else { break };
            self.apply(Happened::Journal(event));
            self.settle();
        }
        self.journal.try_send(journal::Command::Stop).ok();
    }

    fn now(&mut self) -> ClockReading {
        let now = self.keeper.read(self.clock.read());
        self.office.standing.set(now.trust, self.keeper.floor());
        now
    }

    fn apply(&mut self, happened: Happened) {
        match happened {
            Happened::Port(event) => self.port(event),
            Happened::Journal(event) => self.journal(event),
            Happened::Office(exchanged) => self.exchanged(exchanged),
            Happened::Control(Conversation::Asked(asked)) => self.asked(asked),
            Happened::Control(Conversation::Ended) => self.conversation_ended(),
            Happened::Notice(notice) => self.notice(&notice),
            Happened::Sound(condition) => {
                let now = self.clock.mono();
                self.board.set(now, Code::NoSound, "", condition.map(|condition| condition.detail));
            }
            Happened::Timer => self.timer(),
        }
    }

    fn port(&mut self, event: PortEvent) {
        let now = self.now();
        if let Some(connected) = self.readers.note(&event) {
            self.core.handle(now, core::Event::Reader { reader: event.reader.clone(), connected });
        }
        self.technician.port(&event);
        let PortEvent { reader, at, kind: PortEventKind::Reading(reading) } = event else { return };
        if self.gate.admit(at, &reader, &reading) {
            self.core.handle(now, core::Event::Read { reader, reading, at });
        }
    }

    fn journal(&mut self, event: journal::Event) {
        let now = self.now();
        match event {
            journal::Event::Kept(kept) => {
                let kept: BTreeMap<String, String> = kept.into_iter().collect();
                if let Some(floor) = kept.get(FLOOR_KEY).and_then(|floor| floor.parse().ok()) {
                    self.keeper.handle(self.clock.read(), clockkeeper::Event::Floor(Wall(floor)));
                }
                self.restore_downloads(now, &kept);
            }
            journal::Event::Available { journals, recent } => {
                self.journal_available = true;
                self.obstacle = None;
                self.keeper.handle(self.clock.read(), clockkeeper::Event::Journal(&recent));
                self.core.handle(now, core::Event::JournalAvailable { recent });
                self.journals_are(now, journals);
                self.record_start(now);
                self.office_begin();
            }
            journal::Event::Unavailable { why } => {
                self.journal_available = false;
                self.obstacle = Some(why.clone());
                self.core.handle(now, core::Event::JournalUnavailable { why });
            }
            journal::Event::Journals(journals) => self.journals_are(now, journals),
            journal::Event::Appended { ticket, stored } => {
                if let Some(open) = self.journals.last_mut().filter(|open| open.journal == stored.journal) {
                    (open.last, open.head) = (stored.sequence, stored.hash);
                }
                self.uplink.handle(now, uplink::Event::Appended { last: stored.sequence, head: stored.hash });
                self.core.handle(now, core::Event::Appended { ticket, stored });
            }
            journal::Event::NotAppended { ticket, why } => self.core.handle(now, core::Event::NotAppended { ticket, why }),
            journal::Event::Loaded { journal, entries, lost } => {
                self.uplink.handle(now, uplink::Event::Loaded { journal, entries, lost });
            }
            journal::Event::Conditions(conditions) => {
                let codes = [Code::JournalDamaged, Code::JournalChecking, Code::DiskLow, Code::JournalForked];
                self.board.replace(now.mono, &codes, conditions);
            }
            journal::Event::Alive(probe) => {
                if self.watchdog.as_ref().is_some_and(|watchdog| watchdog.probe == probe) {
                    sd_notify::notify(&[sd_notify::NotifyState::Watchdog]).ok();
                }
            }
        }
    }

    fn journals_are(&mut self, now: ClockReading, journals: Vec<JournalView>) {
        self.journals.clone_from(&journals);
        self.uplink.handle(now, uplink::Event::Journals(journals));
    }

    /// The program's start and its settings are entries too, once for each run.
    fn record_start(&mut self, now: ClockReading) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.core.handle(now, core::Event::Record(Body::Boot { version: env!("CARGO_PKG_VERSION").to_owned() }));
        self.core.handle(now, core::Event::Record(Body::Settings { digest: self.settings.digest() }));
    }

    fn notice(&mut self, notice: &Notice) {
        let Notice::Restarting { name } = notice else { return };
        let now = self.clock.mono();
        tracing::warn!(part = %name, "a part ended and is started again");
        self.board.raise(now, Code::TaskRestarted, name, "");
        self.restarted = Some(now.plus_millis(RESTART_SHOWN_MS));
    }

    fn timer(&mut self) {
        let now = self.now();
        self.keeper.handle_timeout(self.clock.read());
        self.core.handle_timeout(now);
        if self.uplink.poll_timeout().is_some_and(|due| due <= now.mono) {
            self.uplink.handle_timeout(now);
        }
        if now.mono >= self.prune_at {
            self.prune_at = now.mono.plus_millis(PRUNE_EVERY_MS);
            if now.trust == crate::domain::time::Trust::Synced {
                self.journal.try_send(journal::Command::Prune { now: now.wall }).ok();
            }
        }
        if now.mono >= self.kernel_at {
            self.kernel_at = now.mono.plus_millis(KERNEL_REFRESH_MS);
            let (clock, supervisor) = (self.clock.clone(), self.supervisor.clone());
            self.supervisor.passing(async move {
                supervisor.blocking(move || clock.refresh_kernel_sync()).await.ok();
            });
        }
        if self.restarted.is_some_and(|until| until <= now.mono) {
            self.restarted = None;
            self.board.replace(now.mono, &[Code::TaskRestarted], Vec::new());
        }
        if let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| watchdog.next <= now.mono) {
            watchdog.next = now.mono.plus_millis(watchdog.every_ms);
            watchdog.probe += 1;
            self.journal.try_send(journal::Command::Probe(watchdog.probe)).ok();
        }
    }

    /// Carries out everything that the machines decided, until they rest, then shows how things stand.
    fn settle(&mut self) {
        loop {
            let clock = self.keeper.poll_action().map(|action| self.clock_action(action));
            let core = self.core.poll_action().map(|action| self.core_action(action));
            let uplink = self.uplink.poll_action().map(|action| self.uplink_action(action));
            if clock.or(core).or(uplink).is_none() {
                break;
            }
        }
        self.show_standing();
    }

    fn clock_action(&mut self, action: ClockAction) {
        match action {
            ClockAction::Record { clock, body } => self.core.handle(clock, core::Event::Record(body)),
            ClockAction::KeepFloor { wall } => self.keep(FLOOR_KEY, wall.0.to_string()),
        }
    }

    fn core_action(&mut self, action: core::Action) {
        match action {
            core::Action::Append { ticket, draft } => {
                if self.journal.try_send(journal::Command::Append { ticket, draft }).is_err() {
                    self.not_appended(ticket);
                }
            }
            core::Action::Feedback(feedback) => {
                if let Some(sound) = &self.sound {
                    sound.play(feedback.state);
                }
                self.technician.feedback(&feedback);
                self.display.show(feedback);
            }
            core::Action::Signal { reader, signal } => self.readers.signal(&reader, signal),
            core::Action::Reopen { reader, credential } => self.gate.failed(&reader, &credential),
        }
    }

    fn not_appended(&mut self, ticket: Ticket) {
        let now = self.now();
        let why = "the journal's thread is too far behind".to_owned();
        self.core.handle(now, core::Event::NotAppended { ticket, why });
    }

    /// Keeps a small value; losing it costs a download or a wider doubt, so nobody waits for it.
    fn keep(&self, key: &'static str, value: String) {
        let (done, _) = tokio::sync::oneshot::channel();
        self.journal.try_send(journal::Command::Keep { key, value, done }).ok();
    }

    fn next_timeout(&self) -> Mono {
        let now = self.clock.mono();
        let machines = [self.keeper.poll_timeout(), self.core.poll_timeout(), self.uplink.poll_timeout(), self.board.next_shown(now)];
        let own = [
            Some(self.prune_at),
            Some(self.kernel_at),
            self.restarted,
            self.watchdog.as_ref().map(|watchdog| watchdog.next),
            self.readers.poll_timeout(now),
        ];
        machines.into_iter().chain(own).flatten().min().unwrap_or(self.prune_at)
    }
}

/// Chooses; nothing is done here, so nothing is lost when it is cancelled.
async fn wait(outlets: &mut Outlets, clock: &Clock, next: Mono) -> Happened {
    tokio::select! {
        biased;
        Some(event) = outlets.journal.recv() => Happened::Journal(event),
        Some(event) = outlets.ports.recv() => Happened::Port(event),
        Some(exchanged) = outlets.office.recv() => Happened::Office(exchanged),
        Some(told) = outlets.control.recv() => Happened::Control(told),
        Some(notice) = outlets.notices.recv() => Happened::Notice(notice),
        Some(sound) = outlets.sound.recv() => Happened::Sound(sound),
        () = clock.sleep_until(next) => Happened::Timer,
    }
}
