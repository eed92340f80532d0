//! `day DATE`.

use super::desk::write_out;
use super::{Context, Failure, print_json};
use crate::domain::time::{Wall, WorkDate};
use crate::office::{day, export};
use crate::sys::Exit;

/// Which day, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The date, 2026-11-23; today where not given
    date: Option<WorkDate>,
    /// The moment of judging (RFC 3339); now where not given
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<Wall>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let sheet = context.at_desk(async |desk| {
        let (date, as_of) = (args.date.unwrap_or_else(|| desk.today()), args.as_of.unwrap_or(desk.now));
        Ok(day::day_sheet(desk.store, desk.site, date, as_of).await?)
    })?;
    if args.json {
        return print_json(&sheet).map(|()| Exit::Ok);
    }
    write_out(|out| if args.csv { out.write_all(&export::day::csv(&sheet)) } else { export::day::table(&sheet, out) })
}

fn time(text: &str) -> Result<Wall, String> {
    Wall::parse_rfc3339(text).ok_or_else(|| "not a time such as 2026-11-23T12:00:00+08:00".to_owned())
}
