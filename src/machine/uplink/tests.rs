//! The uplink against a hand-held office.

use proptest::prelude::*;

use super::*;
use crate::domain::id::BootId;
use crate::domain::time::{ClockReading, Trust, Wall};
use crate::wire::batch::{BATCH_VERSION, LostReason};

#[test]
fn nothing_is_sent_before_pairing() {
    let mut rig = Rig::new();
    rig.tell(Event::Journals(vec![view(1, 0, 3, true)]));
    assert_eq!((rig.actions(), rig.uplink.poll_timeout(), rig.uplink.standing().backlog), (Vec::new(), None, 3));
    rig.tell(Event::Paired);
    assert_eq!(rig.actions(), [load(1, 1)]);
}

#[test]
fn a_fresh_punch_goes_out_at_once_and_one_batch_is_in_flight() {
    let mut rig = Rig::paired(vec![view(1, 5, 5, true)]);
    rig.beat();
    rig.tell(Event::Appended { last: Sequence(6), head: hash(6) });
    assert_eq!(rig.actions(), [load(1, 6)]);
    rig.give(1, 6, 6);
    let request = rig.sent(1, &[6]);
    rig.tell(Event::Appended { last: Sequence(7), head: hash(7) });
    assert_eq!(rig.actions(), []);
    rig.reply(request, 1, 6);
    assert_eq!(rig.actions(), [acknowledge(1, 6), load(1, 7)]);
}

#[test]
fn while_more_than_one_batch_waits_every_second_batch_carries_the_newest() {
    let mut rig = Rig::paired(vec![view(1, 0, 20, true)]);
    assert_eq!(rig.actions(), [load(1, 17)]);
    let request = rig.serve(1, 17, 20);
    rig.reply(request, 1, 0);
    assert_eq!(rig.actions(), [acknowledge(1, 0), load(1, 1)]);
    let request = rig.serve(1, 1, 4);
    rig.tell(Event::Appended { last: Sequence(21), head: hash(21) });
    rig.reply(request, 1, 4);
    assert_eq!(rig.actions(), [acknowledge(1, 4), load(1, 21)], "the fresh one, and nothing twice");
    let request = rig.serve(1, 21, 21);
    rig.reply(request, 1, 4);
    assert_eq!(rig.actions(), [acknowledge(1, 4), load(1, 5)]);
    let request = rig.serve(1, 5, 8);
    rig.reply(request, 1, 21);
    assert_eq!(rig.actions(), [acknowledge(1, 21)], "what went ahead is passed over once the office has the rest");
}

#[test]
fn journals_are_drained_oldest_first_and_a_fresh_punch_passes_them() {
    let mut rig = Rig::paired(vec![view(1, 0, 3, false), view(2, 0, 2, true)]);
    assert_eq!(rig.actions(), [load(2, 1)], "the newest of all");
    let request = rig.serve(2, 1, 2);
    rig.reply(request, 2, 2);
    assert_eq!(rig.actions(), [acknowledge(2, 2), load(1, 1)]);
    assert_eq!(rig.uplink.standing().backlog, 3);
}

#[test]
fn an_office_set_back_gets_everything_again_and_is_asked_about_the_other_journals() {
    let mut rig = Rig::paired(vec![view(1, 3, 3, false), view(2, 8, 8, true)]);
    let request = rig.sent(2, &[]);
    rig.reply(request, 2, 6);
    assert_eq!(rig.actions(), [acknowledge(2, 6)]);
    rig.pass_to_timeout();
    assert_eq!(rig.actions(), [load(2, 7)]);
    let request = rig.serve(2, 7, 8);
    rig.reply(request, 2, 8);
    assert_eq!(rig.actions()[0], acknowledge(2, 8));
    let request = rig.last_request();
    rig.reply(request, 1, 0);
    assert_eq!(rig.uplink.standing().backlog, 3, "a closed journal was lost there too");
}

#[test]
fn what_was_pruned_is_declared_to_an_office_set_back() {
    let pruned = JournalView { first: Sequence(5), before_first: Some(hash(4)), ..view(1, 8, 8, true) };
    let mut rig = Rig::paired(vec![pruned]);
    let request = rig.sent(1, &[]);
    rig.reply(request, 1, 2);
    rig.actions();
    rig.pass_to_timeout();
    assert_eq!(rig.actions(), [load(1, 5)]);
    rig.give(1, 5, 8);
    let lost = Lost { from: Sequence(3), to: Sequence(4), reason: LostReason::Pruned, head_after: Some(hash(4)) };
    assert!(matches!(&rig.actions()[..], [Action::Send { lost: sent, .. }] if *sent == [lost]));
}

