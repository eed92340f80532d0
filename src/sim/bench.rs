//! What a reader's thread does: obeys commands, repeats what is held, sends what is late, and listens to the host.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use super::command::{Command, DURATION_MAX, Distortion, NOISE_MAX, TEXT_MAX};
use super::device::{Device, Settings};
use super::finger::Module;
use super::finger_library::Numbers;
use super::reader::{HostWrote, Listener, Shared, SimError};
use super::{hex, pty};
use crate::clock::Clock;
use crate::domain::time::Mono;

/// How often a module repeats a badge that stays on it, in milliseconds (RDM6300: 50 to 65).
const REPEAT_MS: u64 = 65;
/// How long an unplugged reader waits for a command before it looks around.
const UNPLUGGED_WAIT: Duration = Duration::from_millis(100);
/// How often a dead host's claim to the terminal is cleared, in milliseconds.
const FORGET_EXCLUSIVE_MS: u64 = 250;
/// Bytes taken from the host at once.
const READ_BYTES: usize = 1_024;
/// Noise has the high bit set: as a wrong speed gives it, and neither a start byte nor a line's end in any protocol.
const NOISE_BIT: u8 = 0x80;

/// A command, and where its outcome goes.
pub(crate) type Asked = (Command, SyncSender<Result<(), SimError>>);

/// How long what lies on the reader stays, and when it is sent next.
#[derive(Debug, Clone, Copy)]
struct Hold {
    until: Mono,
    repeat: Mono,
}

/// All that a reader's thread owns.
pub(crate) struct Bench {
    device: Device,
    plugged: Option<pty::Pty>,
    link: PathBuf,
    /// The last badge's or text's frame.
    last: Option<Vec<u8>>,
    hold: Option<Hold>,
    late: Option<(Mono, Vec<u8>)>,
    distortion: Option<Distortion>,
    noise: Numbers,
    forget_exclusive: Mono,
    clock: Clock,
    listener: Listener,
    shared: Arc<Shared>,
}

impl Bench {
    /// A reader that is plugged in.
    pub(crate) fn new(settings: Settings, link: &Path, listener: Listener, shared: Arc<Shared>) -> Result<Self, SimError> {
        let clock = Clock::system();
        let mut bench = Self {
            device: Device::new(settings),
            plugged: None,
            link: link.to_owned(),
            last: None,
            hold: None,
            late: None,
            distortion: None,
            noise: Numbers(0),
            forget_exclusive: clock.mono(),
            clock,
            listener,
            shared,
        };
        bench.plug()?;
        Ok(bench)
    }

    /// Works until nobody is left to ask.
    pub(crate) fn run(mut self, asked: &Receiver<Asked>) {
        loop {
            match Next::from(asked, self.plugged.is_some()) {
                // Whoever asked may have given up waiting.
                Next::Asked((command, answer)) => drop(answer.send(self.obey(command))),
                Next::Nothing => {}
                Next::Over => break,
            }
            // A terminal that fails has been taken away from outside: the same as a pulled cable.
            if self.turn().is_err() {
                drop(self.unplug());
            }
        }
        drop(self.unplug());
    }

    fn obey(&mut self, command: Command) -> Result<(), SimError> {
        match command {
            Command::Unplug => return self.unplug(),
            Command::Plug => return self.plug(),
            Command::Lift => self.lift(),
            Command::Badge(bytes) => {
                let frame = self.device.badge(&bytes).ok_or(SimError::NotThisReader("this badge"))?;
                return self.present(frame);
            }
            Command::Line(text) => {
                within("a text in bytes", text.len() as u128, TEXT_MAX as u128)?;
                let frame = self.device.line(&text).ok_or(SimError::NotThisReader("a text"))?;
                return self.present(frame);
            }
            Command::Finger(touch) => {
                if !self.device.touch(&touch) {
                    return Err(SimError::NotThisReader("this finger"));
                }
                self.hold = None;
            }
            Command::Hold(duration) => return self.hold(duration),
            Command::Noise(count) => return self.make_noise(count),
            Command::Distort(distortion) => {
                if !self.device.can(distortion) {
                    return Err(SimError::NotThisReader("an address"));
                }
                self.distortion = Some(distortion);
            }
            Command::BrownOut => return self.brown_out(),
            Command::Password(password) => self.module()?.set_password(password),
            Command::Full => self.module()?.fill(),
        }
        Ok(())
    }

    fn module(&mut self) -> Result<&mut Module, SimError> {
        self.device.module().ok_or(SimError::NotThisReader("a fingerprint module's command"))
    }

    fn plug(&mut self) -> Result<(), SimError> {
        if self.plugged.is_some() {
            return Err(SimError::Plugged);
        }
        let terminal = pty::Pty::open().map_err(SimError::Terminal)?;
        pty::point(&self.link, terminal.path()).map_err(|source| self.link_error(source))?;
        self.shared.is_at(Some(terminal.path().to_owned()));
        if let Some(module) = self.device.module() {
            // What a module says when power comes is over before a host has opened the port.
            drop(module.restart());
        }
        self.plugged = Some(terminal);
        Ok(())
    }

    fn unplug(&mut self) -> Result<(), SimError> {
        let terminal = self.plugged.take().ok_or(SimError::Unplugged)?;
        self.lift();
        self.late = None;
        self.shared.is_at(None);
        // The link goes first, so that nobody finds it pointing at nothing, or at another's terminal of the same number.
        pty::unpoint(&self.link, terminal.path()).map_err(|source| self.link_error(source))
    }

    fn link_error(&self, source: io::Error) -> SimError {
        SimError::Link { path: self.link.clone(), source }
    }

    fn lift(&mut self) {
        self.hold = None;
        if let Some(module) = self.device.module() {
            module.lift();
        }
    }

