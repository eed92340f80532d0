//! The central office: receives every punch exactly once, keeps it as evidence, and tells terminals what they need to know.
//!
//! `serve` is the long-running part; every other verb works beside it on the same store, or without it.

pub mod api;
pub mod backup;
pub mod ca;
pub mod cli;
pub mod day;
pub mod export;
pub mod http;
pub mod import;
pub(crate) mod judge;
pub mod keys;
pub mod limits;
pub mod matching;
pub mod pairing;
pub mod plan;
pub mod roster_file;
pub mod seed;
pub mod serve;
pub mod store;
pub mod terminals;
pub mod tls;
pub mod token;
pub mod verify;
pub mod web;

pub use cli::main;
