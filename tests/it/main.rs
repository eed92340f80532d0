//! Every integration test, in one binary.

mod peers;
mod tidy;
