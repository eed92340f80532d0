//! The kiosk: a shell around the machines. One loop carries out what they decide; the journal and each serial port have a thread of their own.

pub mod identity;
pub mod journal;
pub mod link;
pub mod socket;
