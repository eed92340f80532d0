//! Version 1, byte for byte. DO NOT EDIT: journals and receipts with exactly these bytes are kept for years, and their hashes and signatures
//! must verify for ever. A change that fails here is a new version: it gets a file of its own, and this one goes on passing.

use ed25519_dalek::SigningKey;
use punchd::domain::credential::Credential;
use punchd::domain::id::{BootId, EntryHash, JournalId, Sequence, TerminalId};
use punchd::domain::punch::Origin;
use punchd::domain::time::{ClockReading, Mono, Trust, Wall};
use punchd::health::{Code, Condition};
use punchd::wire::batch::{Batch, JournalState, Lost, LostReason, Receipt, TerminalState};
use punchd::wire::canonical::{self, Purpose};
use punchd::wire::entry::{AttemptReason, Body, Draft, Predecessor, Stored, SuccessionReason, TimeSource};
use punchd::wire::pairing::{PairReply, PairRequest, PairingCode};
use serde_json::value::RawValue;

const JOURNAL: JournalId = JournalId([0x11; 16]);
const OLDER: JournalId = JournalId([0x22; 16]);

/// An entry of each kind, in one chain: its bytes and its hash.
const ENTRIES: [(&str, &str); 13] = [
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":1,"previous":"0000000000000000000000000000000000000000000000000000000000000000","clock":{"wall":1772412300000,"mono":86400000,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":20},"kind":"opened","predecessor":{"journal":"22222222222222222222222222222222","sequence":7,"head":"abababababababababababababababababababababababababababababababab","reason":"forked"},"version":"0.1.0"}"#,
        "a978085f5c786cedb0d83c19a1fceefd5d02af77ee06c30b5ec9dc59636782f8",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":2,"previous":"a978085f5c786cedb0d83c19a1fceefd5d02af77ee06c30b5ec9dc59636782f8","clock":{"wall":1772412301001,"mono":86401001,"boot":"33333333333333333333333333333333","trust":"holdover","uncertainty_ms":21},"kind":"boot","version":"0.1.0"}"#,
        "440d86be913628a52ef3443fc8f03714cd8badb5b23e88b32f7112e0a4d739da",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":3,"previous":"440d86be913628a52ef3443fc8f03714cd8badb5b23e88b32f7112e0a4d739da","clock":{"wall":1772412302002,"mono":86402002,"boot":"33333333333333333333333333333333","trust":"suspect","uncertainty_ms":22},"kind":"punch","reader":"badge","credential":"em4100:67003B51C6"}"#,
        "94e6f889f0a0be82a3d53284ea758d9872ba5f8dead49005b2a6b174ffe90ef6",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":4,"previous":"94e6f889f0a0be82a3d53284ea758d9872ba5f8dead49005b2a6b174ffe90ef6","clock":{"wall":1772412303003,"mono":86403003,"boot":"33333333333333333333333333333333","trust":"unset","uncertainty_ms":23},"kind":"punch","reader":"badge","credential":"mifare:62E3086CED"}"#,
        "e58611d14f71b50eb884fcf2f3eccdcd82467524681b989d2112957229b8d8fd",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":5,"previous":"e58611d14f71b50eb884fcf2f3eccdcd82467524681b989d2112957229b8d8fd","clock":{"wall":1772412304004,"mono":86404004,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":24},"kind":"punch","reader":"badge","credential":"number:3B51C6:03887558"}"#,
        "7737ee5a7d3028de8c1b0557a1f43f503d212330cf557577f794ddb94caf1a62",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":6,"previous":"7737ee5a7d3028de8c1b0557a1f43f503d212330cf557577f794ddb94caf1a62","clock":{"wall":1772412305005,"mono":86405005,"boot":"33333333333333333333333333333333","trust":"holdover","uncertainty_ms":25},"kind":"punch","reader":"badge","credential":"text:二维码 \"7\"\\"}"#,
        "2736659690dd77ab05a1109733f9cf2eb3abbdfdfa81e1799a97fab6edf12cdd",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":7,"previous":"2736659690dd77ab05a1109733f9cf2eb3abbdfdfa81e1799a97fab6edf12cdd","clock":{"wall":1772412306006,"mono":86406006,"boot":"33333333333333333333333333333333","trust":"suspect","uncertainty_ms":26},"kind":"punch","reader":"finger","credential":"finger:7"}"#,
        "dc236657b29ea27c8fcfc1f0b5009f6b1d3d85a5d93546b2add0134ab5f293b5",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":8,"previous":"dc236657b29ea27c8fcfc1f0b5009f6b1d3d85a5d93546b2add0134ab5f293b5","clock":{"wall":1772412307007,"mono":86407007,"boot":"33333333333333333333333333333333","trust":"unset","uncertainty_ms":27},"kind":"attempt","reader":"finger","reason":"no_match"}"#,
        "bfd48bff0c852f5efcd6bb766e71355b1591bcbd1b6c6a71ae3f46dd7a59ff87",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":9,"previous":"bfd48bff0c852f5efcd6bb766e71355b1591bcbd1b6c6a71ae3f46dd7a59ff87","clock":{"wall":1772412308008,"mono":86408008,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":28},"kind":"sync","wall":1772412300250,"uncertainty_ms":21,"source":"office"}"#,
        "dcb82a183d724d5524defaecb1bb37717487e4d22aae41a584e08e77d96e736d",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":10,"previous":"dcb82a183d724d5524defaecb1bb37717487e4d22aae41a584e08e77d96e736d","clock":{"wall":1772412309009,"mono":86409009,"boot":"33333333333333333333333333333333","trust":"holdover","uncertainty_ms":29},"kind":"clock_step","step_ms":-3600000}"#,
        "ea05c062a2c75e3b4fea336d528c2926bc1ec73e8f4006e67a835a1df0b51e20",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":11,"previous":"ea05c062a2c75e3b4fea336d528c2926bc1ec73e8f4006e67a835a1df0b51e20","clock":{"wall":1772412310010,"mono":86410010,"boot":"33333333333333333333333333333333","trust":"suspect","uncertainty_ms":30},"kind":"settings","digest":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"}"#,
        "77b8c711aa93ef3d81135f4be43afcab90b26d2fd8adde064d0a331081bb9b52",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":12,"previous":"77b8c711aa93ef3d81135f4be43afcab90b26d2fd8adde064d0a331081bb9b52","clock":{"wall":1772412311011,"mono":86411011,"boot":"33333333333333333333333333333333","trust":"unset","uncertainty_ms":31},"kind":"maintenance","action":"enrol finger:7 at finger"}"#,
        "0db33c97b85e0ca639a874375ebeff713bca96fc0ce7aef270a8c19ba02eeac6",
    ),
    (
        r#"{"journal":"11111111111111111111111111111111","sequence":13,"previous":"0db33c97b85e0ca639a874375ebeff713bca96fc0ce7aef270a8c19ba02eeac6","clock":{"wall":1772412312012,"mono":86412012,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":32},"kind":"punch","reader":"badge","credential":"em4100:67003BA86C","origin":{"journal":"22222222222222222222222222222222","sequence":8,"hash":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}"#,
        "5ad7523a2d86e47149b5c8538f532735bd0e3c67b57cf6fc5d9529b32394fdb3",
    ),
];
const BATCH: &str = r#"{"version":1,"terminal":"east-hall-1","journal":"11111111111111111111111111111111","entries":[{"journal":"11111111111111111111111111111111","sequence":1,"previous":"0000000000000000000000000000000000000000000000000000000000000000","clock":{"wall":1772412300000,"mono":86400000,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":20},"kind":"opened","predecessor":{"journal":"22222222222222222222222222222222","sequence":7,"head":"abababababababababababababababababababababababababababababababab","reason":"forked"},"version":"0.1.0"},{"journal":"11111111111111111111111111111111","sequence":2,"previous":"a978085f5c786cedb0d83c19a1fceefd5d02af77ee06c30b5ec9dc59636782f8","clock":{"wall":1772412301001,"mono":86401001,"boot":"33333333333333333333333333333333","trust":"holdover","uncertainty_ms":21},"kind":"boot","version":"0.1.0"},{"journal":"11111111111111111111111111111111","sequence":3,"previous":"440d86be913628a52ef3443fc8f03714cd8badb5b23e88b32f7112e0a4d739da","clock":{"wall":1772412302002,"mono":86402002,"boot":"33333333333333333333333333333333","trust":"suspect","uncertainty_ms":22},"kind":"punch","reader":"badge","credential":"em4100:67003B51C6"},{"journal":"11111111111111111111111111111111","sequence":4,"previous":"94e6f889f0a0be82a3d53284ea758d9872ba5f8dead49005b2a6b174ffe90ef6","clock":{"wall":1772412303003,"mono":86403003,"boot":"33333333333333333333333333333333","trust":"unset","uncertainty_ms":23},"kind":"punch","reader":"badge","credential":"mifare:62E3086CED"},{"journal":"11111111111111111111111111111111","sequence":5,"previous":"e58611d14f71b50eb884fcf2f3eccdcd82467524681b989d2112957229b8d8fd","clock":{"wall":1772412304004,"mono":86404004,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":24},"kind":"punch","reader":"badge","credential":"number:3B51C6:03887558"},{"journal":"11111111111111111111111111111111","sequence":6,"previous":"7737ee5a7d3028de8c1b0557a1f43f503d212330cf557577f794ddb94caf1a62","clock":{"wall":1772412305005,"mono":86405005,"boot":"33333333333333333333333333333333","trust":"holdover","uncertainty_ms":25},"kind":"punch","reader":"badge","credential":"text:二维码 \"7\"\\"},{"journal":"11111111111111111111111111111111","sequence":7,"previous":"2736659690dd77ab05a1109733f9cf2eb3abbdfdfa81e1799a97fab6edf12cdd","clock":{"wall":1772412306006,"mono":86406006,"boot":"33333333333333333333333333333333","trust":"suspect","uncertainty_ms":26},"kind":"punch","reader":"finger","credential":"finger:7"},{"journal":"11111111111111111111111111111111","sequence":8,"previous":"dc236657b29ea27c8fcfc1f0b5009f6b1d3d85a5d93546b2add0134ab5f293b5","clock":{"wall":1772412307007,"mono":86407007,"boot":"33333333333333333333333333333333","trust":"unset","uncertainty_ms":27},"kind":"attempt","reader":"finger","reason":"no_match"},{"journal":"11111111111111111111111111111111","sequence":9,"previous":"bfd48bff0c852f5efcd6bb766e71355b1591bcbd1b6c6a71ae3f46dd7a59ff87","clock":{"wall":1772412308008,"mono":86408008,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":28},"kind":"sync","wall":1772412300250,"uncertainty_ms":21,"source":"office"},{"journal":"11111111111111111111111111111111","sequence":10,"previous":"dcb82a183d724d5524defaecb1bb37717487e4d22aae41a584e08e77d96e736d","clock":{"wall":1772412309009,"mono":86409009,"boot":"33333333333333333333333333333333","trust":"holdover","uncertainty_ms":29},"kind":"clock_step","step_ms":-3600000},{"journal":"11111111111111111111111111111111","sequence":11,"previous":"ea05c062a2c75e3b4fea336d528c2926bc1ec73e8f4006e67a835a1df0b51e20","clock":{"wall":1772412310010,"mono":86410010,"boot":"33333333333333333333333333333333","trust":"suspect","uncertainty_ms":30},"kind":"settings","digest":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"},{"journal":"11111111111111111111111111111111","sequence":12,"previous":"77b8c711aa93ef3d81135f4be43afcab90b26d2fd8adde064d0a331081bb9b52","clock":{"wall":1772412311011,"mono":86411011,"boot":"33333333333333333333333333333333","trust":"unset","uncertainty_ms":31},"kind":"maintenance","action":"enrol finger:7 at finger"},{"journal":"11111111111111111111111111111111","sequence":13,"previous":"0db33c97b85e0ca639a874375ebeff713bca96fc0ce7aef270a8c19ba02eeac6","clock":{"wall":1772412312012,"mono":86412012,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":32},"kind":"punch","reader":"badge","credential":"em4100:67003BA86C","origin":{"journal":"22222222222222222222222222222222","sequence":8,"hash":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}],"lost":[{"from":14,"to":15,"reason":"unreadable"},{"from":16,"to":16,"reason":"pruned","head_after":"efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"}],"state":{"clock":{"wall":1772412316016,"mono":86416016,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":36},"journals":[{"journal":"22222222222222222222222222222222","sequence":7,"head":"abababababababababababababababababababababababababababababababab"},{"journal":"11111111111111111111111111111111","sequence":16,"head":"5ad7523a2d86e47149b5c8538f532735bd0e3c67b57cf6fc5d9529b32394fdb3"}],"backlog":16,"software":"0.1.0","conditions":[{"code":"reader-missing","subject":"finger","detail":"/dev/punch-finger"},{"code":"disk-low"}],"bundle":"b-7"}}"#;
const HEARTBEAT: &str = r#"{"version":1,"terminal":"east-hall-1","journal":"11111111111111111111111111111111","entries":[],"state":{"clock":{"wall":1772412316016,"mono":86416016,"boot":"33333333333333333333333333333333","trust":"synced","uncertainty_ms":36},"journals":[{"journal":"22222222222222222222222222222222","sequence":7,"head":"abababababababababababababababababababababababababababababababab"},{"journal":"11111111111111111111111111111111","sequence":16,"head":"5ad7523a2d86e47149b5c8538f532735bd0e3c67b57cf6fc5d9529b32394fdb3"}],"backlog":0,"software":"0.1.0","conditions":[]}}"#;
const RECEIPT: &str = r#"{"version":1,"terminal":"east-hall-1","journal":"11111111111111111111111111111111","mark":13,"head":"5ad7523a2d86e47149b5c8538f532735bd0e3c67b57cf6fc5d9529b32394fdb3","at":1772412316500,"at_trusted":true,"bundle":"b-8","elsewhere":"e-3"}"#;
const RECEIPT_OF_A_FORK: &str = r#"{"version":1,"terminal":"east-hall-1","journal":"11111111111111111111111111111111","mark":13,"head":"5ad7523a2d86e47149b5c8538f532735bd0e3c67b57cf6fc5d9529b32394fdb3","fork":12,"at":1772412316500,"at_trusted":true,"bundle":"b-8","elsewhere":"e-3"}"#;
const PUBLIC_KEY: &str = "d759793bbc13a2819a827c76adb6fba8a49aee007f49f2d0992d99b825ad2c48";
const SIGNATURES: [(Purpose, &str); 5] = [
    (
        Purpose::Batch,
        "ed25519=ed5c67c64e2a28d0f69fdc2b4328f93fade454a37324e621ab0398b9133e84265ad2b51ea080ace44d09e6264e7c304bb73c719e237f632b00f07e0fbeeeb405",
    ),
    (
        Purpose::Receipt,
        "ed25519=998bde14372454758461d53744e5e19ccb0374f7b2ae14050a85bdb78c6d96b40d9d3396bd6ed30ed45ab84320df64c1d2c57882717664d2b8b1a3455c656d04",
    ),
    (
        Purpose::Bundle,
        "ed25519=b5b4d7b799cc8e5623a2328aad8bf5a90f8b63fdda8bf493d19a072a9cf1f3dbb21c5942318096b213dde68a99b4c4c0f693b3de68c96d49b89a514fcdd46b00",
    ),
    (
        Purpose::Request,
        "ed25519=4ccc8b5fc5fa00cef0b8329eef27ea94fc0cde7c1281b76921285cefbd43851aca8f6ffd1044a7060aeb8e8d19cb90fbc485a54b4ef3ea50c51a5bfba6d25d08",
    ),
    (
        Purpose::Export,
        "ed25519=de187739932eb86ea00d9253803de78a2ecae700c4af80af7f6d442e1fbb0f77d8be4869b0e2e3727df700057b990d32ad470d7018ecad380cb5ef5d2562540d",
    ),
];
const PAIRING_CODE: &str = "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B7YP-D4XT-6T27-N57Y-7H5P-X7H5-737Q";
const PAIR_REQUEST: &str = r#"{"version":1,"secret":"000102030405060708090a0b0c0d0e0f","public_key":"d759793bbc13a2819a827c76adb6fba8a49aee007f49f2d0992d99b825ad2c48","terminal":"east-hall-1"}"#;
const PAIR_REPLY: &str = r#"{"version":1,"terminal":"east-hall-1","ca":"-----BEGIN CERTIFICATE-----\n","office_key":"d759793bbc13a2819a827c76adb6fba8a49aee007f49f2d0992d99b825ad2c48"}"#;

