//! `punch-sim demo`
mod cast; mod control; mod events; mod pace; mod proof; mod scenario; mod told; mod width;
