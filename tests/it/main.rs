//! Every integration test, in one binary.

mod browser;
mod peers;
mod tidy;
