//! Every integration test, in one binary.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod block;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod kiosk;
#[cfg(test)]
mod network;
#[cfg(test)]
mod office;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod power;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod world;
