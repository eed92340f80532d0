//! Who the kiosk is: its key, which nobody else may read, and its pairing with an office.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::Text;
use super::{Facts, Finding};

const KEY: super::Check = ("identity", "终端密钥", "identity");
const PAIRING: super::Check = ("pairing", "配对", "pairing");
/// Permission bits that nobody but the owner may have.
const NOT_OWNER: u32 = 0o077;

/// The two files of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The data directory that they lie in.
    pub directory: String,
    /// The key.
    pub key: Secret,
    /// The pairing.
    pub pairing: Pairing,
    /// How the configuration contradicts the pairing; none where it does not.
    pub contradiction: Option<String>,
}

/// A secret file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// There is none.
    Missing,
    /// It cannot be read: why.
    Unreadable(String),
    /// It holds something else: what.
    Damaged(String),
    /// It is good.
    There {
        /// Its owner's name.
        owner: String,
        /// Its permission bits.
        mode: u32,
    },
}

/// What pairing left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// Nothing: it was never paired.
    None,
    /// It cannot be read: why.
    Unreadable(String),
    /// It holds something else: what.
    Damaged(String),
    /// It is paired.
    With {
        /// The office's address.
        url: String,
        /// Who the kiosk is there.
        terminal: String,
    },
}

pub(super) fn key(facts: &Facts) -> Finding {
    let Some(identity) = &facts.told.identity else { return super::untold(KEY, facts) };
    let file = format!("{}/terminal.key", identity.directory);
    match &identity.key {
        Secret::Missing if identity.pairing == Pairing::None => {
            Finding::new(KEY, Code::IdentityNone, Text::new("配对时生成", "is made at pairing"))
        }
        Secret::Missing => {
            let found = Text::new(format!("没有 {file}，但已配对"), format!("there is no {file}, yet the kiosk is paired"));
            let remedy = Text::new(
                "从备份恢复，或重新配对：punchctl pair 地址 配对码",
                "restore it from a backup, or pair again: punchctl pair URL CODE",
            );
            Finding::new(KEY, Code::IdentityLost, found).remedy(remedy)
        }
        Secret::Damaged(why) => {
            let found = Text::new(format!("{file} 已损坏（{why}）"), format!("{file} is damaged ({why})"));
            let remedy =
                Text::new("移走该文件，重新配对：punchctl pair 地址 配对码", "set the file aside and pair again: punchctl pair URL CODE");
            Finding::new(KEY, Code::IdentityDamaged, found).remedy(remedy)
        }
        Secret::Unreadable(why) => unreadable(facts, KEY, Code::IdentityUnreadable, &file, why),
        Secret::There { mode, .. } if mode & NOT_OWNER != 0 => {
            let mode = mode & 0o777;
            let found = Text::new(format!("{file} 他人可读（{mode:o}）"), format!("others may read {file} ({mode:o})"));
            let remedy = Text::new(
                format!("sudo chmod 600 {file}；若可能已被复制，重新配对"),
                format!("sudo chmod 600 {file}; if it may have been copied, pair again"),
            );
            Finding::new(KEY, Code::IdentityOpen, found).remedy(remedy)
        }
        Secret::There { owner, mode } => {
            let found =
                Text::new(format!("在，仅 {owner} 可读（{:o}）", mode & 0o777), format!("there, for {owner} alone ({:o})", mode & 0o777));
            Finding::new(KEY, Code::IdentityRight, found)
        }
    }
}

