//! The day that is played, as data: who taps when, when the office is out of reach, when a reader is pulled. Nothing here has an effect.
//!
//! Invariant: the same cast gives the same steps, in the order of the day; taps lie well inside their minutes, so that a slow machine
//! changes no result.

use super::cast::{Player, Presented, ReaderKind};
use crate::domain::id::StaffNo;
use crate::domain::time::ClockTime;

/// What is set up before the day begins takes a moment: the clock starts here.
pub(super) const START: ClockTime = ClockTime(7 * 3_600 + 58 * 60);
/// The last step is before this.
pub(super) const END: ClockTime = ClockTime(17 * 3_600 + 10 * 60);
/// From here on every window of the day is over, and the sheet is final: five minutes after midnight.
pub(super) const NIGHT: ClockTime = ClockTime(24 * 3_600 + 5 * 60);

/// Nobody's badge: a visitor holds it to the reader.
pub(super) const VISITOR: [u8; 5] = [0x00, 0x00, 0x0F, 0x42, 0x40];

/// Whose day is not ordinary, by 工号; `!` after a time is a finger that cannot be read.
const APART: [(&str, &str); 17] = [
    // Late by six minutes.
    ("ZC0102", "08:31:20 11:52:10 13:20:05 17:03:30"),
    // Left eighteen minutes early.
    ("ZC0202", "08:21:05 11:51:15 13:19:25 16:42:20"),
    // One tap over lunch: it goes by 12:40, and coming back is missing.
    ("ZC0203", "08:19:10 12:10:20 17:02:15"),
    // Taps twice, unsure whether it was heard.
    ("ZC0301", "08:12:10 08:12:14 11:55:05 13:15:20 17:04:10 17:04:13"),
    // An errand in the middle of the afternoon.
    ("ZC0302", "08:14:20 11:53:10 13:18:05 15:05:15 15:40:10 17:01:20"),
    // Came in before the roster knew them: once while the office was there, once while it was not.
    ("ZC0402", "08:05:15 11:54:20 13:16:10 17:03:05"),
    ("ZC0501", "08:16:15 11:56:10 13:21:20 17:05:10"),
    // Absent all day.
    ("ZC0601", ""),
    // Left ten minutes early for lunch and came back three minutes late.
    ("ZC0701", "08:16:40 11:40:15 13:28:20 17:01:45"),
    // The clock shows the due minute: on time.
    ("ZC0801", "08:25:40 11:50:20 13:25:35 17:00:10"),
    // More than half an hour into work.
    ("ZC0901", "09:04:20 11:57:10 13:12:15 17:06:05"),
    // A short lunch: both taps on one side of 12:40, nineteen minutes apart.
    ("ZC1201", "08:20:20 11:51:40 12:10:40 17:03:50"),
    // Back from lunch by badge while the QR reader is unplugged.
    ("ZC1501", "08:14:45 11:58:15 12:33:20 17:06:40"),
    // Forgot in the morning.
    ("ZC1601", "11:52:45 13:20:40 17:03:15"),
    // Forgot in the evening.
    ("ZC1801", "08:20:45 11:53:40 13:17:20"),
    // Holds the code to the QR reader soon after it is plugged in again.
    ("ZC2701", "08:09:15 12:02:10 12:38:20 17:05:40"),
    // A finger that is not read at first.
    ("ZC3101", "08:18:10! 08:18:20 11:54:45 13:14:40 17:02:40"),
];

/// Something that happens at a moment of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// When.
    pub(super) at: ClockTime,
    /// What.
    pub(super) act: Act,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Something is held to a reader.
    Tap {
        /// By whom; none for a visitor.
        who: Option<StaffNo>,
        /// What.
        presented: Presented,
    },
    /// A reader's cable is pulled.
    Unplug(ReaderKind),
    /// It is put in again.
    Plug(ReaderKind),
    /// The office cannot be reached.
    OfficeGone,
    /// It can again.
    OfficeBack,
    /// By then the kiosk has found it and brought what waited.
    CaughtUp,
    /// The office imports the whole roster, newcomers included.
    Newcomers,
}