    fn present(&mut self, frame: Vec<u8>) -> Result<(), SimError> {
        self.hold = None;
        self.send(frame.clone())?;
        self.last = Some(frame);
        Ok(())
    }

    fn hold(&mut self, duration: Duration) -> Result<(), SimError> {
        within("a hold in milliseconds", duration.as_millis(), DURATION_MAX.as_millis())?;
        if self.plugged.is_none() {
            return Err(SimError::Unplugged);
        }
        let lies = self.device.module().map_or(self.last.is_some(), |module| module.is_touched());
        if !lies {
            return Err(SimError::NothingToHold);
        }
        let now = self.clock.mono();
        self.hold = Some(Hold { until: now.plus_millis(millis(duration)), repeat: now.plus_millis(REPEAT_MS) });
        Ok(())
    }

    fn make_noise(&mut self, count: usize) -> Result<(), SimError> {
        within("noise in bytes", count as u128, NOISE_MAX as u128)?;
        let noise: Vec<u8> = self.noise.bytes(count).iter().map(|byte| byte | NOISE_BIT).collect();
        self.write(&noise)
    }

    fn brown_out(&mut self) -> Result<(), SimError> {
        if self.plugged.is_none() {
            return Err(SimError::Unplugged);
        }
        self.hold = None;
        self.late = None;
        match self.device.module().map(Module::restart) {
            Some(said) => self.write(&said),
            None => Ok(()),
        }
    }

    /// Sends one frame, distorted if that was asked.
    fn send(&mut self, mut frame: Vec<u8>) -> Result<(), SimError> {
        if self.plugged.is_none() {
            return Err(SimError::Unplugged);
        }
        let Some(distortion) = self.distortion.take() else { return self.write(&frame) };
        self.device.distort(&mut frame, distortion);
        match distortion {
            Distortion::Late(by) => {
                self.late = Some((self.clock.mono().plus_millis(millis(by)), frame));
                Ok(())
            }
            Distortion::Split => written(self.terminal()?.write_apart(&frame)),
            Distortion::Corrupt | Distortion::Truncate | Distortion::WrongAddress => self.write(&frame),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SimError> {
        written(self.terminal()?.write(bytes))
    }

    fn terminal(&mut self) -> Result<&mut pty::Pty, SimError> {
        self.plugged.as_mut().ok_or(SimError::Unplugged)
    }

    /// What is to be done apart from commands.
    fn turn(&mut self) -> Result<(), SimError> {
        if self.plugged.is_none() {
            return Ok(());
        }
        self.repeat()?;
        self.catch_up()?;
        self.listen()?;
        let now = self.clock.mono();
        if now >= self.forget_exclusive {
            self.forget_exclusive = now.plus_millis(FORGET_EXCLUSIVE_MS);
            self.terminal()?.forget_exclusive().map_err(SimError::Write)?;
        }
        Ok(())
    }

    fn repeat(&mut self) -> Result<(), SimError> {
        let Some(mut hold) = self.hold else { return Ok(()) };
        let now = self.clock.mono();
        if now >= hold.until {
            self.lift();
            return Ok(());
        }
        if now < hold.repeat || self.device.module().is_some() {
            return Ok(());
        }
        hold.repeat = now.plus_millis(REPEAT_MS);
        self.hold = Some(hold);
        let frame = self.last.clone().unwrap_or_default();
        unless_lost(self.send(frame))
    }

    fn catch_up(&mut self) -> Result<(), SimError> {
        let now = self.clock.mono();
        match self.late.take_if(|(due, _)| now >= *due) {
            Some((_, frame)) => unless_lost(self.write(&frame)),
            None => Ok(()),
        }
    }

    fn listen(&mut self) -> Result<(), SimError> {
        let mut buffer = [0; READ_BYTES];
        let bytes = self.terminal()?.read(&mut buffer).map_err(SimError::Write)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let (heard, answers) = self.device.host(bytes);
        for piece in heard {
            let wrote = HostWrote { host: hex::shown(&piece.raw), instruction: piece.name };
            (self.listener)(&wrote);
            self.shared.heard(wrote);
        }
        answers.into_iter().try_for_each(|frame| unless_lost(self.send(frame)))
    }
}

/// What a reader's thread is to do next.
enum Next {
    /// Obey.
    Asked(Asked),
    /// Go on.
    Nothing,
    /// Stop.
    Over,
}

impl Next {
    /// Looks for a command; with nothing else to wait for, waits a moment.
    fn from(asked: &Receiver<Asked>, plugged: bool) -> Self {
        if plugged {
            match asked.try_recv() {
                Ok(asked) => Self::Asked(asked),
                Err(TryRecvError::Empty) => Self::Nothing,
                Err(TryRecvError::Disconnected) => Self::Over,
            }
        } else {
            match asked.recv_timeout(UNPLUGGED_WAIT) {
                Ok(asked) => Self::Asked(asked),
                Err(RecvTimeoutError::Timeout) => Self::Nothing,
                Err(RecvTimeoutError::Disconnected) => Self::Over,
            }
        }
    }
}

fn within(what: &'static str, given: u128, max: u128) -> Result<(), SimError> {
    if given <= max { Ok(()) } else { Err(SimError::TooMuch { what, max }) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn written(outcome: io::Result<bool>) -> Result<(), SimError> {
    match outcome {
        Ok(true) => Ok(()),
        Ok(false) => Err(SimError::Lost),
        Err(error) => Err(SimError::Write(error)),
    }
}

/// A frame that nobody asked for by a command may be lost, as on a real line.
fn unless_lost(sent: Result<(), SimError>) -> Result<(), SimError> {
    match sent {
        Err(SimError::Lost) => Ok(()),
        other => other,
    }
}
