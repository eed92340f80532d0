//! The central office: receives every punch exactly once, keeps it as evidence, and tells terminals what they need to know.

pub mod matching;
pub mod store;
pub mod verify;
