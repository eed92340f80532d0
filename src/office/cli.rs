//! `punch-office`: one file for each verb. Results go to standard output, errors with what to do to standard error; exit codes are sysexits.

mod backup;
mod ca;
mod calendar;
mod check;
mod credential;
mod day;
mod desk;
mod import;
mod punches;
mod restore;
mod roster;
mod rules;
mod serve;
mod terminal;
mod token;
mod verify;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

use super::backup::BackupError;
use super::ca::CaError;
use super::import::ImportError;
use super::judge::{self, JudgeArgs, JudgeError};
use super::keys::KeyError;
use super::pairing::PairingError;
use super::serve::ServeError;
use super::store::{Store, StoreError};
use crate::clock::Clock;
use crate::config::file::LoadError;
use crate::config::office::{self, OfficeSettings};
use crate::domain::time::Wall;
use crate::supervise::Supervisor;
use crate::sys::{self, Exit};

#[derive(Debug, Parser)]
#[command(name = "punch-office", version, about = "The attendance office / 考勤中心")]
struct Cli {
    /// The configuration; ./config/office.toml, then /etc/punchd/office.toml where not given
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve terminals and other systems
    Serve,
    /// Check a configuration and say everything that is wrong
    Check(check::Args),
    /// Print the sample configuration
    DefaultConfig,
    /// Print the CA certificate that clients trust (PEM), making it if absent
    Ca,
    /// Terminals: add (a pairing code), list, show, revoke
    #[command(subcommand)]
    Terminal(terminal::Verb),
    /// Tokens of other systems: add, list, revoke
    #[command(subcommand)]
    Token(token::Verb),
    /// Prove that nothing held was lost, added, changed or reordered
    Verify(verify::Args),
    /// Copy the store and the keys into an empty folder
    Backup(backup::Args),
    /// Put a backup in place
    Restore(restore::Args),
    /// Take a signed file that came by hand: punchctl export --signed FILE
    Import(import::Args),
    /// The roster: import, export
    #[command(subcommand)]
    Roster(roster::Verb),
    /// Credentials: add, list (also the unknown ones), end
    #[command(subcommand)]
    Credential(credential::Verb),
    /// The calendar: import, export
    #[command(subcommand)]
    Calendar(calendar::Verb),
    /// The rules: import, list
    #[command(subcommand)]
    Rules(rules::Verb),
    /// Everyone's day: results, and why
    Day(day::Args),
    /// The punches of a day
    Punches(punches::Args),
    /// Judge a CSV of punches without any database
    Judge(JudgeArgs),
}

/// What every verb is given.
#[derive(Debug)]
pub(super) struct Context {
    config: Option<PathBuf>,
    /// The clocks.
    pub(super) clock: Clock,
}

/// Why a verb did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    text: String,
    hint: String,
}

impl Failure {
    /// A failure with its exit code, its sentence and what to do.
    pub(super) fn new(exit: Exit, text: impl Display, hint: impl Display) -> Self {
        Self { exit, text: text.to_string(), hint: hint.to_string() }
    }

    /// A sentence with the causes behind it.
    fn with_causes(exit: Exit, error: &dyn std::error::Error, hint: &str) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        Self::new(exit, text, hint)
    }
}

/// The exit code for a file that could not be used.
fn file_exit(error: &std::io::Error) -> Exit {
    if error.kind() == std::io::ErrorKind::PermissionDenied { Exit::Permission } else { Exit::Io }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::new(error.exit(), error, "")
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::with_causes(Exit::Io, &error, error.hint())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let exit = match &error {
            KeyError::File { source, .. } => file_exit(source),
            KeyError::InUse { .. } => Exit::Unavailable,
            KeyError::Content { .. } | KeyError::Random => Exit::Io,
        };
        Self::new(exit, &error, error.hint())
    }
}

impl From<CaError> for Failure {
    fn from(error: CaError) -> Self {
        match error {
            CaError::Key(error) => error.into(),
            CaError::Given { .. } => Self::new(Exit::Config, &error, error.hint()),
            CaError::Make(_) | CaError::Apart => Self::new(Exit::Io, &error, error.hint()),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Key(error) => error.into(),
            ServeError::Ca(error) => error.into(),
            ServeError::Store(error) => error.into(),
            ServeError::Listen { .. } | ServeError::Write { .. } | ServeError::Tls(_) | ServeError::System(_) => {
                Self::new(error.exit(), &error, error.hint())
            }
        }
    }
}

