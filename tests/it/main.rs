//! Every integration test, in one binary.

#[cfg(test)]
#[cfg(feature = "terminal")]
mod browser;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod golden;
mod peers;
mod tidy;
#[cfg(test)]
mod world;
