//! The uplink against a hand-held office.
