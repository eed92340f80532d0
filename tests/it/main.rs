//! Every integration test, in one binary.

mod browser;
mod demo;
mod peers;
mod tidy;
