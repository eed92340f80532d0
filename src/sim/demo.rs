//! `punch-sim demo`: an office and a kiosk in this process, through the library, over real TLS, pseudo-terminals and SQLite; a day played in
//! about a minute, or lived through at the keyboard.
//!
//! Invariant: what is shown is what the programs do. The demo holds badges to readers, pulls cables and takes the office away; everything
//! else is the product's, and the proof at the end is made from what the kiosk's page said and what the office's store holds.

mod cast;
mod control;
mod error;
mod events;
mod keyboard;
mod kiosk;
mod live;
mod office;
mod play;
mod proof;
mod scenario;
mod told;
mod width;

use std::path::{Path, PathBuf};

use clap::Args;

use self::cast::cast;
use self::error::DemoError;
use self::kiosk::Kiosk;
use self::office::Office;
use self::play::Stage;
use self::told::{Start, Teller, Told};
use super::cli::chain;
use crate::clock::Clock;
use crate::domain::calendar::DayKind;
use crate::domain::id::TerminalId;
use crate::domain::time::{UtcOffset, WorkDate};
use crate::supervise::stop_signal;
use crate::sys::{self, Exit};

/// The day that is played unless another is named: an ordinary Wednesday of the shipped calendar.
const DATE: &str = "2026-11-18";
/// The kiosk's name.
const TERMINAL: &str = "east-hall-1";

/// A day at a service centre: an office, a kiosk and three readers in one process
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The day to play
    #[arg(long, value_name = "DATE", default_value = DATE, conflicts_with = "live")]
    date: WorkDate,
    /// Real time and today's date; tap from the keyboard
    #[arg(long)]
    live: bool,
    /// Keep everything in this folder, which must be empty or absent
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Nobody looks at the pages
    #[arg(long)]
    headless: bool,
}

/// Runs the demo; the exit code says whether the proof holds.
pub(super) fn run(args: &DemoArgs) -> Exit {
    if std::env::var_os(crate::log::VARIABLE).is_some() {
        crate::log::begin();
    }
    let outcome = Folder::open(args.keep.as_deref()).and_then(|folder| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| DemoError::System { doing: "run", source: source.into() })?;
        runtime.block_on(demonstrate(args, &folder.path))
    });
    match outcome {
        Ok(true) => Exit::Ok,
        Ok(false) => Exit::Software,
        Err(error) => {
            sys::err(format_args!("punch-sim demo: {}", chain(&error)));
            error.exit()
        }
    }
}

/// Sets the stage, plays or lives the day, and closes; whether the proof holds.
async fn demonstrate(args: &DemoArgs, folder: &Path) -> Result<bool, DemoError> {
    let cast = cast()?;
    let mut stage = set(args, folder).await?;
    let played = async {
        if args.live {
            stage.live(&cast).await?;
        } else {
            stage.play(&scenario::day(&cast)).await?;
        }
        stage.close().await
    };
    let proof = if args.live {
        // At the keyboard the end of the program is a key like another.
        played.await?
    } else {
        tokio::select! {
            proof = played => proof?,
            _ = stop_signal() => return Err(DemoError::Interrupted),
        }
    };
    stage.kiosk.stop().await;
    stage.office.gone().await;
    Ok(proof.good)
}

/// Starts office and kiosk, pairs them, and says where they are.
async fn set(args: &DemoArgs, folder: &Path) -> Result<Stage, DemoError> {
    let offset = UtcOffset::china();
    let clock = if args.live { Clock::system() } else { Clock::skipping(offset.wall(args.date, scenario::START)) };
    let date = if args.live { offset.civil(clock.wall()).0 } else { args.date };
    let terminal = TERMINAL.parse::<TerminalId>().map_err(error::kiosk("have its name"))?;
    let office = Office::open(folder, &clock).await?;
    office.import_roster(args.live).await?;
    office.give_credentials(&terminal).await?;
    let kiosk = Kiosk::open(folder, &terminal, args.live && !args.headless, &clock).await?;
    kiosk.pair(office.url(), office.pairing_code(&terminal).await?).await?;
    let teller = Teller { json: args.json };
    let day = office.day_kind(date).await?;
    teller.tell(&Told::Start(Start {
        date: date.to_string(),
        day: day.code().to_owned(),
        skipping: clock.is_skipping(),
        office: office.url(),
        office_page: office.page(),
        kiosk_page: format!("http://{}/", kiosk.page()),
        terminal: terminal.to_string(),
        kept: args.keep.as_ref().map(|_| folder.to_owned()),
        headless: args.headless,
    }));
    let watched = !args.headless && !args.live;
    let stage = Stage { clock, office, kiosk, offset, date, teller, watched, fed: 0, confirmed: Vec::new() };
    stage.note_day(&day);
    Ok(stage)
}

impl Stage {
    /// Says so where nothing is required on the day.
    fn note_day(&self, day: &DayKind) {
        let (_, now) = self.offset.civil(self.clock.wall());
        match day.is_workday() {
            Some(true) => {}
            Some(false) => {
                self.teller.note(now, "今日非工作日：打卡照常记录，不作要求", "a rest day: punches are recorded, none is required");
            }
            None => self.teller.note(
                now,
                "日历未定：打卡照常记录，暂不作结论",
                "beyond the calendar: punches are recorded, nothing is concluded",
            ),
        }
    }
}

/// Where everything is while the demo runs, and stays if that was asked for.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    stays: bool,
}

impl Folder {
    fn open(keep: Option<&Path>) -> Result<Self, DemoError> {
        let stays = keep.is_some();
        let path = match keep {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("punch-demo-{}", std::process::id())),
        };
        let told = |source: std::io::Error| DemoError::Folder { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(told)?;
        if std::fs::read_dir(&path).map_err(told)?.next().is_some() {
            return Err(DemoError::NotEmpty(path));
        }
        let path = path.canonicalize().map_err(told)?;
        Ok(Self { path, stays })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.stays {
            // What cannot be removed is in the system's folder for such things.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::calendar;

    #[test]
    fn the_day_that_is_played_is_an_ordinary_workday_of_the_shipped_calendar() {
        let calendar = calendar::read("calendar-cn.csv", include_str!("../../config/calendar-cn.csv")).unwrap();
        assert_eq!(calendar.day(DATE.parse().unwrap()), DayKind::Workday);
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kept"), b"").unwrap();
        assert!(Folder::open(Some(folder.path())).is_err());
        let new = folder.path().join("new");
        assert!(Folder::open(Some(&new)).is_ok() && new.is_dir());
    }

    #[test]
    fn a_folder_that_does_not_stay_is_removed() {
        let folder = Folder::open(None).unwrap();
        let path = folder.path.clone();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
