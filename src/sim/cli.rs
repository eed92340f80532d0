//! The words of `punch-sim`: what a person types, and the JSON lines it says on standard output.

use std::io::{BufRead, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::json;

use super::command::{Command, TEXT_MAX};
use super::demo::{self, DemoArgs};
use super::reader::{Dialect, Encoding, Form, Protocol, Settings, SimReader, Terminator};
use crate::sys::{self, Exit};

/// Longest line on standard input, in bytes: the longest text and its word.
const LINE_MAX: usize = TEXT_MAX + 64;

/// A demonstration, and simulated readers for trying punchd without hardware.
#[derive(Debug, Parser)]
#[command(name = "punch-sim", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// One simulated reader on a pseudo-terminal, driven by lines on standard input
    #[command(after_help = COMMANDS)]
    Reader(ReaderArgs),
    /// A day at a service centre, played in about a minute or lived through at the keyboard
    Demo(DemoArgs),
}

/// What standard input takes, for `--help`.
const COMMANDS: &str = "\
Lines on standard input:
  badge HEX          present a badge once: 5 bytes, or 4 for Mifare with em4100-binary
  line TEXT          send a text
  finger SLOT        put on the finger of that slot; it is matched unless the host emptied the slot
  finger new N       put on a finger that is in no slot, to enrol it
  finger none        put on a finger that nobody knows
  finger smudged     put on a finger that cannot be read
  lift               take the finger or the badge away
  hold 3s            keep the badge repeating, or the finger on, for so long
  noise N            send N bytes that mean nothing
  corrupt | split | truncate | wrong-address | late 2s
                     do that to the next frame
  unplug | plug      pull the cable, put it in again
  brown-out          restart the module
  password HEX       set the module's password
  full               fill every free slot of the module
The end of standard input ends the program.";

#[derive(Debug, Args)]
struct ReaderArgs {
    /// What the reader speaks
    protocol: Protocol,
    /// Where to put the link to the reader's pseudo-terminal
    #[arg(long)]
    link: PathBuf,
    /// em4100: how frames look
    #[arg(long, value_enum, default_value_t)]
    form: Form,
    /// line: what ends a text
    #[arg(long, value_enum, default_value_t)]
    terminator: Terminator,
    /// line: how text becomes bytes
    #[arg(long, value_enum, default_value_t)]
    encoding: Encoding,
    /// ef01: whose codes the module understands
    #[arg(long, value_enum, default_value_t)]
    dialect: Dialect,
    /// ef01: the module's password, in hexadecimal
    #[arg(long, value_parser = password, default_value = "0")]
    password: u32,
}

impl ReaderArgs {
    const fn settings(&self) -> Settings {
        Settings {
            protocol: self.protocol,
            form: self.form,
            terminator: self.terminator,
            encoding: self.encoding,
            dialect: self.dialect,
            password: self.password,
        }
    }
}

fn password(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 16).map_err(|error| format!("up to 8 hexadecimal digits: {error}"))
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) if shown.use_stderr() => {
            sys::err(shown.to_string().trim_end());
            return Exit::Usage.into();
        }
        Err(help) => {
            sys::out(help.to_string().trim_end());
            return Exit::Ok.into();
        }
    };
    match cli.verb {
        Verb::Reader(args) => reader(&args),
        Verb::Demo(args) => demo::run(&args).into(),
    }
}

fn reader(args: &ReaderArgs) -> ExitCode {
    let listener = Box::new(|wrote: &_| sys::out(json!(wrote)));
    let reader = match SimReader::spawn_with(args.settings(), &args.link, listener) {
        Ok(reader) => reader,
        Err(error) => {
            sys::err(format_args!("punch-sim: {}", chain(&error)));
            return Exit::Io.into();
        }
    };
    sys::out(json!({"ready": true, "path": reader.path(), "link": reader.link()}));
    match obey_lines(&mut std::io::stdin().lock(), &reader) {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            sys::err(format_args!("punch-sim: standard input cannot be read: {error}"));
            Exit::Io.into()
        }
    }
}

/// Obeys line after line; one that cannot be obeyed is told and passed over.
fn obey_lines(input: &mut impl BufRead, reader: &SimReader) -> std::io::Result<()> {
    while let Some(line) = next_line(input)? {
        let outcome = match line {
            Line::TooLong => Err(format!("a line has at most {LINE_MAX} bytes")),
            Line::Text(text) => obey(&text, reader),
        };
        match outcome {
            Ok(told) => sys::out(told),
            Err(error) => sys::out(json!({"ok": false, "error": error})),
        }
    }
    Ok(())
}

fn obey(text: &str, reader: &SimReader) -> Result<serde_json::Value, String> {
    let command: Command = text.parse().map_err(|error: super::command::LineError| error.to_string())?;
    reader.obey(command).map_err(|error| chain(&error))?;
    Ok(json!({"ok": true, "line": text, "path": reader.path()}))
}

/// An error with what caused it, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

enum Line {
    Text(String),
    TooLong,
}

/// The next line without its end; `None` at the end of the input.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let limit = LINE_MAX as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() > LINE_MAX {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::TooLong));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(Line::Text(text.trim_end_matches(['\r', '\n']).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_every_protocol() {
        for protocol in ["em4100", "em4100-binary", "line", "ef01"] {
            let cli = Cli::try_parse_from(["punch-sim", "reader", protocol, "--link", "/tmp/reader"]);
            assert!(cli.is_ok(), "{protocol}");
        }
        assert!(Cli::try_parse_from(["punch-sim", "reader", "wiegand", "--link", "/tmp/reader"]).is_err());
    }

    #[test]
    fn the_command_line_sets_what_a_protocol_can_be_told() {
        let words = ["punch-sim", "reader", "ef01", "--link", "l", "--dialect", "synochip", "--password", "1234ABCD"];
        let Verb::Reader(args) = Cli::try_parse_from(words).unwrap().verb else { panic!("a reader") };
        assert_eq!((args.settings().dialect, args.settings().password), (Dialect::Synochip, 0x1234_ABCD));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_whole() {
        let input = format!("{}\nlift\n", "x".repeat(5 * LINE_MAX));
        let mut input = input.as_bytes();
        assert!(matches!(next_line(&mut input).unwrap(), Some(Line::TooLong)));
        assert!(matches!(next_line(&mut input).unwrap(), Some(Line::Text(text)) if text == "lift"));
        assert!(next_line(&mut input).unwrap().is_none());
    }
}
