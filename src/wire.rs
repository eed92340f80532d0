//! What travels between terminal and office, and the exact bytes that are hashed, chained and signed. Terminal and office meet here and nowhere else.

pub mod batch;
pub mod bundle;
pub mod canonical;
pub mod entry;
pub mod export;
pub mod pairing;
