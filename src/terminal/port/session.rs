//! One opened device: bytes to the driver, the driver's bytes to the device, everything else to whoever takes the events.
//!
//! Invariants: an end of file, a hang-up or an error ends the session at the first sight; none is read over and over; however fast a line
//! rustles, its faults are told once a second, so that they never stand in the way of another reader's readings.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use super::{PortCommands, PortError, PortEventKind, Teller, Waiting};
use crate::clock::Clock;
use crate::domain::time::Mono;
use crate::reader::{Driver, Fault, Output, READ_BYTES_MAX};

/// How long a reader that only talks is waited for at a time, in milliseconds; a byte or an unplug ends the wait at once.
const TALKER_WAIT_MS: u64 = 2_000;
/// The same for a module that is asked, while nothing is expected of its light.
const ASKED_WAIT_MS: u64 = 150;
/// The same while a reading is on its way to the journal and the light will be asked for.
const LIVELY_WAIT_MS: u64 = 20;
/// How long after a reading the light may be asked for, in milliseconds.
const LIVELY_MS: u64 = 3_000;
/// Least time between two tellings of faults, in milliseconds; those that come meanwhile are counted.
const FAULTS_EVERY_MS: u64 = 1_000;
/// Errors of a read that only say that no byte has come yet.
const NOTHING_YET: [ErrorKind; 3] = [ErrorKind::TimedOut, ErrorKind::Interrupted, ErrorKind::WouldBlock];

/// What a session needs of a device.
pub(super) trait Wire {
    /// Waits for bytes at most so long.
    fn read(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;
    /// Writes all of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Why a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The port is to end.
    Stopped,
    /// The device is gone.
    Gone(PortError),
}

/// A session.
pub(super) struct Session<'a> {
    device: &'a Path,
    answers: bool,
    teller: &'a Teller<'a>,
    commands: &'a PortCommands,
    beat: &'a Clock,
    heard: Mono,
    lively_until: Mono,
    faults: BTreeMap<Fault, u64>,
    faults_due: Mono,
}

impl<'a> Session<'a> {
    pub(super) fn new(device: &'a Path, answers: bool, teller: &'a Teller<'a>, commands: &'a PortCommands, beat: &'a Clock) -> Self {
        Self {
            device,
            answers,
            teller,
            commands,
            beat,
            heard: teller.now(),
            lively_until: Mono(0),
            faults: BTreeMap::new(),
            faults_due: Mono(0),
        }
    }

    /// Serves the device until it is gone or the port is to end.
    pub(super) fn serve(mut self, wire: &mut dyn Wire, driver: &mut dyn Driver) -> End {
        driver.handle(self.beat.mono(), &[]);
        loop {
            let turn = self.obey(driver).and_then(|()| self.drain(wire, driver)).and_then(|()| self.hear(wire, driver));
            let told = if turn.is_err() || self.beat.mono() >= self.faults_due { self.tell_faults() } else { Ok(()) };
            if let Err(end) = turn.and(told) {
                return end;
            }
        }
    }

    fn obey(&self, driver: &mut dyn Driver) -> Result<(), End> {
        loop {
            match self.commands.next() {
                Waiting::Nothing => return Ok(()),
                Waiting::Signal(signal) => driver.signal(self.beat.mono(), signal),
                Waiting::Request(request) => driver.request(self.beat.mono(), request),
                Waiting::Stop => return Err(End::Stopped),
            }
        }
    }

