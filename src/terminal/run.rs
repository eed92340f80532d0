//! Sets the kiosk up and takes it down: journal thread, port threads, page, sound, socket, then the loop. The demo uses the same [`start`].
//!
//! Stop: ports, then the core drains, the journal commits and checkpoints, exchanges have 5 s; a second signal ends at once.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::display::Display;
use super::identity;
use super::journal;
use super::kiosk::{JOURNAL_COMMANDS_MAX, Kiosk, Parts, Readers, channels};
use super::port;
use super::socket;
use super::sound::{Sound, SoundSettings};
use crate::clock::Clock;
use crate::config::terminal::TerminalSettings;
use crate::supervise::{StopSignals, Supervisor};
use crate::sys::{self, Exit};

/// How long exchanges and the journal have to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// The page's address in the data directory.
const LISTEN_FILE: &str = "listen";
/// Pause before an unusable data directory is tried again.
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(2);
/// Owner and group.
const DATA_DIR_MODE: u32 = 0o750;
/// Where Linux keeps the machine's own id, by which a moved data directory is known.
const MACHINE_ID_FILE: &str = "/etc/machine-id";

/// Why the kiosk could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The page's address cannot be used.
    #[error("cannot serve the page at {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The control socket cannot be made.
    #[error("cannot listen at {path}: {source}")]
    Socket {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system gives no thread, no randomness, no signals.
    #[error("the system gives no {what}: {why}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The configuration contradicts the pairing.
    #[error("{0}")]
    Contradiction(String),
}

impl StartError {
    const fn exit(&self) -> Exit {
        match self {
            Self::Listen { .. } | Self::Socket { .. } => Exit::Unavailable,
            Self::System { .. } => Exit::Software,
            Self::Contradiction(_) => Exit::Config,
        }
    }
}

/// A kiosk that runs.
#[derive(Debug)]
pub struct Running {
    /// Where the page is.
    pub page: SocketAddr,
    supervisor: Supervisor,
    ended: tokio::sync::oneshot::Receiver<bool>,
}

impl Running {
    /// Waits until the kiosk ends by itself; whether because an essential part ended.
    pub async fn ended(&mut self) -> bool {
        (&mut self.ended).await.unwrap_or(true)
    }

    /// Stops it; whether everything ended in time.
    pub async fn stop(self) -> bool {
        self.supervisor.finish(STOP_LIMIT).await
    }
}

/// The service: until a signal, or until an essential part ends.
pub fn service(settings: TerminalSettings, clock: Clock) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            sys::err(format_args!("punchd: the system gives no event loop: {error}"));
            return Exit::Software;
        }
    };
    let exit = runtime.block_on(serve(settings, clock));
    // A question to the system's time service may still be under way; nobody waits for its answer.
    runtime.shutdown_background();
    exit
}

async fn serve(settings: TerminalSettings, clock: Clock) -> Exit {
    let data_dir = settings.data_dir.clone();
    let system = |error: std::io::Error| StartError::System { what: "signals", why: error.to_string() };
    // Before anything is announced: whoever sees it ready may tell it to stop.
    let begun = match StopSignals::watch().map_err(system) {
        Ok(signals) => start(settings, clock).await.map(|running| (signals, running)),
        Err(error) => Err(error),
    };
    let (signals, mut running) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            sys::err(format_args!("punchd: {error}"));
            return error.exit();
        }
    };
    announce(data_dir, &running);
    let exit = tokio::select! {
        signal = signals.first() => match signal {
            Ok(()) => Exit::Ok,
            Err(error) => {
                tracing::error!(%error, "a second signal cannot be watched for");
                Exit::Ok
            }
        },
        _ = running.ended() => Exit::Software,
    };
    sd_notify::notify(&[sd_notify::NotifyState::Stopping]).ok();
    if !running.stop().await {
        tracing::warn!("not everything ended in time");
    }
    exit
}

/// Says that the kiosk is ready: to whoever started it, to systemd, and in the data directory as soon as that can be written.
fn announce(data_dir: PathBuf, running: &Running) {
    let line = format!("{{\"ready\":true,\"listen\":\"{}\"}}", running.page);
    sys::out(&line);
    let supervisor = running.supervisor.clone();
    running.supervisor.passing(async move {
        let (path, text) = (data_dir.join(LISTEN_FILE), format!("{line}\n"));
        loop {
            let (path, text) = (path.clone(), text.clone());
            let written = supervisor.blocking(move || sys::write_whole(&path, text.as_bytes(), 0o644)).await;
            let rest = tokio::time::sleep(ANNOUNCE_AGAIN);
            if matches!(written, Ok(Ok(()))) || supervisor.stop().run_until_cancelled(rest).await.is_none() {
                return;
            }
        }
    });
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).ok();
}

