//! The journal thread's letter box. A probe is answered when it is taken out, even in the middle of a long check: it asks whether the
//! thread lives, and never waits for the disk.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use super::{Command, Event};

/// Commands on their way to the thread, and those taken out early.
#[derive(Debug)]
pub(super) struct Inbox {
    commands: Receiver<Command>,
    early: VecDeque<Command>,
    events: Sender<Event>,
    closed: bool,
}

/// What waiting brought.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for one turn of the loop")]
pub(super) enum Waited {
    /// A command.
    Command(Command),
    /// Quiet.
    Nothing,
    /// Nobody will ever ask again.
    Closed,
}

impl Inbox {
    /// Around a channel.
    pub(super) const fn new(commands: Receiver<Command>, events: Sender<Event>) -> Self {
        Self { commands, early: VecDeque::new(), events, closed: false }
    }

    /// Waits for the next command.
    pub(super) fn wait(&mut self, patience: Duration) -> Waited {
        if let Some(command) = self.next() {
            return Waited::Command(command);
        }
        if self.closed {
            return Waited::Closed;
        }
        match self.commands.recv_timeout(patience) {
            Ok(command) => self.sort(command).map_or(Waited::Nothing, Waited::Command),
            Err(RecvTimeoutError::Timeout) => Waited::Nothing,
            Err(RecvTimeoutError::Disconnected) => Waited::Closed,
        }
    }

    /// The next command if one is there.
    pub(super) fn next(&mut self) -> Option<Command> {
        self.early.pop_front().or_else(|| self.take())
    }

    /// Puts a command back that belongs after what is being done.
    pub(super) fn put_back(&mut self, command: Command) {
        self.early.push_front(command);
    }

    /// Whether somebody waits for something other than a sign of life.
    pub(super) fn is_waiting(&mut self) -> bool {
        if self.early.is_empty() {
            let command = self.take();
            self.early.extend(command);
        }
        self.closed || !self.early.is_empty()
    }

    fn take(&mut self) -> Option<Command> {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    if let Some(command) = self.sort(command) {
                        return Some(command);
                    }
                }
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => {
                    self.closed = true;
                    return None;
                }
            }
        }
    }

    fn sort(&mut self, command: Command) -> Option<Command> {
        if let Command::Probe(number) = command {
            self.closed |= self.events.blocking_send(Event::Alive(number)).is_err();
            return None;
        }
        Some(command)
    }
}
