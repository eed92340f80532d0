//! Damage to the kiosk's files, cloned disks, and the healing of forks.
//!
//! What must hold whatever is flipped, cut off, exchanged or gone: the kiosk takes the next punch at once; whatever can still be read reaches
//! the office bit for bit and once; what cannot is declared lost by journal and sequence; nothing is invented.

mod case;
mod clones;
mod files;
mod hall;
mod journal;
mod newer;
mod original;
mod process;
mod rows;
mod sampled;
mod wound;