#[test]
fn an_entry_of_each_kind_has_its_bytes_and_its_hash() {
    for (stored, (text, hash)) in chain().iter().zip(ENTRIES) {
        assert_eq!(stored.text, text);
        assert_eq!(stored.hash.to_string(), hash, "{text}");
        assert_eq!(canonical::entry_hash(text), stored.hash);
    }
    assert_eq!(chain().len(), ENTRIES.len());
}

#[test]
fn the_bytes_of_every_entry_are_read_as_what_was_written() {
    for ((text, _), draft) in ENTRIES.iter().zip(drafts()) {
        let entry = canonical::open(text).unwrap();
        assert_eq!((entry.clock, entry.body, entry.origin), (draft.clock, draft.body, draft.origin), "{text}");
    }
}

#[test]
fn a_batch_a_heartbeat_and_a_receipt_have_their_bytes() {
    assert_eq!(serde_json::to_string(&batch()).unwrap(), BATCH);
    assert_eq!(serde_json::to_string(&heartbeat()).unwrap(), HEARTBEAT);
    assert_eq!(serde_json::to_string(&receipt(None)).unwrap(), RECEIPT);
    assert_eq!(serde_json::to_string(&receipt(Some(Sequence(12)))).unwrap(), RECEIPT_OF_A_FORK);
    assert_eq!(serde_json::from_str::<Receipt>(RECEIPT).unwrap(), receipt(None));
    assert_eq!(serde_json::from_str::<Receipt>(RECEIPT_OF_A_FORK).unwrap(), receipt(Some(Sequence(12))));
}

