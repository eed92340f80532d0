//! The hall of the soak: the real kiosk in this process, on the shared clock, with two badge readers and somebody who looks at its page.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use punchd::clock::Clock;
use punchd::config::terminal;
use punchd::sim::reader::{Protocol, SimReader};
use punchd::terminal::run::{self, Running};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::super::rig::{EntryPlace, Events, PATIENCE, Place, confirmation, until};

/// The kiosk's readers.
const READERS: [(&str, &str); 2] = [("east", "em4100"), ("west", "em4100")];
/// The data directory's disk: a month of punches, the ballast, and room above which it is not low.
const DISK: &str = "size=160m,mode=750";

/// The hall. What is to end first stands first.
pub(super) struct Hall {
    kiosk: Option<(Runtime, Running)>,
    events: Option<Events>,
    pub(super) readers: [SimReader; 2],
    disk: Option<Disk>,
    pub(super) place: Place,
    clock: Clock,
}

impl Hall {
    /// Opens it, with a disk of its own where one can be mounted.
    pub(super) fn open(clock: &Clock) -> Self {
        let place = Place::new();
        let disk = Disk::mount(&place.path("data"));
        let readers = READERS.map(|(name, _)| place.reader(name, Protocol::Em4100));
        place.configure("retention-days = 30", &READERS);
        let mut hall = Self { kiosk: None, events: None, readers, disk, place, clock: clock.clone() };
        hall.begin();
        hall
    }

    /// Starts the kiosk and waits until it is ready for a tap.
    pub(super) fn begin(&mut self) {
        let config = std::fs::read_to_string(self.place.path("terminal.toml")).unwrap();
        let settings = terminal::check("terminal.toml", &config).unwrap_or_else(|problems| panic!("{problems}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = runtime.block_on(run::start(settings, self.clock.clone())).unwrap();
        let events = Events::of(&running.page.to_string());
        events.next("how things stand", |datum| datum["replay"] == true);
        (self.kiosk, self.events) = (Some((runtime, running)), Some(events));
        self.until_open();
    }

    /// Stops the kiosk in order.
    pub(super) fn stop(&mut self) {
        let (runtime, running) = self.kiosk.take().unwrap();
        assert!(runtime.block_on(running.stop()), "the kiosk did not stop in time");
    }

    /// Lets the kiosk fall: nothing of it runs on, nothing is said to it.
    pub(super) fn fall(&mut self) {
        let (runtime, running) = self.kiosk.take().unwrap();
        runtime.shutdown_background();
        drop(running);
        // A fallen host leaves its exclusive mark on the line for a moment; a cable put in anew has none.
        for reader in &self.readers {
            reader.unplug().unwrap();
            reader.plug().unwrap();
        }
    }

    /// Waits until the journal and the readers are open.
    pub(super) fn until_open(&self) {
        until("the readers and the journal are open", PATIENCE, || {
            let status = self.status();
            let readers = status["readers"].as_array()?.iter().all(|reader| reader["connected"] == true);
            (status["journal"].is_string() && readers).then_some(())
        });
    }

    /// How the kiosk stands.
    pub(super) fn status(&self) -> Value {
        self.ask(&json!({"verb": "status"}))
    }

    /// Pairs it, and waits until it knows people and rules.
    pub(super) fn pair(&self, url: &str, code: &str) {
        let reply = self.ask(&json!({"verb": "pair", "url": url, "code": code}));
        assert_eq!(reply["reply"], "done", "{reply}");
        until("the kiosk has roster and rules", PATIENCE, || self.status()["office"]["bundle"].is_string().then_some(()));
    }

    /// What the page says of the next tap; none where it asks for a paper sign-in.
    pub(super) fn told(&self) -> Option<EntryPlace> {
        let events = self.events.as_ref().unwrap();
        let datum = events.next("what became of a tap", |datum| confirmation(datum).is_some() || datum["state"] == "not-recorded");
        confirmation(&datum)
    }

    /// Everything else that the page confirmed up to now.
    pub(super) fn rest(&self) -> Vec<EntryPlace> {
        self.events.as_ref().unwrap().rest().iter().filter_map(confirmation).collect()
    }

    /// The disk that can be filled.
    pub(super) const fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    fn ask(&self, request: &Value) -> Value {
        let mut stream = UnixStream::connect(self.place.path("kiosk.sock")).unwrap();
        writeln!(stream, "{request}").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        if let Some((runtime, running)) = self.kiosk.take() {
            runtime.block_on(running.stop());
        }
    }
}

/// A disk of its own, in memory, gone with the soak.
pub(super) struct Disk(PathBuf);

impl Disk {
    fn mount(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path.to_owned()));
        }
        println!("SKIPPED the full disk: mounting one takes root");
        None
    }

    /// Leaves no byte free.
    pub(super) fn fill(&self) {
        let mut file = std::fs::File::options().create(true).append(true).open(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4_096]).is_ok() {}
    }

    /// Gives the room back.
    pub(super) fn clear(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, in case a thread of a fallen kiosk still has a file open.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}
