//! `import FILE`.

use std::path::PathBuf;

use super::{Context, Failure, print_json};
use crate::config::office::OfficeClock;
use crate::office::import::import;
use crate::sys::{self, Exit};

/// What is taken.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file that punchctl export --signed made
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let imported = context.with_store(async |store, settings| {
        context.clock.refresh_kernel_sync();
        let reading = context.clock.read();
        let trusted = settings.clock == OfficeClock::Trusted || reading.kernel.is_some();
        Ok(import(store, &args.file, reading.wall, trusted).await?)
    })?;
    if args.json {
        print_json(&imported)?;
    } else {
        let held = imported.entries - imported.accepted - imported.quarantined - imported.left_out;
        sys::out(format_args!(
            "{}: {} entries, {} new, {held} held already, {} in quarantine, {} left for the network",
            imported.terminal, imported.entries, imported.accepted, imported.quarantined, imported.left_out
        ));
    }
    Ok(Exit::Ok)
}
