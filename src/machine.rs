//! Decisions without effects. A machine is told what happened and when, and says what to do; it owns no channel, file, task or clock.
//!
//! The contract of every machine: `handle(now, event)`, `handle_timeout(now)`, then `poll_action()` until `None`, then `poll_timeout()` for
//! the moment at which it wants `handle_timeout`. The shell is one loop around that: wait, handle, drain, carry out.

pub mod clockkeeper;
pub mod core;
pub mod feedback;
pub mod gate;
pub mod ingest;
pub mod uplink;

use crate::domain::time::ClockReading;

/// The `now` of a machine: both clocks and how far the wall clock can be believed, read once by the shell.
pub type Now = ClockReading;

/// Names one append while it is under way, so that its answer finds its tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
