//! A real office in a folder, with the centre's people, and the store behind it opened by hand while nobody serves it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, anyhow, ensure};
use ed25519_dalek::SigningKey;
use punchd::clock::Clock;
use punchd::config::office::{OfficeSettings, load};
use punchd::domain::id::{EntryHash, JournalId, Sequence, TerminalId, hex_text};
use punchd::domain::time::{ClockReading, Trust, Wall};
use punchd::office::ca::OwnCa;
use punchd::office::pairing::secret_hash;
use punchd::office::store::{SiteId, Store};
use punchd::office::{keys, seed, serve};
use punchd::supervise::Supervisor;
use punchd::terminal::identity::Pairing;
use punchd::terminal::link::Link;
use punchd::terminal::link::trust::ClockStanding;
use punchd::wire::batch::{JournalState, TerminalState};
use punchd::wire::canonical;
use punchd::wire::entry::Stored;

use crate::fixture::punch;
use crate::kiosk::{Program, badge};
use crate::process::Process;

/// An office's folder, made and furnished.
#[derive(Debug)]
pub(crate) struct Premises {
    programs: PathBuf,
    folder: PathBuf,
    settings: OfficeSettings,
}

impl Premises {
    /// Makes an office of so many people, each with a badge of the bench's numbers.
    pub(crate) fn new(programs: &Path, folder: &Path, people: u64) -> anyhow::Result<Self> {
        let config = folder.join("office.toml");
        let text = format!(
            "[office]\nname = \"示例中心\"\nutc-offset = \"+08:00\"\nlisten = \"127.0.0.1:0\"\nclock = \"trusted\"\ndata-dir = \"{}\"\n",
            folder.join("data").display()
        );
        std::fs::write(&config, text)?;
        let settings = load(Some(&config)).map_err(|error| anyhow!("{error}"))?;
        let premises = Self { programs: programs.to_owned(), folder: folder.to_owned(), settings };
        premises.command(&["roster", "import", &premises.roster(people)?])?;
        Ok(premises)
    }

    fn roster(&self, people: u64) -> anyhow::Result<String> {
        let mut text =
            "工号,姓名,姓名拼音,派驻部门,窗口号,岗位类别,窗口负责人,身份类别,卡号,进驻日期,上岗日期,退出日期,部门序,人员序,备注\n"
                .to_owned();
        for number in 0..people {
            let card = hex_text(&badge(number)).to_uppercase();
            writeln!(
                text,
                "ZC{number:04},示例{number},,部门{},A{number:03},窗口,否,行政,em4100:{card},2020-01-01,,,{},{number},",
                number / 20,
                number / 20
            )?;
        }
        let file = self.folder.join("roster.csv");
        std::fs::write(&file, text)?;
        Ok(file.display().to_string())
    }

    /// Runs a verb of `punch-office`; what it printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(self.programs.join("punch-office"));
        let output = command.arg("--config").arg(self.folder.join("office.toml")).args(arguments).output()?;
        ensure!(output.status.success(), "punch-office {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The file that the store lives in.
    pub(crate) fn database(&self) -> &Path {
        &self.settings.database
    }

    /// The store, for work in this process.
    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        let store = serve::open_store(&self.settings, &Supervisor::new().0).await?;
        seed::seed(&store, SiteId::FIRST, Clock::system().wall()).await?;
        Ok(store)
    }

    /// Serves it.
    pub(crate) fn serve(self) -> anyhow::Result<Office> {
        let mut command = Command::new(self.programs.join("punch-office"));
        let command = command.arg("--config").arg(self.folder.join("office.toml")).arg("serve");
        let program = Program::start(command, &self.folder.join("office.log"))?;
        Ok(Office { program, premises: self })
    }
}

/// A running `punch-office`.
#[derive(Debug)]
pub(crate) struct Office {
    program: Program,
    /// Where it is.
    pub(crate) premises: Premises,
}

impl Office {
    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.program.listen)
    }

    /// What the system knows of it.
    pub(crate) fn process(&self) -> Process {
        self.program.process()
    }

    /// A code to pair a terminal with.
    pub(crate) fn code(&self, terminal: &str) -> anyhow::Result<String> {
        let told: serde_json::Value = serde_json::from_str(&self.premises.command(&["terminal", "add", terminal, "--json"])?)?;
        Ok(told.get("code").and_then(serde_json::Value::as_str).context("no code")?.to_owned())
    }

    /// A link to it for a terminal that was registered before.
    pub(crate) fn link(&self, terminal: &Registered) -> anyhow::Result<Link> {
        let data = &self.premises.settings.data_dir;
        let ca = OwnCa::ensure(data)?.anchor().pem;
        let office_key = canonical::key_text(&keys::office_key(data)?.verifying_key());
        let pairing = Pairing { url: self.url(), terminal: terminal.id.clone(), ca, office_key };
        Link::new(pairing, terminal.key.clone(), Clock::system(), &ClockStanding::default()).map_err(|why| anyhow!(why))
    }

    /// Tells it to stop and waits for its end; its premises stay.
    pub(crate) fn stop(self) -> anyhow::Result<Premises> {
        self.program.stop()?;
        Ok(self.premises)
    }
}

/// A terminal that the office knows, without a kiosk: its key and its entries.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    /// Its name.
    pub(crate) id: TerminalId,
    /// Its key.
    pub(crate) key: SigningKey,
    /// Its journal.
    pub(crate) journal: JournalId,
    /// What stands in it.
    pub(crate) entries: Vec<Stored>,
}

impl Registered {
    /// Makes a terminal known to a store, as pairing does.
    pub(crate) async fn new(store: &Store, number: u8) -> anyhow::Result<Self> {
        let id: TerminalId = format!("bench-{number}").parse().map_err(|error| anyhow!("{error}"))?;
        let (key, secret, now) = (SigningKey::from_bytes(&[number; 32]), secret_hash(&[number; 16]), Clock::system().wall());
        store.terminal_add(SiteId::FIRST, id.clone(), secret, now, now.plus_millis(60_000)).await?;
        store.pair(secret, canonical::key_text(&key.verifying_key()), None, now).await?;
        Ok(Self { id, key, journal: JournalId([number; 16]), entries: Vec::new() })
    }

    /// Lets so many more people punch, one each `every_ms` from a moment on.
    pub(crate) fn punches(&mut self, count: u64, from: Wall, every_ms: i64) -> anyhow::Result<()> {
        for number in 0..count {
            let (last, head) = self.entries.last().map_or((Sequence::ZERO, EntryHash::NONE), |last| (last.sequence, last.hash));
            let at = from.plus_millis(i64::try_from(number)? * every_ms);
            self.entries.push(canonical::seal(punch(number, at), self.journal, last.next(), head)?);
        }
        Ok(())
    }

    /// What it tells of itself when its newest entry is this one.
    pub(crate) fn state(&self, last: &Stored) -> TerminalState {
        let raw = Clock::system().read();
        let clock = ClockReading { wall: raw.wall, mono: raw.mono, boot: raw.boot, trust: Trust::Synced, uncertainty_ms: 20 };
        let journals = vec![JournalState { journal: self.journal, sequence: last.sequence, head: last.hash }];
        TerminalState { clock, journals, backlog: 0, software: "bench".to_owned(), conditions: Vec::new(), bundle: None }
    }
}
