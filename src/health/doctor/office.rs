//! Can the office be reached, step by step: name, connection, certificate, answer? Where it breaks is what is to be mended.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::{Text, offset};
use super::{CHECK_LIMIT_MS, Facts, Finding, identity};

const CHECK: super::Check = ("office", "中心连接", "office");
/// A certificate that ends within so many days is worth a word: the office renews its own 60 days before.
const CERTIFICATE_DAYS: i64 = 14;
/// How far the office's clock may be off ours without a word, in milliseconds: its answer tells whole seconds.
const CLOCK_DIFFERS_MS: u64 = 3_000;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// An attempt to reach the office.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Its address, as pairing gave it.
    pub url: String,
    /// Its host and port.
    pub host: String,
    /// What the name stands for.
    pub addresses: Vec<String>,
    /// How far it came.
    pub end: End,
    /// Until the connection stood, in milliseconds.
    pub connect_ms: u64,
    /// Until TLS stood, in milliseconds.
    pub tls_ms: u64,
    /// From question to answer on a fresh connection, in milliseconds.
    pub answer_ms: u64,
    /// How long the certificate still holds by our clock, in milliseconds.
    pub certificate_left_ms: Option<i64>,
    /// Our clock less the office's, in milliseconds, to a second.
    pub clock_offset_ms: Option<i64>,
    /// Whether our own clock is trusted.
    pub clock_trusted: bool,
}

/// Where the attempt ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// There is no office to try: not paired, or the pairing cannot be used.
    #[default]
    Unpaired,
    /// It answered as the office.
    Answered,
    /// The name stands for nothing: why.
    NoName(String),
    /// No way leads there: why.
    NoRoute(String),
    /// The machine is there and refuses the port.
    Refused,
    /// Nobody took the connection.
    NoConnection,
    /// It took the connection and said nothing.
    Silent,
    /// What answers does not speak TLS.
    NotTls,
    /// Its certificate is not valid yet: from when, RFC 3339.
    NotYet(String),
    /// Its certificate has expired: when, RFC 3339.
    Expired(String),
    /// Its certificate is for other names: which.
    OtherName(Vec<String>),
    /// Another authority vouches for it.
    OtherAuthority,
    /// Its certificate does not pass otherwise: why.
    BadCertificate(String),
    /// It refuses this terminal: why.
    Refuses(String),
    /// An answer that is not the office's: what.
    Stranger(String),
    /// It answered with a failure of its own, or broke off: what.
    Failed(String),
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let Some(trial) = &facts.told.office else {
        let unpaired = facts.told.identity.as_ref().is_some_and(|identity| !matches!(identity.pairing, identity::Pairing::With { .. }));
        return if unpaired { unpaired_finding() } else { super::untold(CHECK, facts) };
    };
    match &trial.end {
        End::Unpaired => unpaired_finding(),
        End::Answered => answered(trial),
        End::Refuses(_) | End::Stranger(_) | End::Failed(_) => answered_otherwise(trial),
        End::NotYet(_) | End::Expired(_) | End::OtherName(_) | End::OtherAuthority | End::BadCertificate(_) => certificate(trial),
        End::NoName(_) | End::NoRoute(_) | End::Refused | End::NoConnection | End::Silent | End::NotTls => unreached(trial),
    }
}

fn broken(code: Code, zh: String, en: String, remedy_zh: &str, remedy_en: &str) -> Finding {
    Finding::new(CHECK, code, Text::new(zh, en)).remedy(Text::new(remedy_zh, remedy_en))
}

