//! Is the configuration there and right? It passes through the same checks as `punchd check`.

use super::codes::Code;
use super::text::{Text, counted};
use super::{Facts, Finding};

const CHECK: super::Check = ("configuration", "配置", "configuration");

/// What became of reading the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Found {
    /// There is none in the usual places.
    #[default]
    Nowhere,
    /// It is right.
    Right {
        /// The file.
        file: String,
        /// Readers in it.
        readers: usize,
        /// Whether the running daemon has other settings in force.
        changed: bool,
    },
    /// Something in it is wrong.
    Wrong {
        /// The file.
        file: String,
        /// How many things.
        problems: usize,
        /// The first of them, with its place.
        first: String,
    },
    /// It cannot be judged by this user: a secret that it names may not be read.
    Hidden {
        /// The file.
        file: String,
    },
    /// It cannot be read.
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
        /// Whether that is a matter of permission.
        denied: bool,
    },
}

pub(super) fn judge(facts: &Facts) -> Finding {
    match &facts.configuration {
        Found::Nowhere => {
            let found = Text::new(
                "没有找到 ./config/terminal.toml 或 /etc/punchd/terminal.toml",
                "neither ./config/terminal.toml nor /etc/punchd/terminal.toml is there",
            );
            let remedy = "sudo install -d /etc/punchd && punchd default-config | sudo tee /etc/punchd/terminal.toml";
            Finding::new(CHECK, Code::ConfigurationMissing, found).remedy(Text::same(remedy))
        }
        Found::Right { file, changed: true, .. } => {
            let found =
                Text::new(format!("{file} 已修改，punchd 仍按旧配置运行"), format!("{file} was changed; punchd still runs by the old one"));
            Finding::new(CHECK, Code::ConfigurationChanged, found).remedy(Text::same("sudo systemctl restart punchd"))
        }
        Found::Right { file, readers, changed: false } => {
            let found = Text::new(format!("{file}，{readers} 个读卡器"), format!("{file}, {}", counted(readers, "reader")));
            Finding::new(CHECK, Code::ConfigurationRight, found)
        }
        Found::Wrong { file, problems, first } => {
            let found =
                Text::new(format!("{file} 有 {problems} 处错误：{first}"), format!("{file} has {}: {first}", counted(problems, "problem")));
            let remedy = Text::new(
                format!("运行 punchd check {file} 查看全部错误并改正"),
                format!("run punchd check {file}, it shows them all; correct them"),
            );
            Finding::new(CHECK, Code::ConfigurationWrong, found).remedy(remedy)
        }
        Found::Hidden { file } => {
            let found = Text::new(
                format!("{file}：其中的 password-file 本用户无权读取，未全部检查"),
                format!("{file}: you may not read the password-file that it names, so not all was checked"),
            );
            Finding::new(CHECK, Code::ConfigurationHidden, found).remedy(Text::same("sudo punchctl doctor"))
        }
        Found::Unreadable { file, denied: true, .. } => {
            let found = Text::new(format!("无权读取 {file}"), format!("no permission to read {file}"));
            Finding::new(CHECK, Code::ConfigurationDenied, found).remedy(Text::same(format!("sudo chmod 644 {file}")))
        }
        Found::Unreadable { file, why, denied: false } => {
            let found = Text::new(format!("无法读取 {file}（{why}）"), format!("cannot read {file} ({why})"));
            let remedy = Text::new("用 --config 指定正确的文件", "name the right file with --config");
            Finding::new(CHECK, Code::ConfigurationMissing, found).remedy(remedy)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Row, row};
    use super::*;

    pub(in super::super) fn rows() -> Vec<Row> {
        let of = |configuration: Found, code, zh, en| row("configuration", Facts { configuration, ..Facts::default() }, code, zh, en);
        let file = || "/etc/punchd/terminal.toml".to_owned();
        let unreadable = |denied| Found::Unreadable { file: file(), why: "is a directory".to_owned(), denied };
        let right = |changed| Found::Right { file: file(), readers: 1, changed };
        let wrong = Found::Wrong { file: file(), problems: 3, first: "terminal.toml:2:6: no such key".to_owned() };
        vec![
            of(Found::Nowhere, Code::ConfigurationMissing, "没有找到|default-config", "neither|default-config"),
            of(right(false), Code::ConfigurationRight, "terminal.toml，1 个读卡器", "terminal.toml, 1 reader"),
            of(right(true), Code::ConfigurationChanged, "仍按旧配置|systemctl restart punchd", "by the old one|restart punchd"),
            of(
                wrong,
                Code::ConfigurationWrong,
                "有 3 处错误：terminal.toml:2:6|punchd check",
                "has 3 problems: terminal.toml:2:6|punchd check",
            ),
            of(
                Found::Hidden { file: file() },
                Code::ConfigurationHidden,
                "无权读取|sudo punchctl doctor",
                "may not read|sudo punchctl doctor",
            ),
            of(unreadable(true), Code::ConfigurationDenied, "无权读取|chmod 644", "no permission|chmod 644"),
            of(unreadable(false), Code::ConfigurationMissing, "无法读取|--config", "cannot read|--config"),
        ]
    }
}
