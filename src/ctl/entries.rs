//! An entry on one line, for a technician's eye.

use crate::domain::time::UtcOffset;
use crate::machine::feedback::Feedback;
use crate::wire::canonical;
use crate::wire::entry::{AttemptReason, Body, Entry};

/// A line of `punches` or `watch` in words; anything else as it is.
pub(crate) fn line(text: &str) -> String {
    if let Ok(entry) = canonical::open(text) {
        return entry_line(&entry);
    }
    serde_json::from_str::<Feedback>(text).map_or_else(|_| text.to_owned(), |feedback| feedback_line(&feedback))
}

fn entry_line(entry: &Entry) -> String {
    let at = UtcOffset::china().rfc3339(entry.clock.wall);
    format!("{:>8}  {at}  {:?}  {}", entry.sequence, entry.clock.trust, content(&entry.body))
}

/// What an entry records, in a few words.
pub(crate) fn content(body: &Body) -> String {
    match body {
        Body::Opened { predecessor: None, version } => format!("journal opened by {version}"),
        Body::Opened { predecessor: Some(before), version } => {
            format!("journal opened by {version} after {} ({:?} at {})", before.journal, before.reason, before.sequence)
        }
        Body::Punch { reader, credential } => format!("punch at {reader}: {credential}"),
        Body::Attempt { reader, reason: AttemptReason::NoMatch } => format!("attempt at {reader}: matched nobody"),
        Body::Attempt { reader, reason: AttemptReason::NotRead } => format!("attempt at {reader}: not read"),
        Body::Sync { uncertainty_ms, source, .. } => format!("time confirmed by {source:?} to {uncertainty_ms} ms"),
        Body::Boot { version } => format!("started {version}"),
        Body::ClockStep { step_ms } => format!("clock stepped by {step_ms} ms"),
        Body::Settings { digest } => format!("settings {digest}"),
        Body::Maintenance { action } => format!("maintenance: {action}"),
    }
}

fn feedback_line(feedback: &Feedback) -> String {
    let sequence = feedback.sequence.map_or_else(|| "-".to_owned(), |sequence| sequence.to_string());
    let parts = [
        Some(format!("{sequence:>8}")),
        feedback.at.clone(),
        Some(format!("{:?}", feedback.state)),
        feedback.name.clone(),
        feedback.checkpoint.clone(),
        feedback.outcome.map(|outcome| format!("{outcome:?}")),
        (feedback.minutes > 0).then(|| format!("{} min", feedback.minutes)),
        feedback.reason.map(|reason| format!("{reason:?}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}
