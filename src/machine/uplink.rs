//! What to send, when to try again, what the office has.
//!
//! Invariants: at most [`BATCH_ENTRIES_MAX`] entries a batch, fewer on a slow line, and one batch in flight; the cursor is
//! the office's contiguous mark and may go back; while more than one batch waits, every second batch carries the newest entries; journals
//! are drained oldest first; a heartbeat goes out when idle, for each journal in turn, so that the office can also say that it has lost
//! something of a closed one. A request that is never answered is for the shell to time out: it then reports [`Failure::Unreachable`].

mod lane;
mod pace;
mod retry;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::lane::Lane;
use self::pace::Pace;
use self::retry::Retry;
use super::Now;
use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::domain::time::Mono;
use crate::wire::batch::{BATCH_ENTRIES_MAX, BATCH_LISTS_MAX, Lost, Receipt};
use crate::wire::entry::Stored;

/// How long an answer to [`Action::Load`] may take before it is asked again, in milliseconds; also how long a journal that gave nothing rests.
const LOAD_AGAIN_MS: u64 = 30_000;
/// How long a download may take before it is asked for again, in milliseconds.
const FETCH_AGAIN_MS: u64 = 60_000;
/// How long a new journal may take to begin before it is asked for again, in milliseconds.
const HEAL_AGAIN_MS: u64 = 60_000;

/// One journal as the uplink needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalView {
    /// Which.
    pub journal: JournalId,
    /// The first entry that is still kept.
    pub first: Sequence,
    /// The hash of the entry before `first`, if anything was pruned.
    pub before_first: Option<EntryHash>,
    /// Its last entry; 0 for none.
    pub last: Sequence,
    /// That entry's hash.
    pub head: EntryHash,
    /// The office's mark as last stored.
    pub acknowledged: Sequence,
    /// Whether entries are appended to it.
    pub open: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Paired with an office: exchanges make sense.
    Paired,
    /// The journals as they are now, oldest first: at open, and whenever one begins or is removed.
    Journals(Vec<JournalView>),
    /// The open journal grew.
    Appended {
        /// Its last entry now.
        last: Sequence,
        /// That entry's hash.
        head: EntryHash,
    },
    /// The answer to [`Action::Load`].
    Loaded {
        /// Which journal.
        journal: JournalId,
        /// Contiguous, oldest first; possibly none.
        entries: Vec<Stored>,
        /// What of the asked range can no longer be read.
        lost: Vec<Lost>,
    },
    /// The office answered.
    Replied {
        /// Which request.
        request: Request,
        /// Its verified receipt.
        receipt: Receipt,
    },
    /// No good answer came.
    Failed {
        /// Which request.
        request: Request,
        /// What went wrong.
        failure: Failure,
    },
    /// The bundle or the elsewhere list with this tag is in force.
    InForce {
        /// Which of the two.
        what: Download,
        /// Its ETag.
        tag: String,
    },
    /// A technician asks to try now.
    TryNow,
}

/// Names one exchange while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(pub u64);

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Not reached, broken off, timed out, 5xx: the same again later.
    Unreachable(String),
    /// The certificate does not pass, or another key than the office's signed.
    Untrusted(String),
    /// The office refuses this terminal (401, 403).
    Refused(String),
    /// An answer that is not the office's: no TLS, HTML, nobody's signature.
    Garbled(String),
}

/// What is downloaded beside the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Download {
    /// Roster, rules, calendar.
    Bundle,
    /// Today's punches of other terminals.
    Elsewhere,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read entries of a journal.
    Load {
        /// Which journal.
        journal: JournalId,
        /// The first wanted.
        from: Sequence,
        /// At most so many.
        limit: usize,
    },
    /// Sign and send; the shell adds the terminal's state of that moment.
    Send {
        /// Which exchange.
        request: Request,
        /// Which journal.
        journal: JournalId,
        /// Contiguous, oldest first; none for a heartbeat.
        entries: Vec<Stored>,
        /// What can no longer be sent.
        lost: Vec<Lost>,
    },
    /// Keep the office's mark and receipt (lazily).
    Acknowledge {
        /// Which journal.
        journal: JournalId,
        /// The mark; may be lower than before.
        mark: Sequence,
        /// The receipt.
        receipt: Box<Receipt>,
    },
    /// Begin a new journal and append again from the first conflicting entry, with origin.
    HealFork {
        /// The forked journal.
        journal: JournalId,
        /// The first conflicting entry.
        from: Sequence,
    },
    /// Fetch it.
    Fetch(Download),
}