#[test]
fn what_can_no_longer_be_read_is_declared() {
    let mut rig = Rig::paired(vec![view(1, 0, 3, true)]);
    rig.actions();
    let lost = Lost { from: Sequence(1), to: Sequence(2), reason: LostReason::Unreadable, head_after: Some(hash(2)) };
    rig.tell(Event::Loaded { journal: journal(1), entries: vec![stored(1, 3)], lost: vec![lost.clone()] });
    assert!(matches!(&rig.actions()[..], [Action::Send { lost: sent, entries, .. }] if *sent == [lost] && entries.len() == 1));
}

#[test]
fn a_journal_that_gives_nothing_does_not_hold_up_the_others() {
    let mut rig = Rig::paired(vec![view(1, 0, 3, false), view(2, 1, 1, true)]);
    assert_eq!(rig.actions(), [load(1, 1)]);
    rig.tell(Event::Loaded { journal: journal(1), entries: Vec::new(), lost: Vec::new() });
    rig.beat();
    rig.tell(Event::Appended { last: Sequence(2), head: hash(2) });
    assert_eq!(rig.actions(), [load(2, 2)]);
    let request = rig.serve(2, 2, 2);
    rig.reply(request, 2, 2);
    rig.actions();
    rig.now += LOAD_AGAIN_MS;
    rig.timeout();
    assert_eq!(rig.actions(), [load(1, 1)]);
}

#[test]
fn once_the_disk_is_back_what_could_not_be_read_is_sent_at_once() {
    let mut rig = Rig::paired(vec![view(1, 0, 3, true)]);
    assert_eq!(rig.actions(), [load(1, 1)]);
    rig.tell(Event::Loaded { journal: journal(1), entries: Vec::new(), lost: Vec::new() });
    let request = rig.sent(1, &[]);
    rig.reply(request, 1, 0);
    assert!(!rig.actions().contains(&load(1, 1)), "nothing could be read just now");
    rig.tell(Event::Journals(vec![view(1, 0, 3, true)]));
    assert_eq!(rig.actions(), [load(1, 1)]);
}

#[test]
fn a_question_to_the_journal_that_is_never_answered_is_asked_again() {
    let mut rig = Rig::paired(vec![view(1, 0, 3, true)]);
    assert_eq!(rig.actions(), [load(1, 1)]);
    rig.pass_to_timeout();
    assert_eq!(rig.actions(), [load(1, 1)]);
}

#[test]
fn after_a_failure_nothing_goes_out_until_the_delay_is_over() {
    let mut rig = Rig::paired(vec![view(1, 0, 1, true)]);
    rig.actions();
    let request = rig.serve(1, 1, 1);
    rig.fail(request, Failure::Unreachable("no answer".to_owned()));
    let standing = rig.uplink.standing();
    assert_eq!((standing.reachable, standing.unreachable_since, standing.backlog), (false, Some(Mono(rig.now)), 1));
    rig.tell(Event::Appended { last: Sequence(2), head: hash(2) });
    assert_eq!(rig.actions(), []);
    assert!((1_000..=2_000).contains(&rig.wait()), "{}", rig.wait());
    rig.pass_to_timeout();
    assert_eq!(rig.actions(), [load(1, 1)]);
    let request = rig.serve(1, 1, 2);
    rig.reply(request, 1, 2);
    assert_eq!(*rig.uplink.standing(), Standing { reachable: true, ..Standing::default() });
}

#[test]
fn a_technician_need_not_wait() {
    let mut rig = Rig::paired(vec![view(1, 1, 1, true)]);
    let request = rig.sent(1, &[]);
    rig.fail(request, Failure::Unreachable("no answer".to_owned()));
    rig.tell(Event::TryNow);
    rig.sent(1, &[]);
}

