//! Fingerprint modules of the EF01 family (R30x, ZFM, AS608, R503, FPM383, M5 Unit), through the commands that all of them know.
//!
//! Invariants: one command is under way at a time; an answer is believed only where it can belong to that command; after anything doubtful
//! (silence, a broken packet, an answer to something else, a restart) nothing goes on until the line was quiet, the password verified and
//! the parameters read, which no late answer can imitate. Templates never leave the module.

mod command;
mod enrolment;
mod errand;
mod identify;
mod light;
mod packet;
mod slots;
mod step;
#[cfg(test)]
mod tests;

use std::fmt;

pub use light::Dialect;

use self::command::{Ack, Command, code};
use self::errand::Errand;
use self::identify::Identify;
use self::light::Light;
use self::packet::{Decoder, Event, Packet};
use self::step::{Step, failed};
use super::outbox::Outbox;
use super::{Driver, Fault, Output, Request, Signal};
use crate::domain::time::Mono;

/// How many captures an enrolment may take: the buffers 1 to 6 that modules have.
pub const CAPTURES: std::ops::RangeInclusive<u8> = 2..=6;
/// The address that modules leave the factory with.
pub const ADDRESS: u32 = 0xFFFF_FFFF;
/// How long the line must be left alone after anything doubtful, in milliseconds (a restarted R503 needs 50).
const QUIET_MS: u64 = 150;
/// Pause before a module that does not answer is tried again, in milliseconds (the slowest need 500 to start).
const RETRY_MS: u64 = 500;
/// Pause before a module that refused the password is tried again, in milliseconds.
const REFUSED_MS: u64 = 5_000;
/// How often a command is sent that the module says it did not receive well.
const SENDS_MAX: u8 = 3;
/// Interruptions while the module is being verified before it counts as not answering.
const VERIFY_INTERRUPTIONS_MAX: u8 = 8;
/// Interruptions of a verified module, none of its looks for a finger answered between them, before it counts as not answering.
const SHAKEN_MAX: u8 = 8;

/// What the configuration says of such a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The module's address.
    pub address: u32,
    /// Its password.
    pub password: Password,
    /// Whose instructions switch its light.
    pub light: Dialect,
    /// Captures of an enrolment, in [`CAPTURES`].
    pub captures: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self { address: ADDRESS, password: Password::default(), light: Dialect::default(), captures: *CAPTURES.start() }
    }
}

/// A module's password; never shown.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Password(pub u32);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why an exchange came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    /// No answer, or a broken one.
    Unclear,
    /// An answer to something else.
    Confused,
    /// The module started anew and remembers nothing.
    Restarted,
}

/// How far the module is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Password,
    Parameters,
    Up { capacity: u16 },
}

/// On whose behalf a command is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Link,
    Light,
    Errand,
    Identify,
    /// Whoever asked has gone.
    Nobody,
}

/// The command under way.
#[derive(Debug)]
struct Exchange {
    owner: Owner,
    command: Command,
    deadline: Mono,
    sends: u8,
}

/// The driver.
#[derive(Debug)]
pub struct Ef01 {
    settings: Settings,
    decoder: Decoder,
    out: Outbox,
    exchange: Option<Exchange>,
    quiet_until: Mono,
    wake: Option<Mono>,
    link: Link,
    verify_interruptions: u8,
    shaken: u8,
    online: Option<bool>,
    light: Light,
    asked: Option<Request>,
    errand: Option<Errand>,
    identify: Identify,
}

