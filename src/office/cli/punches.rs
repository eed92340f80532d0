//! `punches`.

use super::desk::write_out;
use super::{Context, Failure};
use crate::domain::time::WorkDate;
use crate::office::api::item::PunchItem;
use crate::office::day::Basis;
use crate::office::export;
use crate::office::store::PunchQuery;
use crate::sys::Exit;

/// Which punches, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The date, 2026-11-23; today where not given
    #[arg(long)]
    date: Option<WorkDate>,
    /// As JSON, one punch a line, as the interface gives it
    #[arg(long)]
    json: bool,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (basis, items, now) = context.at_desk(async |desk| {
        let date = args.date.unwrap_or_else(|| desk.today());
        let items = desk.store.punches(desk.site, PunchQuery { first: date, last: date, staff_no: None }).await?;
        Ok((Basis::load(desk.store, desk.site).await?, items, desk.now))
    })?;
    let offset = basis.site.utc_offset;
    if args.json {
        return write_out(|out| {
            items.iter().try_for_each(|item| {
                serde_json::to_writer(&mut *out, &PunchItem::of(item, offset))?;
                writeln!(out)
            })
        });
    }
    let lines = export::punch::lines(&basis, &items, now)?;
    write_out(|out| if args.csv { out.write_all(&export::punch::csv(&lines, offset)) } else { export::punch::table(&lines, offset, out) })
}
