//! Every integration test, in one binary.

mod tidy;
mod world;
