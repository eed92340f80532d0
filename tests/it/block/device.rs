//! A disk of one's own: an image that `qemu-storage-daemon` serves block by block, so that every write and every flush is on record, and the
//! disk can stall or be torn out. Whatever was mounted or started is gone again when its value is dropped, also while a test fails.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::super::rig::{text, until, until_or};

/// Bytes of a mebibyte.
const MIB: u64 = 1024 * 1024;
/// How long the daemon may take to begin or to end, and a mount to be let go by a program that was killed.
const SETTLING: Duration = Duration::from_secs(10);
/// Where images lie: in memory, seven times faster than on a disk.
const IN_MEMORY: &str = "/dev/shm";
/// What has to be there.
const TOOLS: [&str; 5] = ["qemu-storage-daemon", "mke2fs", "e2fsck", "mount", "umount"];

/// Whether the tests of real disks can run here; says loudly why not.
pub(crate) fn can_serve(test: &str) -> bool {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(missing);
    if let Some(missing) = missing {
        println!("SKIPPED {test}: {missing}");
        eprintln!("SKIPPED {test}: {missing}");
    }
    missing.is_none()
}

fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can mount a disk".to_owned());
    }
    for path in ["/dev/fuse", "/dev/loop-control"] {
        if let Err(error) = File::open(path) {
            return Some(format!("{path}: {error}"));
        }
    }
    let there = |tool: &str| Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if let Some(tool) = TOOLS.into_iter().find(|tool| !there(tool)) {
        return Some(format!("{tool} is not installed (Debian: qemu-utils, e2fsprogs, mount)"));
    }
    let folder = folder();
    let image = folder.path().join("try.img");
    make_file_system(&image, 4);
    let tried = Served::try_start(&image, folder.path(), "try").and_then(|served| {
        let at = folder.path().join("try");
        std::fs::create_dir(&at).map_err(|error| error.to_string())?;
        Mounted::try_at(&served.exported, &at, "").map(|mounted| drop((mounted, served)))
    });
    tried.err()
}

/// A folder for images.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(IN_MEMORY).or_else(|_| tempfile::tempdir()).unwrap()
}

/// Makes an image with an empty ext4 on it.
pub(crate) fn make_file_system(image: &Path, mebibytes: u64) {
    File::create(image).unwrap().set_len(mebibytes * MIB).unwrap();
    run("mke2fs", &["-q", "-t", "ext4", "-m", "0", &image.display().to_string()]).unwrap();
}

/// An image that the daemon serves.
pub(crate) struct Served {
    daemon: Child,
    /// The disk as others see it.
    pub(crate) exported: PathBuf,
    log: PathBuf,
}

impl Served {
    /// Serves an image; what is written to it, and the order of it, is logged in the folder under a name.
    pub(crate) fn start(image: &Path, folder: &Path, name: &str) -> Self {
        Self::try_start(image, folder, name).unwrap()
    }

    fn try_start(image: &Path, folder: &Path, name: &str) -> Result<Self, String> {
        let (log, exported, said) =
            (folder.join(format!("{name}.log")), folder.join(format!("{name}.disk")), folder.join(format!("{name}.said")));
        for file in [&log, &exported] {
            File::create(file).map_err(|error| error.to_string())?;
        }
        let complaints = File::create(&said).map_err(|error| error.to_string())?;
        let bytes = std::fs::metadata(image).map_err(|error| error.to_string())?.len();
        let daemon = Command::new("qemu-storage-daemon")
            .args(["--blockdev", &format!("driver=file,node-name=image,filename={}", image.display())])
            .args(["--blockdev", &format!("driver=file,node-name=log,filename={}", log.display())])
            .args(["--blockdev", "driver=blklogwrites,node-name=disk,file=image,log=log"])
            .args(["--export", &format!("fuse,id=disk,node-name=disk,mountpoint={},writable=on", exported.display())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints)
            .spawn()
            .map_err(|error| format!("qemu-storage-daemon: {error}"))?;
        let mut served = Self { daemon, exported, log };
        let ended = until("the disk is served", SETTLING, || {
            let is_served = std::fs::metadata(&served.exported).is_ok_and(|found| found.len() == bytes);
            if is_served { Some(false) } else { served.daemon.try_wait().unwrap().map(|_| true) }
        });
        let complaint = || format!("qemu-storage-daemon serves no disk here: {}", std::fs::read_to_string(said).unwrap_or_default());
        if ended { Err(complaint()) } else { Ok(served) }
    }

    /// How long the log is: what is acknowledged after this was read is owed by every cut behind it.
    pub(crate) fn logged(&self) -> u64 {
        std::fs::metadata(&self.log).unwrap().len()
    }

    /// Where the log lies.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended already needs no signal, and one that was killed leaves the mount of its export behind.
        let daemon = Pid::from_child(&self.daemon);
        kill_process(daemon, Signal::CONT).ok();
        kill_process(daemon, Signal::TERM).ok();
        if !within(SETTLING, || self.daemon.try_wait().is_ok_and(|ended| ended.is_some())) {
            self.daemon.kill().ok();
        }
        self.daemon.wait().ok();
        run("umount", &["-l", &self.exported.display().to_string()]).ok();
    }
}

/// A file system in its place. The loop device below it goes with it.
pub(crate) struct Mounted {
    at: PathBuf,
}

impl Mounted {
    /// Mounts an image or a served disk; `options` are those of `mount -o`.
    pub(crate) fn at(disk: &Path, at: &Path, options: &str) -> Self {
        Self::try_at(disk, at, options).unwrap()
    }

    /// The same, which may fail.
    pub(crate) fn try_at(disk: &Path, at: &Path, options: &str) -> Result<Self, String> {
        let options = if options.is_empty() { "loop".to_owned() } else { format!("loop,{options}") };
        run("mount", &["-t", "ext4", "-o", &options, &disk.display().to_string(), &at.display().to_string()])?;
        Ok(Self { at: at.to_owned() })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A program that was killed lets go of its files a moment later; one that runs on loses sight of them.
        let at = self.at.display().to_string();
        if !within(SETTLING, || run("umount", &[&at]).is_ok()) {
            run("umount", &["-l", &at]).ok();
        }
    }
}

/// Repairs a file system the way a machine does when it starts; whether a hand would have been needed.
pub(crate) fn repair(image: &Path) -> Result<bool, String> {
    let image = image.display().to_string();
    let status = |arguments: &[&str]| {
        let done = Command::new("e2fsck").args(arguments).arg(&image).output().map_err(|error| error.to_string())?;
        Ok::<_, String>((done.status.code().unwrap_or(i32::MAX), text(&done.stdout) + &text(&done.stderr)))
    };
    // Errors that were corrected are no failure (its manual, "exit code").
    if status(&["-p"])?.0 <= 1 {
        return Ok(false);
    }
    match status(&["-f", "-y"])? {
        (0 | 1, _) => Ok(true),
        (_, said) => Err(said),
    }
}

/// Runs a tool; what it said where it failed.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(tool).args(arguments).stdin(Stdio::null()).output().map_err(|error| format!("{tool}: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{tool} {arguments:?}: {}", text(&output.stderr))) }
}

fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    until_or(limit, || holds().then_some(())).is_some()
}
