//! A folder with everything of one kiosk.

use std::fmt::Write as _;
use std::path::PathBuf;

use punchd::sim::reader::{Protocol, SimReader};
use tempfile::TempDir;

use super::Kiosk;

/// The folder.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn reader(&self, name: &str, protocol: Protocol) -> SimReader {
        SimReader::spawn(protocol, &self.path(name)).unwrap()
    }

    /// Writes `terminal.toml`: `more` stands in its `[terminal]` table and behind it.
    pub(crate) fn configure(&self, more: &str, readers: &[(&str, &str)]) -> PathBuf {
        let mut text = format!(
            "[kiosk]\nlisten = \"127.0.0.1:0\"\nsound = false\n[clock]\nsource = \"office\"\n[terminal]\nname = \"一楼东厅 1号机\"\n\
             data-dir = {:?}\ncontrol-socket = {:?}\n{more}\n",
            self.path("data"),
            self.path("kiosk.sock")
        );
        for (name, protocol) in readers {
            writeln!(text, "[[reader]]\nname = \"{name}\"\ndevice = {:?}\nprotocol = \"{protocol}\"", self.path(name)).unwrap();
        }
        let file = self.path("terminal.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A kiosk with one badge reader, its journal open.
    pub(crate) fn badge_kiosk(&self) -> (SimReader, Kiosk) {
        let reader = self.reader("badge", Protocol::Em4100);
        let kiosk = Kiosk::start(self, &self.configure("", &[("badge", "em4100")]));
        kiosk.until_open();
        (reader, kiosk)
    }
}
