//! Configuration files: text → table with places → checked settings, or *all* problems at once, each with file, line, column and caret.

pub mod calendar;
pub mod columns;
pub mod file;
#[cfg(feature = "office")]
pub mod office;
pub mod problem;
#[cfg(feature = "terminal")]
pub mod reader;
pub mod rules;
pub mod table;
#[cfg(feature = "terminal")]
pub mod terminal;
