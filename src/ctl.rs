//! `punchctl`, the technician's tool at the kiosk. It talks only to punchd's local socket; every verb has `--json`.

mod client;
mod doctor;
mod entries;
mod export;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::client::{Client, ClientError};
use self::words::Language;
use crate::control::{Reply, Request};
use crate::domain::id::{ReaderName, Sequence};
use crate::reader::{Answer, Request as ReaderRequest};
use crate::sys::{self, Exit};

#[derive(Debug, Parser)]
#[command(name = "punchctl", version, about = "The technician's tool at the kiosk / 考勤终端运维工具")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
struct Global {
    /// punchd's socket; the configuration's where not given
    #[arg(long, global = true)]
    socket: Option<PathBuf>,
    /// punchd's configuration, to find its socket
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    /// zh or en; by LANG where not given
    #[arg(long, global = true, value_enum)]
    lang: Option<Language>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// How the kiosk stands, and what to do about what is wrong
    Status,
    /// Ask everything that is asked first when something is wrong; says what to do
    ///
    /// One line for each check: ✔ right, ! wants a hand, ✘ does not work, – nothing to check. Run it as root, so that it may look everywhere.
    /// The exit code is 0 when nothing is ✘, else that of the first ✘: 69 something does not answer, 74 disk or journal, 77 permission,
    /// 78 configuration. With --json one object: ok, checks (check, state, found, remedy, code).
    /// 逐项检查并给出处理办法；请用 sudo 运行。
    Doctor,
    /// What people are told, as it happens
    Watch,
    /// Every entry, oldest first
    Punches {
        /// Only after this place of the open journal
        #[arg(long)]
        after: Option<u64>,
    },
    /// The readers and their counters
    Readers {
        /// Live bytes of one reader, in hexadecimal
        #[arg(long, value_name = "READER")]
        raw: Option<ReaderName>,
        /// Which slots of a fingerprint module are taken
        #[arg(long, value_name = "READER", conflicts_with = "raw")]
        slots: Option<ReaderName>,
    },
    /// Pair with an office
    Pair {
        /// https://host:port
        url: String,
        /// The code that punch-office printed
        code: String,
    },
    /// Try the office now
    Sync,
    /// Every entry, for another program or for a USB stick
    Export {
        /// How to write it
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// A signed file that `punch-office import` takes
        #[arg(long, value_name = "FILE", conflicts_with = "format")]
        signed: Option<PathBuf>,
    },
    /// Store a finger in a module; prints the slot
    Enrol {
        /// Which module
        reader: ReaderName,
        /// Where; the first free slot where not given
        #[arg(long)]
        slot: Option<u16>,
    },
    /// The kiosk's clock
    Clock {
        #[command(subcommand)]
        verb: ClockVerb,
    },
    /// The fingers of a module
    Finger {
        #[command(subcommand)]
        verb: FingerVerb,
    },
}

#[derive(Debug, Subcommand)]
enum ClockVerb {
    /// The clock is right now, and a wrong server or office made it run ahead before: believe it again
    Forgive,
}

#[derive(Debug, Subcommand)]
enum FingerVerb {
    /// Empty a slot
    Delete {
        /// Which module
        reader: ReaderName,
        /// Which slot
        slot: u16,
    },
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated, UTF-8 with a byte order mark.
    Csv,
    /// One JSON object a line, as stored.
    Jsonl,
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
    let language = cli.global.lang.unwrap_or_else(Language::of_the_environment);
    if matches!(cli.verb, Verb::Doctor) {
        return doctor::run(&cli.global, language).into();
    }
    let done = client::socket_path(cli.global.socket.as_deref(), cli.global.config.as_deref())
        .and_then(|path| Client::connect(&path))
        .and_then(|client| run(client, cli.verb, cli.global.json, language));
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            sys::err(format_args!("punchctl: {error}\n  → {}", error.hint()));
            error.exit().into()
        }
    }
}

fn run(client: Client, verb: Verb, json: bool, language: Language) -> Result<Exit, ClientError> {
    match verb {
        Verb::Status => show(client, &Request::Status, json, language),
        Verb::Doctor => show(client, &Request::Examine, json, language),
        Verb::Watch => show(client, &Request::Watch, json, language),
        Verb::Punches { after } => show(client, &Request::Punches { after: after.map(Sequence) }, json, language),
        Verb::Readers { raw: Some(reader), .. } => show(client, &Request::Raw { reader }, json, language),
        Verb::Readers { slots: Some(reader), .. } => show(client, &of_reader(reader, ReaderRequest::Slots), json, language),
        Verb::Readers { .. } => show(client, &Request::Readers, json, language),
        Verb::Pair { url, code } => show(client, &Request::Pair { url, code }, json, language),
        Verb::Sync => show(client, &Request::Sync, json, language),
        Verb::Clock { verb: ClockVerb::Forgive } => show(client, &Request::ForgiveClock, json, language),
        Verb::Export { signed: Some(path), .. } => export::signed(client, &path),
        Verb::Export { format, .. } => export::plain(client, format),
        Verb::Enrol { reader, slot } => show(client, &of_reader(reader, ReaderRequest::Enrol { slot }), json, language),
        Verb::Finger { verb: FingerVerb::Delete { reader, slot } } => {
            show(client, &of_reader(reader, ReaderRequest::Delete { slot }), json, language)
        }
    }
}

const fn of_reader(reader: ReaderName, request: ReaderRequest) -> Request {
    Request::Reader { reader, request }
}

/// Prints every line of the answer; a refusal is the exit code's matter.
fn show(mut client: Client, request: &Request, json: bool, language: Language) -> Result<Exit, ClientError> {
    client.ask(request)?;
    let mut exit = Exit::Ok;
    while let Some(reply) = client.reply()? {
        if json && !matches!(reply, Reply::Failed { .. }) {
            sys::out(words::json(&reply));
        } else {
            match &reply {
                Reply::Status(status) => words::status(status, language),
                Reply::Readers { readers } => words::readers(readers, language),
                Reply::Line { text } => sys::out(entries::line(text)),
                Reply::Raw { mono, hex } => sys::out(format_args!("{mono:>12} ms  {hex}")),
                Reply::Answer { answer } => sys::out(words::answer(answer, language)),
                Reply::Part { .. } => sys::out(words::json(&reply)),
                Reply::Done { text } => sys::out(text),
                Reply::Failed { code, text, hint } => {
                    sys::err(format_args!("punchctl: {text} ({code})\n  → {hint}"));
                }
            }
        }
        let failed = matches!(&reply, Reply::Failed { .. } | Reply::Answer { answer: Answer::Failed { .. } | Answer::Unsupported });
        if failed {
            exit = Exit::Unavailable;
        }
    }
    Ok(exit)
}
