//! Every integration test, in one binary.

#[cfg(test)]
#[cfg(feature = "terminal")]
mod browser;
#[cfg(test)]
mod demo;
mod peers;
mod tidy;
mod world;
