//! The journals: is the whole chain of every one right, from its first entry to its last, and are their files in order?

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::storage::Kind;
use super::text::{Text, size};
use super::{CHAIN_LIMIT_MS, Facts, Finding};
use crate::domain::id::{JournalId, Sequence};

const CHAIN: super::Check = ("journal", "打卡记录", "journal");
const STORE: super::Check = ("store", "记录文件", "store");
/// A log beyond this was not written back for a long time, in bytes: four times what it is cut back to.
const LOG_LARGE_BYTES: u64 = 32 * 1024 * 1024;
/// Characters of a journal's id that tell it apart from the few others.
const SHORT_ID: usize = 8;

/// What the walk along every chain came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Why entries cannot be stored or looked at; none where they can.
    pub obstacle: Option<String>,
    /// SQLite's version.
    pub sqlite: String,
    /// Oldest first.
    pub journals: Vec<Journal>,
    /// Whether every walk came to its end; else it ran out of time.
    pub finished: bool,
    /// Whether the quick check of a file still goes on.
    pub checking: bool,
    /// Whether the marks and settings beside the journals were damaged.
    pub state_damaged: bool,
}

/// One journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Which.
    pub journal: JournalId,
    /// The first entry that is kept.
    pub first: Sequence,
    /// The last one.
    pub last: Sequence,
    /// What the office holds; none where nobody knows.
    pub acknowledged: Option<Sequence>,
    /// Entries that were walked and found right.
    pub walked: u64,
    /// The first fault.
    pub fault: Option<Fault>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes of its log.
    pub log_bytes: u64,
}

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The first entry at fault; none where the file as a whole is.
    pub sequence: Option<Sequence>,
    /// What is wrong there.
    pub what: String,
    /// Entries that cannot be read any more, as far as that is known.
    pub lost: u64,
}

pub(super) fn chain(facts: &Facts) -> Finding {
    let obstacle = facts.told.standing.as_ref().and_then(|standing| standing.obstacle.clone());
    let chain = facts.told.chain.as_ref();
    if let (Some(absent), None) = (no_place(CHAIN, facts), &obstacle) {
        return absent;
    }
    if let Some(why) = obstacle.or_else(|| chain.and_then(|chain| chain.obstacle.clone())) {
        let why = without_advice(&why);
        let found = Text::new(format!("无法保存打卡（{why}）"), format!("punches cannot be stored ({why})"));
        let remedy = Text::new(
            "先用纸质签到；按上面的“数据目录”“磁盘”处理，会自动恢复",
            "use the paper sheet; see to the data directory and the disk above, it recovers by itself",
        );
        return Finding::new(CHAIN, Code::JournalUnavailable, found).remedy(remedy);
    }
    let Some(chain) = chain else { return super::untold(CHAIN, facts) };
    if chain.journals.is_empty() {
        return Finding::new(CHAIN, Code::JournalNone, Text::new("还没有记录", "there is none yet"));
    }
    let unsent = |journal: &&Journal| journal.fault.is_some() && journal.acknowledged.is_none_or(|mark| mark < journal.last);
    let broken = chain.journals.iter().find(unsent).or_else(|| chain.journals.iter().find(|journal| journal.fault.is_some()));
    if let Some((journal, fault)) = broken.and_then(|journal| Some((journal, journal.fault.as_ref()?))) {
        return at_fault(journal, fault, unsent(&journal));
    }
    let walked: u64 = chain.journals.iter().map(|journal| journal.walked).sum();
    if !chain.finished {
        let all: u64 = chain.journals.iter().map(|journal| (journal.last.0 + 1).saturating_sub(journal.first.0)).sum();
        let limit = CHAIN_LIMIT_MS / 1_000;
        let found = Text::new(
            format!("{limit} 秒内检查了 {walked} / {all} 条，未发现错误"),
            format!("{walked} of {all} entries walked within {limit} s, no fault so far"),
        );
        let remedy = Text::new("不影响打卡；空闲时再运行一次", "punching goes on; run it again when nobody taps");
        return Finding::new(CHAIN, Code::JournalUnfinished, found).remedy(remedy);
    }
    let count = chain.journals.len();
    let of = if count == 1 { Text::default() } else { Text::new(format!("，{count} 个文件"), format!(" in {count} files")) };
    let found = Text::new(format!("{walked} 条{}，整条链正确", of.zh), format!("{walked} entries{}, the whole chain is right", of.en));
    Finding::new(CHAIN, Code::JournalWhole, found)
}

