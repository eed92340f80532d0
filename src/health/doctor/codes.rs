//! Every finding by its stable code: how it stands, and of which class it is. Its words are made where it is judged.

use serde::{Deserialize, Serialize};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Ok,
    /// Does not work.
    Fault,
    /// Works, and wants a hand.
    Warning,
    /// There is nothing to check, or nobody could be asked.
    NotApplicable,
}

/// What kind of thing is wrong: it chooses the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Something that is needed is not there or does not answer (69).
    Unavailable,
    /// A file, a disk or the journal (74).
    Storage,
    /// Somebody may not do what they must (77).
    Permission,
    /// The configuration (78).
    Configuration,
}

macro_rules! findings {
    ($($name:ident = $code:literal, $state:ident, $class:ident;)*) => {
        /// A finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`")] $name,)*
        }

        impl Code {
            /// Every finding.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as interfaces show it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How the check came out.
            pub const fn state(self) -> State {
                match self { $(Self::$name => State::$state,)* }
            }

            /// Its class.
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }
        }
    };
}

findings! {
    ConfigurationRight = "configuration-right", Ok, Configuration;
    ConfigurationChanged = "configuration-changed", Warning, Configuration;
    ConfigurationWrong = "configuration-wrong", Fault, Configuration;
    ConfigurationMissing = "configuration-missing", Fault, Configuration;
    ConfigurationDenied = "configuration-denied", Fault, Permission;
    ConfigurationHidden = "configuration-hidden", Warning, Permission;

    DaemonAnswers = "daemon-answers", Ok, Unavailable;
    DaemonDenied = "daemon-denied", Fault, Permission;
    DaemonDown = "daemon-down", Fault, Unavailable;
    DaemonElsewhere = "daemon-elsewhere", Fault, Unavailable;
    DaemonSilent = "daemon-silent", Fault, Unavailable;
    DaemonStrange = "daemon-strange", Fault, Unavailable;

    NotAsked = "not-asked", NotApplicable, Unavailable;
    LimitPassed = "limit-passed", Warning, Unavailable;

    ReaderConnected = "reader-connected", Ok, Unavailable;
    ReaderReady = "reader-ready", Ok, Unavailable;
    ReaderNone = "reader-none", Warning, Configuration;
    ReaderGarbage = "reader-garbage", Warning, Unavailable;
    ReaderNoisy = "reader-noisy", Warning, Unavailable;
    ReaderSilent = "reader-silent", Fault, Unavailable;
    PortMissing = "port-missing", Fault, Unavailable;
    PortBusy = "port-busy", Fault, Unavailable;
    PortGroup = "port-group", Fault, Permission;
    PortRestart = "port-restart", Fault, Permission;
    PortMode = "port-mode", Fault, Permission;
    PortUnit = "port-unit", Fault, Permission;
    PortFails = "port-fails", Fault, Unavailable;

    ClockSynced = "clock-synced", Ok, Unavailable;
    ClockHoldover = "clock-holdover", Ok, Unavailable;
    ClockDrifting = "clock-drifting", Warning, Unavailable;
    ClockSuspect = "clock-suspect", Warning, Unavailable;
    ClockUnset = "clock-unset", Warning, Unavailable;
    OffsetDiffers = "offset-differs", Warning, Configuration;

    DirectoryRight = "directory-right", Ok, Storage;
    DirectoryMissing = "directory-missing", Fault, Storage;
    DirectoryNone = "directory-none", Fault, Storage;
    DirectoryDenied = "directory-denied", Fault, Permission;
    DirectoryHidden = "directory-hidden", Fault, Permission;
    DirectoryOpen = "directory-open", Warning, Permission;
    DiskRoom = "disk-room", Ok, Storage;
    DiskLow = "disk-low", Warning, Storage;
    DiskFull = "disk-full", Fault, Storage;
    DiskReadOnly = "disk-read-only", Fault, Storage;

    JournalWhole = "journal-whole", Ok, Storage;
    JournalNone = "journal-none", NotApplicable, Storage;
    JournalUnavailable = "journal-unavailable", Fault, Storage;
    JournalBroken = "journal-broken", Fault, Storage;
    JournalSetAside = "journal-set-aside", Warning, Storage;
    JournalUnfinished = "journal-unfinished", Warning, Storage;
    StoreRight = "store-right", Ok, Storage;
    StoreChecking = "store-checking", Warning, Storage;
    StoreLogLarge = "store-log-large", Warning, Storage;
    StateDamaged = "state-damaged", Warning, Storage;

    IdentityRight = "identity-right", Ok, Permission;
    IdentityNone = "identity-none", NotApplicable, Permission;
    IdentityLost = "identity-lost", Fault, Storage;
    IdentityDamaged = "identity-damaged", Fault, Storage;
    IdentityUnreadable = "identity-unreadable", Fault, Permission;
    IdentityOpen = "identity-open", Fault, Permission;
    PairingRight = "pairing-right", Ok, Configuration;
    PairingNone = "pairing-none", Warning, Configuration;
    PairingContradicts = "pairing-contradicts", Fault, Configuration;
    PairingDamaged = "pairing-damaged", Fault, Storage;
    PairingUnreadable = "pairing-unreadable", Fault, Permission;

    OfficeAnswers = "office-answers", Ok, Unavailable;
    OfficeClockDiffers = "office-clock-differs", Warning, Unavailable;
    CertificateEnds = "certificate-ends", Warning, Unavailable;
    OfficeNoName = "office-no-name", Fault, Unavailable;
    OfficeNoRoute = "office-no-route", Fault, Unavailable;
    OfficeRefused = "office-refused", Fault, Unavailable;
    OfficeNoConnection = "office-no-connection", Fault, Unavailable;
    OfficeSilent = "office-silent", Fault, Unavailable;
    OfficeNotTls = "office-not-tls", Fault, Unavailable;
    CertificateNotYet = "certificate-not-yet", Fault, Unavailable;
    CertificateExpired = "certificate-expired", Fault, Unavailable;
    CertificateName = "certificate-name", Fault, Unavailable;
    CertificateAuthority = "certificate-authority", Fault, Unavailable;
    CertificateBad = "certificate-bad", Fault, Unavailable;
    OfficeRefuses = "office-refuses", Fault, Unavailable;
    OfficeStranger = "office-stranger", Fault, Unavailable;
    OfficeFails = "office-fails", Fault, Unavailable;

    ExchangeCurrent = "exchange-current", Ok, Unavailable;
    ExchangeWaiting = "exchange-waiting", Warning, Unavailable;
    ExchangeNever = "exchange-never", Warning, Unavailable;
    BundleCurrent = "bundle-current", Ok, Unavailable;
    BundleNone = "bundle-none", Warning, Unavailable;
    BundleEmpty = "bundle-empty", Warning, Unavailable;
    BundleStale = "bundle-stale", Warning, Unavailable;
    CalendarEnds = "calendar-ends", Warning, Unavailable;

    SoundWorks = "sound-works", Ok, Unavailable;
    SoundOff = "sound-off", NotApplicable, Unavailable;
    SoundFails = "sound-fails", Warning, Unavailable;
    PageServed = "page-served", Ok, Unavailable;
    PageRefused = "page-refused", Fault, Unavailable;
    PageSilent = "page-silent", Fault, Unavailable;
    PageWrong = "page-wrong", Fault, Unavailable;
    PageTaken = "page-taken", Fault, Unavailable;
    BrowserThere = "browser-there", Ok, Unavailable;
    BrowserNone = "browser-none", Warning, Unavailable;

    ServiceRuns = "service-runs", Ok, Unavailable;
    ServiceNone = "service-none", NotApplicable, Unavailable;
    ServiceStopped = "service-stopped", Fault, Unavailable;
    ServiceRefused = "service-refused", Fault, Configuration;
    ServiceDisabled = "service-disabled", Warning, Unavailable;
    ServiceRestarts = "service-restarts", Warning, Unavailable;
    ServiceOther = "service-other", Warning, Unavailable;
    VersionSame = "version-same", Ok, Unavailable;
    VersionDiffers = "version-differs", Warning, Unavailable;
}
