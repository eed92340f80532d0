//! Bytes that terminals and offices in the field rely on: one file per version of the format, and no file is ever edited.

mod v1;
