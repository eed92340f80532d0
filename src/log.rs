//! Logs go to standard error, where the journal of the system takes them. Names and badge numbers never reach them.

use tracing_subscriber::EnvFilter;

/// The variable that chooses what is logged: `PUNCH_LOG=debug`.
pub const VARIABLE: &str = "PUNCH_LOG";

/// Begins logging, and turns a panic anywhere into a logged end of the process: a half-dead daemon is worse than a restart.
pub fn begin() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).with_target(false);
    let begun = if under_systemd { lines.without_time().try_init() } else { lines.try_init() };
    if begun.is_ok() {
        abort_on_panic();
    }
}

fn abort_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        tracing::error!(place = panic.location().map(ToString::to_string), "panicked; the process ends");
        std::process::abort();
    }));
}