#[test]
fn the_office_takes_the_bytes_of_a_batch_and_of_a_heartbeat() {
    let checked = Batch::read(BATCH.as_bytes()).unwrap();
    assert_eq!(checked.entries.iter().map(|entry| entry.stored.clone()).collect::<Vec<_>>(), chain());
    assert_eq!(checked.lost, batch().lost);
    assert_eq!(checked.state, batch().state);
    assert_eq!(Batch::read(HEARTBEAT.as_bytes()).unwrap().state, heartbeat().state);
}

#[test]
fn signatures_of_a_fixed_key_stay_what_they_are() {
    let key = key();
    assert_eq!(canonical::key_text(&key.verifying_key()), PUBLIC_KEY);
    for (purpose, header) in SIGNATURES {
        assert_eq!(canonical::sign(&key, purpose, BATCH.as_bytes()), header);
        assert_eq!(canonical::verify(&key.verifying_key(), purpose, BATCH.as_bytes(), header), Ok(()));
    }
}

#[test]
fn pairing_has_its_bytes() {
    let code = code();
    assert_eq!(code.to_string(), PAIRING_CODE);
    assert!(PAIRING_CODE.parse() == Ok(code));
    assert_eq!(serde_json::to_string(&pair_request()).unwrap(), PAIR_REQUEST);
    assert_eq!(serde_json::to_string(&pair_reply()).unwrap(), PAIR_REPLY);
    assert_eq!(serde_json::from_str::<PairReply>(PAIR_REPLY).unwrap(), pair_reply());
}