impl Ef01 {
    /// A driver that has said nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            light: Light::new(settings.light),
            settings,
            decoder: Decoder::default(),
            out: Outbox::default(),
            exchange: None,
            quiet_until: Mono(0),
            wake: None,
            link: Link::Password,
            verify_interruptions: 0,
            shaken: 0,
            online: None,
            asked: None,
            errand: None,
            identify: Identify::new(),
        }
    }

    fn opened(&mut self, now: Mono) {
        self.end_errand(now, "the port was opened anew");
        let out = std::mem::take(&mut self.out);
        *self = Self { out, ..Self::new(self.settings.clone()) };
    }

    fn arrived(&mut self, now: Mono, event: Event) {
        match event {
            Event::Noise => self.out.fault(now, Fault::Noise),
            Event::Started => self.restarted(now),
            Event::Checksum => {
                self.out.fault(now, Fault::Checksum);
                self.interrupt(now, Interruption::Unclear);
            }
            Event::Packet(packet) => self.packet(now, &packet),
        }
    }

    fn packet(&mut self, now: Mono, packet: &Packet) {
        if packet.address != self.settings.address || packet.kind != packet::ACK {
            self.out.fault(now, Fault::Unexpected);
            return;
        }
        let Some((code, data)) = packet.content.split_first() else { return };
        let ack = Ack { code: *code, data: data.to_vec() };
        let Some(exchange) = self.exchange.take() else {
            self.out.fault(now, Fault::Unexpected);
            if now >= self.quiet_until {
                self.interrupt(now, Interruption::Confused);
            }
            return;
        };
        match ack.code {
            code::RECEIVE_ERROR if exchange.sends < SENDS_MAX => {
                self.send(now, exchange.owner, exchange.command, exchange.sends + 1);
            }
            code::RECEIVE_ERROR => self.gave_up(now, exchange, Fault::Unexpected),
            code::MUST_VERIFY if exchange.owner == Owner::Link => self.link_failed(now, RETRY_MS, Fault::Unexpected),
            code::MUST_VERIFY => {
                self.exchange = Some(exchange);
                self.restarted(now);
            }
            _ if exchange.command.fits(&ack) => self.answered(now, exchange.owner, &ack),
            _ => {
                self.out.fault(now, Fault::Unexpected);
                let still_waiting = exchange.owner == Owner::Link;
                self.exchange = Some(exchange);
                if !still_waiting {
                    self.interrupt(now, Interruption::Confused);
                }
            }
        }
    }

    fn answered(&mut self, now: Mono, owner: Owner, ack: &Ack) {
        match (owner, self.link) {
            (Owner::Link, _) => self.link_answered(now, ack),
            (Owner::Light, _) if ack.code != code::OK => self.light.refused(),
            (Owner::Light | Owner::Nobody, _) | (Owner::Identify, Link::Password | Link::Parameters) => {}
            (Owner::Errand, _) => {
                let last = self.errand.as_mut().and_then(|errand| errand.answered(now, ack, &mut self.out));
                if let Some(answer) = last {
                    self.close_errand(now, Output::Answer(answer));
                }
            }
            (Owner::Identify, Link::Up { capacity }) => {
                self.shaken = 0;
                self.tell_online(true);
                self.identify.answered(now, capacity, ack, &mut self.out);
            }
        }
    }

    fn link_answered(&mut self, now: Mono, ack: &Ack) {
        match (self.link, ack.code, ack.data.as_slice()) {
            (Link::Password, code::OK, _) => self.link = Link::Parameters,
            (Link::Parameters, code::OK, [_, _, _, _, high, low, ..]) if (*high, *low) != (0, 0) => {
                self.link = Link::Up { capacity: u16::from_be_bytes([*high, *low]) };
                self.verify_interruptions = 0;
                if self.shaken < SHAKEN_MAX {
                    self.tell_online(true);
                }
            }
            (_, code::WRONG_PASSWORD, _) => self.link_failed(now, REFUSED_MS, Fault::Unexpected),
            _ => self.link_failed(now, RETRY_MS, Fault::Unexpected),
        }
    }

    fn link_failed(&mut self, now: Mono, pause_ms: u64, fault: Fault) {
        self.out.fault(now, fault);
        self.tell_online(false);
        self.end_errand(now, "the module does not answer");
        self.identify.gone(now, &mut self.out);
        self.begin_link(now, pause_ms);
    }

    fn begin_link(&mut self, now: Mono, pause_ms: u64) {
        self.exchange = None;
        self.link = Link::Password;
        self.quiet_until = now.plus_millis(pause_ms);
    }

    fn restarted(&mut self, now: Mono) {
        if matches!(self.link, Link::Up { .. }) {
            self.out.fault(now, Fault::Restarted);
        }
        self.interrupt(now, Interruption::Restarted);
    }

    fn interrupt(&mut self, now: Mono, how: Interruption) {
        if matches!(self.link, Link::Up { .. }) {
            self.shaken = self.shaken.saturating_add(1);
            if self.shaken >= SHAKEN_MAX {
                self.tell_online(false);
            }
        } else if self.exchange.is_some() {
            self.verify_interruptions += 1;
            if self.verify_interruptions >= VERIFY_INTERRUPTIONS_MAX {
                self.verify_interruptions = 0;
                self.link_failed(now, RETRY_MS, Fault::Unexpected);
                return;
            }
        }
        if self.exchange.take().is_some_and(|exchange| exchange.owner == Owner::Light) {
            self.light.refused();
        }
        if self.errand.is_some() {
            self.end_errand(now, "the module was interrupted: look at its slots and try again");
        }
        self.identify.interrupted(now, how, &mut self.out);
        if now >= self.quiet_until {
            self.begin_link(now, QUIET_MS);
        }
    }

    fn gave_up(&mut self, now: Mono, exchange: Exchange, fault: Fault) {
        if exchange.owner == Owner::Link {
            self.link_failed(now, RETRY_MS, fault);
        } else {
            self.out.fault(now, fault);
            self.exchange = Some(exchange);
            self.interrupt(now, Interruption::Unclear);
        }
    }

    fn tell_online(&mut self, online: bool) {
        if self.online != Some(online) {
            self.online = Some(online);
            self.out.push(Output::Online(online));
        }
    }

    fn end_errand(&mut self, now: Mono, why: &str) {
        if self.errand.is_some() || self.asked.is_some() {
            self.close_errand(now, Output::Answer(failed(why)));
        }
    }

    fn close_errand(&mut self, now: Mono, last: Output) {
        self.out.push(last);
        self.asked = None;
        if self.errand.take().is_some_and(|errand| errand.used_a_finger()) {
            self.identify.await_lift(now);
        }
    }

    fn advance(&mut self, now: Mono) {
        self.wake = None;
        if self.exchange.is_some() {
            return;
        }
        if now < self.quiet_until {
            self.wake = Some(self.quiet_until);
            return;
        }
        match self.choose(now) {
            (owner, Step::Send(command)) => self.send(now, owner, command, 1),
            (_, Step::Wait(at)) => self.wake = Some(self.light.wake().map_or(at, |light| light.min(at))),
            (_, Step::Done(_)) => self.wake = Some(now.plus_millis(QUIET_MS)),
        }
    }

    fn choose(&mut self, now: Mono) -> (Owner, Step) {
        let capacity = match self.link {
            Link::Password => return (Owner::Link, Step::Send(Command::VerifyPassword(self.settings.password))),
            Link::Parameters => return (Owner::Link, Step::Send(Command::ReadParameters)),
            Link::Up { capacity } => capacity,
        };
        if self.identify.at_rest() {
            if let Some(command) = self.light.next(now) {
                return (Owner::Light, Step::Send(command));
            }
            if let Some(request) = self.asked.take() {
                self.errand = Errand::begin(&request, self.settings.captures, capacity);
            }
        }
        match self.errand.as_ref().map(|errand| errand.next(now)) {
            None => {}
            Some(Step::Done(answer)) => self.close_errand(now, Output::Answer(answer)),
            Some(step) => return (Owner::Errand, step),
        }
        (Owner::Identify, self.identify.next(now, capacity))
    }

    fn send(&mut self, now: Mono, owner: Owner, command: Command, sends: u8) {
        self.out.push(Output::Write(packet::command(self.settings.address, &command.content())));
        let deadline = now.plus_millis(command.limit_ms());
        self.exchange = Some(Exchange { owner, command, deadline, sends });
    }
}

