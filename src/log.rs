//! Logs go to standard error, where the journal of the system takes them. Names and badge numbers never reach them.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

/// The variable that chooses what is logged: `PUNCH_LOG=debug`, `PUNCH_LOG=info,punchd::terminal=trace`.
pub const VARIABLE: &str = "PUNCH_LOG";

/// Begins logging, and turns a panic anywhere into a logged end of the process: a half-dead daemon is worse than a restart.
pub fn begin() {
    let filter = chosen(&std::env::var(VARIABLE).unwrap_or_default());
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    let lines = if under_systemd { lines.without_time().boxed() } else { lines.boxed() };
    if Registry::default().with(lines).with(filter).try_init().is_ok() {
        abort_on_panic();
    }
}

/// What is logged; what cannot be read chooses nothing.
fn chosen(text: &str) -> Targets {
    let targets = Some(text).filter(|text| !text.is_empty()).and_then(|text| text.parse().ok());
    targets.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

fn abort_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        tracing::error!(place = panic.location().map(ToString::to_string), "panicked; the process ends");
        std::process::abort();
    }));
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_or_a_level_for_one_room_is_chosen_and_nonsense_is_as_if_nothing_was() {
        for (text, everywhere, terminal) in [
            ("", Level::INFO, Level::INFO),
            ("warn", Level::WARN, Level::WARN),
            ("trace", Level::TRACE, Level::TRACE),
            ("info,punchd::terminal=debug", Level::INFO, Level::DEBUG),
            ("loud=?", Level::INFO, Level::INFO),
        ] {
            let targets = chosen(text);
            for (target, level) in [("hyper", everywhere), ("punchd::terminal::run", terminal)] {
                assert!(targets.would_enable(target, &level), "{text} {target}");
                let louder = [Level::DEBUG, Level::TRACE].into_iter().find(|louder| *louder > level);
                assert!(louder.is_none_or(|louder| !targets.would_enable(target, &louder)), "{text} {target}");
            }
        }
    }
}