fn drafts() -> Vec<Draft> {
    let version = || "0.1.0".to_owned();
    let badge = || "badge".parse().unwrap();
    let finger = || "finger".parse().unwrap();
    let punch = |credential: &str| Body::Punch { reader: badge(), credential: credential.parse::<Credential>().unwrap() };
    let predecessor = Predecessor { journal: OLDER, sequence: Sequence(7), head: EntryHash([0xAB; 32]), reason: SuccessionReason::Forked };
    let bodies = [
        Body::Opened { predecessor: Some(predecessor), version: version() },
        Body::Boot { version: version() },
        punch("em4100:67003B51C6"),
        punch("mifare:62E3086CED"),
        punch("number:3B51C6:03887558"),
        punch("text:二维码 \"7\"\\"),
        Body::Punch { reader: finger(), credential: Credential::Finger(7) },
        Body::Attempt { reader: finger(), reason: AttemptReason::NoMatch },
        Body::Sync { wall: Wall(1_772_412_300_250), uncertainty_ms: 21, source: TimeSource::Office },
        Body::ClockStep { step_ms: -3_600_000 },
        Body::Settings { digest: "5e".repeat(32) },
        Body::Maintenance { action: "enrol finger:7 at finger".to_owned() },
    ];
    let draft = |(index, body): (usize, Body)| Draft { clock: clock(index as u64), body, origin: None };
    let origin = Origin { journal: OLDER, sequence: Sequence(8), hash: EntryHash([0xCD; 32]) };
    let again = Draft { clock: clock(12), body: punch("em4100:67003BA86C"), origin: Some(origin) };
    bodies.into_iter().enumerate().map(draft).chain([again]).collect()
}

