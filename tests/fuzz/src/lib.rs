//! What must hold whatever bytes come from outside: one property for each fuzz target, which `cargo test` replays over the corpus.
//!
//! Invariants: a property says everything by panicking; it decodes by means of its own where it checks a decoder; it ends within a moment
//! for every input. The name of a target, of its module, of its file in `fuzz_targets/` and of its folder in `corpus/` are one.

pub mod batch;
pub mod bundle;
pub mod calendar;
pub mod card_format;
pub mod columns;
pub mod control;
pub mod ef01;
pub mod em4100;
pub mod em4100_binary;
pub mod entry;
pub mod export;
mod json;
pub mod line;
mod module;
pub mod office_config;
pub mod pairing;
pub mod receipt;
pub mod roster;
pub mod rules;
mod script;
mod talker;
pub mod terminal_config;
mod text;

/// A name and the property that must hold for any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("batch", batch::holds),
    ("bundle", bundle::holds),
    ("calendar", calendar::holds),
    ("card_format", card_format::holds),
    ("columns", columns::holds),
    ("control", control::holds),
    ("ef01", ef01::holds),
    ("em4100", em4100::holds),
    ("em4100_binary", em4100_binary::holds),
    ("entry", entry::holds),
    ("export", export::holds),
    ("line", line::holds),
    ("office_config", office_config::holds),
    ("pairing", pairing::holds),
    ("receipt", receipt::holds),
    ("roster", roster::holds),
    ("rules", rules::holds),
    ("terminal_config", terminal_config::holds),
];
