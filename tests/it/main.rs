//! Every integration test, in one binary.

#[cfg(feature = "terminal")]
mod browser;
mod tidy;