/// How the office stands, for conditions and the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the last exchange went through.
    pub reachable: bool,
    /// Since when it has not.
    pub unreachable_since: Option<Mono>,
    /// What went wrong last.
    pub failure: Option<Failure>,
    /// Committed and not acknowledged, over all journals.
    pub backlog: u64,
}

/// How often and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Between two heartbeats while nothing waits, in milliseconds.
    pub heartbeat_ms: u64,
    /// From the last acknowledged batch to the heartbeat behind it, so that the office can say *complete up to*, in milliseconds.
    pub settle_ms: u64,
    /// The least delay after a failure, in milliseconds.
    pub retry_min_ms: u64,
    /// The greatest delay after failures, in milliseconds.
    pub retry_max_ms: u64,
    /// Most entries of one batch; more than [`BATCH_ENTRIES_MAX`] has no effect.
    pub batch_entries: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { heartbeat_ms: 30_000, settle_ms: 2_000, retry_min_ms: 1_000, retry_max_ms: 300_000, batch_entries: BATCH_ENTRIES_MAX }
    }
}

/// What to send, when to try again, what the office has.
#[derive(Debug)]
pub struct Uplink {
    settings: Settings,
    retry: Retry,
    pace: Pace,
    paired: bool,
    /// Oldest first; the last is open.
    lanes: Vec<Lane>,
    phase: Phase,
    next_request: u64,
    /// Nothing is tried before this moment.
    not_before: Option<Mono>,
    /// A technician asked to try while an exchange was under way: should that one fail, the next does not wait.
    hurry: bool,
    /// When the next heartbeat is due.
    heartbeat_at: Mono,
    /// Which journal the next heartbeat names, counted round.
    heartbeat_turn: usize,
    /// Journals to ask about at once.
    probes: VecDeque<JournalId>,
    newest_turn: bool,
    bundle: Wanted,
    elsewhere: Wanted,
    standing: Standing,
    actions: VecDeque<Action>,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Idle,
    Loading(Loading),
    Sending(Sending),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Loading {
    journal: JournalId,
    from: Sequence,
    newest: bool,
    since: Mono,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sending {
    request: Request,
    journal: JournalId,
    /// The journal's last entry when it was sent: the office cannot have more of it, whatever it says.
    last: Sequence,
    load: Load,
    since: Mono,
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Heartbeat,
    Oldest,
    /// Up to this entry.
    Newest(Sequence),
}

/// A download: what is in force and what was asked for.
#[derive(Debug, Default)]
struct Wanted {
    in_force: Option<String>,
    asked: Option<(String, Mono)>,
}

impl Wanted {
    /// Whether it is to be fetched, given the office's tag.
    fn ask(&mut self, now: Mono, tag: &str) -> bool {
        let recent = self.asked.as_ref().is_some_and(|(asked, at)| asked == tag && now.millis_since(*at) < FETCH_AGAIN_MS);
        let due = !tag.is_empty() && self.in_force.as_deref() != Some(tag) && !recent;
        if due {
            self.asked = Some((tag.to_owned(), now));
        }
        due
    }
}

impl Uplink {
    /// An uplink that knows nothing yet. The seed spreads the retries of many kiosks; nothing secret depends on it.
    pub fn new(seed: u64, settings: Settings) -> Self {
        Self {
            settings,
            retry: Retry::new(seed, settings.retry_min_ms, settings.retry_max_ms),
            pace: Pace::new(settings.batch_entries.min(BATCH_ENTRIES_MAX)),
            paired: false,
            lanes: Vec::new(),
            phase: Phase::Idle,
            next_request: 0,
            not_before: None,
            hurry: false,
            heartbeat_at: Mono(0),
            heartbeat_turn: 0,
            probes: VecDeque::new(),
            newest_turn: true,
            bundle: Wanted::default(),
            elsewhere: Wanted::default(),
            standing: Standing::default(),
            actions: VecDeque::new(),
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Now, event: Event) {
        let now = now.mono;
        match event {
            Event::Paired => self.paired(now),
            Event::Journals(views) => self.journals(views),
            Event::Appended { last, head } => {
                if let Some(open) = self.lanes.last_mut() {
                    open.grow(last, head);
                }
            }
            Event::Loaded { journal, entries, lost } => self.loaded(now, journal, entries, lost),
            Event::Replied { request, receipt } => self.replied(now, request, receipt),
            Event::Failed { request, failure } => self.failed(now, request, failure),
            Event::InForce { what, tag } => self.download(what).in_force = Some(tag),
            Event::TryNow => {
                self.not_before = None;
                self.heartbeat_at = now;
                self.hurry = matches!(self.phase, Phase::Sending(_));
            }
        }
        self.advance(now);
    }

    /// The moment that [`Self::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.mono;
        if matches!(&self.phase, Phase::Loading(loading) if now.millis_since(loading.since) >= LOAD_AGAIN_MS) {
            self.phase = Phase::Idle;
        }
        self.advance(now);
    }

    /// The next thing to do, until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_timeout`] is wanted; `None` while only an event can bring it on.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match &self.phase {
            Phase::Loading(loading) => Some(loading.since.plus_millis(LOAD_AGAIN_MS)),
            Phase::Sending(_) => None,
            Phase::Idle if !self.paired || self.lanes.is_empty() => None,
            Phase::Idle => self.not_before.or_else(|| {
                let rested = self.lanes.iter().filter(|lane| lane.waiting() > 0).filter_map(|lane| lane.readable_at);
                rested.chain([self.heartbeat_at]).min()
            }),
        }
    }

