//! Plays the day: waits for each step by the skipping clock, does it, and hears what the kiosk says.

use std::time::Duration;

use super::super::pace;
use super::cast::{NEWCOMERS, Presented};
use super::error::DemoError;
use super::kiosk::Kiosk;
use super::office::Office;
use super::proof::{Place, Proof, prove};
use super::scenario::{Act, END, NIGHT, Step};
use super::told::{Teller, Told};
use crate::clock::Clock;
use crate::domain::time::{ClockTime, Mono, UtcOffset, Wall, WorkDate};
use crate::machine::feedback::Feedback;

/// Real time after a tap for whoever watches the kiosk's page: so that a day of 160 taps takes about a minute.
const BREATH: Duration = Duration::from_millis(250);
/// How long, by the clock, the kiosk may take to bring the rest of its backlog and its next heartbeat to the office.
const SETTLING_LIMIT: Duration = Duration::from_mins(10);

/// The stage: one clock for everyone.
#[derive(Debug)]
pub(super) struct Stage {
    /// The clock that office and kiosk share.
    pub(super) clock: Clock,
    /// The office.
    pub(super) office: Office,
    /// The kiosk.
    pub(super) kiosk: Kiosk,
    /// The site's civil time.
    pub(super) offset: UtcOffset,
    /// The day that is played.
    pub(super) date: WorkDate,
    /// Who tells.
    pub(super) teller: Teller,
    /// Whether somebody may look at the pages while the day is played.
    pub(super) watched: bool,
    /// Presentations so far.
    pub(super) fed: usize,
    /// Those that the page confirmed.
    pub(super) confirmed: Vec<Place>,
}

impl Stage {
    /// Plays all steps, and the evening after them.
    pub(super) async fn play(&mut self, steps: &[Step]) -> Result<(), DemoError> {
        for step in steps {
            pace::until(&self.clock, self.moment(step.at)).await;
            self.act(step).await?;
        }
        pace::until(&self.clock, self.moment(END)).await;
        self.teller.note(END, "一天结束", "the day is over");
        self.clock.skip(self.moment(NIGHT).millis_since(self.clock.mono()));
        if self.settle(NIGHT, SETTLING_LIMIT).await? {
            return Ok(());
        }
        Err(DemoError::Late { what: "the kiosk did not bring everything to the office", limit: SETTLING_LIMIT })
    }

    async fn act(&mut self, step: &Step) -> Result<(), DemoError> {
        let at = step.at;
        match &step.act {
            Act::Tap { presented, .. } => self.tap(presented).await?,
            Act::Unplug(reader) => {
                self.kiosk.unplug(*reader).await?;
                self.teller.note(at, format!("读卡器 {} 被拔下", reader.name()), format!("the {} reader is unplugged", reader.name()));
            }
            Act::Plug(reader) => {
                self.kiosk.plug(*reader).await?;
                self.teller.note(
                    at,
                    format!("读卡器 {} 重新插上", reader.name()),
                    format!("the {} reader is plugged in again", reader.name()),
                );
            }
            Act::OfficeGone => {
                self.office.gone().await;
                self.teller.note(at, "办公室网络中断", "the office cannot be reached");
            }
            Act::OfficeBack => {
                self.office.back().await?;
                let backlog = self.kiosk.backlog().await?;
                let (zh, en) = (format!("办公室恢复，待上传 {backlog} 条"), format!("the office is back; {backlog} entries wait"));
                self.teller.note(at, zh, en);
            }
            Act::CaughtUp => {
                let backlog = self.kiosk.backlog().await?;
                self.teller.note(at, format!("待上传 {backlog} 条"), format!("{backlog} entries wait"));
            }
            Act::Newcomers => {
                let matched = self.office.import_roster(true).await?;
                let count = NEWCOMERS.len();
                let zh = format!("名册补录 {count} 人，此前 {matched} 次打卡归入其名下");
                let en = format!("{count} newcomers join the roster; {matched} earlier punches are theirs now");
                self.teller.note(at, zh, en);
            }
        }
        Ok(())
    }

    /// Holds something to a reader, waits for the answer and tells it.
    pub(super) async fn tap(&mut self, presented: &Presented) -> Result<(), DemoError> {
        self.kiosk.present(presented).await?;
        self.fed += 1;
        let feedback = self.kiosk.answer().await?;
        self.heard(feedback);
        self.kiosk.take_away(presented).await?;
        if self.watched {
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }

    /// Takes note of what the page was told.
    pub(super) fn heard(&mut self, feedback: Feedback) {
        self.confirmed.extend(feedback.journal.zip(feedback.sequence));
        let at = feedback.at.as_deref().and_then(Wall::parse_rfc3339).unwrap_or_else(|| self.clock.wall());
        let (_, time) = self.offset.civil(at);
        self.teller.tell(&Told::Punch { time, feedback: Box::new(feedback) });
    }

    /// Lets the kiosk bring the office everything, until the office knows all up to a time of the day; whether it came to that.
    pub(super) async fn settle(&self, through: ClockTime, limit: Duration) -> Result<bool, DemoError> {
        let wanted = self.offset.wall(self.date, ClockTime(0)).plus_millis(i64::from(through.0) * 1_000);
        for _ in 0..limit.as_secs() {
            if self.kiosk.backlog().await? == 0 && self.office.complete_through().await?.is_some_and(|complete| complete >= wanted) {
                return Ok(true);
            }
            pace::until(&self.clock, self.clock.mono().plus_millis(1_000)).await;
        }
        Ok(false)
    }

    /// The sheet and the proof.
    pub(super) async fn close(&self) -> Result<Proof, DemoError> {
        self.teller.sheet(self.office.sheet(self.date, self.clock.is_skipping()).await?);
        let proof = prove(self.fed, &self.confirmed, &self.office.held().await?, self.office.verify().await?);
        self.teller.tell(&Told::Proof(proof.clone()));
        Ok(proof)
    }

    /// The moment at which the civil clock shows a time of the day that is played.
    fn moment(&self, time: ClockTime) -> Mono {
        let reading = self.clock.read();
        let wall = self.offset.wall(self.date, ClockTime(0)).plus_millis(i64::from(time.0) * 1_000);
        reading.mono.plus_millis(u64::try_from(wall.millis_since(reading.wall)).unwrap_or_default())
    }
}