impl Driver for Ef01 {
    fn handle(&mut self, now: Mono, bytes: &[u8]) {
        if bytes.is_empty() {
            self.opened(now);
        }
        for byte in bytes {
            self.decoder.push(*byte);
            while let Some(event) = self.decoder.next() {
                self.arrived(now, event);
            }
        }
        self.advance(now);
    }

    fn handle_timeout(&mut self, now: Mono) {
        if let Some(exchange) = self.exchange.take_if(|exchange| exchange.deadline <= now) {
            let fault = if self.decoder.clear() { Fault::Truncated } else { Fault::Silent };
            self.gave_up(now, exchange, fault);
        }
        self.advance(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Mono> {
        self.exchange.as_ref().map(|exchange| exchange.deadline).or(self.wake)
    }

    fn signal(&mut self, now: Mono, signal: Signal) {
        self.light.signal(now, signal);
        self.advance(now);
    }

    fn request(&mut self, now: Mono, request: Request) {
        let busy = self.asked.is_some() || self.errand.is_some();
        match request {
            Request::Cancel if busy => {
                if let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.owner == Owner::Errand) {
                    exchange.owner = Owner::Nobody;
                }
                self.end_errand(now, "cancelled");
            }
            Request::Cancel => self.out.push(Output::Answer(failed("nothing is under way"))),
            Request::Enrol { .. } | Request::Slots | Request::Delete { .. } if busy => {
                self.out.push(Output::Answer(failed("another request is under way")));
            }
            Request::Enrol { .. } | Request::Slots | Request::Delete { .. } if self.online == Some(false) => {
                self.out.push(Output::Answer(failed("the module does not answer")));
            }
            Request::Enrol { .. } | Request::Slots | Request::Delete { .. } => self.asked = Some(request),
        }
        self.advance(now);
    }
}
