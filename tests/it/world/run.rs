//! The course of one world: a queue of what is due, and one thing done at a time.

use std::collections::BTreeMap;

use punchd::domain::credential::Credential;
use punchd::domain::id::{BootId, JournalId, Sequence};
use punchd::domain::time::Mono;
use punchd::machine::clockkeeper::{self, Exchange};
use punchd::machine::uplink::{Action, Event, Failure, Request, Settings};
use punchd::machine::{Ticket, core};
use punchd::reader::Reading;
use punchd::wire::batch::{BATCH_VERSION, Batch, Lost, Receipt};
use punchd::wire::entry::{Draft, Stored};
use serde_json::value::RawValue;

use super::clocks::{Clocks, true_wall};
use super::disk::Disk;
use super::kiosk::{Kiosk, body};
use super::ledger::Ledger;
use super::mutant::{Edge, Mutant};
use super::office::Office;
use super::plan::{HOUR_MS, MINUTE_MS, Plan, SECOND_MS};
use super::random::Random;
use super::sheets::{self, Book};

/// How long the shell waits for an answer.
const TIMEOUT_MS: u64 = 30 * SECOND_MS;
/// Within this time after the last fault everything has reached the office: 20 minutes until the quiet restore, then a round of heartbeats.
const QUIET_MS: u64 = 4 * HOUR_MS;
/// How often clocks are compared although nothing happens.
const TICK_MS: u64 = 30 * MINUTE_MS;

/// A world.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: u64,
    pub(super) ledger: Ledger,
    pub(super) trace: u64,
    queue: BTreeMap<(u64, u64), Item>,
    serial: u64,
    random: Random,
    plan: Plan,
    kiosks: Vec<Kiosk>,
    office: Office,
    backups: Vec<Office>,
    mutant: Option<Mutant>,
}

/// What is due, mostly at the kiosk of that index in its life of that number.
#[derive(Debug)]
enum Item {
    Tap(usize),
    Commit { kiosk: usize, life: u64, ticket: Ticket, draft: Draft },
    Told { kiosk: usize, life: u64, event: Event },
    Wake { kiosk: usize, life: u64 },
    Arrive { body: Vec<u8>, from: Option<(usize, u64, Request)> },
    Answer { kiosk: usize, life: u64, request: Request, receipt: Box<Receipt> },
    Start(usize),
    PowerCut(usize),
    PowerOn(usize),
    Ntp(usize),
    Turn(usize, i64),
    Tick(usize),
    Damage(usize),
    Twin(usize),
    Backup,
    Restore,
}

