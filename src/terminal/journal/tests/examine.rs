//! The whole chain on demand: what is right is counted, what is not is named by its sequence, and punches go on meanwhile.

use super::*;
use crate::health::doctor::journal::Chain;
use crate::terminal::journal::examine_at_rest;

/// Enough that the first entries are not in the page cache any more: 2,000 times some 500 bytes.
const MANY: u64 = 2_000;

fn examine(rig: &mut Rig) -> Chain {
    let (answer, told) = oneshot::channel();
    rig.ask(Command::Examine { answer });
    rig.runtime.block_on(async { tokio::time::timeout(LIMIT, told).await }).unwrap().unwrap()
}

/// Turns a byte in every copy of an entry: pages keep old ones of what once stood in them.
fn turn(path: &Path, stored: &Stored) {
    let mut bytes = std::fs::read(path).unwrap();
    let text = stored.text.as_bytes();
    let copies: Vec<usize> = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text).map(|(at, _)| at).collect();
    assert!(!copies.is_empty());
    for at in copies {
        bytes[at + text.len() - 20] ^= 0x04;
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_chain_that_is_right_is_walked_whole_while_punches_go_on() {
    let home = folder();
    let mut rig = Rig::start_carelessly(home.path());
    rig.available();
    rig.store_many(MANY);
    let (answer, told) = oneshot::channel();
    rig.ask(Command::Examine { answer });
    assert_eq!(rig.store(punch(0)).sequence, Sequence(MANY + 2), "a tap does not wait for the walk");
    let chain = rig.runtime.block_on(async { tokio::time::timeout(LIMIT, told).await }).unwrap().unwrap();
    let [journal] = chain.journals.as_slice() else { panic!("{chain:?}") };
    assert!(chain.finished && chain.obstacle.is_none() && journal.fault.is_none() && journal.bytes > 0, "{chain:?}");
    assert!(journal.walked > MANY && journal.first == Sequence(1) && journal.last.0 > MANY, "{chain:?}");
    rig.stop();
    let clock = Clock::system();
    let begun = clock.mono();
    let at_rest = examine_at_rest(home.path(), &clock);
    println!("{} entries walked in {} ms", at_rest.journals[0].walked, clock.mono().millis_since(begun));
    assert_eq!((at_rest.journals[0].walked, at_rest.journals[0].fault.is_none(), at_rest.finished), (MANY + 2, true, true));
}

#[test]
fn a_byte_that_turns_under_a_running_journal_is_named_and_the_next_punch_is_stored() {
    let home = folder();
    let mut rig = Rig::start_carelessly(home.path());
    rig.available();
    let all = rig.store_many(MANY);
    rig.stop();
    let mut rig = Rig::start_carelessly(home.path());
    rig.available();
    turn(&only_journal(home.path()), &all[3]);
    let chain = examine(&mut rig);
    let broken = chain.journals.iter().find(|journal| journal.fault.is_some()).unwrap_or_else(|| panic!("{chain:?}"));
    let fault = broken.fault.as_ref().unwrap();
    assert_eq!((broken.journal, fault.sequence, fault.lost), (all[3].journal, Some(all[3].sequence), 1), "{chain:?}");
    assert_eq!(broken.walked, MANY, "every other entry is found: {chain:?}");
    assert_ne!(rig.store(punch(0)).journal, all[3].journal, "it was set aside");
    let again = examine(&mut rig);
    let fault = again.journals.iter().find_map(|journal| journal.fault.clone()).unwrap();
    assert_eq!((fault.sequence, fault.lost, again.journals.len()), (Some(all[3].sequence), 1, 2), "{again:?}");
    rig.stop();
    let at_rest = examine_at_rest(home.path(), &Clock::system());
    assert_eq!(at_rest.journals.iter().filter_map(|journal| journal.fault.as_ref()?.sequence).collect::<Vec<_>>(), [all[3].sequence]);
}

#[test]
fn at_rest_a_turned_byte_and_a_lost_end_are_told_and_nothing_is_changed() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    let all = rig.store_many(100);
    rig.stop();
    let path = only_journal(home.path());
    let good = std::fs::read(&path).unwrap();
    let look = || {
        let before: Vec<_> = names_and_bytes(home.path());
        let chain = examine_at_rest(home.path(), &Clock::system());
        assert_eq!(names_and_bytes(home.path()), before);
        chain
    };
    turn(&path, &all[50]);
    let fault = look().journals[0].fault.clone().unwrap();
    assert_eq!(fault.sequence, Some(all[50].sequence));
    assert!(fault.what.contains("does not match its hash"), "{fault:?}");
    std::fs::write(&path, &good[..8_192]).unwrap();
    assert!(look().journals[0].fault.is_some(), "half of it is gone");
    std::fs::write(&path, "no database").unwrap();
    assert!(look().journals[0].fault.as_ref().is_some_and(|fault| fault.sequence.is_none()));
    std::fs::write(&path, &good).unwrap();
    assert_eq!((look().journals[0].walked, look().obstacle), (101, None));
    let absent = examine_at_rest(&home.path().join("absent"), &Clock::system());
    assert!(absent.obstacle.is_some() && absent.journals.is_empty());
}

fn names_and_bytes(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}