/// Nothing can be said of files in a directory that is not there.
fn no_place(check: super::Check, facts: &Facts) -> Option<Finding> {
    let place = facts.told.place.as_ref()?;
    let absent = !matches!(place.kind, Kind::Directory(_));
    let found = || Text::new("未检查：数据目录不可用", "not checked: the data directory cannot be used");
    absent.then(|| Finding::new(check, Code::NotAsked, found()))
}

/// What is wrong, without the advice that the kiosk's page gives behind it.
fn without_advice(why: &str) -> &str {
    why.split("; ").next().unwrap_or(why)
}

fn at_fault(journal: &Journal, fault: &Fault, unsent: bool) -> Finding {
    let id: String = journal.journal.to_string().chars().take(SHORT_ID).collect();
    let place = fault.sequence.map_or_else(
        || Text::new(format!("{id} 的文件"), format!("the file of {id}")),
        |sequence| Text::new(format!("{id} 第 {sequence} 条"), format!("{id} entry {sequence}")),
    );
    let (what, lost) = (&fault.what, fault.lost);
    let lost = (lost > 0).then(|| Text::new(format!("{lost} 条无法读出"), format!("{lost} unreadable")));
    let found = Text::new(format!("{} 损坏（{what}）", place.zh), format!("{} is damaged ({what})", place.en)).and(lost);
    if unsent {
        let remedy = Text::new(
            "打卡照常；不要删除数据目录，立即导出：sudo punchctl export --signed /media/U盘/文件",
            "punching goes on; keep the data directory, and export now: sudo punchctl export --signed FILE",
        );
        return Finding::new(CHAIN, Code::JournalBroken, found).remedy(remedy);
    }
    let found = found.and(Some(Text::new("其余已上传，中心已知", "the rest was sent and the office knows")));
    let remedy = Text::new("保留文件备查；更换旧的存储卡或硬盘", "keep the file as evidence; replace an old card or disk");
    Finding::new(CHAIN, Code::JournalSetAside, found).remedy(remedy)
}

