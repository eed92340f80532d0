//! `backup DIR`.

use std::path::PathBuf;

use super::{Context, Failure, print_json, run_async};
use crate::office::backup::backup;
use crate::sys::{self, Exit};

/// Where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder that is not there yet, or is empty
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let made_at = settings.utc_offset.rfc3339(context.now());
    let manifest = run_async(async { Ok(backup(&settings, &args.folder, made_at).await?) })?;
    if args.json {
        print_json(&manifest)?;
    } else {
        manifest.files.iter().for_each(|file| sys::out(format_args!("{}  {} bytes", file.name, file.bytes)));
    }
    Ok(Exit::Ok)
}
