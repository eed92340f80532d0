//! `restore DIR`.

use std::path::PathBuf;

use super::{Context, Failure, print_json, run_async};
use crate::office::backup::restore;
use crate::sys::{self, Exit};

/// Where from.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder that punch-office backup made
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let manifest = run_async(async { Ok(restore(&settings, &args.folder).await?) })?;
    if args.json {
        print_json(&manifest)?;
    } else {
        sys::out(format_args!("restored the backup of {}; terminals send again what it lacks", manifest.made_at));
    }
    Ok(Exit::Ok)
}
