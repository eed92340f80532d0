//! What the fuzzers have found worth keeping holds in every run: each corpus goes through the property of its target.

use std::collections::BTreeSet;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, clippy::cast_possible_truncation, reason = "a library of its own, for the fuzzers")]
mod properties;

const FUZZ: &str = "tests/fuzz";
/// Most inputs of a corpus, and the longest one, in bytes: they are replayed in every run.
const INPUTS_MAX: usize = 40;
const INPUT_BYTES_MAX: usize = 4_096;

#[test]
fn every_property_holds_for_its_corpus() {
    let mut broken = Vec::new();
    for (name, holds) in properties::TARGETS {
        let inputs = inputs(name);
        for (file, bytes) in &inputs {
            assert!(bytes.len() <= INPUT_BYTES_MAX, "{file} has {} bytes", bytes.len());
            if std::panic::catch_unwind(|| holds(bytes)).is_err() {
                broken.push(file.clone());
            }
        }
        println!("{name}: {} inputs replayed", inputs.len());
        assert!((1..=INPUTS_MAX).contains(&inputs.len()), "{name} has {} inputs", inputs.len());
    }
    assert!(broken.is_empty(), "what must hold does not hold for {broken:#?}");
}

#[test]
fn every_target_has_a_property_a_fuzzer_and_a_corpus_and_nothing_else_has() {
    let properties: BTreeSet<String> = properties::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets", ".rs"), properties);
    assert_eq!(names("corpus", ""), properties);
    let manifest: toml::Table = std::fs::read_to_string(Path::new(FUZZ).join("Cargo.toml")).unwrap().parse().unwrap();
    let built = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap().to_owned());
    assert_eq!(built.collect::<BTreeSet<_>>(), properties);
}

fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let items = std::fs::read_dir(Path::new(FUZZ).join(folder)).unwrap();
    items.map(|item| item.unwrap().file_name().to_str().unwrap().trim_end_matches(ending).to_owned()).collect()
}

fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(FUZZ).join("corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> =
        files.map(|file| file.unwrap().path()).map(|file| (file.display().to_string(), std::fs::read(&file).unwrap())).collect();
    inputs.sort();
    inputs
}
