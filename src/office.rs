//! The central office.

pub(crate) mod judge;