#[test]
fn a_refusal_is_told_and_tried_again_slowly() {
    for failure in [Failure::Refused("revoked".to_owned()), Failure::Untrusted("another key".to_owned())] {
        let mut rig = Rig::paired(vec![view(1, 1, 1, true)]);
        let request = rig.sent(1, &[]);
        rig.fail(request, failure.clone());
        assert_eq!(rig.uplink.standing().failure, Some(failure));
        assert!((150_000..=300_000).contains(&rig.wait()));
        rig.pass_to_timeout();
        rig.sent(1, &[]);
    }
}

#[test]
fn an_idle_kiosk_says_so_for_each_journal_in_turn() {
    let mut rig = Rig::paired(vec![view(1, 3, 3, false), view(2, 5, 5, true)]);
    for (number, last) in [(2, 5), (1, 3), (2, 5)] {
        let request = rig.sent(number, &[]);
        rig.reply(request, number, last);
        assert_eq!((rig.actions(), rig.wait()), (Vec::new(), 30_000));
        rig.pass_to_timeout();
    }
}

#[test]
fn soon_after_a_batch_a_heartbeat_tells_that_this_was_all() {
    let mut rig = Rig::paired(vec![view(1, 0, 1, true)]);
    rig.actions();
    let request = rig.serve(1, 1, 1);
    rig.reply(request, 1, 1);
    rig.actions();
    assert_eq!(rig.wait(), 2_000);
    rig.pass_to_timeout();
    rig.sent(1, &[]);
}

#[test]
fn an_answer_to_an_exchange_that_was_given_up_changes_nothing() {
    let mut rig = Rig::paired(vec![view(1, 0, 1, true)]);
    rig.actions();
    let late = rig.serve(1, 1, 1);
    rig.fail(late, Failure::Unreachable("no answer".to_owned()));
    rig.reply(late, 1, 1);
    assert_eq!((rig.actions(), rig.uplink.standing().backlog), (Vec::new(), 1));
}

#[test]
fn a_mark_beyond_what_this_kiosk_has_acknowledges_nothing_that_comes_later() {
    let mut rig = Rig::paired(vec![view(1, 3, 3, true)]);
    let request = rig.sent(1, &[]);
    rig.tell(Event::Appended { last: Sequence(5), head: hash(5) });
    rig.reply(request, 1, 9);
    assert_eq!(rig.uplink.standing().backlog, 2, "a cloned twin is ahead: its entries are not ours");
}

#[test]
fn an_office_that_acknowledges_nothing_is_not_flooded() {
    let mut rig = Rig::paired(vec![view(1, 0, 2, true)]);
    for _ in 0..5 {
        assert_eq!(rig.actions(), [load(1, 1)]);
        let request = rig.serve(1, 1, 2);
        rig.reply(request, 1, 0);
        assert_eq!(rig.actions(), [acknowledge(1, 0)]);
        assert!(rig.wait() >= 1_000);
        rig.pass_to_timeout();
    }
}

#[test]
fn a_fork_is_healed_once_and_nothing_beyond_it_is_sent_under_the_old_name() {
    let mut rig = Rig::paired(vec![view(1, 3, 7, true)]);
    rig.actions();
    let request = rig.serve(1, 4, 7);
    rig.reply_fork(request, 6, 5);
    assert_eq!(rig.actions()[0], Action::HealFork { journal: journal(1), from: Sequence(6) });
    rig.pass_to_timeout();
    let request = rig.sent(1, &[]);
    rig.reply(request, 1, 5);
    assert_eq!(rig.actions(), [], "asked for once");
    assert_eq!(rig.uplink.standing().backlog, 2);
    rig.tell(Event::Journals(vec![view(1, 5, 5, false), view(2, 0, 3, true)]));
    assert_eq!(rig.actions(), [load(2, 1)]);
}

#[test]
fn a_new_journal_that_does_not_begin_is_asked_for_again() {
    let mut rig = Rig::paired(vec![view(1, 3, 7, true)]);
    rig.actions();
    let request = rig.serve(1, 4, 7);
    rig.reply_fork(request, 6, 5);
    rig.actions();
    rig.now += HEAL_AGAIN_MS;
    rig.timeout();
    let request = rig.sent(1, &[]);
    rig.reply(request, 1, 5);
    assert_eq!(rig.actions(), [Action::HealFork { journal: journal(1), from: Sequence(6) }]);
}

