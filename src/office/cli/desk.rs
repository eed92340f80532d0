//! What the verbs of attendance share: the store with a site that is set up, today, who does it, files in and text out.

use std::io::{self, Write};
use std::path::Path;

use super::{Context, Failure, file_exit};
use crate::domain::time::{UtcOffset, Wall, WorkDate};
use crate::office::day::DayError;
use crate::office::seed;
use crate::office::store::{Fact, FactsAdded, SiteId, Store, StoreError};
use crate::sys::{self, Exit};

/// Most bytes of a person's name in the system, as it is written beside facts.
const AUTHOR_BYTES_MAX: usize = 100;

/// A site's store, as a person at the command line uses it.
pub(super) struct Desk<'a> {
    /// The store.
    pub(super) store: &'a Store,
    /// The site.
    pub(super) site: SiteId,
    /// Its civil time.
    pub(super) offset: UtcOffset,
    /// Where imported files are kept.
    pub(super) data_dir: &'a Path,
    /// Office time.
    pub(super) now: Wall,
}

impl Desk<'_> {
    /// The civil date.
    pub(super) fn today(&self) -> WorkDate {
        self.offset.civil(self.now).0
    }

    /// Adds facts in the name of whoever runs the program.
    pub(super) async fn add(&self, facts: Vec<Fact>) -> Result<FactsAdded, StoreError> {
        if facts.is_empty() {
            return Ok(FactsAdded::default());
        }
        self.store.add_facts(self.site, facts, author(), self.now).await
    }
}

/// Whoever runs the program, by the system's name.
fn author() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
    let name: String = named.unwrap_or_else(|| "punch-office".to_owned()).chars().filter(|c| !c.is_control()).collect();
    if name.len() > AUTHOR_BYTES_MAX { "punch-office".to_owned() } else { name }
}

impl Context {
    /// Runs work on the site of the settings, with its shipped rules and calendar in place.
    pub(super) fn at_desk<T>(&self, work: impl AsyncFnOnce(&Desk<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.with_store(async |store, settings| {
            let (site, now) = (SiteId::FIRST, self.now());
            seed::seed(store, site, now).await?;
            let desk = Desk { store, site, offset: settings.utc_offset, data_dir: &settings.data_dir, now };
            work(&desk).await
        })
    }
}

impl Failure {
    /// The data directory could not be written.
    pub(super) fn of_writing(error: &io::Error) -> Self {
        Self::new(file_exit(error), format_args!("cannot keep the imported file: {error}"), "check the data directory")
    }
}

impl From<DayError> for Failure {
    fn from(error: DayError) -> Self {
        match error {
            DayError::Store(error) => error.into(),
            DayError::NoRules => Self::new(Exit::Config, &error, error.hint()),
        }
    }
}

/// A whole file.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::new(file_exit(&error), format_args!("cannot read {}: {error}", path.display()), "");
    sys::read_limited(path, limit).map_err(failed)
}

/// Writes to standard output; a closed pipe is not worth a word.
pub(super) fn write_out(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Exit, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Io, format_args!("cannot write: {error}"), "")),
        Ok(()) | Err(_) => Ok(Exit::Ok),
    }
}
