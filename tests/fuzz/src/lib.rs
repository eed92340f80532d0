//! What must hold whatever bytes come from outside: one property for each fuzz target, which `cargo test` replays over the corpus.
//!
//! Invariants: a property says everything by panicking; it decodes by means of its own where it checks a decoder; it ends within a moment
//! for every input. The name of a target, of its module, of its file in `fuzz_targets/` and of its folder in `corpus/` are one.

pub mod card_format;
pub mod ef01;
pub mod em4100;
pub mod em4100_binary;
pub mod line;
mod module;
mod script;
mod talker;

/// A name and the property that must hold for any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("card_format", card_format::holds),
    ("ef01", ef01::holds),
    ("em4100", em4100::holds),
    ("em4100_binary", em4100_binary::holds),
    ("line", line::holds),
];