/// The whole day, in order.
pub(super) fn day(cast: &[Player]) -> Vec<Step> {
    let mut steps: Vec<Step> = cast.iter().enumerate().flat_map(|(place, player)| taps(place, player)).collect();
    steps.push(Step { at: time(9, 41, 20), act: Act::Tap { who: None, presented: Presented::Badge(VISITOR.to_vec()) } });
    steps.push(Step { at: time(8, 6, 30), act: Act::OfficeGone });
    steps.push(Step { at: time(10, 20, 0), act: Act::OfficeBack });
    steps.push(Step { at: time(10, 30, 0), act: Act::CaughtUp });
    steps.push(Step { at: time(10, 45, 0), act: Act::Newcomers });
    steps.push(Step { at: time(12, 31, 0), act: Act::Unplug(ReaderKind::Qr) });
    steps.push(Step { at: time(12, 36, 0), act: Act::Plug(ReaderKind::Qr) });
    steps.sort_by_key(|step| step.at);
    steps
}

fn taps(place: usize, player: &Player) -> Vec<Step> {
    let apart = APART.iter().find(|(who, _)| *who == player.staff_no().as_str());
    let times = apart.map_or_else(|| ordinary(place), |(_, times)| times.split_whitespace().filter_map(told).collect());
    let tap = |(at, read): (ClockTime, bool)| {
        let presented = if read { player.presents.clone() } else { Presented::Smudged };
        Step { at, act: Act::Tap { who: Some(player.staff_no().clone()), presented } }
    };
    times.into_iter().map(tap).collect()
}

/// A time as [`APART`] writes it, and whether what is presented can be read.
fn told(word: &str) -> Option<(ClockTime, bool)> {
    let time = word.trim_end_matches('!');
    time.parse().ok().map(|at| (at, time.len() == word.len()))
}

/// Four taps in time, spread over the minutes in which people come and go.
fn ordinary(place: usize) -> Vec<(ClockTime, bool)> {
    let spread = |step: usize, over: usize| u32::try_from(place * step % over).unwrap_or_default();
    let second = spread(13, 45) + 5;
    let times = [
        time(8, 2 + spread(7, 22), second),
        time(11, 50, 0).later(60 * spread(5, 16) + second),
        time(13, 2 + spread(11, 22), second),
        time(17, spread(3, 9), second),
    ];
    times.map(|at| (at, true)).to_vec()
}

const fn time(hour: u32, minute: u32, second: u32) -> ClockTime {
    ClockTime(hour * 3_600 + minute * 60 + second)
}

/// A time so many seconds after another.
trait Later {
    fn later(self, seconds: u32) -> Self;
}

impl Later for ClockTime {
    fn later(self, seconds: u32) -> Self {
        Self(self.0 + seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cast::cast;
    use super::*;

    #[test]
    fn the_day_is_in_order_and_ends_in_time() {
        let steps = day(&cast().unwrap());
        assert!(steps.is_sorted_by_key(|step| step.at));
        assert!(steps.first().is_some_and(|step| step.at >= time(8, 0, 0)));
        assert!(steps.last().is_some_and(|step| step.at < END));
    }

    #[test]
    fn everyone_taps_four_times_but_for_those_whose_day_is_told_apart() {
        let cast = cast().unwrap();
        let steps = day(&cast);
        for player in &cast {
            let taps = steps.iter().filter(|step| matches!(&step.act, Act::Tap { who: Some(who), .. } if who == player.staff_no())).count();
            let apart = APART.iter().find(|(who, _)| *who == player.staff_no().as_str());
            let wanted = apart.map_or(4, |(_, times)| times.split_whitespace().count());
            assert_eq!(taps, wanted, "{}", player.staff_no());
        }
        for (who, times) in APART {
            assert!(cast.iter().any(|player| player.staff_no().as_str() == who), "{who}");
            assert!(times.split_whitespace().all(|word| told(word).is_some()), "{times}");
        }
    }

    #[test]
    fn nobody_taps_at_a_reader_that_is_unplugged() {
        let mut unplugged = Vec::new();
        for step in day(&cast().unwrap()) {
            match step.act {
                Act::Unplug(reader) => unplugged.push(reader),
                Act::Plug(reader) => unplugged.retain(|other| *other != reader),
                Act::Tap { presented, .. } => assert!(!unplugged.contains(&presented.reader()), "{presented:?} at {}", step.at),
                Act::OfficeGone | Act::OfficeBack | Act::CaughtUp | Act::Newcomers => {}
            }
        }
        assert_eq!(unplugged, []);
    }

    #[test]
    fn taps_lie_inside_their_minutes() {
        for step in day(&cast().unwrap()) {
            if let Act::Tap { .. } = step.act {
                assert!((5..=50).contains(&(step.at.0 % 60)), "{}", step.at);
            }
        }
    }
}