pub(super) fn pairing(facts: &Facts) -> Finding {
    let Some(identity) = &facts.told.identity else { return super::untold(PAIRING, facts) };
    let file = format!("{}/pairing.json", identity.directory);
    if let Some(why) = &identity.contradiction {
        let found = Text::new(format!("配置与配对不一致（{why}）"), format!("the configuration contradicts it ({why})"));
        let remedy = Text::new(
            format!("改正 terminal.toml；或移走 {file} 后重新配对"),
            format!("correct terminal.toml, or move {file} away and pair again"),
        );
        return Finding::new(PAIRING, Code::PairingContradicts, found).remedy(remedy);
    }
    match &identity.pairing {
        Pairing::None => {
            let remedy = Text::new(
                "在中心运行 punch-office terminal add 取得配对码，再 punchctl pair 地址 配对码",
                "punch-office terminal add at the office prints a code, then punchctl pair URL CODE",
            );
            Finding::new(PAIRING, Code::PairingNone, Text::new("尚未与中心配对", "not paired with an office")).remedy(remedy)
        }
        Pairing::Unreadable(why) => unreadable(facts, PAIRING, Code::PairingUnreadable, &file, why),
        Pairing::Damaged(why) => {
            let found = Text::new(format!("{file} 已损坏（{why}）"), format!("{file} is damaged ({why})"));
            let remedy =
                Text::new("移走该文件，重新配对：punchctl pair 地址 配对码", "set the file aside and pair again: punchctl pair URL CODE");
            Finding::new(PAIRING, Code::PairingDamaged, found).remedy(remedy)
        }
        Pairing::With { url, terminal } => Finding::new(PAIRING, Code::PairingRight, Text::same(format!("{terminal} @ {url}"))),
    }
}

fn unreadable(facts: &Facts, check: super::Check, code: Code, file: &str, why: &str) -> Finding {
    let found = Text::new(format!("无法读取 {file}（{why}）"), format!("cannot read {file} ({why})"));
    let remedy = facts.told.standing.as_ref().map_or_else(
        || "sudo punchctl doctor".to_owned(),
        |standing| format!("sudo chown {}: {file} && sudo chmod 600 {file}", standing.user),
    );
    Finding::new(check, code, found).remedy(Text::same(remedy))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    fn of(key: Secret, pairing: Pairing, contradiction: Option<&str>) -> Facts {
        let (directory, contradiction) = ("/data".to_owned(), contradiction.map(str::to_owned));
        running(|facts, standing| {
            "punchd".clone_into(&mut standing.user);
            facts.told.identity = Some(Identity { directory, key, pairing, contradiction });
        })
    }

    pub(in super::super) fn rows() -> Vec<Row> {
        let there = |mode| Secret::There { owner: "punchd".to_owned(), mode };
        let with = || Pairing::With { url: "https://office:8443".to_owned(), terminal: "east-hall-1".to_owned() };
        let why = || "it said no".to_owned();
        let key = |secret, pairing, code, zh, en| row("identity", of(secret, pairing, None), code, zh, en);
        let pairing = |pairing, code, zh, en| row("pairing", of(there(0o600), pairing, None), code, zh, en);
        let mut at_rest = of(Secret::Unreadable(why()), with(), None);
        at_rest.told.standing = None;
        vec![
            key(there(0o600), with(), Code::IdentityRight, "仅 punchd 可读（600）", "for punchd alone (600)"),
            key(Secret::Missing, Pairing::None, Code::IdentityNone, "配对时生成", "made at pairing"),
            key(Secret::Missing, with(), Code::IdentityLost, "没有 /data/terminal.key|备份", "no /data/terminal.key|backup"),
            key(Secret::Damaged(why()), with(), Code::IdentityDamaged, "it said no|重新配对", "it said no|pair again"),
            key(Secret::Unreadable(why()), with(), Code::IdentityUnreadable, "it said no|chown punchd:", "it said no|chown punchd:"),
            row("identity", at_rest, Code::IdentityUnreadable, "sudo punchctl doctor", "sudo punchctl doctor"),
            key(there(0o644), with(), Code::IdentityOpen, "他人可读（644）|chmod 600", "others may read|chmod 600"),
            pairing(with(), Code::PairingRight, "east-hall-1 @ https://office:8443", "east-hall-1 @ https://office:8443"),
            pairing(Pairing::None, Code::PairingNone, "尚未|terminal add|punchctl pair", "not paired|terminal add|punchctl pair"),
            pairing(Pairing::Damaged(why()), Code::PairingDamaged, "it said no|重新配对", "it said no|pair again"),
            pairing(Pairing::Unreadable(why()), Code::PairingUnreadable, "it said no|chmod 600", "it said no|chmod 600"),
            row("pairing", of(there(0o600), with(), Some("url is x")), Code::PairingContradicts, "url is x|改正", "url is x|correct"),
        ]
    }
}