fn clock(index: u64) -> ClockReading {
    let trusts = [Trust::Synced, Trust::Holdover, Trust::Suspect, Trust::Unset];
    ClockReading {
        wall: Wall(1_772_412_300_000 + i64::try_from(index).unwrap() * 1_001),
        mono: Mono(86_400_000 + index * 1_001),
        boot: BootId([0x33; 16]),
        trust: trusts[usize::try_from(index).unwrap() % trusts.len()],
        uncertainty_ms: 20 + index,
    }
}

fn chain() -> Vec<Stored> {
    let mut chain: Vec<Stored> = Vec::new();
    for (sequence, draft) in (1..).map(Sequence).zip(drafts()) {
        let previous = chain.last().map_or(EntryHash::NONE, |stored| stored.hash);
        chain.push(canonical::seal(draft, JOURNAL, sequence, previous).unwrap());
    }
    chain
}

fn terminal() -> TerminalId {
    "east-hall-1".parse().unwrap()
}

fn batch() -> Batch {
    let lost = |from, to, reason, head_after| Lost { from: Sequence(from), to: Sequence(to), reason, head_after };
    let head = chain().last().unwrap().hash;
    Batch {
        version: 1,
        terminal: terminal(),
        journal: JOURNAL,
        entries: chain().iter().map(|stored| RawValue::from_string(stored.text.clone()).unwrap()).collect(),
        lost: vec![lost(14, 15, LostReason::Unreadable, None), lost(16, 16, LostReason::Pruned, Some(EntryHash([0xEF; 32])))],
        state: TerminalState {
            clock: clock(16),
            journals: vec![
                JournalState { journal: OLDER, sequence: Sequence(7), head: EntryHash([0xAB; 32]) },
                JournalState { journal: JOURNAL, sequence: Sequence(16), head },
            ],
            backlog: 16,
            software: "0.1.0".to_owned(),
            conditions: vec![
                Condition { code: Code::ReaderMissing, subject: "finger".to_owned(), detail: "/dev/punch-finger".to_owned() },
                Condition { code: Code::DiskLow, subject: String::new(), detail: String::new() },
            ],
            bundle: Some("b-7".to_owned()),
        },
    }
}

