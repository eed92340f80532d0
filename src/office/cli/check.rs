//! `check [FILE]`.

use std::path::PathBuf;

use super::{Context, Failure};
use crate::config::office;
use crate::sys::{self, Exit};

/// What is checked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which file [default: that of --config]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = match &args.file {
        Some(file) => office::load(Some(file))?,
        None => context.settings()?,
    };
    sys::out(format_args!("the configuration is right: {}, listening on {}", settings.name, settings.listen));
    Ok(Exit::Ok)
}