/// Sets a kiosk up in this runtime.
///
/// # Errors
/// When the page or the socket cannot be had, or the configuration contradicts the pairing. An unusable data directory is none: the page
/// then asks for paper sign-in, and it recovers by itself.
pub async fn start(settings: TerminalSettings, clock: Clock) -> Result<Running, StartError> {
    agrees_with_pairing(&settings)?;
    // Names of people lie in it: it is for the daemon's user and group alone.
    let made = std::fs::DirBuilder::new().recursive(true).mode(DATA_DIR_MODE).create(&settings.data_dir);
    if let Err(error) = made {
        tracing::error!(%error, folder = %settings.data_dir.display(), "the data directory cannot be made");
    }
    let (supervisor, notices) = Supervisor::new();
    let (inlets, outlets) = channels(notices);
    let listen = settings.listen;
    let listener = TcpListener::bind(listen).await.map_err(|source| StartError::Listen { listen, source })?;
    let page = listener.local_addr().map_err(|source| StartError::Listen { listen, source })?;
    let socket_path = settings.control_socket.clone();
    let control = socket::listen(&socket_path).map_err(|source| StartError::Socket { path: socket_path, source })?;

    let (journal, commands) = std::sync::mpsc::sync_channel(JOURNAL_COMMANDS_MAX);
    let options = journal_options(&settings);
    let (journal_clock, journal_events) = (clock.clone(), inlets.journal.clone());
    let thread = supervisor.essential_thread("journal", move || journal::run(options, journal_clock, commands, journal_events));
    thread.map_err(|error| StartError::System { what: "thread", why: error.to_string() })?;

    let mut readers = Readers::default();
    for reader in &settings.readers {
        let (handle, commands) = port::commands();
        let (port, port_clock, events) = (reader.clone(), clock.clone(), inlets.ports.clone());
        let name = format!("port-{}", reader.reader);
        let thread = supervisor.device_thread(&name, move || port::run(&port, &port_clock, &events, &commands));
        thread.map_err(|error| StartError::System { what: "thread", why: error.to_string() })?;
        readers.add(reader.clone(), handle);
    }

    let display = Display::new(clock.clone());
    let (shown, stop) = (display.clone(), supervisor.stop().clone());
    supervisor.essential("page", async move {
        if let Err(error) = shown.serve(listener, stop.cancelled_owned()).await {
            tracing::error!(%error, "the page cannot be served");
        }
    });
    supervisor.essential("control", socket::serve(control, supervisor.clone(), inlets.control.clone()));
    let sound = sound(&settings, &supervisor, inlets.sound.clone())?;

    let watchdog_ms = sd_notify::watchdog_enabled().and_then(|every| u64::try_from(every.as_millis() / 3).ok());
    let parts = Parts {
        settings: Arc::new(settings),
        clock,
        supervisor: supervisor.clone(),
        journal,
        display,
        page,
        sound,
        inlets,
        watchdog_ms,
        seed: seed()?,
    };
    let (end, ended) = tokio::sync::oneshot::channel();
    let kiosk = Kiosk::new(parts, readers);
    supervisor.passing(async move {
        end.send(kiosk.run(outlets).await).ok();
    });
    Ok(Running { page, supervisor, ended })
}

fn journal_options(settings: &TerminalSettings) -> journal::Options {
    let machine = std::fs::read_to_string(MACHINE_ID_FILE).unwrap_or_default().trim().to_owned();
    let retention_days = settings.retention_days;
    journal::Options { retention_days, ..journal::Options::new(settings.data_dir.clone(), machine) }
}

fn sound(
    settings: &TerminalSettings,
    supervisor: &Supervisor,
    told: mpsc::Sender<Option<crate::health::Condition>>,
) -> Result<Option<Sound>, StartError> {
    if !settings.sound {
        return Ok(None);
    }
    let (sound, player) = Sound::new(SoundSettings { sounds_dir: settings.sounds_dir.clone(), ..SoundSettings::default() });
    let report = Box::new(move |condition| drop(told.try_send(condition)));
    let thread = supervisor.device_thread("sound", move || player.run(report));
    thread.map_err(|error| StartError::System { what: "thread", why: error.to_string() })?;
    Ok(Some(sound))
}

fn seed() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StartError::System { what: "randomness", why: error.to_string() })?;
    Ok(u64::from_le_bytes(bytes))
}

/// A pairing that cannot be read is no contradiction: the data directory may be away, and punches come first.
fn agrees_with_pairing(settings: &TerminalSettings) -> Result<(), StartError> {
    let Ok(Some(pairing)) = identity::pairing(&settings.data_dir) else { return Ok(()) };
    identity::contradiction(settings, &pairing).map_or(Ok(()), |why| Err(StartError::Contradiction(why)))
}
