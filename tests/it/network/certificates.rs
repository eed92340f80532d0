//! Law 6 at a running kiosk: what of a certificate is enforced while the clock is trusted, and what always.

use std::path::Path;
use std::time::Duration;

use punchd::office::ca::{OwnCa, ServerCertificate};
use serde_json::Value;

use super::super::rig::{Office, Tally};
use super::impostor::certificate;
use super::stand::Stand;

/// How long everything has to reach the office once its certificate passes.
const DRAIN_LIMIT: Duration = Duration::from_secs(40);
/// Longer than a server's certificate holds, in days.
const LONG: i64 = 400;

#[test]
fn a_kiosk_whose_clock_is_trusted_refuses_every_certificate_that_does_not_pass() {
    let mut office = Office::start();
    let mut stand = Stand::paired(&office, 1);
    stand.drain(DRAIN_LIMIT);
    assert_eq!(trust(&stand.kiosk.status()), "synced");
    let foreign = tempfile::tempdir().unwrap();
    for (says, presented) in [
        ("expired", certificate(&office.data(), -LONG)),
        ("not valid yet", certificate(&office.data(), LONG)),
        ("NotValidForName", elsewhere(&office.data())),
        ("UnknownIssuer", certificate(foreign.path(), 0)),
    ] {
        present(&mut office, Some(&presented));
        stand.tap();
        stand.sync();
        let status = told(&stand, says);
        assert!(status["backlog"].as_u64() > Some(0), "{says}: {status:#}");
    }
    present(&mut office, None);
    finish(&stand, &office, "certificates that do not pass");
}

#[test]
fn a_kiosk_whose_clock_is_in_doubt_overlooks_the_date_of_a_certificate_and_nothing_else() {
    let mut office = Office::configured("clock = \"kernel\"");
    office.start_again();
    let mut stand = Stand::paired(&office, 1);
    let status = stand.drain(DRAIN_LIMIT);
    if trust(&status) == "synced" {
        println!("SKIPPED a clock in doubt: this machine's own is synchronised");
        return;
    }
    for days in [-LONG, LONG] {
        let presented = certificate(&office.data(), days);
        present(&mut office, Some(&presented));
        stand.tap();
        stand.drain(DRAIN_LIMIT);
    }
    let foreign = tempfile::tempdir().unwrap();
    for (says, presented) in [("NotValidForName", elsewhere(&office.data())), ("UnknownIssuer", certificate(foreign.path(), -LONG))] {
        present(&mut office, Some(&presented));
        stand.tap();
        stand.sync();
        told(&stand, says);
    }
    present(&mut office, None);
    finish(&stand, &office, "a clock in doubt");
}

/// Waits until the last error says so in one of its wordings, and the condition with its remedy stands.
fn told(stand: &Stand, says: &str) -> Value {
    let words: &[&str] = match says {
        "NotValidForName" => &["NotValidForName", "not valid for name"],
        "UnknownIssuer" => &["UnknownIssuer"],
        other => &[other],
    };
    stand.kiosk.until(says, |status| words.iter().any(|word| super::stand::is_told(status, "office-untrusted", word)))
}

fn finish(stand: &Stand, office: &Office, what: &str) {
    stand.drain(DRAIN_LIMIT);
    stand.check_log(&[]);
    office.check_verified();
    let tally = Tally { fed: stand.tally.fed.clone(), confirmed: stand.tally.confirmed.clone(), held: office.punches() };
    assert_eq!(tally.held.len(), tally.fed.len());
    tally.check(what);
}

fn trust(status: &Value) -> String {
    status["clock"]["trust"].as_str().or(status["clock"]["reading"]["trust"].as_str()).unwrap_or_default().to_owned()
}

/// A certificate for a name that nobody calls.
fn elsewhere(folder: &Path) -> ServerCertificate {
    let now = punchd::clock::Clock::system().wall();
    OwnCa::ensure(folder).unwrap().issue(&["elsewhere.example".to_owned()], &[], now).unwrap()
}

/// Starts the office again with this certificate, or with one of its own.
fn present(office: &mut Office, certificate: Option<&ServerCertificate>) {
    office.stop();
    let clock = if std::fs::read_to_string(office.config()).unwrap().contains("kernel") { "clock = \"kernel\"\n" } else { "" };
    let given = certificate.map(|certificate| {
        let folder = office.config().parent().unwrap().to_owned();
        let (chain, key) = (folder.join("chain.pem"), folder.join("server.key"));
        std::fs::write(&chain, certificate.chain.iter().map(|one| pem("CERTIFICATE", one)).collect::<String>()).unwrap();
        std::fs::write(&key, pem("PRIVATE KEY", certificate.key.secret_der())).unwrap();
        format!("tls-cert = {chain:?}\ntls-key = {key:?}\n")
    });
    office.configure(&format!("{clock}{}", given.unwrap_or_default()));
    office.start_again();
}

/// The text form of RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in der.chunks(3) {
        let bits = group.iter().chain(&[0, 0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        text.extend((0..4).map(|place| if place <= group.len() { char::from(DIGITS[bits >> (18 - 6 * place) & 63]) } else { '=' }));
    }
    let lines: String = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\n").collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}
