//! What a person reads: every state in words, with its colour, its icon and how long it stays.
//!
//! The kiosk hangs in a public hall: it accuses nobody. Late and early have the colour, the icon and the tone of any recorded punch, and an
//! unknown badge is told what was kept, and where visitors get their number.

use serde::Serialize;

use super::page::{PageState, label, short_time};
use super::result;
use crate::machine::feedback::{Feedback, Reason, State};

/// The ground of the page; each with its text colour at a contrast of at least 4.5:1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Colour {
    /// Nobody is there.
    Light,
    /// It counts.
    Green,
    /// It is kept and changes nothing.
    Blue,
    /// Something is asked of the person.
    Amber,
    /// It does not go on here.
    Red,
    /// Out of use.
    Grey,
}

/// The sign beside the words, so that colour is never the only carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Icon {
    /// No sign: the clock itself.
    None,
    /// Done.
    Check,
    /// Kept, apart from the day's checkpoints.
    Calendar,
    /// Who is it?
    Question,
    /// No entry.
    Barred,
    /// Once more.
    Again,
    /// Out of the door.
    Out,
    /// In at the door.
    Back,
    /// The paper sheet.
    Paper,
    /// At work on it.
    Wrench,
}

/// A box of the person's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Mark {
    /// 上午上班.
    pub(super) label: String,
    /// `08:21`, empty where none yet.
    pub(super) at: String,
    /// Whether this punch counted for it.
    pub(super) current: bool,
}

/// One screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    /// The ground.
    pub(super) colour: Colour,
    /// The sign.
    pub(super) icon: Icon,
    /// The biggest line: the name, or what is the matter.
    pub(super) title: String,
    /// The department, under a name.
    pub(super) sub: String,
    /// The answer.
    pub(super) message: String,
    /// What to do or to know, a line each.
    pub(super) hints: Vec<String>,
    /// The same in English, small.
    pub(super) english: String,
    /// The person's day.
    pub(super) marks: Vec<Mark>,
    /// How long it stays, in milliseconds; 0 stands until something else stands.
    pub(super) hold_ms: u64,
}

/// A datum in words.
pub(super) fn of(feedback: &Feedback, page: &PageState) -> Words {
    match feedback.state {
        State::Idle => standing(Colour::Light, Icon::None, "", "", "Staff attendance terminal"),
        State::Recorded => result::recorded(feedback, page),
        State::Already => result::already(feedback, page),
        State::OffHours => result::off_hours(feedback, page),
        State::Unknown => unknown(feedback, page),
        State::Disabled => disabled(page),
        State::Retry => retry(feedback),
        State::Event => result::event(feedback, page),
        State::Out => result::out(feedback, page),
        State::Back => result::back(feedback, page),
        State::NotRecorded => not_recorded(feedback, page),
        State::Fault if feedback.reader.is_some() => standing(Colour::Light, Icon::None, "", "", "Staff attendance terminal"),
        State::Fault => Words {
            hints: vec!["本机暂时无法保存打卡，修复后自动恢复".to_owned(), format!("请联系管理办公室{}", call(page))],
            ..standing(Colour::Red, Icon::Paper, "暂停打卡", "请纸质签到", "Punches cannot be stored. Please sign on the paper sheet.")
        },
        State::Maintenance => {
            standing(Colour::Grey, Icon::Wrench, "维护中", "请用旁边终端", "Under maintenance. Please use the next terminal.")
        }
    }
}

fn standing(colour: Colour, icon: Icon, title: &str, message: &str, english: &str) -> Words {
    screen(colour, icon, title, message, english, 0)
}

/// A screen with nothing but its first lines.
pub(super) fn screen(colour: Colour, icon: Icon, title: &str, message: &str, english: &str, hold_ms: u64) -> Words {
    Words {
        colour,
        icon,
        title: title.to_owned(),
        sub: String::new(),
        message: message.to_owned(),
        hints: Vec::new(),
        english: english.to_owned(),
        marks: Vec::new(),
        hold_ms,
    }
}

fn unknown(feedback: &Feedback, page: &PageState) -> Words {
    if feedback.reason == Some(Reason::NoRoster) {
        return Words {
            hints: vec!["本机尚未收到花名册，收到后由中心自动对应".to_owned()],
            ..screen(
                Colour::Amber,
                Icon::Check,
                "已记录",
                &time_of(feedback),
                "Recorded. There is no roster yet; it is matched when one comes.",
                3_000,
            )
        };
    }
    Words {
        hints: vec![format!("请联系管理办公室核对{}", call(page)), "办事群众请到取号机取号，谢谢".to_owned()],
        ..screen(
            Colour::Amber,
            Icon::Question,
            "此卡尚未登记",
            "本次刷卡已留存",
            "This badge is not registered yet; the tap is kept. Visitors, please take a number at the ticket machine.",
            3_000,
        )
    }
}

