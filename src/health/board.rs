//! The list of what is wrong now. A condition is shown once it has lasted as long as its code asks, and is gone at once when it is cleared.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Code, Condition};
use crate::domain::time::Mono;

/// Most conditions that are held; codes times readers is far below it.
const CONDITIONS_MAX: usize = 256;

/// What is wrong, and since when.
#[derive(Debug, Clone, Default)]
pub struct Board {
    revision: u64,
    raised: BTreeMap<(Code, String), Raised>,
}

#[derive(Debug, Clone)]
struct Raised {
    since: Mono,
    detail: String,
}

impl Board {
    /// Raises a condition, or changes its particulars; it lasts since it was first raised.
    pub fn raise(&mut self, now: Mono, code: Code, subject: &str, detail: impl Into<String>) {
        let key = (code, subject.to_owned());
        let detail = detail.into();
        if let Some(raised) = self.raised.get_mut(&key) {
            self.revision += u64::from(raised.detail != detail);
            raised.detail = detail;
        } else if self.raised.len() < CONDITIONS_MAX {
            self.revision += 1;
            self.raised.insert(key, Raised { since: now, detail });
        }
    }

    /// Clears a condition.
    pub fn clear(&mut self, code: Code, subject: &str) {
        self.revision += u64::from(self.raised.remove(&(code, subject.to_owned())).is_some());
    }

    /// Raises or clears.
    pub fn set(&mut self, now: Mono, code: Code, subject: &str, detail: Option<String>) {
        match detail {
            Some(detail) => self.raise(now, code, subject, detail),
            None => self.clear(code, subject),
        }
    }

    /// Makes the conditions of some codes exactly these.
    pub fn replace(&mut self, now: Mono, codes: &[Code], conditions: Vec<Condition>) {
        let before = self.raised.len();
        self.raised.retain(|(code, subject), _| {
            let kept = |condition: &Condition| condition.code == *code && condition.subject == *subject;
            !codes.contains(code) || conditions.iter().any(kept)
        });
        self.revision += u64::from(self.raised.len() != before);
        for condition in conditions {
            self.raise(now, condition.code, &condition.subject, condition.detail);
        }
    }

    /// What is shown, worst first.
    pub fn shown(&self, now: Mono) -> Vec<Condition> {
        let lasting = self.raised.iter().filter(|((code, _), raised)| now.millis_since(raised.since) >= code.delay_ms());
        let mut shown: Vec<Condition> = lasting
            .map(|((code, subject), raised)| Condition { code: *code, subject: subject.clone(), detail: raised.detail.clone() })
            .collect();
        shown.sort_by_key(|condition| (Reverse(condition.code.severity()), condition.code, condition.subject.clone()));
        shown
    }

    /// Changes whenever [`Board::shown`] does: how often something was raised, changed or cleared, and how many are shown.
    pub fn mark(&self, now: Mono) -> (u64, usize) {
        let lasting = |((code, _), raised): &(&(Code, String), &Raised)| now.millis_since(raised.since) >= code.delay_ms();
        (self.revision, self.raised.iter().filter(lasting).count())
    }

    /// When the next one will have lasted long enough to be shown.
    pub fn next_shown(&self, now: Mono) -> Option<Mono> {
        let due = self.raised.iter().map(|((code, _), raised)| raised.since.plus_millis(code.delay_ms()));
        due.filter(|due| *due > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_pulled_and_put_back_does_not_flash() {
        let mut board = Board::default();
        board.raise(Mono(0), Code::ReaderMissing, "badge", "");
        assert!(board.shown(Mono(999)).is_empty());
        assert_eq!(board.next_shown(Mono(0)), Some(Mono(1_000)));
        board.raise(Mono(500), Code::ReaderMissing, "badge", "gone");
        assert_eq!(board.shown(Mono(1_000)).len(), 1);
        board.clear(Code::ReaderMissing, "badge");
        assert!(board.shown(Mono(2_000)).is_empty());
    }

    #[test]
    fn the_mark_changes_with_what_is_shown_and_only_then() {
        let mut board = Board::default();
        board.raise(Mono(0), Code::ReaderMissing, "badge", "gone");
        let hidden = board.mark(Mono(0));
        board.raise(Mono(10), Code::ReaderMissing, "badge", "gone");
        board.clear(Code::NoSound, "");
        assert_eq!(board.mark(Mono(999)), hidden);
        let shown = board.mark(Mono(1_000));
        assert_ne!(shown, hidden);
        board.raise(Mono(1_000), Code::ReaderMissing, "badge", "busy");
        assert_ne!(board.mark(Mono(1_000)), shown);
        board.replace(Mono(1_000), &[Code::ReaderMissing], Vec::new());
        assert_eq!(board.mark(Mono(1_000)).1, 0);
    }

    #[test]
    fn the_worst_comes_first_and_a_list_is_replaced_whole() {
        let mut board = Board::default();
        board.raise(Mono(0), Code::NoSound, "", "");
        board.raise(Mono(0), Code::JournalUnavailable, "", "");
        let codes: Vec<Code> = board.shown(Mono(0)).into_iter().map(|condition| condition.code).collect();
        assert_eq!(codes, [Code::JournalUnavailable, Code::NoSound]);
        board.replace(Mono(1), &[Code::JournalUnavailable, Code::DiskLow], Vec::new());
        assert_eq!(board.shown(Mono(1)).len(), 1);
    }
}