/// It broke before anything was said that could be believed.
fn unreached(trial: &Trial) -> Finding {
    let (host, limit) = (&trial.host, CHECK_LIMIT_MS / 1_000);
    if let End::NoName(why) = &trial.end {
        let (zh, en) = (format!("域名无法解析：{host}（{why}）"), format!("the name cannot be resolved: {host} ({why})"));
        let remedy = "检查网线和 DNS：resolvectl status，或在 /etc/hosts 中写入中心地址";
        return broken(
            Code::OfficeNoName,
            zh,
            en,
            remedy,
            "check the network and its DNS: resolvectl status, or name the office in /etc/hosts",
        );
    }
    if let End::NoRoute(why) = &trial.end {
        let (zh, en) = (format!("没有到 {host} 的网络（{why}）"), format!("no way to {host} ({why})"));
        let remedy = "检查网线、Wi-Fi 和网关：ip addr，ip route";
        return broken(Code::OfficeNoRoute, zh, en, remedy, "check cable, Wi-Fi and gateway: ip addr, ip route");
    }
    if trial.end == End::Refused {
        let zh = format!("{host} 拒绝连接：中心程序未运行，或端口不对");
        let en = format!("{host} refuses the connection: punch-office does not run there, or the port is wrong");
        let remedy = "在中心机器上：sudo systemctl start punch-office；打卡照常保存";
        return broken(Code::OfficeRefused, zh, en, remedy, "at the office: sudo systemctl start punch-office; punches are kept meanwhile");
    }
    if trial.end == End::NoConnection {
        let (zh, en) = (format!("{host} 在 {limit} 秒内没有接受连接"), format!("{host} takes no connection within {limit} s"));
        let remedy = "中心机器是否开机？防火墙是否放行该端口？打卡照常保存";
        let remedy_en = "is the office's machine on, and does the firewall let the port through? punches are kept meanwhile";
        return broken(Code::OfficeNoConnection, zh, en, remedy, remedy_en);
    }
    if trial.end == End::NotTls {
        let zh = format!("{host} 应答的不是 HTTPS：可能是上网认证页面");
        let en = format!("what answers at {host} is no HTTPS: a login page of the network?");
        let remedy = "在本机浏览器完成上网认证，或请网络管理员放行本机";
        return broken(Code::OfficeNotTls, zh, en, remedy, "log in to the network with a browser here, or have this machine let through");
    }
    let zh = format!("{host} 接受连接，但 {limit} 秒内没有应答");
    let en = format!("{host} takes the connection and says nothing within {limit} s");
    let remedy = "在中心机器上：sudo systemctl restart punch-office；或中间的防火墙在拦截";
    broken(Code::OfficeSilent, zh, en, remedy, "at the office: sudo systemctl restart punch-office; or a firewall between swallows it")
}

/// Something answered, and not as an office does that knows this terminal.
fn answered_otherwise(trial: &Trial) -> Finding {
    let host = &trial.host;
    if let End::Refuses(why) = &trial.end {
        let (zh, en) = (format!("中心拒绝本机（{why}）"), format!("the office refuses this terminal ({why})"));
        let remedy = "在中心查看 punch-office terminal show；若已停用，重新配对";
        return broken(Code::OfficeRefuses, zh, en, remedy, "see punch-office terminal show at the office; if it was revoked, pair again");
    }
    if let End::Stranger(what) = &trial.end {
        let (zh, en) = (format!("{host} 应答的不是中心程序（{what}）"), format!("what answers at {host} is not the office ({what})"));
        let remedy = "检查地址、代理和上网认证页面；若中心重装过，重新配对：punchctl pair 地址 配对码";
        let remedy_en =
            "check the address, and a proxy or a login page between; if the office was set up anew, pair again: punchctl pair URL CODE";
        return broken(Code::OfficeStranger, zh, en, remedy, remedy_en);
    }
    let why = if let End::Failed(why) = &trial.end { why.as_str() } else { "" };
    let (zh, en) = (format!("中心应答异常（{why}）"), format!("the office fails to answer ({why})"));
    let remedy = "查看中心日志：journalctl -u punch-office；打卡照常保存";
    broken(Code::OfficeFails, zh, en, remedy, "see the office's log: journalctl -u punch-office; punches are kept meanwhile")
}

