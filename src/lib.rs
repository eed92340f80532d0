//! Attendance for a government service centre: staff tap four times a day, the punch is durable before the light turns green, the office
//! gets every punch exactly once, and sheets are computed from raw punches by one pure function that can always say why.
//!
//! The rooms, and which may name which (a test holds them to it):
//! - pure: [`domain`] (nothing of the crate) · [`reader`] (domain) · [`health`] · [`wire`] (domain, health) · [`control`] ·
//!   [`machine`] (domain, wire, reader, health). No async, no files, no sockets, no clock, no randomness.
//! - shell: `clock` (the only reader of clocks), `config`, `sys`, `supervise` (the only caller of spawn), `log` ·
//!   `terminal` (the kiosk) · `ctl` (the technician's tool) · `office` · `sim`. Terminal and office never name each other.

pub mod control;
pub mod domain;
pub mod health;
pub mod machine;
pub mod reader;
pub mod wire;

#[cfg(feature = "service")]
pub mod clock;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "terminal")]
pub mod ctl;
#[cfg(feature = "service")]
pub mod log;
#[cfg(feature = "office")]
pub mod office;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "service")]
pub mod supervise;
#[cfg(feature = "service")]
pub mod sys;
#[cfg(feature = "terminal")]
pub mod terminal;