impl From<PairingError> for Failure {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::Key(error) => error.into(),
            PairingError::Store(error) => error.into(),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Key(error) => error.into(),
            BackupError::Store(error) => error.into(),
            BackupError::File { ref source, .. } => Self::new(file_exit(source), &error, error.hint()),
            BackupError::Broken { .. } => Self::new(Exit::Data, &error, error.hint()),
            BackupError::Exists { .. } => Self::new(Exit::Io, &error, error.hint()),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Read { ref source, .. } => Self::new(file_exit(source), &error, error.hint()),
            ImportError::Form { .. } | ImportError::Part { .. } | ImportError::Signature(_) => {
                Self::with_causes(Exit::Data, &error, error.hint())
            }
            ImportError::Unknown(_) | ImportError::Revoked(_) => Self::new(Exit::Permission, &error, error.hint()),
        }
    }
}

impl Context {
    /// The settings.
    pub(super) fn settings(&self) -> Result<OfficeSettings, Failure> {
        Ok(office::load(self.config.as_deref())?)
    }

    /// Office time now.
    pub(super) fn now(&self) -> Wall {
        self.clock.wall()
    }

    /// Runs work on the store of the settings, beside a running server or without one.
    pub(super) fn with_store<T>(&self, work: impl AsyncFnOnce(&Store, &OfficeSettings) -> Result<T, Failure>) -> Result<T, Failure> {
        let settings = self.settings()?;
        run_async(async {
            let (supervisor, _notices) = Supervisor::new();
            let store = super::serve::open_store(&settings, &supervisor).await?;
            let result = work(&store, &settings).await;
            store.close().await;
            result
        })
    }
}

/// Runs a future on a runtime of this thread.
pub(super) fn run_async<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Software, error, "raise the limit of threads"))?;
    runtime.block_on(work)
}

/// Prints a value as one line of JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::new(Exit::Software, error, ""))?;
    sys::out(text);
    Ok(())
}

/// The program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            error.print().ok();
            return if help { Exit::Ok } else { Exit::Usage }.into();
        }
    };
    let context = Context { config: cli.config, clock: Clock::system() };
    match run(cli.verb, &context) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            sys::err(failure.text.trim_end());
            if !failure.hint.is_empty() {
                sys::err(format_args!("→ {}", failure.hint));
            }
            failure.exit.into()
        }
    }
}

fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Serve => serve::run(context),
        Verb::Check(args) => check::run(&args, context),
        Verb::DefaultConfig => {
            sys::out(office::SAMPLE.trim_end());
            Ok(Exit::Ok)
        }
        Verb::Ca => ca::run(context),
        Verb::Terminal(verb) => terminal::run(verb, context),
        Verb::Token(verb) => token::run(verb, context),
        Verb::Verify(args) => verify::run(&args, context),
        Verb::Backup(args) => backup::run(&args, context),
        Verb::Restore(args) => restore::run(&args, context),
        Verb::Import(args) => import::run(&args, context),
        Verb::Roster(verb) => roster::run(verb, context),
        Verb::Credential(verb) => credential::run(verb, context),
        Verb::Calendar(verb) => calendar::run(verb, context),
        Verb::Rules(verb) => rules::run(verb, context),
        Verb::Day(args) => day::run(&args, context),
        Verb::Punches(args) => punches::run(&args, context),
        Verb::Judge(args) => judge(&args),
    }
}

fn judge(args: &JudgeArgs) -> Result<Exit, Failure> {
    judge::run(args, &mut std::io::stdout().lock()).map_err(|error| {
        let exit = error.downcast_ref::<JudgeError>().map_or(Exit::Software, JudgeError::exit);
        Failure::new(exit, error, "")
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_the_configuration_may_stand_before_or_after_the_verb() {
        Cli::command().debug_assert();
        for line in ["punch-office --config x terminal add hall-1 --json", "punch-office terminal add hall-1 --json --config x"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.config, Some(PathBuf::from("x")));
        }
    }
}