/// The certificate does not pass: in words, and whose fault that is.
fn certificate(trial: &Trial) -> Finding {
    let host = &trial.host;
    if let End::NotYet(from) = &trial.end {
        let (zh, en) = (format!("中心证书 {from} 才生效"), format!("the office's certificate is not valid before {from}"));
        let remedy = "核对本机和中心的时钟：timedatectl；中心改正时钟后重启 punch-office";
        let remedy_en = "compare the clocks here and at the office: timedatectl; mend the office's, then restart punch-office";
        return broken(Code::CertificateNotYet, zh, en, remedy, remedy_en);
    }
    if let End::OtherName(names) = &trial.end {
        let names = names.join(", ");
        let (zh, en) = (format!("证书不是签给 {host} 的（是 {names}）"), format!("the certificate is not for {host} (but {names})"));
        let remedy = "在中心 office.toml 的 public-url 写入该地址并重启；或用证书中的名称重新配对";
        let remedy_en =
            "write that address as public-url in the office's office.toml and restart it, or pair again under a name in the certificate";
        return broken(Code::CertificateName, zh, en, remedy, remedy_en);
    }
    if trial.end == End::OtherAuthority {
        let zh = format!("{host} 的证书不是本中心签发的：网络被劫持，或中心重装过");
        let en = format!("another authority vouches for {host}: someone else answers, or the office was set up anew");
        let remedy = "换网络再试；若中心重装过，重新配对：punchctl pair 地址 配对码";
        let remedy_en = "try another network; if the office was set up anew, pair again: punchctl pair URL CODE";
        return broken(Code::CertificateAuthority, zh, en, remedy, remedy_en);
    }
    let renew = "在中心机器上：sudo systemctl restart punch-office 会签发新证书；自备证书请更新 tls-cert";
    let renew_en = "at the office: sudo systemctl restart punch-office makes a new one; renew a tls-cert of your own";
    if let End::Expired(at) = &trial.end {
        let (zh, en) = (format!("中心证书已于 {at} 过期"), format!("the office's certificate expired at {at}"));
        return broken(Code::CertificateExpired, zh, en, renew, renew_en);
    }
    let why = if let End::BadCertificate(why) = &trial.end { why.as_str() } else { "" };
    let (zh, en) = (format!("中心证书不可用（{why}）"), format!("the office's certificate does not pass ({why})"));
    broken(Code::CertificateBad, zh, en, renew, renew_en)
}

fn answered(trial: &Trial) -> Finding {
    let (host, ms) = (&trial.host, trial.answer_ms);
    let days = trial.certificate_left_ms.map(|left| left.div_euclid(DAY_MS));
    let holds = days.map(|days| Text::new(format!("证书还有 {days} 天"), format!("certificate holds {days} days")));
    let found = Text::new(
        format!("{host} 应答 {ms} 毫秒（连接 {}，TLS {}）", trial.connect_ms, trial.tls_ms),
        format!("{host} answers in {ms} ms (connection {}, TLS {})", trial.connect_ms, trial.tls_ms),
    );
    let found = found.and(holds);
    let clock = trial.clock_offset_ms.filter(|by| trial.clock_trusted && by.unsigned_abs() > CLOCK_DIFFERS_MS);
    if let Some(by) = clock {
        let by = offset(by);
        let found = found.and(Some(Text::new(format!("本机时钟与中心差 {by}"), format!("our clock is {by} to the office's"))));
        let remedy = Text::new("其中一个不准：两边运行 timedatectl 核对", "one of the two is wrong: compare timedatectl here and there");
        return Finding::new(CHECK, Code::OfficeClockDiffers, found).remedy(remedy);
    }
    if days.is_some_and(|days| days < CERTIFICATE_DAYS) && trial.clock_trusted {
        let remedy = Text::new(
            "在中心续签证书（tls-cert），或 sudo systemctl restart punch-office",
            "renew it at the office (tls-cert), or sudo systemctl restart punch-office there",
        );
        return Finding::new(CHECK, Code::CertificateEnds, found).remedy(remedy);
    }
    Finding::new(CHECK, Code::OfficeAnswers, found)
}

