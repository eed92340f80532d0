//! What the kiosk can tell the doctor: the data directory and its disk, the identity, an attempt to reach the office, the chain. The daemon
//! tells it over its socket; `punchd examine` tells the same while no daemon runs, and changes nothing.

mod identity;
mod place;

use std::future::Future;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::terminal::TerminalSettings;
use crate::control::Reply;
use crate::domain::time::Trust;
use crate::health::doctor::{CHECK_LIMIT_MS, Part};
use crate::supervise::Supervisor;
use crate::sys::{self, Exit};
use crate::terminal::journal;
use crate::terminal::link::Link;
use crate::terminal::link::trial::Attempt;
use crate::terminal::link::trust::ClockStanding;

pub use identity::identity;
pub use place::place;

/// A part that only reads files, looked up on a thread that may block; none where it takes too long.
pub async fn from_files(supervisor: &Supervisor, look: impl FnOnce() -> Part + Send + 'static) -> Option<Part> {
    within(async { supervisor.blocking(look).await.ok() }).await.flatten()
}

async fn within<T>(part: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(CHECK_LIMIT_MS), part).await.ok()
}

/// `punchd examine`: each part as a line on standard output, as soon as it is known.
pub fn at_rest(settings: &TerminalSettings) -> Exit {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Software };
    runtime.block_on(async {
        let (supervisor, _notices) = Supervisor::new();
        let of_files = settings.clone();
        let place = from_files(&supervisor, move || Part::Place(place(&of_files.data_dir)));
        let of_files = settings.clone();
        let identity = from_files(&supervisor, move || Part::Identity(identity(&of_files)));
        let data_dir = settings.data_dir.clone();
        let chain = supervisor.blocking(move || Part::Chain(journal::examine_at_rest(&data_dir, &Clock::system())));
        tokio::join!(
            async { tell(place.await) },
            async { tell(identity.await) },
            async { tell(office(settings, &supervisor).await) },
            async { tell(chain.await.ok()) },
        );
    });
    runtime.shutdown_background();
    Exit::Ok
}

async fn office(settings: &TerminalSettings, supervisor: &Supervisor) -> Option<Part> {
    let of_files = settings.clone();
    let standing = ClockStanding::default();
    let known = standing.clone();
    let made = supervisor.blocking(move || {
        let pairing = super::identity::pairing(&of_files.data_dir).ok().flatten()?;
        let key = super::identity::kept_key(&of_files.data_dir).ok().flatten()?;
        let clock = Clock::system();
        clock.refresh_kernel_sync();
        if clock.read().kernel.is_some() {
            known.set(Trust::Synced, None);
        }
        Link::new(pairing, key, clock, &known).ok()
    });
    let link = within(made).await?.ok().flatten()?;
    let attempt = Attempt { link, standing, utc_offset: settings.utc_offset };
    Some(Part::Office(Box::new(attempt.run(supervisor).await)))
}

fn tell(part: Option<Part>) {
    let line = part.and_then(|part| serde_json::to_string(&Reply::Part { part }).ok());
    if let Some(line) = line {
        sys::out(line);
    }
}
