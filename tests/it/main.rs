//! Every integration test, in one binary.

#[cfg(test)]
#[cfg(feature = "terminal")]
mod browser;
mod peers;
mod tidy;
