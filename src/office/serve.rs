//! `punch-office serve`: the store, the listener, the order in which they start and stop.
//!
//! Start: lock, keys, store, certificate, listener, then the ready line. Stop: no new connections, those under way finish, the store finishes
//! what it was handed and folds its log; within [`STOP_MAX`], or at once at a second signal.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sd_notify::NotifyState;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::api::{self, Api};
use super::ca::CaError;
use super::http::Service;
use super::keys::{self, KeyError, Locked};
use super::seed;
use super::store::{Database, Site, SiteId, Store, StoreError};
use super::terminals::Endpoint;
use super::tls::Identity;
use super::web::{self, Pages};
use crate::clock::{Clock, KERNEL_REFRESH_MS};
use crate::config::office::OfficeSettings;
use crate::supervise::{Notice, Supervisor, stop_signal};
use crate::sys::{self, Exit};

/// The file in the data directory that holds the ready line.
pub const LISTEN_FILE: &str = "listen";
/// Longest stop.
pub const STOP_MAX: Duration = Duration::from_secs(10);
/// Longest wait for connections under way.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// Worker threads.
const WORKERS: usize = 4;

/// Why the office does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Keys or locks.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Certificates.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The address could not be written down.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// TLS does not take the certificate.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// No runtime, no signals.
    #[error("the system gives no threads or signals: {0}")]
    System(io::Error),
}

impl ServeError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Key(error) => error.hint(),
            Self::Ca(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Listen { .. } => "another program may use the port; change `listen` in office.toml",
            Self::Write { .. } => "check the data directory",
            Self::Tls(_) => "check tls-cert and tls-key",
            Self::System(_) => "raise this service's limits",
        }
    }

    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Key(KeyError::InUse { .. }) | Self::Listen { .. } => Exit::Unavailable,
            Self::Ca(CaError::Given { .. }) | Self::Tls(_) => Exit::Config,
            Self::Key(_) | Self::Ca(_) | Self::Store(_) | Self::Write { .. } => Exit::Io,
            Self::System(_) => Exit::Software,
        }
    }
}

/// The line that says the office is ready.
#[derive(Serialize)]
struct ReadyLine {
    ready: bool,
    listen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<String>,
}

/// A running office.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    store: Store,
    identity: Arc<Identity>,
    service: Service,
    pages: Option<(SocketAddr, Service)>,
    supervisor: Supervisor,
    _lock: Locked,
}

/// Opens the store of the settings and makes its site known.
///
/// # Errors
/// When the store fails.
pub async fn open_store(settings: &OfficeSettings, supervisor: &Supervisor) -> Result<Store, ServeError> {
    keys::ensure_dir(&settings.data_dir)?;
    let store = Store::open(&Database::Sqlite(settings.database.clone()), supervisor)?;
    store.ensure_site(Site { id: SiteId::FIRST, name: settings.name.clone(), utc_offset: settings.utc_offset }).await?;
    Ok(store)
}

/// The address that others are told.
pub fn public_url(settings: &OfficeSettings, listen: SocketAddr) -> String {
    settings.public_url.as_ref().map_or_else(|| format!("https://{listen}"), |url| url.as_str().to_owned())
}

/// Starts an office; it serves from the moment this returns.
///
/// # Errors
/// Why it does not serve.
pub async fn start(settings: &OfficeSettings, clock: &Clock, supervisor: Supervisor) -> Result<Running, ServeError> {
    keys::ensure_dir(&settings.data_dir)?;
    let lock = keys::lock_serving(&settings.data_dir)?;
    let key = keys::office_key(&settings.data_dir)?;
    let store = open_store(settings, &supervisor).await?;
    seed::seed(&store, SiteId::FIRST, clock.wall()).await?;
    let failed = |source| ServeError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let identity = Arc::new(Identity::new(settings, address, clock)?);
    let endpoint = Endpoint::new(store.clone(), clock.clone(), settings.clock, key, identity.anchor().clone(), supervisor.clone());
    let router: Router = endpoint.router().merge(api::router(Api::new(store.clone(), clock.clone())));
    let service = Service::new(router, supervisor.clone());
    supervisor.essential("listener", service.clone().accept(listener, Some(identity.acceptor()?)));
    let pages = serve_pages(settings, &store, clock, &supervisor).await?;
    supervisor.replaceable("clock", asking_the_kernel(clock.clone(), supervisor.clone()));
    let running = Running { address, store, identity, service, pages, supervisor, _lock: lock };
    let path = settings.data_dir.join(LISTEN_FILE);
    let line = running.ready_line() + "\n";
    sys::write_whole(&path, line.as_bytes(), 0o644).map_err(|source| ServeError::Write { path, source })?;
    Ok(running)
}