impl World {
    pub(super) fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let mut world = Self {
            now: 0,
            ledger: Ledger::default(),
            trace: seed,
            queue: BTreeMap::new(),
            serial: 0,
            random,
            plan: plan.clone(),
            kiosks: Vec::new(),
            office: Office::default(),
            backups: vec![Office::default()],
            mutant,
        };
        for (index, own) in plan.kiosks.iter().enumerate() {
            let mut clocks = Clocks::new(own.battery, own.drift_ppm);
            clocks.boot(0, BootId(world.random.bytes()));
            let name = format!("hall-{index}").parse().unwrap();
            world.add_kiosk(name, clocks);
            own.taps.iter().for_each(|at| world.due(*at, Item::Tap(index)));
            own.power_cuts.iter().for_each(|at| world.due(*at, Item::PowerCut(index)));
            own.turns.iter().for_each(|(at, by)| world.due(*at, Item::Turn(index, *by)));
            own.ntp.iter().for_each(|at| world.due(*at, Item::Ntp(index)));
            own.damaged.iter().for_each(|at| world.due(*at, Item::Damage(index)));
            own.cloned.iter().for_each(|at| world.due(*at, Item::Twin(index)));
        }
        plan.backups.iter().for_each(|at| world.due(*at, Item::Backup));
        plan.restores.iter().for_each(|at| world.due(*at, Item::Restore));
        world
    }

    /// Lets everything happen, then asks what must hold.
    pub(super) fn run(mut self) -> Self {
        let last = self.plan.end + QUIET_MS;
        while let Some(entry) = self.queue.first_entry() {
            let (at, _) = *entry.key();
            if at > last {
                break;
            }
            let item = entry.remove();
            self.now = at;
            self.mark(&[at, kind(&item)]);
            self.happen(item);
        }
        self.ledger.close(&self.kiosks, &self.office, self.plan.end);
        self
    }

    fn add_kiosk(&mut self, name: punchd::domain::id::TerminalId, clocks: Clocks) {
        let journal = JournalId(self.random.bytes());
        let reading = clockkeeper::ClockKeeper::new(clockkeeper::Settings::default(), None).read(clocks.read(self.now));
        let opened = punchd::wire::entry::Body::Opened { predecessor: None, version: "0.1.0".to_owned() };
        let disk = Disk::new(journal, Draft { clock: reading, body: opened, origin: None });
        let index = self.kiosks.len();
        self.kiosks.push(Kiosk {
            name,
            disk,
            clocks,
            life: 0,
            running: None,
            tapped: 0,
            busy_until: 0,
            bundle: String::new(),
            twin: false,
        });
        self.due(self.now, Item::Start(index));
        self.due(self.now + TICK_MS, Item::Tick(index));
    }

    fn due(&mut self, at: u64, item: Item) {
        self.serial += 1;
        self.queue.insert((at.max(self.now), self.serial), item);
    }

    fn soon(&mut self, low: u64, high: u64, item: Item) {
        let at = self.now + self.random.between(low, high);
        self.due(at, item);
    }

    fn mark(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.trace = (self.trace ^ number).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
        }
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Tap(kiosk) => self.tap(kiosk),
            Item::Commit { kiosk, life, ticket, draft } if self.lives(kiosk, life) => self.commit(kiosk, ticket, draft),
            Item::Told { kiosk, life, event } if self.lives(kiosk, life) => self.tell(kiosk, event),
            Item::Wake { kiosk, life } if self.lives(kiosk, life) => self.wake(kiosk),
            Item::Answer { kiosk, life, request, receipt } if self.lives(kiosk, life) => self.answered(kiosk, request, *receipt),
            Item::Commit { .. } | Item::Told { .. } | Item::Wake { .. } | Item::Answer { .. } => {}
            Item::Arrive { body, from } => self.arrive(&body, from),
            Item::Start(kiosk) => self.start(kiosk),
            Item::PowerCut(kiosk) => self.cut(kiosk, true),
            Item::PowerOn(kiosk) => {
                let boot = BootId(self.random.bytes());
                self.kiosks[kiosk].clocks.boot(self.now, boot);
                self.start(kiosk);
            }
            Item::Ntp(kiosk) => {
                self.kiosks[kiosk].clocks.hear_ntp(self.now);
                self.wake(kiosk);
            }
            Item::Turn(kiosk, by) => {
                let shown = self.kiosks[kiosk].clocks.wall(self.now).plus_millis(by);
                self.kiosks[kiosk].clocks.turn(self.now, shown);
                self.wake(kiosk);
            }
            Item::Tick(kiosk) => self.tick(kiosk),
            Item::Damage(kiosk) => self.damage(kiosk),
            Item::Twin(kiosk) => self.twin(kiosk),
            Item::Backup => self.backups.push(self.office.clone()),
            Item::Restore => {
                let copy = usize::try_from(self.random.between(0, self.backups.len() as u64 - 1)).unwrap();
                self.office = self.backups[copy].clone();
                self.ledger.restored(&self.kiosks, &self.office);
            }
        }
    }

    fn lives(&self, kiosk: usize, life: u64) -> bool {
        self.kiosks[kiosk].running.is_some() && self.kiosks[kiosk].life == life
    }

    fn start(&mut self, index: usize) {
        if self.kiosks[index].running.is_none() {
            let (seed, Plan { heartbeat_ms, batch_entries, .. }) = (self.random.number(), &self.plan);
            let settings = Settings { heartbeat_ms: *heartbeat_ms, batch_entries: *batch_entries, ..Settings::default() };
            self.kiosks[index].start(self.now, seed, settings, self.mutant);
            self.drain(index);
        }
    }

    fn cut(&mut self, index: usize, power: bool) {
        if self.kiosks[index].running.is_some() {
            self.kiosks[index].cut();
            let again = if power { Item::PowerOn(index) } else { Item::Start(index) };
            self.soon(2 * SECOND_MS, 10 * MINUTE_MS, again);
        }
    }

    /// Whether the process ends at this very place.
    fn crashes(&mut self, index: usize) -> bool {
        let crash = self.now < self.plan.end && self.random.chance(self.plan.crashes);
        if crash {
            let power = self.random.chance(5_000);
            self.cut(index, power);
        }
        crash
    }

    /// A badge is held to the reader, which sends it over and over.
    fn tap(&mut self, index: usize) {
        let frames = self.random.between(1, 4);
        let kiosk = &mut self.kiosks[index];
        let Some(at) = kiosk.running.as_ref().map(|_| kiosk.clocks.mono(self.now)) else { return };
        kiosk.tapped += 1;
        let credential = Credential::Text(format!("tap-{index}-{}", kiosk.tapped));
        self.ledger.fed.insert(credential.to_string(), self.now);
        for _ in 0..frames {
            self.kiosks[index].read(self.now, at, Reading::Credential(credential.clone()));
        }
        self.drain(index);
    }

    fn wake(&mut self, index: usize) {
        if let Some(machines) = &mut self.kiosks[index].running {
            machines.wake = None;
        }
        self.kiosks[index].wake(self.now);
        self.drain(index);
    }

    fn tell(&mut self, index: usize, event: Event) {
        if let Event::InForce { tag, .. } = &event {
            self.kiosks[index].bundle.clone_from(tag);
        }
        self.kiosks[index].uplink(self.now, event);
        self.drain(index);
    }

    fn tick(&mut self, index: usize) {
        let retention = self.plan.kiosks.get(index).and_then(|own| own.retention_ms);
        if let Some(retention) = retention {
            self.kiosks[index].disk.prune(self.now, retention);
            let views = self.kiosks[index].disk.views();
            self.tell(index, Event::Journals(views));
        }
        self.due(self.now + TICK_MS, Item::Tick(index));
        self.wake(index);
    }

    fn damage(&mut self, index: usize) {
        let next = JournalId(self.random.bytes());
        let (first, count) = (self.random.between(0, 60), self.random.between(1, 20));
        let kiosk = &mut self.kiosks[index];
        let moment = kiosk.moment(self.now);
        kiosk.disk.damage(self.now, next, &moment, usize::try_from(first).unwrap(), usize::try_from(count).unwrap());
        let views = kiosk.disk.views();
        self.tell(index, Event::Journals(views));
    }

    /// The disk is copied into another machine, which starts under the same name.
    fn twin(&mut self, index: usize) {
        let (name, disk, mut clocks) = {
            let kiosk = &mut self.kiosks[index];
            kiosk.twin = true;
            (kiosk.name.clone(), kiosk.disk.clone(), kiosk.clocks.clone())
        };
        self.ledger.twinned(&name);
        clocks.boot(self.now, BootId(self.random.bytes()));
        let twin = self.kiosks.len();
        self.add_kiosk(name, clocks);
        self.kiosks[twin].disk = disk;
        self.kiosks[twin].disk.cut();
        self.kiosks[twin].twin = true;
        for _ in 0..20 {
            let at = self.random.between(self.now, self.plan.end.max(self.now));
            self.due(at, Item::Tap(twin));
        }
        self.due(self.plan.end + 15 * MINUTE_MS, Item::Ntp(twin));
    }

    fn commit(&mut self, index: usize, ticket: Ticket, draft: Draft) {
        let full = self.during(index, |own| &own.full);
        let kiosk = &mut self.kiosks[index];
        if full {
            if let Some(machines) = &mut kiosk.running {
                machines.pending.remove(&ticket);
            }
            kiosk.core(self.now, core::Event::NotAppended { ticket, why: "the disk is full".to_owned() });
            return self.drain(index);
        }
        let stored = kiosk.disk.append(self.now, draft);
        self.mark(&[stored.sequence.0]);
        if self.crashes(index) {
            return; // durable, and nobody was told
        }
        let kiosk = &mut self.kiosks[index];
        if let Some(machines) = &mut kiosk.running {
            machines.pending.remove(&ticket);
        }
        let (last, head) = (stored.sequence, stored.hash);
        kiosk.core(self.now, core::Event::Appended { ticket, stored });
        kiosk.uplink(self.now, Event::Appended { last, head });
        self.drain(index);
    }

    fn during(&self, index: usize, spans: impl Fn(&super::plan::KioskPlan) -> &Vec<super::plan::Span>) -> bool {
        let own = self.plan.kiosks.get(index);
        own.is_some_and(|own| spans(own).iter().any(|(from, to)| (*from..*to).contains(&self.now)))
    }

    /// Carries out what the machines want, until they want nothing.
    fn drain(&mut self, index: usize) {
        loop {
            let Some(machines) = &mut self.kiosks[index].running else { return };
            if let Some(action) = machines.keeper.poll_action() {
                self.keeper_action(index, action);
            } else if let Some(action) = machines.core.poll_action() {
                let next = self.next_place(index);
                let Some(machines) = &self.kiosks[index].running else { return };
                for action in machines.edge.core_action(action, next) {
                    self.core_action(index, action);
                }
            } else if let Some(action) = machines.uplink.poll_action() {
                match machines.edge.swallowed(&action) {
                    None => self.uplink_action(index, action),
                    Some(event) => self.kiosks[index].uplink(self.now, event),
                }
            } else {
                break;
            }
        }
        self.sleep(index);
    }

    fn next_place(&self, index: usize) -> (JournalId, Sequence) {
        let open = self.kiosks[index].disk.views().pop();
        open.map_or((JournalId([0; 16]), Sequence::ZERO), |view| (view.journal, view.last.next()))
    }

    fn sleep(&mut self, index: usize) {
        let Some(at) = self.kiosks[index].wanted_at() else { return };
        let life = self.kiosks[index].life;
        let Some(machines) = &mut self.kiosks[index].running else { return };
        if machines.wake.is_none_or(|wake| at < wake) {
            machines.wake = Some(at);
            self.due(at, Item::Wake { kiosk: index, life });
        }
    }

    fn keeper_action(&mut self, index: usize, action: clockkeeper::Action) {
        match action {
            clockkeeper::Action::Record { clock, body } => {
                if let Some(machines) = &mut self.kiosks[index].running {
                    machines.core.handle(clock, core::Event::Record(body));
                }
            }
            clockkeeper::Action::KeepFloor { wall } => self.kiosks[index].disk.floor = Some(wall),
        }
    }

    fn core_action(&mut self, index: usize, action: core::Action) {
        if self.crashes(index) {
            return;
        }
        let life = self.kiosks[index].life;
        match action {
            core::Action::Append { ticket, draft } => {
                let stalls = self.now < self.plan.end && self.random.chance(self.plan.stalls);
                let stall = if stalls { self.random.between(3 * SECOND_MS, 20 * SECOND_MS) } else { 0 };
                let took = stall + self.random.between(2, 30);
                let kiosk = &mut self.kiosks[index];
                kiosk.busy_until = kiosk.busy_until.max(self.now) + took;
                let at = kiosk.busy_until;
                if let Some(machines) = &mut kiosk.running {
                    machines.pending.insert(ticket, draft.clock);
                }
                self.due(at, Item::Commit { kiosk: index, life, ticket, draft });
            }
            core::Action::Feedback(feedback) => {
                if let (Some(machines), Some(_)) = (&mut self.kiosks[index].running, &feedback.reader) {
                    machines.unanswered -= 1;
                }
                if let (Some(journal), Some(sequence)) = (feedback.journal, feedback.sequence) {
                    self.mark(&[sequence.0]);
                    self.ledger.green(&self.kiosks[index], journal, sequence);
                }
            }
            core::Action::Reopen { reader, credential } => {
                if let Some(machines) = &mut self.kiosks[index].running {
                    machines.gate.failed(&reader, &credential);
                }
            }
            core::Action::Signal { .. } => {}
        }
    }

    fn uplink_action(&mut self, index: usize, action: Action) {
        if self.crashes(index) {
            return;
        }
        let life = self.kiosks[index].life;
        match action {
            Action::Load { journal, from, limit } => {
                let (entries, lost) = self.kiosks[index].disk.load(journal, from, limit);
                let event = Event::Loaded { journal, entries, lost };
                self.soon(1, 5, Item::Told { kiosk: index, life, event });
            }
            Action::Send { request, journal, entries, lost } => self.send(index, request, journal, &entries, lost),
            Action::Acknowledge { journal, mark, .. } => {
                let reaches_disk = self.random.chance(3_000);
                self.kiosks[index].disk.acknowledge(journal, mark, reaches_disk);
            }
            Action::HealFork { journal, from } => {
                let next = JournalId(self.random.bytes());
                let kiosk = &mut self.kiosks[index];
                let moment = kiosk.moment(self.now);
                kiosk.disk.heal(self.now, next, &moment, journal, from);
                let event = Event::Journals(kiosk.disk.views());
                self.soon(1, 50, Item::Told { kiosk: index, life, event });
            }
            Action::Fetch(what) => {
                if !self.during(index, |own| &own.outages) {
                    let event = Event::InForce { what, tag: self.tag() };
                    self.soon(20, 3_000, Item::Told { kiosk: index, life, event });
                }
            }
        }
    }

    /// The bundle changes once a day.
    fn tag(&self) -> String {
        format!("bundle-{}", self.now.min(self.plan.end) / super::plan::DAY_MS)
    }

    fn send(&mut self, index: usize, request: Request, journal: JournalId, entries: &[Stored], lost: Vec<Lost>) {
        let state = self.kiosks[index].state(self.now);
        let terminal = self.kiosks[index].name.clone();
        let raw = |entry: &Stored| RawValue::from_string(entry.text.clone()).unwrap();
        let entries = entries.iter().map(raw).collect();
        let body = body(&Batch { version: BATCH_VERSION, terminal, journal, entries, lost, state });
        let life = self.kiosks[index].life;
        let mono = self.kiosks[index].clocks.mono(self.now);
        if let Some(machines) = &mut self.kiosks[index].running {
            machines.sent.insert(request, mono);
        }
        let noisy = self.now < self.plan.end;
        let fails = |failure: Failure| Item::Told { kiosk: index, life, event: Event::Failed { request, failure } };
        let silent = fails(Failure::Unreachable("no answer".to_owned()));
        if self.during(index, |own| &own.outages) {
            let wait = if self.random.chance(5_000) { TIMEOUT_MS } else { SECOND_MS };
            return self.soon(wait, wait, silent);
        }
        if noisy && self.random.chance(self.plan.garbles) {
            let failure = self.random.pick(&[Failure::Garbled as fn(String) -> Failure, Failure::Refused, Failure::Untrusted]);
            return self.soon(20, 400, fails(failure("something else answered".to_owned())));
        }
        self.soon(TIMEOUT_MS, TIMEOUT_MS, silent);
        let latency = if noisy { self.plan.latency_max_ms } else { 200 };
        if noisy && self.random.chance(self.plan.repeats) {
            self.soon(MINUTE_MS, 6 * HOUR_MS, Item::Arrive { body: body.clone(), from: None });
        }
        if !(noisy && self.random.chance(self.plan.loss)) {
            self.soon(10, latency, Item::Arrive { body, from: Some((index, life, request)) });
        }
    }

    fn arrive(&mut self, body: &[u8], from: Option<(usize, u64, Request)>) {
        self.mark(&[body.len() as u64]);
        let tag = self.tag();
        let receipt = self.office.receive(true_wall(self.now), body, &tag);
        self.ledger.completeness(&self.office);
        let Some((kiosk, life, request)) = from else { return };
        let noisy = self.now < self.plan.end;
        if !(noisy && self.random.chance(self.plan.reply_loss)) {
            let highest = self.office.highest(&receipt.terminal, receipt.journal);
            let receipt = Box::new(Edge::receipt(self.mutant, receipt, highest));
            self.mark(&[receipt.mark.0]);
            let latency = if noisy { self.plan.latency_max_ms } else { 200 };
            self.soon(10, latency, Item::Answer { kiosk, life, request, receipt });
        }
    }

    fn answered(&mut self, index: usize, request: Request, receipt: Receipt) {
        let kiosk = &mut self.kiosks[index];
        let raw = kiosk.clocks.read(self.now);
        if let Some(machines) = &mut kiosk.running {
            let sent = machines.sent.remove(&request).unwrap_or(Mono(0));
            let exchange = Exchange { sent, received: raw.mono, office_wall: receipt.at, office_trusted: receipt.at_trusted };
            machines.keeper.handle(raw, clockkeeper::Event::Exchange(exchange));
        }
        kiosk.uplink(self.now, Event::Replied { request, receipt });
        self.drain(index);
    }

    /// Compares sheets and times with what happened in the hall; how many sheets that were.
    pub(super) fn compare_sheets(&mut self, book: &Book) -> usize {
        sheets::compare(book, &mut self.ledger, &self.kiosks, &self.office, self.plan.end)
    }

    /// Whether every kiosk has the bundle of the day.
    pub(super) fn bundles_in_force(&self) -> bool {
        self.kiosks.iter().all(|kiosk| kiosk.bundle == self.tag())
    }
}

const fn kind(item: &Item) -> u64 {
    match item {
        Item::Tap(_) => 1,
        Item::Commit { .. } => 2,
        Item::Told { .. } => 3,
        Item::Wake { .. } => 4,
        Item::Arrive { .. } => 5,
        Item::Answer { .. } => 6,
        Item::Start(_) => 7,
        Item::PowerCut(_) => 8,
        Item::PowerOn(_) => 9,
        Item::Ntp(_) => 10,
        Item::Turn(..) => 11,
        Item::Tick(_) => 12,
        Item::Damage(_) => 13,
        Item::Twin(_) => 14,
        Item::Backup => 15,
        Item::Restore => 16,
    }
}
