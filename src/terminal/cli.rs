//! `punchd`: runs the kiosk, checks a configuration, prints the sample.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::{examine, run};
use crate::clock::Clock;
use crate::config::file::LoadError;
use crate::config::terminal;
use crate::sys::{self, Exit};

#[derive(Debug, Parser)]
#[command(name = "punchd", version, about = "The attendance terminal / 考勤终端")]
struct Cli {
    /// The configuration; ./config/terminal.toml, then /etc/punchd/terminal.toml where not given
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// The technician's socket instead of the configuration's
    #[arg(long, global = true)]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the kiosk (the default)
    Run,
    /// Check a configuration and say everything that is wrong
    Check {
        /// Which file
        file: Option<PathBuf>,
    },
    /// What can be found out while no daemon runs, changing nothing: for `punchctl doctor`, one JSON object a line
    Examine,
    /// Print the sample configuration
    DefaultConfig,
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
    match cli.verb.unwrap_or(Verb::Run) {
        Verb::DefaultConfig => {
            sys::out(terminal::SAMPLE.trim_end());
            Exit::Ok
        }
        Verb::Check { file } => match terminal::load(file.as_deref().or(cli.config.as_deref())) {
            Ok(settings) => {
                let readers = settings.readers.len();
                sys::out(format_args!("the configuration is right: {readers} reader(s), page at http://{}", settings.listen));
                Exit::Ok
            }
            Err(error) => refuse(&error),
        },
        Verb::Examine => match terminal::load(cli.config.as_deref()) {
            Ok(settings) => examine::at_rest(&settings),
            Err(error) => refuse(&error),
        },
        Verb::Run => match terminal::load(cli.config.as_deref()) {
            Ok(mut settings) => {
                if let Some(socket) = cli.socket {
                    settings.control_socket = socket;
                }
                crate::log::begin();
                run::service(settings, Clock::system())
            }
            Err(error) => refuse(&error),
        },
    }
    .into()
}

fn refuse(error: &LoadError) -> Exit {
    sys::err(format_args!("{error}"));
    error.exit()
}
