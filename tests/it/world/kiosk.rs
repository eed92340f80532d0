//! One kiosk: its machines while it runs, its disk and its clocks for ever.

use std::collections::BTreeMap;

use punchd::domain::id::TerminalId;
use punchd::domain::time::{ClockReading, Mono, UtcOffset};
use punchd::machine::Ticket;
use punchd::machine::clockkeeper::{self, ClockKeeper};
use punchd::machine::core::{self, Core};
use punchd::machine::gate::Gate;
use punchd::machine::uplink::{Event, Request, Settings, Uplink};
use punchd::reader::Reading;
use punchd::wire::batch::{Batch, TerminalState};
use punchd::wire::entry::{Body, Draft};

use super::clocks::Clocks;
use super::disk::Disk;
use super::mutant::{Edge, Mutant};

/// How many of the newest entries the core is given at start.
const RECENT: usize = 300;

/// A kiosk.
#[derive(Debug)]
pub(super) struct Kiosk {
    pub(super) name: TerminalId,
    pub(super) disk: Disk,
    pub(super) clocks: Clocks,
    /// Counts its starts, so that what belonged to an earlier one is known.
    pub(super) life: u64,
    pub(super) running: Option<Machines>,
    pub(super) tapped: u64,
    /// Until when the disk is busy with what it was given.
    pub(super) busy_until: u64,
    pub(super) bundle: String,
    /// Whether another machine lives under the same name.
    pub(super) twin: bool,
}

/// What a process holds in memory.
#[derive(Debug)]
pub(super) struct Machines {
    pub(super) keeper: ClockKeeper,
    pub(super) gate: Gate,
    pub(super) core: Core,
    /// Presentations that were admitted and not answered yet.
    pub(super) unanswered: i64,
    pub(super) uplink: Uplink,
    pub(super) edge: Edge,
    /// Appends that are not answered yet.
    pub(super) pending: BTreeMap<Ticket, ClockReading>,
    pub(super) sent: BTreeMap<Request, Mono>,
    pub(super) wake: Option<u64>,
}

impl Kiosk {
    pub(super) fn start(&mut self, now: u64, seed: u64, settings: Settings, mutant: Option<Mutant>) {
        self.life += 1;
        self.busy_until = now;
        self.running = Some(Machines {
            keeper: ClockKeeper::new(clockkeeper::Settings::default(), self.disk.floor),
            gate: Gate::default(),
            core: Core::new(core::Settings { utc_offset: UtcOffset::china() }),
            unanswered: 0,
            uplink: Uplink::new(seed, settings),
            edge: Edge::new(mutant),
            pending: BTreeMap::new(),
            sent: BTreeMap::new(),
            wake: None,
        });
        let entries: Vec<_> = self.disk.entries().map(|kept| kept.entry.clone()).collect();
        let recent = entries[entries.len().saturating_sub(RECENT)..].to_vec();
        let raw = self.clocks.read(now);
        if let Some(machines) = &mut self.running {
            machines.keeper.handle(raw, clockkeeper::Event::Journal(&recent));
        }
        self.core(now, core::Event::JournalAvailable { recent });
        self.core(now, core::Event::Record(Body::Boot { version: "0.1.0".to_owned() }));
        self.uplink(now, Event::Paired);
        self.uplink(now, Event::Journals(self.disk.views()));
    }

    /// The process ends here, whatever it was doing.
    pub(super) fn cut(&mut self) {
        self.running = None;
        self.disk.cut();
    }

    pub(super) fn core(&mut self, now: u64, event: core::Event) {
        let raw = self.clocks.read(now);
        if let Some(machines) = &mut self.running {
            let reading = machines.keeper.read(raw);
            machines.core.handle(reading, event);
        }
    }

    /// A frame from the reader.
    pub(super) fn read(&mut self, now: u64, at: Mono, reading: Reading) {
        let reader = "badge".parse().unwrap();
        let Some(machines) = &mut self.running else { return };
        if machines.gate.admit(at, &reader, &reading) {
            machines.unanswered += 1;
            self.core(now, core::Event::Read { reader, reading, at });
        }
    }

    pub(super) fn uplink(&mut self, now: u64, event: Event) {
        let raw = self.clocks.read(now);
        if let Some(machines) = &mut self.running
            && let Some(event) = machines.edge.uplink_event(event)
        {
            let reading = machines.keeper.read(raw);
            machines.uplink.handle(reading, event);
        }
    }

    pub(super) fn wake(&mut self, now: u64) {
        let raw = self.clocks.read(now);
        if let Some(machines) = &mut self.running {
            let reading = machines.keeper.read(raw);
            machines.core.handle_timeout(reading);
            machines.uplink.handle_timeout(reading);
        }
    }

    /// When the machines want to be woken, in true time.
    pub(super) fn wanted_at(&self) -> Option<u64> {
        let machines = self.running.as_ref()?;
        let wanted = machines.uplink.poll_timeout().into_iter().chain(machines.core.poll_timeout()).min();
        wanted.map(|at| self.clocks.when(at))
    }

    /// A draft that carries this moment, for what the journal writes by itself.
    pub(super) fn moment(&mut self, now: u64) -> Draft {
        let raw = self.clocks.read(now);
        let clock = self
            .running
            .as_mut()
            .map_or_else(|| ClockKeeper::new(clockkeeper::Settings::default(), None).read(raw), |machines| machines.keeper.read(raw));
        Draft { clock, body: Body::Boot { version: "0.1.0".to_owned() }, origin: None }
    }

    /// The terminal at this moment. A reading that is not stored yet holds the clock back: completeness never runs ahead of the disk.
    pub(super) fn state(&mut self, now: u64) -> TerminalState {
        let clock = self.moment(now).clock;
        let machines = self.running.as_ref();
        let held_back = machines.filter(|machines| !machines.edge.runs_ahead());
        let oldest = held_back.and_then(|machines| machines.pending.values().min_by_key(|clock| clock.mono).copied());
        let backlog = machines.map_or(0, |machines| machines.uplink.standing().backlog);
        TerminalState {
            clock: oldest.unwrap_or(clock),
            journals: self.disk.states(),
            backlog,
            software: "0.1.0".to_owned(),
            conditions: Vec::new(),
            bundle: Some(self.bundle.clone()),
        }
    }
}

/// A batch's bytes.
pub(super) fn body(batch: &Batch) -> Vec<u8> {
    serde_json::to_vec(batch).unwrap()
}