#[test]
fn a_fork_found_lower_after_the_office_was_set_back_is_healed_again() {
    let mut rig = Rig::paired(vec![view(1, 3, 7, true)]);
    rig.actions();
    let request = rig.serve(1, 4, 7);
    rig.reply_fork(request, 7, 3);
    assert_eq!(rig.actions()[0], Action::HealFork { journal: journal(1), from: Sequence(7) });
    rig.pass_to_timeout();
    rig.actions();
    let request = rig.serve(1, 4, 6);
    rig.reply_fork(request, 5, 3);
    assert_eq!(rig.actions()[0], Action::HealFork { journal: journal(1), from: Sequence(5) });
}

#[test]
fn a_bundle_is_fetched_until_it_is_in_force() {
    let mut rig = Rig::paired(vec![view(1, 1, 1, true)]);
    let mut fetches = Vec::new();
    for beat in 0..6 {
        let request = rig.sent(1, &[]);
        rig.tell(Event::Replied { request, receipt: Receipt { bundle: "b-2".to_owned(), ..receipt(1, 1) } });
        fetches.push(rig.actions());
        if beat == 3 {
            rig.tell(Event::InForce { what: Download::Bundle, tag: "b-2".to_owned() });
        }
        rig.pass_to_timeout();
    }
    let fetch = || vec![Action::Fetch(Download::Bundle)];
    assert_eq!(fetches, [fetch(), vec![], fetch(), vec![], vec![], vec![]], "again after a minute, not at every heartbeat");
}

proptest! {
    #[test]
    fn whatever_happens_one_exchange_is_under_way_and_it_never_spins(steps in prop::collection::vec(0_u8..9, 1..200), seed: u64) {
        let mut rig = Rig::paired(vec![view(1, 0, 3, false), view(2, 0, 9, true)]);
        rig.uplink = { let mut uplink = Uplink::new(seed, SETTINGS); uplink.handle(rig.reading(), Event::Paired); uplink };
        rig.tell(Event::Journals(vec![view(1, 0, 3, false), view(2, 0, 9, true)]));
        let (mut last, mut open) = (9, None);
        for step in steps {
            for action in rig.actions() {
                match action {
                    Action::Load { journal: of, from, limit } => {
                        prop_assert!(limit <= 4 && from > Sequence::ZERO);
                        let end = if of == journal(1) { 3 } else { last };
                        let number = if of == journal(1) { 1 } else { 2 };
                        if step != 8 { rig.give(number, from.0, end.min(from.0 + 3)); }
                    }
                    Action::Send { request, entries, .. } => {
                        prop_assert!(open.is_none() && entries.len() <= 4);
                        open = Some((request, if entries.first().is_some_and(|entry| entry.journal == journal(1)) { 1 } else { 2 }));
                    }
                    Action::Acknowledge { mark, .. } => prop_assert!(mark.0 <= last),
                    Action::HealFork { .. } | Action::Fetch(_) => {}
                }
            }
            match (step, open) {
                (0, _) => { last += 1; rig.tell(Event::Appended { last: Sequence(last), head: hash(last) }); }
                (1..=3, Some((request, number))) => { open = None; rig.reply(request, number, u64::from(step) * 3); }
                (4, Some((request, _))) => { open = None; rig.fail(request, Failure::Unreachable(String::new())); }
                (5, Some((request, number))) => {
                    open = None;
                    rig.tell(Event::Replied { request, receipt: Receipt { fork: Some(Sequence(2)), ..receipt(number, 1) } });
                }
                (6, _) => rig.tell(Event::TryNow),
                _ if rig.uplink.poll_timeout().is_some() => rig.pass_to_timeout(),
                _ => {}
            }
            let asks = rig.uplink.poll_timeout().is_none_or(|at| at > Mono(rig.now)) || !rig.uplink.actions.is_empty();
            prop_assert!(asks, "it asks for a moment that is past and has nothing to do");
        }
    }
}

const SETTINGS: Settings =
    Settings { heartbeat_ms: 30_000, settle_ms: 2_000, retry_min_ms: 1_000, retry_max_ms: 300_000, batch_entries: 4 };

struct Rig {
    uplink: Uplink,
    now: u64,
}

impl Rig {
    fn new() -> Self {
        Self { uplink: Uplink::new(1, SETTINGS), now: 5_000 }
    }

