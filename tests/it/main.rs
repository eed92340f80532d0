//! Every integration test, in one binary.

#[cfg(test)]
#[cfg(feature = "terminal")]
mod browser;
mod golden;
mod peers;
mod tidy;
mod world;
