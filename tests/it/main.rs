//! Tests of the whole programs.

mod peers;