fn disabled(page: &PageState) -> Words {
    Words {
        hints: vec![format!("请联系管理办公室{}", call(page))],
        ..screen(
            Colour::Red,
            Icon::Barred,
            "此卡已停用",
            "本次刷卡已留存",
            "This badge is no longer in use; the tap is kept. Please see the office.",
            3_000,
        )
    }
}

/// After so many tries another way is offered.
const TRIES_MANY: u32 = 3;

fn retry(feedback: &Feedback) -> Words {
    let message = match feedback.tries {
        0 | 1 => "本次尝试已留存".to_owned(),
        tries => format!("第 {tries} 次"),
    };
    if feedback.tries >= TRIES_MANY {
        return Words {
            hints: vec!["请改用工牌，或到管理办公室登记".to_owned(), "每次尝试的时间均已留存".to_owned()],
            ..screen(
                Colour::Amber,
                Icon::Again,
                "请重按手指",
                &message,
                "Not recognised. Please use your badge; every attempt is kept.",
                3_000,
            )
        };
    }
    let hint = match feedback.reason {
        Some(Reason::NoMatch) => "未能识别，请换一个手指再按",
        Some(Reason::NotRead) => "请将手指放平，按稳后再抬起",
        Some(
            Reason::RestDay
            | Reason::OutsideWindows
            | Reason::BeforePost
            | Reason::CalendarUnknown
            | Reason::NoRules
            | Reason::NoRoster
            | Reason::TapAgainAfterLunch,
        )
        | None => "请再试一次",
    };
    Words {
        hints: vec![hint.to_owned()],
        ..screen(Colour::Amber, Icon::Again, "请重按手指", &message, "Please press your finger again.", 1_500)
    }
}

fn not_recorded(feedback: &Feedback, page: &PageState) -> Words {
    let whose = feedback.name.as_ref().map(|name| format!("{name} {}", time_of(feedback))).unwrap_or_default();
    Words {
        sub: whose.trim_end().to_owned(),
        hints: vec![format!("本次打卡没有保存{}", call(page))],
        ..screen(Colour::Red, Icon::Paper, "未记录", "请纸质签到", "NOT recorded. Please sign on the paper sheet.", 5_000)
    }
}

/// Whom to call, in brackets; nothing where nobody is configured.
pub(super) fn call(page: &PageState) -> String {
    if page.phone.is_empty() { String::new() } else { format!("（电话\u{a0}{}）", page.phone) }
}

/// `08:28` of the read, `~08:28` where it is a guess, empty where it is not known.
pub(super) fn time_of(feedback: &Feedback) -> String {
    clock_text(feedback, 5)
}

/// `08:28:37` of the read, marked likewise.
pub(super) fn exact_time_of(feedback: &Feedback) -> String {
    clock_text(feedback, 8)
}

/// Where the clock begins in RFC 3339: after `2026-11-23T`.
const CLOCK_FROM: usize = 11;

fn clock_text(feedback: &Feedback, length: usize) -> String {
    let at = feedback.at.as_deref().and_then(|at| at.get(CLOCK_FROM..CLOCK_FROM + length));
    at.map(|at| if feedback.at_doubtful { format!("~{at}") } else { at.to_owned() }).unwrap_or_default()
}

/// The name of the checkpoint that a punch counted for, Chinese then English; empty where none or not known by name.
pub(super) fn checkpoint_of(feedback: &Feedback, page: &PageState) -> [String; 2] {
    let named = feedback.checkpoint.as_deref().and_then(|id| page.checkpoint(id));
    named.map(label).unwrap_or_default()
}

/// The due time of that checkpoint, `8:25`.
pub(super) fn due_of(feedback: &Feedback) -> String {
    feedback.due.as_deref().map(short_time).unwrap_or_default()
}

/// The person's day in boxes, those whose checkpoint the rules in force name.
pub(super) fn marks(feedback: &Feedback, page: &PageState) -> Vec<Mark> {
    let mark = |today: &crate::machine::feedback::TodayBox| {
        let label = page.label(page.checkpoint(&today.checkpoint)?);
        let current = feedback.checkpoint.as_ref() == Some(&today.checkpoint);
        Some(Mark { label, at: today.at.clone().unwrap_or_default(), current })
    };
    feedback.today.iter().filter_map(mark).collect()
}