    fn hear(&mut self, wire: &mut dyn Wire, driver: &mut dyn Driver) -> Result<(), End> {
        let mut buffer = [0; READ_BYTES_MAX];
        let wait = self.wait(driver.poll_timeout());
        match wire.read(&mut buffer, wait) {
            Ok(0) => return Err(self.unplugged()),
            Ok(length) => {
                self.heard = self.teller.now();
                self.commands.note_heard(length, self.heard);
                let bytes = buffer.get(..length).unwrap_or(&buffer);
                if self.commands.listening() {
                    self.teller.mention(PortEventKind::Raw(bytes.to_vec()));
                }
                driver.handle(self.beat.mono(), bytes);
            }
            Err(error) if NOTHING_YET.contains(&error.kind()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Err(self.unplugged()),
            Err(error) => return Err(End::Gone(PortError::Read { device: self.device.to_owned(), source: error })),
        }
        let now = self.beat.mono();
        if driver.poll_timeout().is_some_and(|at| at <= now) {
            driver.handle_timeout(now);
        }
        self.drain(wire, driver)
    }

    fn drain(&mut self, wire: &mut dyn Wire, driver: &mut dyn Driver) -> Result<(), End> {
        while let Some(output) = driver.poll_output() {
            let told = match output {
                Output::Write(bytes) => {
                    wire.write(&bytes).map_err(|error| self.unwritten(error))?;
                    Some(())
                }
                Output::Reading(reading) => {
                    self.lively_until = self.beat.mono().plus_millis(LIVELY_MS);
                    self.teller.tell_at(self.heard, PortEventKind::Reading(reading))
                }
                Output::Fault(fault) => {
                    *self.faults.entry(fault).or_default() += 1;
                    Some(())
                }
                Output::Answer(answer) => self.teller.tell(PortEventKind::Answer(answer)),
                Output::Online(online) => self.teller.tell(PortEventKind::Online(online)),
            };
            told.ok_or(End::Stopped)?;
        }
        Ok(())
    }

    fn tell_faults(&mut self) -> Result<(), End> {
        if !self.faults.is_empty() {
            self.faults_due = self.beat.mono().plus_millis(FAULTS_EVERY_MS);
        }
        let faults = std::mem::take(&mut self.faults);
        faults.into_iter().try_for_each(|(fault, count)| self.teller.tell(PortEventKind::Faults { fault, count }).ok_or(End::Stopped))
    }

    /// How long to wait for bytes: until the driver wants to be woken, and not so long that a command would wait.
    fn wait(&self, timeout: Option<Mono>) -> Duration {
        let now = self.beat.mono();
        let longest = match (self.answers, now < self.lively_until) {
            (false, _) => TALKER_WAIT_MS,
            (true, false) => ASKED_WAIT_MS,
            (true, true) => LIVELY_WAIT_MS,
        };
        let faults = (!self.faults.is_empty()).then_some(self.faults_due);
        let due = timeout.into_iter().chain(faults).map(|at| at.millis_since(now)).min().unwrap_or(longest);
        Duration::from_millis(due.min(longest))
    }

    fn unplugged(&self) -> End {
        End::Gone(PortError::Unplugged { device: self.device.to_owned() })
    }

    fn unwritten(&self, error: io::Error) -> End {
        if error.kind() == ErrorKind::BrokenPipe {
            return self.unplugged();
        }
        End::Gone(PortError::Write { device: self.device.to_owned(), source: error })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::super::commands;
    use super::*;
    use crate::domain::id::ReaderName;
    use crate::reader::protocol::Protocol;
    use crate::reader::{Reading, Signal};

    /// A device that gives what it is told to, counts the reads, and remembers what was written.
    struct Scripted {
        answers: Vec<io::Result<Vec<u8>>>,
        reads: usize,
        written: Vec<u8>,
    }

    impl Wire for Scripted {
        fn read(&mut self, buffer: &mut [u8], _wait: Duration) -> io::Result<usize> {
            self.reads += 1;
            let bytes = self.answers.pop().expect("the session should have ended")?;
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.written.extend(bytes);
            Ok(())
        }
    }

    fn serve(protocol: Protocol, mut answers: Vec<io::Result<Vec<u8>>>) -> (End, Scripted, Vec<PortEventKind>) {
        let (events, mut taken) = mpsc::channel(64);
        let reader: ReaderName = "badge".parse().unwrap();
        let clock = Clock::system();
        let teller = Teller { reader: &reader, clock: &clock, events: &events };
        let (handle, commands) = commands();
        handle.signal(Signal::Recorded);
        answers.reverse();
        let mut wire = Scripted { answers, reads: 0, written: Vec::new() };
        let session = Session::new(Path::new("/dev/badge"), protocol.answers(), &teller, &commands, &clock);
        let end = session.serve(&mut wire, protocol.settings().driver(9_600).as_mut());
        (end, wire, std::iter::from_fn(|| taken.try_recv().ok()).map(|event| event.kind).collect())
    }

    #[test]
    fn an_end_of_file_is_an_unplug_and_is_read_once() {
        let (end, wire, _) = serve(Protocol::Em4100, vec![Ok(Vec::new())]);
        assert!(matches!(end, End::Gone(PortError::Unplugged { .. })), "{end:?}");
        assert_eq!(wire.reads, 1);
    }

    #[test]
    fn an_error_ends_the_session_and_a_timeout_or_a_signal_of_the_system_does_not() {
        let answers = [ErrorKind::TimedOut, ErrorKind::Interrupted, ErrorKind::Other].map(|kind| Err(kind.into()));
        let (end, wire, _) = serve(Protocol::Line, answers.into());
        assert!(matches!(end, End::Gone(PortError::Read { .. })), "{end:?}");
        assert_eq!(wire.reads, 3);
    }

    #[test]
    fn readings_are_told_and_nothing_is_written_to_a_reader_that_only_talks() {
        let frame = b"\x0267003B51C6CB\x03".to_vec();
        let (_, wire, told) = serve(Protocol::Em4100, vec![Ok(frame[..5].to_vec()), Ok(frame[5..].to_vec()), Ok(Vec::new())]);
        assert!(matches!(told.as_slice(), [PortEventKind::Reading(Reading::Credential(_))]), "{told:?}");
        assert!(wire.written.is_empty());
    }

    #[test]
    fn a_line_that_does_nothing_but_fail_is_told_of_once_a_second_and_nothing_is_left_out() {
        let wrong = b"\x0267003B51C600\x03".repeat(30);
        let mut answers: Vec<io::Result<Vec<u8>>> = (0..100).map(|_| Ok(wrong.clone())).collect();
        answers.push(Ok(Vec::new()));
        let (_, _, told) = serve(Protocol::Em4100, answers);
        let counts: Vec<u64> = told
            .iter()
            .map(|kind| if let PortEventKind::Faults { fault: Fault::Checksum, count } = kind { *count } else { panic!("{kind:?}") })
            .collect();
        assert_eq!(counts.iter().sum::<u64>(), 3_000);
        assert!(counts.len() < 10, "{counts:?}");
    }

    #[test]
    fn a_module_that_is_asked_is_asked_as_soon_as_it_is_there() {
        let (_, wire, _) = serve(Protocol::Ef01, vec![Ok(Vec::new())]);
        assert_eq!(wire.written[..2], [0xEF, 0x01]);
    }

    #[test]
    fn a_light_never_waits_long_and_an_idle_badge_reader_never_wakes_often() {
        let (events, _taken) = mpsc::channel(1);
        let reader: ReaderName = "badge".parse().unwrap();
        let clock = Clock::system();
        let teller = Teller { reader: &reader, clock: &clock, events: &events };
        let (_handle, commands) = commands();
        let wait = |answers, lively, timeout: Option<u64>| {
            let mut session = Session::new(Path::new("/dev/badge"), answers, &teller, &commands, &clock);
            session.lively_until = Mono(if lively { u64::MAX } else { 0 });
            session.wait(timeout.map(|ms| clock.mono().plus_millis(ms))).as_millis()
        };
        assert_eq!(wait(false, false, None), 2_000);
        assert_eq!(wait(true, false, None), 150);
        assert_eq!(wait(true, true, Some(100)), 20);
        assert!(wait(false, false, Some(50)) <= 50);
    }
}
