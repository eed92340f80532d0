//! The kiosk: a shell around the machines. One loop carries out what they decide; the journal and each serial port have a thread of their own.

pub mod cli;
pub mod display;
pub mod examine;
pub mod export;
pub mod identity;
pub mod journal;
pub mod kiosk;
pub mod link;
pub mod port;
pub mod run;
pub mod socket;
pub mod sound;

pub use cli::main;
