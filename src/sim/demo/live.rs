//! The demo lived through at the keyboard: real time, today's date, and a key for each thing that a person could hold to a reader.

use std::time::Duration;

use super::cast::{Player, Presented, ReaderKind};
use super::error::DemoError;
use super::keyboard::{Key, Keyboard};
use super::play::Stage;
use super::scenario::VISITOR;
use crate::supervise::{Supervisor, stop_signal};

/// How long the kiosk may take at the end to bring the rest to the office.
const LAST_LIMIT: Duration = Duration::from_secs(10);
/// How many people have a key of their own.
const BADGES: usize = 9;

/// Who comes next at a reader whose people share one key.
#[derive(Debug)]
struct Round<'a> {
    people: Vec<&'a Player>,
    next: usize,
}

impl<'a> Round<'a> {
    fn of(cast: &'a [Player], kind: ReaderKind) -> Self {
        Self { people: cast.iter().filter(|player| player.presents.reader() == kind).collect(), next: 0 }
    }

    fn turn(&mut self) -> Option<Presented> {
        let player = self.people.get(self.next)?;
        self.next = (self.next + 1) % self.people.len();
        Some(player.presents.clone())
    }
}

impl Stage {
    /// Obeys keys until the end of the input or a signal; what the kiosk says is told as it comes.
    pub(super) async fn live(&mut self, cast: &[Player]) -> Result<(), DemoError> {
        let (supervisor, _) = Supervisor::new();
        let mut keyboard = Keyboard::open(&supervisor)?;
        let (mut fingers, mut codes) = (Round::of(cast, ReaderKind::Finger), Round::of(cast, ReaderKind::Qr));
        let badges = Round::of(cast, ReaderKind::Badge).people;
        self.help(&badges);
        let interrupted = stop_signal();
        tokio::pin!(interrupted);
        loop {
            let key = tokio::select! {
                key = keyboard.next() => key,
                _ = &mut interrupted => Key::End,
            };
            let presented = match key {
                Key::End => break,
                Key::Help => {
                    self.help(&badges);
                    None
                }
                Key::Badge(0) => Some(Presented::Badge(VISITOR.to_vec())),
                Key::Badge(number) => badges.get(usize::from(number) - 1).map(|player| player.presents.clone()),
                Key::Finger => fingers.turn(),
                Key::Code => codes.turn(),
                Key::Cable => {
                    self.cable().await?;
                    None
                }
            };
            if let Some(presented) = presented {
                self.live_tap(&presented).await?;
            }
        }
        drop(keyboard);
        let (_, now) = self.offset.civil(self.clock.wall());
        // What is not there yet stands on the sheet as provisional, and the proof says what is missing.
        self.settle(now, LAST_LIMIT).await.map(drop)
    }

    async fn live_tap(&mut self, presented: &Presented) -> Result<(), DemoError> {
        if self.kiosk.is_plugged(presented.reader()) {
            return self.tap(presented).await;
        }
        self.note_now("读卡器未插上，按 u 插上", "that reader is unplugged; u plugs it in");
        Ok(())
    }

    async fn cable(&self) -> Result<(), DemoError> {
        if self.kiosk.is_plugged(ReaderKind::Badge) {
            self.kiosk.unplug(ReaderKind::Badge).await?;
            self.note_now("读卡器 badge 被拔下", "the badge reader is unplugged");
        } else {
            self.kiosk.plug(ReaderKind::Badge).await?;
            self.note_now("读卡器 badge 重新插上", "the badge reader is plugged in again");
        }
        Ok(())
    }

    fn help(&self, badges: &[&Player]) {
        for (number, player) in badges.iter().take(BADGES).enumerate() {
            self.note_now(&format!("{}  {}", number + 1, player.person().name), &player.person().name_pinyin);
        }
        self.note_now("0  访客的卡", "a visitor's card");
        self.note_now("f  指纹  q  二维码", "f a finger, q a QR code: the next person's each time");
        self.note_now("u  拔插读卡器  Enter  帮助  Ctrl-D  结束", "u pulls or puts in the badge reader's cable, Enter helps, Ctrl-D ends");
    }

    fn note_now(&self, zh: &str, en: &str) {
        let (_, now) = self.offset.civil(self.clock.wall());
        self.teller.note(now, zh, en);
    }
}

#[cfg(test)]
mod tests {
    use super::super::cast::cast;
    use super::*;

    #[test]
    fn one_key_goes_round_everyone_with_a_finger() {
        let cast = cast().unwrap();
        let mut fingers = Round::of(&cast, ReaderKind::Finger);
        let first = fingers.turn();
        assert_ne!(fingers.turn(), first);
        assert!(fingers.turn().is_some() && fingers.turn().is_some());
        assert_eq!(fingers.turn(), first);
    }
}
