//! Every integration test, in one binary.

#[cfg(test)]
#[cfg(feature = "terminal")]
mod browser;
#[cfg(test)]
mod demo;
mod golden;
#[cfg(test)]
#[cfg(all(feature = "office", feature = "terminal"))]
mod kiosk;
#[cfg(test)]
#[cfg(all(feature = "office", feature = "terminal"))]
mod office;
mod peers;
#[cfg(test)]
#[cfg(all(feature = "office", feature = "terminal"))]
mod rig;
mod tidy;
mod world;
