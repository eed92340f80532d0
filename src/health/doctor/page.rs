//! What staff see and hear: the tone, the kiosk's page, and a browser that shows it.

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::text::Text;
use super::{CHECK_LIMIT_MS, Facts, Finding, daemon};

const SOUND: super::Check = ("sound", "声音", "sound");
const PAGE: super::Check = ("page", "页面", "page");
const BROWSER: super::Check = ("browser", "浏览器", "browser");

/// What became of asking for the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Found {
    /// Nobody knows where it is.
    #[default]
    Unasked,
    /// It was served.
    Served {
        /// Its address.
        url: String,
    },
    /// Nobody listens there.
    Refused {
        /// Its address.
        url: String,
    },
    /// It takes the connection and says nothing.
    Silent {
        /// Its address.
        url: String,
    },
    /// Something else was served.
    Wrong {
        /// Its address.
        url: String,
        /// What.
        what: String,
    },
}

/// Whether sound works.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sound {
    /// It is turned off.
    #[default]
    Off,
    /// It works.
    Works,
    /// The last tone was not played: why.
    Fails(String),
}

pub(super) fn sound(facts: &Facts) -> Finding {
    let Some(standing) = &facts.told.standing else { return super::of_the_running(SOUND, facts) };
    match &standing.sound {
        Sound::Off => Finding::new(SOUND, Code::SoundOff, Text::new("配置中已关闭（sound = false）", "turned off (sound = false)")),
        Sound::Works => Finding::new(SOUND, Code::SoundWorks, Text::new("可以播放", "can be played")),
        Sound::Fails(why) => {
            let found = Text::new(format!("无法播放（{why}）"), format!("cannot be played ({why})"));
            let remedy = Text::new(
                "aplay -l 应列出声卡；没有 aplay：sudo apt-get install alsa-utils；静音：alsamixer",
                "aplay -l must list a device; no aplay: sudo apt-get install alsa-utils; muted: alsamixer",
            );
            Finding::new(SOUND, Code::SoundFails, found).remedy(remedy)
        }
    }
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let runs = matches!(facts.daemon, daemon::Found::Answers { .. });
    let restart = Text::same("sudo systemctl restart punchd");
    match &facts.page {
        Found::Unasked => super::of_the_running(PAGE, facts),
        Found::Served { url } | Found::Wrong { url, .. } | Found::Silent { url } if matches!(facts.daemon, daemon::Found::Down { .. }) => {
            let found = Text::new(format!("{url} 被其他程序占用"), format!("another program has {url}"));
            let port = url.rsplit(':').next().unwrap_or_default().trim_end_matches('/');
            let remedy = Text::new(
                format!("sudo ss -ltnp 'sport = :{port}' 找出它并停用，或改 [kiosk] listen"),
                format!("sudo ss -ltnp 'sport = :{port}' names it: stop it, or change [kiosk] listen"),
            );
            Finding::new(PAGE, Code::PageTaken, found).remedy(remedy)
        }
        Found::Refused { .. } if !runs => super::of_the_running(PAGE, facts),
        Found::Served { url } => Finding::new(PAGE, Code::PageServed, Text::same(url)),
        Found::Refused { url } => {
            let found = Text::new(format!("{url} 无法连接"), format!("{url} takes no connection"));
            Finding::new(PAGE, Code::PageRefused, found).remedy(restart)
        }
        Found::Silent { url } => {
            let limit = CHECK_LIMIT_MS / 1_000;
            let found = Text::new(format!("{url} 在 {limit} 秒内没有应答"), format!("{url} says nothing within {limit} s"));
            let remedy = Text::new(
                "关闭多余的浏览器窗口；仍不行：sudo systemctl restart punchd",
                "close surplus browser windows; if it stays: sudo systemctl restart punchd",
            );
            Finding::new(PAGE, Code::PageSilent, found).remedy(remedy)
        }
        Found::Wrong { url, what } => {
            let found = Text::new(format!("{url} 应答异常（{what}）"), format!("{url} serves something else ({what})"));
            Finding::new(PAGE, Code::PageWrong, found).remedy(restart)
        }
    }
}

pub(super) fn browser(facts: &Facts) -> Finding {
    let Some(standing) = &facts.told.standing else { return super::of_the_running(BROWSER, facts) };
    let (count, page) = (standing.streams, &standing.page);
    if count == 0 {
        let found = Text::new("没有浏览器打开页面，员工看不到结果", "no browser shows the page: staff see no result");
        let remedy = Text::same(format!("chromium --kiosk http://{page}/"));
        return Finding::new(BROWSER, Code::BrowserNone, found).remedy(remedy);
    }
    let word = if count == 1 { "browser shows" } else { "browsers show" };
    Finding::new(BROWSER, Code::BrowserThere, Text::new(format!("{count} 个已连接"), format!("{count} {word} the page")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row, running};
    use super::*;

    pub(in super::super) fn rows() -> Vec<Row> {
        let url = || "http://127.0.0.1:8025/".to_owned();
        let page = |page, code, zh, en| row("page", running(|facts, _| facts.page = page), code, zh, en);
        let down = |page| Facts { daemon: daemon::Found::Down { socket: String::new(), process: None }, page, ..Facts::default() };
        let sound = |sound, code, zh, en| row("sound", running(|_, standing| standing.sound = sound), code, zh, en);
        let browser = |streams, code, zh, en| {
            let facts = running(|_, standing| (standing.streams, standing.page) = (streams, "127.0.0.1:8025".to_owned()));
            row("browser", facts, code, zh, en)
        };
        let wrong = || Found::Wrong { url: url(), what: "404".to_owned() };
        vec![
            page(Found::Served { url: url() }, Code::PageServed, "http://127.0.0.1:8025/", "http://127.0.0.1:8025/"),
            page(Found::Refused { url: url() }, Code::PageRefused, "无法连接|restart", "no connection|restart"),
            page(Found::Silent { url: url() }, Code::PageSilent, "5 秒内没有应答|关闭", "within 5 s|close"),
            page(wrong(), Code::PageWrong, "404|restart", "404|restart"),
            row("page", down(Found::Refused { url: url() }), Code::NotAsked, "未运行", "does not run"),
            row("page", down(Found::Unasked), Code::NotAsked, "未运行", "does not run"),
            row("page", down(wrong()), Code::PageTaken, "被其他程序占用|sport = :8025", "another program has|sport = :8025"),
            sound(Sound::Off, Code::SoundOff, "已关闭", "turned off"),
            sound(Sound::Works, Code::SoundWorks, "可以播放", "can be played"),
            sound(Sound::Fails("no device".to_owned()), Code::SoundFails, "no device|aplay -l", "no device|aplay -l"),
            browser(1, Code::BrowserThere, "1 个已连接", "1 browser shows"),
            browser(0, Code::BrowserNone, "没有浏览器|chromium --kiosk http://127.0.0.1:8025/", "no browser|chromium --kiosk"),
        ]
    }
}
