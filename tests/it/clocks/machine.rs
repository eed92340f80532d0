//! A kiosk's machine whose clocks are the script's: a wall clock that shows anything (libfaketime), an uptime that goes on while the program
//! does not run (a time namespace), a boot id for each boot and a time service's mark (bind mounts in a mount namespace of its own).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use punchd::clock::Clock;
use punchd::domain::time::Wall;
use punchd::sim::reader::{Protocol, SimReader};

use super::super::rig::{EntryPlace, Events, Kiosk, Place, confirmation};

/// Where Debian puts the library that shows a program another wall clock.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// How long a machine has run when the program starts after a boot, in milliseconds.
const BOOT_MS: i64 = 8_000;
/// Sets up what the program sees: a boot id, a time service's folder, and no time zone unless it is wanted.
const STAGE: &str = "set -e; mount --make-rprivate /; mount --bind \"$1\" /proc/sys/kernel/random/boot_id; mount -t tmpfs none /run; \
    mkdir -p /run/systemd/timesync; mount --bind \"$2\" /run/systemd/timesync; \
    if [ \"$3\" = none ]; then mount --bind /dev/null \"$(readlink -f /etc/localtime)\"; fi; shift 3; exec \"$@\"";

/// Milliseconds of true time, at which a script stands; real time plus a shift.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Truth {
    /// True time less this computer's, in milliseconds.
    pub(super) ahead_ms: i64,
}

impl Truth {
    pub(super) fn now(self) -> Wall {
        Clock::system().wall().plus_millis(self.ahead_ms)
    }

    /// Makes it this moment now, or up to a second later: uptime is moved by whole seconds.
    pub(super) fn set(&mut self, moment: Wall) {
        self.ahead_ms = moment.millis_since(Clock::system().wall()).div_euclid(1_000) * 1_000 + 1_000;
    }
}

