//! Whatever the network does between the real `punchd` and the real `punch-office`: taps stay green, `punchctl status` says in words what is
//! wrong, tries are bounded, and in the end the office has every punch exactly once.

mod backlog;
mod certificates;
mod faults;
mod impostor;
mod line;
mod names;
mod offices;
mod proxy;
mod stand;
mod storm;
