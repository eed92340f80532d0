//! The kiosk's programs as a technician meets them: real processes, readers on pseudo-terminals, an office beside them.

mod begin;
mod configuration;
mod finger;
mod journal;
mod pairing;
mod readers;