pub(super) fn store(facts: &Facts) -> Finding {
    if let Some(absent) = no_place(STORE, facts) {
        return absent;
    }
    let Some(chain) = &facts.told.chain else { return super::untold(STORE, facts) };
    if chain.journals.is_empty() {
        return Finding::new(STORE, Code::StoreRight, Text::same(format!("SQLite {}", chain.sqlite)));
    }
    let bytes: u64 = chain.journals.iter().map(|journal| journal.bytes).sum();
    let log: u64 = chain.journals.iter().map(|journal| journal.log_bytes).max().unwrap_or_default();
    let sizes = Text::new(
        format!("SQLite {}，{}，预写日志 {}", chain.sqlite, size(bytes), size(log)),
        format!("SQLite {}, {}, write-ahead log {}", chain.sqlite, size(bytes), size(log)),
    );
    if chain.state_damaged {
        let found = sizes.and(Some(Text::new("state.db 曾损坏", "state.db was damaged")));
        let remedy = Text::new(
            "已自动重建，记录会重新上传；若显示未配对，重新配对",
            "it was made anew and entries are sent again; if pairing is gone, pair again",
        );
        return Finding::new(STORE, Code::StateDamaged, found).remedy(remedy);
    }
    if log > LOG_LARGE_BYTES {
        let remedy = Text::new(
            "关闭仍打开着这些文件的程序（sqlite3、备份），再 sudo systemctl restart punchd",
            "close whatever else has the files open (sqlite3, a backup), then sudo systemctl restart punchd",
        );
        return Finding::new(STORE, Code::StoreLogLarge, sizes).remedy(remedy);
    }
    if chain.checking {
        let found = sizes.and(Some(Text::new("启动检查仍在进行", "the check at the start still goes on")));
        return Finding::new(STORE, Code::StoreChecking, found).remedy(Text::new("无需处理，稍后再看", "nothing to do; look again later"));
    }
    Finding::new(STORE, Code::StoreRight, sizes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::storage::Place;
    use super::super::tests::{Row, row, running};
    use super::*;

    fn journal(acknowledged: Option<u64>, fault: Option<Fault>) -> Journal {
        let (first, last) = (Sequence(1), Sequence(48_211));
        let acknowledged = acknowledged.map(Sequence);
        let walked = last.0;
        Journal { journal: JournalId([0xAB; 16]), first, last, acknowledged, walked, fault, bytes: 9_000_000, log_bytes: 90_000 }
    }

    fn of(journals: Vec<Journal>, change: impl FnOnce(&mut Chain)) -> Facts {
        let mut chain = Chain { sqlite: "3.53.0".to_owned(), journals, finished: true, ..Chain::default() };
        change(&mut chain);
        running(|facts, _| facts.told.chain = Some(chain))
    }

    pub(in super::super) fn rows() -> Vec<Row> {
        let fault = |sequence: Option<u64>, lost| {
            Some(Fault { sequence: sequence.map(Sequence), what: "does not match its hash".to_owned(), lost })
        };
        let whole = || vec![journal(None, None)];
        let absent = || {
            let mut facts = of(Vec::new(), |chain| chain.obstacle = Some("no such directory".to_owned()));
            facts.told.place = Some(Place { path: "/data".to_owned(), user: "punchd".to_owned(), kind: Kind::Missing });
            facts
        };
        let chain = |facts, code, zh, en| row("journal", facts, code, zh, en);
        let store = |facts, code, zh, en| row("store", facts, code, zh, en);
        let standing = running(|_, standing| standing.obstacle = Some("no space left; free some".to_owned()));
        let read_only = of(Vec::new(), |chain| chain.obstacle = Some("read-only".to_owned()));
        let large = |chain: &mut Chain| chain.journals.iter_mut().for_each(|journal| journal.log_bytes = 99_000_000);
        vec![
            chain(of(whole(), |_| {}), Code::JournalWhole, "48211 条，整条链正确", "48211 entries, the whole chain is right"),
            chain(of([whole(), whole()].concat(), |_| {}), Code::JournalWhole, "96422 条，2 个文件", "96422 entries in 2 files"),
            chain(of(Vec::new(), |_| {}), Code::JournalNone, "还没有记录", "none yet"),
            chain(standing, Code::JournalUnavailable, "（no space left）|纸质签到", "no space left|paper sheet"),
            chain(read_only, Code::JournalUnavailable, "read-only|自动恢复", "read-only|by itself"),
            chain(
                of(vec![journal(Some(300), fault(Some(311), 1))], |_| {}),
                Code::JournalBroken,
                "abababab 第 311 条 损坏（does not match its hash），1 条无法读出|export --signed",
                "abababab entry 311 is damaged (does not match its hash), 1 unreadable|export --signed",
            ),
            chain(
                of(vec![journal(None, fault(None, 0))], |_| {}),
                Code::JournalBroken,
                "abababab 的文件 损坏",
                "the file of abababab is damaged",
            ),
            chain(
                of(vec![journal(Some(48_211), fault(Some(311), 1))], |_| {}),
                Code::JournalSetAside,
                "中心已知|备查",
                "office knows|evidence",
            ),
            chain(
                of(whole(), |chain| chain.finished = false),
                Code::JournalUnfinished,
                "60 秒内检查了 48211 / 48211",
                "48211 of 48211 entries|within 60 s",
            ),
            chain(absent(), Code::NotAsked, "数据目录不可用", "data directory cannot be used"),
            store(absent(), Code::NotAsked, "数据目录不可用", "data directory cannot be used"),
            store(of(Vec::new(), |_| {}), Code::StoreRight, "SQLite 3.53.0", "SQLite 3.53.0"),
            store(
                of(whole(), |_| {}),
                Code::StoreRight,
                "SQLite 3.53.0，9.0 MB，预写日志 90 KB",
                "SQLite 3.53.0, 9.0 MB, write-ahead log 90 KB",
            ),
            store(of(whole(), |chain| chain.state_damaged = true), Code::StateDamaged, "state.db|重新配对", "state.db|pair again"),
            store(of(whole(), large), Code::StoreLogLarge, "预写日志 99 MB|关闭", "log 99 MB|close"),
            store(of(whole(), |chain| chain.checking = true), Code::StoreChecking, "仍在进行|无需处理", "goes on|nothing to do"),
        ]
    }
}
