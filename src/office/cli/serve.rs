//! `serve`.

use super::{Context, Failure};
use crate::office::serve;
use crate::sys::Exit;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    crate::log::begin();
    Ok(serve::service(&settings, &context.clock)?)
}