/// Serves the plain pages to this machine, if the settings name a place for them.
async fn serve_pages(
    settings: &OfficeSettings,
    store: &Store,
    clock: &Clock,
    supervisor: &Supervisor,
) -> Result<Option<(SocketAddr, Service)>, ServeError> {
    let Some(wanted) = settings.pages_listen else { return Ok(None) };
    let failed = |source| ServeError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let service = Service::new(web::router(Pages::new(store.clone(), clock.clone(), SiteId::FIRST)), supervisor.clone());
    supervisor.essential("pages", service.clone().accept(listener, None));
    Ok(Some((address, service)))
}

impl Running {
    /// The line that says the office is ready, and where.
    fn ready_line(&self) -> String {
        let ready = ReadyLine { ready: true, listen: self.address.to_string(), pages: self.pages().map(|pages| pages.to_string()) };
        serde_json::to_string(&ready).unwrap_or_default()
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its pages are, if it has any.
    pub fn pages(&self) -> Option<SocketAddr> {
        self.pages.as_ref().map(|(address, _)| *address)
    }

    /// Its store.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The CA's certificate that clients trust, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.identity.anchor().pem
    }

    /// What stands behind its certificate, for opening pairing codes.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Stops in order; whether everything did within its time.
    pub async fn stop(self) -> bool {
        self.supervisor.stop().cancel();
        let drained = async {
            self.service.drained().await;
            if let Some((_, pages)) = &self.pages {
                pages.drained().await;
            }
        };
        if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        self.store.close().await;
        self.supervisor.finish(STOP_MAX).await
    }
}

/// Runs as a service until a signal; the exit code.
///
/// # Errors
/// Why it does not serve.
pub fn service(settings: &OfficeSettings, clock: &Clock) -> Result<Exit, ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().map_err(ServeError::System)?;
    runtime.block_on(async {
        let (supervisor, mut notices) = Supervisor::new();
        let running = start(settings, clock, supervisor.clone()).await?;
        if let Some(every) = sd_notify::watchdog_enabled() {
            supervisor.essential("watchdog", feeding(running.store.clone(), every / 3));
        }
        sys::out(running.ready_line());
        sd_notify::notify(&[NotifyState::Ready]).ok();
        tracing::info!(listen = %running.address, "the office serves");
        let exit = tokio::select! {
            signal = stop_signal() => signal.map(|()| Exit::Ok).map_err(ServeError::System)?,
            name = ended(&mut notices) => {
                tracing::error!(name, "an essential part ended; the process ends");
                Exit::Software
            }
        };
        sd_notify::notify(&[NotifyState::Stopping]).ok();
        if !running.stop().await {
            tracing::warn!("not everything stopped in time");
        }
        Ok(exit)
    })
}

async fn ended(notices: &mut mpsc::Receiver<Notice>) -> String {
    loop {
        match notices.recv().await {
            Some(Notice::Ended { name }) => return name,
            Some(Notice::Restarting { name }) => tracing::warn!(name, "a part is started again"),
            None => return "supervisor".to_owned(),
        }
    }
}

/// The watchdog is fed only after the store's writer answered.
async fn feeding(store: Store, every: Duration) {
    loop {
        if store.probe().await.is_err() {
            return;
        }
        sd_notify::notify(&[NotifyState::Watchdog]).ok();
        tokio::time::sleep(every).await;
    }
}

fn asking_the_kernel(clock: Clock, supervisor: Supervisor) -> impl FnMut() -> futures::Boxed + Send {
    move || {
        let (clock, supervisor) = (clock.clone(), supervisor.clone());
        Box::pin(async move {
            loop {
                let asked = clock.clone();
                supervisor.blocking(move || asked.refresh_kernel_sync()).await.ok();
                clock.sleep_until(clock.mono().plus_millis(KERNEL_REFRESH_MS)).await;
            }
        })
    }
}

mod futures {
    use std::pin::Pin;

    /// A task without a result.
    pub(super) type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;
}
