//! The README is held to what the programs can do: every command it names exists with the options it gives, every file it names is there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Programs and where their binaries are.
const PROGRAMS: [(&str, &str); 4] = [
    ("punchd", env!("CARGO_BIN_EXE_punchd")),
    ("punchctl", env!("CARGO_BIN_EXE_punchctl")),
    ("punch-office", env!("CARGO_BIN_EXE_punch-office")),
    ("punch-sim", env!("CARGO_BIN_EXE_punch-sim")),
];

/// Words that look like verbs and are names of readers.
const NAMES: [&str; 2] = ["finger", "badge"];

/// A command as the README writes it: its program, its verbs, its long options.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    program: String,
    verbs: Vec<String>,
    options: Vec<String>,
}

#[test]
fn every_command_in_the_readme_exists_with_its_options() {
    let written = commands(&readme());
    assert!(written.len() >= 15, "only {} commands were found", written.len());
    for command in written {
        let (_, binary) = PROGRAMS.iter().find(|(name, _)| *name == command.program).unwrap();
        let shown = Command::new(binary).args(&command.verbs).arg("--help").output().unwrap();
        assert!(shown.status.success(), "{command:?}: {}", String::from_utf8_lossy(&shown.stderr));
        let help = String::from_utf8_lossy(&shown.stdout);
        for option in &command.options {
            assert!(help.contains(option.as_str()), "{command:?} has no {option} in\n{help}");
        }
    }
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let readme = readme();
    let named: BTreeSet<&str> = readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| ["src/", "tests/", "config/", "systemd/", ".ci/"].iter().any(|folder| code.starts_with(folder)))
        .collect();
    assert!(named.len() >= 6, "only {named:?}");
    for file in named {
        assert!(Path::new(file).exists(), "{file} is not there");
    }
}

#[test]
fn the_roster_header_is_the_one_that_is_imported() {
    let header = "工号,姓名,姓名拼音,派驻部门,窗口号,岗位类别,窗口负责人,身份类别,卡号,进驻日期,上岗日期,退出日期,部门序,人员序,备注";
    assert!(readme().contains(header));
    let file = punchd::office::roster_file::read(format!("{header}\n").as_bytes());
    assert_eq!(file.problems, []);
}

fn readme() -> String {
    std::fs::read_to_string("README.md").unwrap()
}

fn commands(text: &str) -> BTreeSet<Written> {
    let lines = text.lines().filter(|line| PROGRAMS.iter().any(|(name, _)| line.starts_with(&format!("{name} "))));
    let inline = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    lines.chain(inline).filter_map(command).collect()
}

fn command(text: &str) -> Option<Written> {
    let mut words = text.split_whitespace();
    let program = words.next().filter(|word| PROGRAMS.iter().any(|(name, _)| name == word))?.to_owned();
    let (mut verbs, mut options, mut naming) = (Vec::new(), Vec::new(), true);
    while let Some(word) = words.next() {
        if word == "--config" {
            words.next();
        } else if word.starts_with("--") {
            options.push(word.to_owned());
            naming = false;
        } else {
            naming &= word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !NAMES.contains(&word);
            if naming {
                verbs.push(word.to_owned());
            }
        }
    }
    Some(Written { program, verbs, options })
}