    fn paired(views: Vec<JournalView>) -> Self {
        let mut rig = Self::new();
        rig.tell(Event::Journals(views));
        rig.tell(Event::Paired);
        rig
    }

    fn reading(&self) -> ClockReading {
        ClockReading { wall: Wall(0), mono: Mono(self.now), boot: BootId([0; 16]), trust: Trust::Unset, uncertainty_ms: 0 }
    }

    fn tell(&mut self, event: Event) {
        let now = self.reading();
        self.uplink.handle(now, event);
    }

    fn timeout(&mut self) {
        let now = self.reading();
        self.uplink.handle_timeout(now);
    }

    /// How long until it wants to be woken.
    fn wait(&self) -> u64 {
        self.uplink.poll_timeout().unwrap().0 - self.now
    }

    fn pass_to_timeout(&mut self) {
        self.now = self.uplink.poll_timeout().unwrap().0.max(self.now);
        self.timeout();
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.uplink.poll_action()).collect()
    }

    fn give(&mut self, number: u8, first: u64, last: u64) {
        let entries = (first..=last).map(|at| stored(number, at)).collect();
        self.tell(Event::Loaded { journal: journal(number), entries, lost: Vec::new() });
    }

    /// The request that goes out next, which carries exactly these entries.
    fn sent(&mut self, number: u8, sequences: &[u64]) -> Request {
        let actions = self.actions();
        let [Action::Send { request, journal: of, entries, .. }] = &actions[..] else { panic!("not one request: {actions:?}") };
        assert_eq!((*of, entries.iter().map(|entry| entry.sequence.0).collect::<Vec<_>>()), (journal(number), sequences.to_vec()));
        *request
    }

    fn serve(&mut self, number: u8, first: u64, last: u64) -> Request {
        self.give(number, first, last);
        self.sent(number, &(first..=last).collect::<Vec<_>>())
    }

    /// The request that is under way.
    fn last_request(&self) -> Request {
        Request(self.uplink.next_request - 1)
    }

    /// The first heartbeat goes out and is answered.
    fn beat(&mut self) {
        let open = self.uplink.lanes.last().unwrap();
        let (number, last) = (open.view.journal.0[0], open.view.last.0);
        let request = self.sent(number, &[]);
        self.reply(request, number, last);
        assert_eq!(self.actions(), []);
    }

    fn reply(&mut self, request: Request, number: u8, mark: u64) {
        self.tell(Event::Replied { request, receipt: receipt(number, mark) });
    }

    fn reply_fork(&mut self, request: Request, fork: u64, mark: u64) {
        self.tell(Event::Replied { request, receipt: Receipt { fork: Some(Sequence(fork)), ..receipt(1, mark) } });
    }

    fn fail(&mut self, request: Request, failure: Failure) {
        self.tell(Event::Failed { request, failure });
    }
}

fn journal(number: u8) -> JournalId {
    JournalId([number; 16])
}

fn hash(at: u64) -> EntryHash {
    EntryHash([u8::try_from(at % 251).unwrap(); 32])
}

fn view(number: u8, acknowledged: u64, last: u64, open: bool) -> JournalView {
    let (first, last, acknowledged) = (Sequence(1), Sequence(last), Sequence(acknowledged));
    JournalView { journal: journal(number), first, before_first: None, last, head: hash(last.0), acknowledged, open }
}

fn stored(number: u8, at: u64) -> Stored {
    Stored { journal: journal(number), sequence: Sequence(at), text: format!("{{\"sequence\":{at}}}"), hash: hash(at) }
}

fn load(number: u8, from: u64) -> Action {
    Action::Load { journal: journal(number), from: Sequence(from), limit: SETTINGS.batch_entries }
}

fn acknowledge(number: u8, mark: u64) -> Action {
    Action::Acknowledge { journal: journal(number), mark: Sequence(mark), receipt: Box::new(receipt(number, mark)) }
}

fn receipt(number: u8, mark: u64) -> Receipt {
    Receipt {
        version: BATCH_VERSION,
        terminal: "hall-1".parse().unwrap(),
        journal: journal(number),
        mark: Sequence(mark),
        head: EntryHash::NONE,
        fork: None,
        at: Wall(0),
        at_trusted: false,
        bundle: String::new(),
        elsewhere: String::new(),
    }
}
