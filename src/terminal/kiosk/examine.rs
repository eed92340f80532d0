//! What the doctor asks of a running kiosk. What the loop knows is told at once; files, the office and the chain are other threads' work, each
//! with its limit, so no tap waits for any of it.

use tokio::sync::{mpsc, oneshot};

use super::Kiosk;
use super::technician::refuse;
use crate::config::terminal::ClockSource;
use crate::control::Reply;
use crate::domain::time::{ClockReading, Wall};
use crate::health::doctor::bundle::{Bundle, Exchanges};
use crate::health::doctor::clock::Clock;
use crate::health::doctor::daemon::Standing;
use crate::health::doctor::page::Sound;
use crate::health::doctor::{CHAIN_LIMIT_MS, CHECK_LIMIT_MS, Part};
use crate::health::{Code, Condition};
use crate::sys::accounts;
use crate::terminal::examine::{from_files, identity, place};
use crate::terminal::journal;
use crate::terminal::link::trial::Attempt;

/// How long the journal's answer is waited for: its own limit, and as long as any check.
const CHAIN_PATIENCE: std::time::Duration = std::time::Duration::from_millis(CHAIN_LIMIT_MS + CHECK_LIMIT_MS);

/// How long the attempt to reach the office is waited for: it keeps its own limit, and has a moment to say so.
const OFFICE_PATIENCE: std::time::Duration = std::time::Duration::from_millis(CHECK_LIMIT_MS + 1_000);

impl Kiosk {
    /// Tells every part as soon as it is known; the answer ends with the last of them.
    pub(super) fn examine(&mut self, replies: mpsc::Sender<Reply>) {
        let standing = Part::Standing(Box::new(self.standing()));
        replies.try_send(Reply::Part { part: standing }).ok();
        let settings = std::sync::Arc::clone(&self.settings);
        let (supervisor, told) = (self.supervisor.clone(), replies.clone());
        self.supervisor.passing(async move {
            let data_dir = settings.data_dir.clone();
            tell(&told, from_files(&supervisor, move || Part::Place(place(&data_dir))).await).await;
            tell(&told, from_files(&supervisor, move || Part::Identity(identity(&settings))).await).await;
        });
        if let Some(link) = self.office.link.clone() {
            let attempt = Attempt { link, standing: self.office.standing.clone(), utc_offset: self.utc_offset() };
            let (supervisor, told) = (self.supervisor.clone(), replies.clone());
            self.supervisor.passing(async move {
                let trial = tokio::time::timeout(OFFICE_PATIENCE, attempt.run(&supervisor)).await;
                tell(&told, trial.ok().map(|trial| Part::Office(Box::new(trial)))).await;
            });
        }
        let (answer, chain) = oneshot::channel();
        if self.journal.try_send(journal::Command::Examine { answer }).is_err() {
            refuse(&replies, "busy", "the journal's thread is too far behind", "try again");
            return;
        }
        self.supervisor.passing(async move {
            let chain = tokio::time::timeout(CHAIN_PATIENCE, chain).await;
            tell(&replies, chain.ok().and_then(Result::ok).map(Part::Chain)).await;
        });
    }

    fn standing(&mut self) -> Standing {
        let now = self.now();
        let standing = self.uplink.standing();
        let exchanges = self.office.link.as_ref().map(|_| Exchanges {
            last_ms: self.office.last_exchanged.map(|at| now.mono.millis_since(at)),
            backlog: standing.backlog,
            reachable: standing.reachable,
        });
        Standing {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            user: accounts::own_user(),
            groups: accounts::own_groups(),
            up_ms: now.mono.millis_since(self.begun),
            configuration: self.settings.file.as_ref().map(|file| file.display().to_string()),
            settings: self.settings.digest(),
            page: self.page.clone(),
            streams: self.display.streams(),
            sound: self.examined_sound(),
            readers: self.readers.examined(now.mono),
            clock: self.examined_clock(now),
            exchanges,
            bundle: self.examined_bundle(now),
            obstacle: self.obstacle.clone(),
        }
    }

    fn raised(&self, code: Code) -> Option<Condition> {
        self.board.shown(self.clock.mono()).into_iter().find(|condition| condition.code == code)
    }

    fn examined_sound(&self) -> Sound {
        match (&self.sound, self.raised(Code::NoSound)) {
            (None, _) => Sound::Off,
            (Some(_), None) => Sound::Works,
            (Some(_), Some(condition)) => Sound::Fails(condition.detail),
        }
    }

    fn examined_clock(&mut self, now: ClockReading) -> Clock {
        let raw = self.clock.read();
        let best = self.keeper.best_now(raw);
        let offset = self.utc_offset();
        let configured = self.settings.utc_offset;
        let source = match self.settings.clock_source {
            ClockSource::Kernel => "kernel",
            ClockSource::Office => "office",
            ClockSource::Both => "both",
        };
        Clock {
            trust: now.trust,
            best: offset.rfc3339(Wall(best.at.0.div_euclid(1_000) * 1_000)),
            uncertainty_ms: now.uncertainty_ms,
            doubt: self.keeper.doubt().map(|doubt| doubt.to_string()).unwrap_or_default(),
            office_offset_ms: self.keeper.office_offset_ms(),
            kernel: raw.kernel.is_some(),
            source: source.to_owned(),
            floor: self.keeper.floor().map(|floor| offset.rfc3339(floor)),
            differs: (offset != configured).then(|| (configured.to_string(), offset.to_string())),
        }
    }

    fn examined_bundle(&self, now: ClockReading) -> Option<Bundle> {
        let bundle = self.office.bundle.as_deref()?;
        let (today, _) = bundle.utc_offset.civil(now.wall);
        let age_ms = self.office.bundle_at.map(|at| now.wall.millis_since(at)).unwrap_or_default();
        Some(Bundle {
            age_ms: u64::try_from(age_ms).unwrap_or_default(),
            stale: self.raised(Code::RosterStale).is_some(),
            people: bundle.roster.people.len(),
            rules: bundle.rules.on(today).map(|rules| rules.version.clone()),
            calendar_days: bundle.calendar.known_through().map(|last| last.signed_duration_since(today).num_days()),
        })
    }
}

async fn tell(replies: &mpsc::Sender<Reply>, part: Option<Part>) {
    if let Some(part) = part {
        replies.send(Reply::Part { part }).await.ok();
    }
}
