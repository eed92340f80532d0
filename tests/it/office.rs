//! The office, run in this process on a port of its own, spoken to over real TLS as a kiosk would.

mod carried;
mod command;
mod desk;
mod evidence;
mod feed;
mod hostile;
mod interface;
mod terminals;