    /// How the office stands.
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    fn paired(&mut self, now: Mono) {
        self.paired = true;
        self.phase = Phase::Idle; // an exchange with an office before this one is no longer of interest
        self.not_before = None;
        self.heartbeat_at = now;
        self.retry.reset();
        self.standing.failure = None;
    }

    fn journals(&mut self, views: Vec<JournalView>) {
        let mut known = std::mem::take(&mut self.lanes);
        for view in views {
            let place = known.iter().position(|lane| lane.view.journal == view.journal);
            let lane = place.map(|place| known.swap_remove(place));
            self.lanes.push(lane.map_or_else(
                || Lane::new(view),
                |mut lane| {
                    lane.renew(view);
                    lane
                },
            ));
        }
        if matches!(&self.phase, Phase::Loading(loading) if self.lane(loading.journal).is_none()) {
            self.phase = Phase::Idle;
        }
    }

    fn loaded(&mut self, now: Mono, journal: JournalId, mut entries: Vec<Stored>, mut lost: Vec<Lost>) {
        let Phase::Loading(loading) = &self.phase else { return };
        let behind = |entry: &Stored| entry.sequence < loading.from || entry.journal != journal;
        if loading.journal != journal || entries.first().is_some_and(behind) {
            return; // the answer to a question that was given up
        }
        let newest = loading.newest;
        let Some(lane) = self.lane(journal) else { return };
        entries.truncate(self.limit());
        entries.retain(|entry| entry.sequence <= lane.end());
        lost.extend(lane.pruned().filter(|_| !newest));
        lost.sort_by_key(|lost| lost.from);
        lost.retain(|lost| lost.to > lane.mark && lost.from <= lane.end());
        lost.truncate(BATCH_LISTS_MAX);
        if entries.is_empty() && lost.is_empty() {
            self.phase = Phase::Idle;
            if let Some(lane) = self.lane_mut(journal) {
                lane.readable_at = Some(now.plus_millis(LOAD_AGAIN_MS));
            }
            return;
        }
        let last = entries.last().map(|entry| entry.sequence);
        let load = last.filter(|_| newest).map_or(Load::Oldest, Load::Newest);
        self.send(now, journal, entries, lost, load);
    }

