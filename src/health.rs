//! What is wrong now, as data: the kiosk's corner, `punchctl status`, the heartbeat and the office's page show the same list.
//!
//! A condition has a code, a severity, a title and a remedy in both languages, and a delay before it is shown, so that a reader pulled and
//! put back does not flash. Each code has its line in the README.

pub mod board;
pub mod doctor;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Works as it should, worth knowing.
    Notice,
    /// Punches are safe, something needs a hand.
    Warning,
    /// Punches cannot be taken, or not by this reader.
    Fault,
}

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $delay:literal, $zh:literal, $en:literal, $remedy_zh:literal, $remedy_en:literal;)*) => {
        /// What can be wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as interfaces show it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// How long it must last before it is shown, in milliseconds.
            pub const fn delay_ms(self) -> u64 {
                match self { $(Self::$name => $delay,)* }
            }

            /// One line, Chinese then English.
            pub const fn title(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($zh, $en),)* }
            }

            /// What to do, Chinese then English.
            pub const fn remedy(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($remedy_zh, $remedy_en),)* }
            }
        }
    };
}

conditions! {
    /// The journal cannot take entries.
    JournalUnavailable = "journal-unavailable", Fault, 0, "无法保存打卡记录", "Punches cannot be stored",
        "请用纸质签到；检查磁盘空间和权限", "Use the paper sheet; check disk space and permissions of the data directory";
    /// A journal file was found damaged and set aside.
    JournalDamaged = "journal-damaged", Warning, 0, "发现损坏的本机记录文件", "A damaged journal file was set aside",
        "不影响打卡；请保留数据目录并联系技术人员", "Punching goes on; keep the data directory and run punchctl export";
    /// The start-up check goes on in the background.
    JournalChecking = "journal-checking", Notice, 0, "正在检查本机记录", "The journal is still being checked",
        "无需处理", "Nothing to do";
    /// Little room is left.
    DiskLow = "disk-low", Warning, 0, "磁盘空间不足", "Disk space is low",
        "请清理磁盘；打卡记录不会被删除", "Free disk space; punches are never deleted to make room";
    /// A configured reader's port is not there or does not open.
    ReaderMissing = "reader-missing", Fault, 1_000, "读卡器未连接", "A reader is not connected",
        "请检查数据线和电源；见 punchctl readers", "Check its cable and power; see punchctl readers";
    /// A reader's port is open and the module does not answer.
    ReaderSilent = "reader-silent", Fault, 3_000, "指纹模块无应答", "A fingerprint module does not answer",
        "请检查波特率、密码和供电", "Check baud rate, password and power";
    /// Much noise on a reader's line.
    ReaderNoisy = "reader-noisy", Warning, 10_000, "读卡器信号干扰", "A reader's line is noisy",
        "请检查波特率、接地、数据线和供电", "Check baud rate, grounding, cable and power";
    /// The time was never confirmed in this boot, or contradicts what is known.
    ClockUntrusted = "clock-untrusted", Warning, 0, "时间未校准", "The clock is not confirmed",
        "打卡照常；联网或校时后自动更正", "Punching goes on; connect the office or NTP and times are corrected";
    /// The configured UTC offset differs from the bundle's.
    OffsetDiffers = "offset-differs", Warning, 0, "时区设置与中心不一致", "The configured UTC offset differs from the office's",
        "以中心为准；请修改 terminal.toml", "The office's is used; correct utc-offset in terminal.toml";
    /// Not paired with an office.
    NotPaired = "not-paired", Warning, 0, "尚未与中心配对", "Not paired with an office",
        "punchctl pair 地址 配对码", "Run punchctl pair URL CODE";
    /// The office cannot be reached.
    OfficeUnreachable = "office-unreachable", Warning, 30_000, "与中心断开", "The office cannot be reached",
        "打卡照常保存，恢复后自动上传", "Punches are kept and sent when it is back; check the network";
    /// The office refuses this terminal.
    OfficeRefuses = "office-refuses", Warning, 0, "中心拒绝本机", "The office refuses this terminal",
        "请在中心检查终端是否被停用，必要时重新配对", "Check punch-office terminal show; pair again if it was revoked";
    /// The office's certificate does not pass.
    OfficeUntrusted = "office-untrusted", Warning, 0, "中心证书不可信", "The office's certificate is not trusted",
        "请检查网络是否被劫持，或重新配对", "Something else answers in the office's place, or its CA changed: pair again";
    /// No roster yet.
    NoRoster = "no-roster", Warning, 0, "尚无花名册", "No roster yet",
        "打卡照常；导入花名册后自动对应", "Punching goes on; import a roster at the office";
    /// The roster is old.
    RosterStale = "roster-stale", Warning, 0, "花名册超过 7 天未更新", "The roster is over 7 days old",
        "请检查与中心的连接", "Check the connection to the office";
    /// The calendar ends.
    CalendarEnds = "calendar-ends", Warning, 0, "日历即将到期", "The calendar ends soon",
        "请在中心导入次年节假日安排", "Import next year's calendar at the office";
    /// Two machines write the same journal.
    JournalForked = "journal-forked", Warning, 0, "发现重复的终端身份", "Two machines use this terminal's identity",
        "请停用克隆的设备，重新配对", "Retire the cloned machine and pair it again";
    /// Sound cannot be played.
    NoSound = "no-sound", Notice, 0, "无法播放声音", "Sound cannot be played",
        "请检查音频设备和 alsa-utils", "Check the sound device and that alsa-utils is installed";
    /// A part of the program ended and is started again.
    TaskRestarted = "task-restarted", Warning, 0, "部分功能正在重启", "A part of the program is being restarted",
        "如反复出现请联系技术人员", "If it comes again, see the log";
}

/// One thing that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    /// What.
    pub code: Code,
    /// Which reader, journal or task; empty where there is only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Particulars, for the technician.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
