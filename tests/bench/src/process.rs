//! What the system knows of a running process: memory, processor time, wake-ups, bytes written.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

/// A process by its number.
#[derive(Debug, Clone)]
pub(crate) struct Process(PathBuf);

/// What its threads have used and done since they began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Activity {
    /// Nanoseconds on a processor.
    pub(crate) processor_ns: u64,
    /// How often a thread went to sleep of its own accord: once for each time that it was woken.
    pub(crate) wakes: u64,
    /// Threads.
    pub(crate) threads: usize,
}

impl Process {
    /// Of a number.
    pub(crate) fn of(number: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{number}")))
    }

    /// A line of its status in KiB: `VmRSS`, `RssAnon`, `VmHWM`.
    pub(crate) fn memory_kib(&self, name: &str) -> anyhow::Result<u64> {
        number_after(&fs::read_to_string(self.0.join("status"))?, name)
    }

    /// Its share of the memory that it and others map, in KiB.
    pub(crate) fn proportional_kib(&self) -> anyhow::Result<u64> {
        number_after(&fs::read_to_string(self.0.join("smaps_rollup"))?, "Pss")
    }

    /// Bytes that it had written to a disk.
    pub(crate) fn written_bytes(&self) -> anyhow::Result<u64> {
        number_after(&fs::read_to_string(self.0.join("io"))?, "write_bytes")
    }

    /// What its threads did so far.
    pub(crate) fn activity(&self) -> anyhow::Result<Activity> {
        let mut activity = Activity::default();
        for thread in fs::read_dir(self.0.join("task"))? {
            let thread = thread?.path();
            let running = fs::read_to_string(thread.join("schedstat"))?;
            activity.processor_ns += running.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default();
            activity.wakes += number_after(&fs::read_to_string(thread.join("status"))?, "voluntary_ctxt_switches")?;
            activity.threads += 1;
        }
        Ok(activity)
    }
}

fn number_after(text: &str, name: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).context("the system does not tell")?;
    number.parse().with_context(|| format!("{name} is {number}"))
}
