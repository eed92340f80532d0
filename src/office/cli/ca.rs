//! `ca`.

use super::{Context, Failure};
use crate::office::tls;
use crate::sys::{self, Exit};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let anchor = tls::anchor(&context.settings()?)?;
    sys::out(anchor.pem.trim_end());
    Ok(Exit::Ok)
}
