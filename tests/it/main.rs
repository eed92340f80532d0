//! Every integration test, in one binary.

#[cfg(test)]
mod admin;
#[cfg(test)]
#[cfg(feature = "terminal")]
mod browser;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod golden;
#[cfg(test)]
#[cfg(all(feature = "office", feature = "terminal"))]
mod office;
mod peers;
mod tidy;
#[cfg(test)]
mod world;
