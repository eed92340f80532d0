//! The repository holds itself to its own rules: who may name whom, how long a file may be, what must stand where.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest file, in lines, its tests included.
const LINES_MAX: usize = 600;

/// Room → rooms of the crate that it may name. The pure part first.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("reader", &["reader", "domain"]),
    ("health", &["health", "domain"]),
    ("wire", &["wire", "domain", "health"]),
    ("control", &["control", "domain", "health", "reader", "wire"]),
    ("machine", &["machine", "domain", "wire", "reader", "health"]),
    ("clock", &["clock", "domain"]),
    ("sys", &["sys"]),
    ("log", &["log"]),
    ("supervise", &["supervise"]),
    ("config", &["config", "domain", "reader", "wire", "sys"]),
    ("terminal", &["terminal", "domain", "wire", "reader", "health", "control", "machine", "clock", "config", "sys", "supervise", "log"]),
    ("ctl", &["ctl", "control", "health", "config", "domain", "machine::feedback", "reader", "wire", "sys"]),
    ("office", &["office", "domain", "wire", "health", "machine", "clock", "config", "sys", "supervise", "log"]),
    (
        "sim",
        &[
            "sim",
            "terminal",
            "office",
            "domain",
            "wire",
            "health",
            "control",
            "machine::feedback",
            "clock",
            "config",
            "sys",
            "supervise",
            "log",
        ],
    ),
];

/// Rooms that must build without features: nothing of the operating system, no time of their own, no chance, no unordered maps.
const PURE: &[&str] = &["domain", "reader", "health", "wire", "control", "machine"];
const IMPURE_WORDS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::io",
    "std::thread",
    "std::process",
    "std::env",
    "HashMap",
    "HashSet",
    "tokio",
    "async fn",
    "rusqlite",
    "getrandom",
    "Instant",
    "SystemTime",
    "Utc::now",
    "Local::now",
];

#[test]
fn every_room_names_only_the_rooms_it_may() {
    let mut wrong = Vec::new();
    for file in sources("src") {
        let room = room_of(&file);
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| *name == room) else { continue };
        for (number, named) in names_of_the_crate(&read(&file)) {
            let fits = |room: &&str| named == *room || named.starts_with(&format!("{room}::"));
            if !allowed.iter().any(fits) {
                wrong.push(format!("{}:{number} names crate::{named}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_rooms_are_pure() {
    let mut wrong = Vec::new();
    for file in sources("src").into_iter().filter(|file| PURE.contains(&room_of(file).as_str())) {
        let text = read(&file);
        let product = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        for (number, line) in product.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in IMPURE_WORDS.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}:{} has {word}", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long_and_each_says_what_it_is() {
    let mut wrong = Vec::new();
    let mut lengths = Vec::new();
    for file in sources("src").into_iter().chain(sources("tests")) {
        let text = read(&file);
        let lines = text.lines().count();
        lengths.push(lines);
        if lines > LINES_MAX {
            wrong.push(format!("{} has {lines} lines", file.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not open with //!", file.display()));
        }
    }
    lengths.sort_unstable();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lengths[lengths.len() / 2] <= 250, "the median file has {} lines", lengths[lengths.len() / 2]);
}

#[test]
fn nothing_unfinished_and_nothing_sleeping_is_left() {
    let banned = ["todo!", "unimplemented!", "dbg!(", "FIXME", "XXX", "#[ignore"].map(ToOwned::to_owned);
    let mut wrong = Vec::new();
    for file in sources("src").into_iter().chain(sources("tests")).filter(|file| !file.ends_with("tidy.rs")) {
        let text = read(&file);
        let in_tests = file.starts_with("tests");
        for (number, line) in text.lines().enumerate() {
            let sleeping = in_tests && line.contains("::sleep(");
            if sleeping || banned.iter().any(|word| line.contains(word.as_str())) {
                wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_stands_only_in_the_journal_and_the_store() {
    let homes = ["src/terminal/journal", "src/office/store", "src/office/backup"];
    let named: Vec<String> = sources("src")
        .into_iter()
        .filter(|file| !homes.iter().any(|home| file.to_string_lossy().starts_with(home)))
        .filter(|file| read(file).contains("rusqlite"))
        .map(|file| file.display().to_string())
        .collect();
    assert!(named.is_empty(), "rusqlite is named in {}", named.join(", "));
}

#[test]
fn only_the_supervisor_spawns_and_only_the_clock_asks_the_time() {
    let mut wrong = Vec::new();
    for file in sources("src") {
        let text = read(&file);
        let home = file.display().to_string();
        let spawns = ["tokio::spawn(", "task::spawn("].iter().any(|word| text.contains(word));
        if spawns && home != "src/supervise.rs" {
            wrong.push(format!("{home} spawns"));
        }
        let asks = ["SystemTime::now", "Instant::now", "clock_gettime("].iter().any(|word| text.contains(word));
        if asks && !home.starts_with("src/clock") {
            wrong.push(format!("{home} asks the time"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_simulator_shares_nothing_with_the_drivers() {
    for file in sources("src/sim") {
        assert!(!read(&file).contains("crate::reader"), "{} names the drivers", file.display());
    }
}

#[test]
fn every_condition_has_its_line_in_the_readme() {
    let readme = read(Path::new("README.md"));
    for code in punchd::health::Code::ALL {
        assert!(readme.contains(&format!("`{}`", code.code())), "README.md has no line for {}", code.code());
    }
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").unwrap_or(file);
    let first = inside.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    first.trim_end_matches(".rs").to_owned()
}

/// What follows `crate::` on a line, one path for each name of a braced list.
fn names_of_the_crate(text: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = line.split_at(at + "crate::".len()).1;
            if let Some(list) = rest.strip_prefix('{') {
                names.extend(list.split(',').map(|name| (number + 1, name.trim().trim_end_matches(['}', ';']).to_owned())));
            } else {
                let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
                names.push((number + 1, path.trim_end_matches(':').to_owned()));
            }
        }
    }
    names.retain(|(_, name)| !name.is_empty());
    names
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(next) = folders.pop() {
        let Ok(items) = fs::read_dir(&next) else { continue };
        for item in items.flatten() {
            let path = item.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