fn heartbeat() -> Batch {
    let state = TerminalState { conditions: Vec::new(), bundle: None, backlog: 0, ..batch().state };
    Batch { entries: Vec::new(), lost: Vec::new(), state, ..batch() }
}

fn receipt(fork: Option<Sequence>) -> Receipt {
    Receipt {
        version: 1,
        terminal: terminal(),
        journal: JOURNAL,
        mark: Sequence(13),
        head: chain().last().unwrap().hash,
        fork,
        at: Wall(1_772_412_316_500),
        at_trusted: true,
        bundle: "b-8".to_owned(),
        elsewhere: "e-3".to_owned(),
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[0x44; 32])
}

fn code() -> PairingCode {
    let counted = |first: u8| std::array::from_fn(|index| first + u8::try_from(index).unwrap());
    PairingCode { secret: counted(0), ca_digest: counted(0xF0) }
}

fn pair_request() -> PairRequest {
    let public_key = canonical::key_text(&key().verifying_key());
    PairRequest { version: 1, secret: "000102030405060708090a0b0c0d0e0f".to_owned(), public_key, terminal: Some(terminal()) }
}

fn pair_reply() -> PairReply {
    let office_key = canonical::key_text(&key().verifying_key());
    PairReply { version: 1, terminal: terminal(), ca: "-----BEGIN CERTIFICATE-----\n".to_owned(), office_key }
}
