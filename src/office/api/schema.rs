//! The shapes of answers that are made elsewhere, for the description of the interface only. A test holds each to what is really sent.

#![expect(dead_code, reason = "these types are described, never made")]

use utoipa::ToSchema;

/// Why a request was refused.
#[derive(ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody {
    /// Its name, which does not change.
    #[schema(example = "token-unknown")]
    code: String,
    /// One sentence.
    text: String,
    /// What to do.
    hint: String,
}

/// Everyone's day.
#[derive(ToSchema)]
#[schema(as = Day)]
pub(super) struct DaySchema {
    /// The centre.
    site: String,
    /// The civil day.
    #[schema(example = "2026-11-23")]
    date: String,
    /// `workday`, `rest_day`, `holiday`, `makeup_workday`, `unknown`.
    day: String,
    /// Its announced name; empty where there is none.
    day_name: String,
    /// The rules it was judged by.
    rules: RulesSchema,
    /// The moment of judging, RFC 3339.
    as_of: String,
    /// Everything recorded until then is here, RFC 3339; null while that is unknown or no terminal is waited for.
    complete_through: Option<String>,
    /// Terminals whose punches may still be missing; while there are any, results may change.
    incomplete: Vec<IncompleteSchema>,
    /// The checkpoints in the order of the day.
    checkpoints: Vec<HeadSchema>,
    /// In the office's order.
    people: Vec<PersonSchema>,
    /// How many punches of the day are nobody's.
    unknown_punches: u64,
}

/// A version of the rules.
#[derive(ToSchema)]
#[schema(as = RulesName)]
pub(super) struct RulesSchema {
    version: String,
    document: String,
}

/// A terminal that is waited for.
#[derive(ToSchema)]
#[schema(as = Incomplete)]
pub(super) struct IncompleteSchema {
    terminal: String,
    /// Everything it recorded until then is here, RFC 3339.
    complete_up_to: Option<String>,
}

/// A checkpoint.
#[derive(ToSchema)]
#[schema(as = CheckpointHead)]
pub(super) struct HeadSchema {
    #[schema(example = "morning_in")]
    checkpoint: String,
    name: SentenceSchema,
    /// `morning`, `afternoon`.
    half_day: String,
    /// When it is due by the rules.
    #[schema(example = "08:25")]
    due: String,
}

/// The same in Chinese and in English.
#[derive(ToSchema)]
#[schema(as = Sentence)]
pub(super) struct SentenceSchema {
    zh: String,
    en: String,
}

/// One person's day.
#[derive(ToSchema)]
#[schema(as = PersonDay)]
pub(super) struct PersonSchema {
    /// 工号.
    staff_no: String,
    name: String,
    /// 派驻部门.
    department: String,
    /// 窗口号; empty where none.
    window: String,
    /// `window`, `back_office`, `other`.
    post_class: String,
    /// The same as `staff_no`.
    person: String,
    #[schema(example = "2026-11-23")]
    date: String,
    /// What kind of day.
    day: String,
    /// In the order of the day.
    checkpoints: Vec<CheckpointSchema>,
    /// Morning and afternoon.
    half_days: Vec<HalfDaySchema>,
    /// Punches that count for nothing, RFC 3339.
    surplus: Vec<String>,
}

/// One checkpoint's result.
#[derive(ToSchema)]
#[schema(as = CheckpointResult)]
pub(super) struct CheckpointSchema {
    #[schema(example = "morning_in")]
    checkpoint: String,
    /// When it was due, RFC 3339.
    due: String,
    /// What counts, RFC 3339; null where nothing does.
    counted: Option<String>,
    /// `on_time`, `late`, `early_leave`, `missing`, `time_suspect`, `excused`, `not_required`, `not_yet_due`, `pending_data`, `calendar_unknown`.
    outcome: String,
    /// Minutes late or early; 0 where none.
    minutes: u32,
    /// Asks for a look.
    severe: bool,
    /// A terminal is not complete past the window: it may still change.
    provisional: bool,
    /// Why.
    why: SentenceSchema,
}

/// One half-day's result.
#[derive(ToSchema)]
#[schema(as = HalfDayResult)]
pub(super) struct HalfDaySchema {
    /// `morning`, `afternoon`.
    half_day: String,
    /// The sheet's symbol.
    mark: String,
    /// Where it counts 0.5: `present`, `leave`, `absent`, `to_verify`, `open`, `not_required`.
    column: String,
    /// Further symbols.
    notes: Vec<String>,
    /// Minutes of leave that do not cover it.
    leave_minutes: u32,
    /// What asks for a look.
    marks: Vec<SentenceSchema>,
}