fn unpaired_finding() -> Finding {
    Finding::new(CHECK, Code::NotAsked, Text::new("未检查：没有可用的配对", "not checked: there is no pairing to go by"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    pub(in super::super) fn rows() -> Vec<Row> {
        let tried = |end, change: fn(&mut Trial), code, zh, en| {
            let mut trial = Trial { host: "office:8443".to_owned(), end, answer_ms: 23, clock_trusted: true, ..Trial::default() };
            change(&mut trial);
            row("office", running(|facts, _| facts.told.office = Some(trial)), code, zh, en)
        };
        let of = |end, code, zh, en| tried(end, |_| {}, code, zh, en);
        let why = || "it said so".to_owned();
        let at = || "2026-01-01T08:00:00+08:00".to_owned();
        let ends = |trial: &mut Trial| trial.certificate_left_ms = Some(3 * DAY_MS);
        let holds = |trial: &mut Trial| (trial.certificate_left_ms, trial.clock_offset_ms) = (Some(88 * DAY_MS), Some(900));
        let apart = |trial: &mut Trial| trial.clock_offset_ms = Some(-90_000);
        let doubted = |trial: &mut Trial| (trial.clock_offset_ms, trial.clock_trusted) = (Some(-90_000), false);
        vec![
            of(End::Unpaired, Code::NotAsked, "没有可用的配对", "no pairing"),
            tried(End::Answered, holds, Code::OfficeAnswers, "应答 23 毫秒|证书还有 88 天", "answers in 23 ms|holds 88 days"),
            tried(End::Answered, doubted, Code::OfficeAnswers, "应答", "answers"),
            tried(End::Answered, ends, Code::CertificateEnds, "还有 3 天|续签", "3 days|renew"),
            tried(End::Answered, apart, Code::OfficeClockDiffers, "差 -90.0 s|timedatectl", "-90.0 s|timedatectl"),
            of(End::NoName(why()), Code::OfficeNoName, "无法解析：office:8443（it said so）|DNS", "resolved: office:8443|DNS"),
            of(End::NoRoute(why()), Code::OfficeNoRoute, "没有到|网线", "no way|cable"),
            of(End::Refused, Code::OfficeRefused, "拒绝连接|start punch-office", "refuses the connection|start punch-office"),
            of(End::NoConnection, Code::OfficeNoConnection, "5 秒内没有接受|防火墙", "within 5 s|firewall"),
            of(End::Silent, Code::OfficeSilent, "没有应答|restart punch-office", "says nothing within 5 s|restart punch-office"),
            of(End::NotTls, Code::OfficeNotTls, "上网认证|浏览器", "login page|browser"),
            of(End::NotYet(at()), Code::CertificateNotYet, "2026-01-01T08:00:00+08:00 才生效|时钟", "not valid before 2026-01-01|clocks"),
            of(End::Expired(at()), Code::CertificateExpired, "已于 2026-01-01T08:00:00+08:00 过期|新证书", "expired at 2026-01-01|new one"),
            of(
                End::OtherName(vec!["localhost".to_owned()]),
                Code::CertificateName,
                "不是签给 office:8443 的（是 localhost）|public-url",
                "not for office:8443 (but localhost)|public-url",
            ),
            of(End::OtherAuthority, Code::CertificateAuthority, "劫持|重新配对", "another authority|pair again"),
            of(End::BadCertificate(why()), Code::CertificateBad, "it said so|证书", "it said so|new one"),
            of(End::Refuses(why()), Code::OfficeRefuses, "it said so|terminal show", "it said so|terminal show"),
            of(End::Stranger("text/html".to_owned()), Code::OfficeStranger, "text/html|上网认证", "text/html|login page"),
            of(End::Failed(why()), Code::OfficeFails, "it said so|journalctl -u punch-office", "it said so|journalctl -u punch-office"),
        ]
    }
}