/// Shows a program of which this is the environment a wall clock that is so far ahead of this computer's.
pub(super) fn shows(command: &mut Command, file: &Path) {
    command.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", file).env("FAKETIME_NO_CACHE", "1");
    command.env("DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
}

/// Sets the wall clock of every program that reads this file; whole, so that nobody reads half of it.
pub(super) fn set_shift(file: &Path, shift_ms: i64) {
    let (sign, size) = (if shift_ms < 0 { '-' } else { '+' }, shift_ms.unsigned_abs());
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{sign}{}.{:03}\n", size / 1_000, size % 1_000)).unwrap();
    std::fs::rename(&new, file).unwrap();
}

/// Why these tests cannot run here.
pub(super) fn missing() -> Option<String> {
    if !Path::new(FAKETIME).exists() {
        return Some(format!("{FAKETIME} (Debian: faketime)"));
    }
    let tried = Command::new("unshare").args(["-m", "-T", "--boottime", "1", "true"]).stderr(Stdio::null()).status();
    (!tried.is_ok_and(|status| status.success())).then(|| "leave to make mount and time namespaces (root)".to_owned())
}

/// A tap that the page confirmed.
#[derive(Debug, Clone)]
pub(super) struct Tap {
    pub(super) place: EntryPlace,
    pub(super) at: Wall,
    /// Whether the page marked its time.
    pub(super) doubtful: bool,
}

/// The machine.
pub(super) struct Machine {
    pub(super) place: Place,
    config: PathBuf,
    reader: SimReader,
    boots: u32,
    /// How far uptime was ahead of this computer's at the boot, in seconds, and where true time stood then.
    booted: (i64, Truth),
    /// How far the quartz has drifted since the boot, in milliseconds.
    drift_ms: i64,
    /// The wall clock less true time, in milliseconds.
    pub(super) off_ms: i64,
    zone: Zone,
    kiosk: Option<(Kiosk, Events)>,
    pub(super) taps: Vec<Tap>,
}

/// The machine's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// As this computer's.
    Ours,
    /// Another.
    Named(&'static str),
    /// Neither `TZ` nor `/etc/localtime`.
    None,
}

impl Machine {
    /// One that is switched off; `source` is whose word on the time is taken.
    pub(super) fn new(source: &str, zone: Zone) -> Self {
        let place = Place::new();
        let config = place.configure("", &[("badge", "em4100")]);
        let text = std::fs::read_to_string(&config).unwrap().replace("source = \"office\"", &format!("source = \"{source}\""));
        std::fs::write(&config, text).unwrap();
        std::fs::create_dir(place.path("timesync")).unwrap();
        let reader = place.reader("badge", Protocol::Em4100);
        Self { place, config, reader, boots: 0, booted: (0, Truth::default()), drift_ms: 0, off_ms: 0, zone, kiosk: None, taps: Vec::new() }
    }

    /// Power comes: another boot, whose wall clock is so far off.
    pub(super) fn boot(&mut self, truth: Truth, off_ms: i64) {
        self.kiosk = None;
        self.boots += 1;
        let id = format!("b0070000-0000-4000-8000-{:012x}\n", self.boots);
        std::fs::write(self.place.path("boot_id"), id).unwrap();
        std::fs::remove_file(self.place.path("timesync/synchronized")).ok();
        let ours_ms = i64::try_from(Clock::system().mono().0).unwrap();
        self.booted = ((BOOT_MS - ours_ms).div_euclid(1_000), truth);
        (self.drift_ms, self.off_ms) = (0, off_ms);
        self.start(truth);
    }

    /// The program starts in the same boot.
    pub(super) fn start(&mut self, truth: Truth) {
        self.kiosk = None;
        self.turn(truth, self.off_ms);
        self.reader.unplug().unwrap();
        self.reader.plug().unwrap();
        let kiosk = Kiosk::start_by(&self.place, &mut self.command(truth));
        let events = kiosk.events();
        kiosk.until_open();
        self.kiosk = Some((kiosk, events));
    }

    /// The program ends in order, and the machine goes on.
    pub(super) fn stop(&mut self) {
        if let Some((kiosk, _)) = self.kiosk.take() {
            assert_eq!(kiosk.stop(), Some(0));
        }
    }

    /// Somebody or something sets the wall clock.
    pub(super) fn turn(&mut self, truth: Truth, off_ms: i64) {
        self.off_ms = off_ms;
        set_shift(&self.place.path("wall"), truth.ahead_ms + off_ms);
    }

    /// The machine's time service hears a server that is so far off, and sets the clock by it.
    pub(super) fn hear_ntp(&mut self, truth: Truth, off_ms: i64) {
        self.turn(truth, off_ms);
        let shown = truth.now().plus_millis(off_ms);
        let file = File::create(self.place.path("timesync/synchronized")).unwrap();
        file.set_modified(system_time(shown)).unwrap();
    }

    /// The quartz is so far ahead at the next start: wall and uptime, which both come of it.
    pub(super) const fn drift(&mut self, drift_ms: i64) {
        (self.drift_ms, self.off_ms) = (drift_ms, drift_ms);
    }

    pub(super) const fn runs(&self) -> bool {
        self.kiosk.is_some()
    }

    pub(super) fn kiosk(&self) -> &Kiosk {
        &self.kiosk.as_ref().expect("it runs").0
    }

    /// Somebody taps, and the page says so.
    pub(super) fn tap(&mut self, truth: Truth, badge: [u8; 5]) {
        let (_, events) = self.kiosk.as_ref().expect("it runs");
        let at = truth.now();
        self.reader.badge(&badge).unwrap();
        let datum = events.next("a tap is confirmed", |datum| confirmation(datum).is_some());
        let place = confirmation(&datum).unwrap();
        self.taps.push(Tap { place, at, doubtful: datum["at_doubtful"] == true });
    }

    fn command(&self, truth: Truth) -> Command {
        let (zero_s, then) = self.booted;
        let ahead_s = zero_s + (truth.ahead_ms - then.ahead_ms + self.drift_ms).div_euclid(1_000);
        let mut command = Command::new("unshare");
        command.args(["-m", "-T", "--boottime"]).arg(ahead_s.to_string());
        command.args(["sh", "-c", STAGE, "sh"]).arg(self.place.path("boot_id")).arg(self.place.path("timesync"));
        command.arg(if self.zone == Zone::None { "none" } else { "ours" });
        let mut faked = Command::new("env");
        shows(&mut faked, &self.place.path("wall"));
        command.args(["env", "-u", "TZ"]);
        for (name, value) in faked.get_envs() {
            command.arg(format!("{}={}", name.to_str().unwrap(), value.unwrap().to_str().unwrap()));
        }
        if let Zone::Named(zone) = self.zone {
            command.arg(format!("TZ={zone}"));
        }
        command.arg("PUNCH_LOG=info").arg(env!("CARGO_BIN_EXE_punchd")).arg("run").arg("--config").arg(&self.config);
        command
    }
}

fn system_time(wall: Wall) -> SystemTime {
    let since = Duration::from_millis(wall.0.unsigned_abs());
    if wall.0 < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since }
}
