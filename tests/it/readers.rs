//! Readers as halls have them: pulled, loose, noisy, cut short, restarting, all at once. Real kiosks, readers on pseudo-terminals.

mod cable;
mod half;
mod module;
mod noise;
mod together;
mod unplug;
mod vitals;
