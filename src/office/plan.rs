//! What people bring to the office as files (the roster, the calendar, the rules), planned as a whole from what is held, shown, and only then
//! added, all or nothing. Planning what is held already gives an empty plan, so importing twice changes nothing.

pub mod calendar;
pub mod credential;
pub mod original;
pub mod roster;
pub mod rules;
