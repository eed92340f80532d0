//! Rows that contradict one another although every page is a good page: what stands in the wrong column, row or place.

use rusqlite::Connection;

use super::case;
use super::files::{self, Files, named};
use super::original::Original;
use super::sampled::seed;
use super::wound::below;

/// How many pairs of rows are tried with each exchange.
const PAIRS: usize = 8;
/// What is exchanged between the rows `A` and `B`, beyond the file's own guards.
const EXCHANGES: [&str; 6] = [
    "UPDATE entry SET text = (SELECT text FROM entry WHERE sequence = A) WHERE sequence = B",
    "UPDATE entry SET hash = (SELECT hash FROM entry WHERE sequence = A) WHERE sequence = B",
    "UPDATE entry SET (text, hash) = (SELECT text, hash FROM entry WHERE sequence = A) WHERE sequence = B",
    "UPDATE entry SET sequence = -1 WHERE sequence = A; UPDATE entry SET sequence = A WHERE sequence = B; UPDATE entry SET sequence = B WHERE sequence = -1",
    "UPDATE entry SET trusted_ms = 0 WHERE sequence = B",
    "DELETE FROM entry WHERE sequence = B",
];
/// What a journal says of itself.
const SELF: [&str; 4] = [
    "UPDATE meta SET pruned_to = 7",
    "UPDATE meta SET text = replace(text, '\"ordinal\":1', '\"ordinal\":9')",
    "UPDATE meta SET hash = zeroblob(32)",
    "DELETE FROM meta",
];

#[test]
fn rows_that_contradict_one_another_are_damage_and_all_that_still_stands_in_the_file_is_sent() {
    let original = Original::stopped(60);
    let mut random = seed();
    let mut changes: Vec<String> = SELF.map(str::to_owned).into();
    for exchange in EXCHANGES {
        for _ in 0..PAIRS {
            let (one, other) = (1 + below(&mut random, 60), 1 + below(&mut random, 60));
            let other = if one == other { 61 } else { other };
            changes.push(exchange.replace("= A", &format!("= {one}")).replace("= B", &format!("= {other}")));
        }
    }
    let mut wrong = Vec::new();
    for change in &changes {
        match case::judge(&original, &changed(&original, change)) {
            Ok(verdict) if verdict.set_aside => {}
            other => wrong.push(format!("{change}: {other:?}")),
        }
    }
    println!("rows: {} exchanges, {} against the law", changes.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files after a change by somebody who takes the guards down and puts them up again.
fn changed(original: &Original, change: &str) -> Files {
    let folder = files::folder();
    files::write(folder.path(), &original.files);
    let connection = Connection::open(folder.path().join(named(&original.files, ".db"))).unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let triggers: Vec<(String, String)> = {
        let mut select = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        select.query_map([], read).unwrap().map(Result::unwrap).collect()
    };
    let down: Vec<String> = triggers.iter().map(|(name, _)| format!("DROP TRIGGER {name}")).collect();
    let up: Vec<String> = triggers.into_iter().map(|(_, sql)| sql).collect();
    let (down, up) = (down.join(";"), up.join(";"));
    connection.execute_batch(&format!("PRAGMA secure_delete = on; {down}; {change}; {up}")).unwrap();
    drop(connection);
    files::read(folder.path())
}