    fn replied(&mut self, now: Mono, request: Request, receipt: Receipt) {
        let Some(sending) = self.finish(request) else { return };
        if receipt.journal != sending.journal {
            return self.fail(now, Failure::Garbled("a receipt for another journal".to_owned()));
        }
        if sending.load != Load::Heartbeat {
            self.pace.took(now.millis_since(sending.since));
        }
        self.hurry = false;
        self.standing.reachable = true;
        self.standing.unreachable_since = None;
        self.standing.failure = None;
        let rest = if sending.load == Load::Heartbeat { self.settings.heartbeat_ms } else { self.settings.settle_ms };
        self.heartbeat_at = now.plus_millis(rest);
        for what in [Download::Bundle, Download::Elsewhere] {
            let tag = match what {
                Download::Bundle => &receipt.bundle,
                Download::Elsewhere => &receipt.elsewhere,
            };
            if self.download(what).ask(now, tag) {
                self.actions.push_back(Action::Fetch(what));
            }
        }
        self.acknowledged(now, &sending, receipt);
    }

    fn acknowledged(&mut self, now: Mono, sending: &Sending, receipt: Receipt) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.view.journal == sending.journal) else { return };
        let had = lane.mark;
        let mark = receipt.mark.min(sending.last).min(lane.view.last);
        let back = match sending.load {
            // Only what is sent in order tells how far the office has this kiosk's own entries.
            Load::Newest(_) if mark >= had => false,
            Load::Heartbeat if lane.fork.is_some() && lane.view.open => false,
            Load::Heartbeat | Load::Oldest | Load::Newest(_) => lane.acknowledge(mark),
        };
        if let Load::Newest(last) = sending.load
            && !back
        {
            lane.ahead = lane.ahead.max(last);
        }
        if let Some(fork) = receipt.fork.filter(|fork| *fork > Sequence::ZERO) {
            lane.fork_at(fork);
        }
        if let Some(from) = lane.fork
            && lane.heal_due(now)
        {
            self.actions.push_back(Action::HealFork { journal: sending.journal, from });
        }
        let stalled = sending.load == Load::Oldest && lane.mark == had && lane.waiting() > 0;
        if lane.mark != had || sending.load != Load::Heartbeat {
            let (journal, mark) = (sending.journal, lane.mark);
            self.actions.push_back(Action::Acknowledge { journal, mark, receipt: Box::new(receipt) });
        }
        if stalled {
            self.not_before = Some(now.plus_millis(self.retry.delay_ms()));
        } else {
            self.retry.reset();
        }
        if back {
            self.not_before = Some(now.plus_millis(self.settings.retry_min_ms));
            self.probes = self.lanes.iter().map(|lane| lane.view.journal).filter(|journal| *journal != sending.journal).collect();
        }
    }

    fn failed(&mut self, now: Mono, request: Request, failure: Failure) {
        let Some(sending) = self.finish(request) else { return };
        if sending.load != Load::Heartbeat && matches!(failure, Failure::Unreachable(_) | Failure::Garbled(_)) {
            self.pace.shorten();
        }
        self.fail(now, failure);
    }

    fn fail(&mut self, now: Mono, failure: Failure) {
        let delay_ms = match &failure {
            Failure::Unreachable(_) | Failure::Garbled(_) => self.retry.delay_ms(),
            Failure::Untrusted(_) | Failure::Refused(_) => self.retry.slow_delay_ms(),
        };
        self.not_before = Some(now.plus_millis(delay_ms)).filter(|_| !std::mem::take(&mut self.hurry));
        self.standing.reachable = false;
        self.standing.unreachable_since.get_or_insert(now);
        self.standing.failure = Some(failure);
    }

    /// Takes up the next work, if there is any and it is time.
    fn advance(&mut self, now: Mono) {
        self.standing.backlog = self.lanes.iter().map(Lane::backlog).sum();
        if !self.paired || self.phase != Phase::Idle || self.not_before.is_some_and(|at| at > now) {
            return;
        }
        self.not_before = None;
        if let Some((journal, from, newest)) = self.choose(now) {
            self.begin(now, journal, from, newest);
        } else if self.heartbeat_at <= now || !self.probes.is_empty() {
            self.heartbeat(now);
        }
    }

    /// Which journal to send from, from where, and whether that leaves a gap behind it.
    fn choose(&mut self, now: Mono) -> Option<(JournalId, Sequence, bool)> {
        let limit = u64::try_from(self.limit()).unwrap_or(u64::MAX);
        let ready = |lane: &&Lane| lane.waiting() > 0 && lane.readable(now);
        let oldest = self.lanes.iter().find(ready)?;
        let open = self.lanes.last().filter(ready);
        let behind_another = open.filter(|open| open.view.journal != oldest.view.journal);
        let newest = match behind_another {
            Some(open) => Some(open.newest(limit).unwrap_or_else(|| open.oldest())),
            None => open.filter(|open| open.waiting() > limit).and_then(|open| open.newest(limit)),
        };
        let (lane, from) = match (open, newest) {
            (Some(open), Some(from)) if self.newest_turn => (open, from),
            _ => (oldest, oldest.oldest()),
        };
        let choice = (lane.view.journal, from, from > lane.oldest());
        self.newest_turn = !self.newest_turn;
        Some(choice)
    }

    fn begin(&mut self, now: Mono, journal: JournalId, from: Sequence, newest: bool) {
        let Some(lane) = self.lane(journal) else { return };
        if let Some(pruned) = lane.pruned().filter(|pruned| pruned.to >= lane.end()) {
            return self.send(now, journal, Vec::new(), vec![pruned], Load::Oldest);
        }
        let limit = self.limit();
        self.phase = Phase::Loading(Loading { journal, from, newest, since: now });
        self.actions.push_back(Action::Load { journal, from, limit });
    }

    fn heartbeat(&mut self, now: Mono) {
        let turn = self.heartbeat_turn % self.lanes.len().max(1);
        let asked = std::iter::from_fn(|| self.probes.pop_front()).find(|probe| self.lanes.iter().any(|lane| lane.view.journal == *probe));
        if asked.is_none() {
            self.heartbeat_turn = turn + 1;
        }
        let in_turn = || self.lanes.iter().rev().nth(turn).map(|lane| lane.view.journal);
        if let Some(journal) = asked.or_else(in_turn) {
            self.send(now, journal, Vec::new(), Vec::new(), Load::Heartbeat);
        }
    }

    fn send(&mut self, now: Mono, journal: JournalId, entries: Vec<Stored>, lost: Vec<Lost>, load: Load) {
        let request = Request(self.next_request);
        self.next_request += 1;
        let last = self.lane(journal).map_or(Sequence::ZERO, |lane| lane.view.last);
        self.phase = Phase::Sending(Sending { request, journal, last, load, since: now });
        self.actions.push_back(Action::Send { request, journal, entries, lost });
    }

    /// Ends the exchange of that name; `None` for one that was given up before.
    fn finish(&mut self, request: Request) -> Option<Sending> {
        let Phase::Sending(sending) = &self.phase else { return None };
        let ended = (sending.request == request).then(|| sending.clone())?;
        self.phase = Phase::Idle;
        Some(ended)
    }

    const fn limit(&self) -> usize {
        self.pace.entries()
    }

    fn lane(&self, journal: JournalId) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.view.journal == journal)
    }

    fn lane_mut(&mut self, journal: JournalId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.view.journal == journal)
    }

    const fn download(&mut self, what: Download) -> &mut Wanted {
        match what {
            Download::Bundle => &mut self.bundle,
            Download::Elsewhere => &mut self.elsewhere,
        }
    }
}
