//! What a kiosk may do and may not: pairing, batches, the bundle.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use punchd::domain::id::{EntryHash, JournalId, Sequence};
use punchd::domain::time::Trust;
use punchd::machine::ingest::COMPLETE_MARGIN_MS;
use punchd::office::store::{Fact, SiteId};
use punchd::wire::batch::{BATCH_BYTES_MAX, Lost, LostReason};
use punchd::wire::bundle::{Bundle, Elsewhere};
use punchd::wire::canonical::{self, Purpose, SIGNATURE_HEADER, TERMINAL_HEADER};
use punchd::wire::entry::{Body, TimeSource};
use punchd::wire::pairing::CODE_VALID_MINUTES;
use reqwest::StatusCode;
use tokio::io::AsyncWriteExt as _;

use super::desk::{Desk, Kiosk, error_code, id, until, wall};
use super::feed::person;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_pairs_one_key_once_and_tells_who_the_kiosk_is() {
    let desk = Desk::open().await;
    let code = desk.code("east-hall-1").await;
    let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let reply = desk.pair(&code, &key, None).await.unwrap();
    assert_eq!((reply.terminal, reply.ca.as_str()), (id("east-hall-1"), desk.running().ca_pem()));
    assert!(desk.pair(&code, &key, None).await.is_ok(), "a lost answer is given again");
    assert_eq!(desk.pair(&code, &other, None).await.unwrap_err(), (StatusCode::FORBIDDEN, "code-used".to_owned()));
    assert_eq!(code.ca_digest, desk.running().identity().anchor().digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_an_expired_and_a_strangers_code_are_refused_with_their_names() {
    let desk = Desk::open().await;
    let key = SigningKey::from_bytes(&[1; 32]);
    let mut wrong = desk.code("hall-1").await;
    wrong.secret[0] ^= 1;
    assert_eq!(desk.pair(&wrong, &key, None).await.unwrap_err().1, "code-unknown");
    let code = desk.code("hall-1").await;
    assert_eq!(desk.pair(&code, &key, Some("hall-2")).await.unwrap_err(), (StatusCode::CONFLICT, "other-terminal".to_owned()));
    desk.clock.skip(u64::try_from(CODE_VALID_MINUTES).unwrap() * 60_000);
    assert_eq!(desk.pair(&code, &key, None).await.unwrap_err().1, "code-expired");
    let newer = desk.code("hall-1").await;
    assert!(desk.pair(&newer, &key, Some("hall-1")).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_stopped_after_a_few() {
    let desk = Desk::open().await;
    let (mut code, key) = (desk.code("hall-1").await, SigningKey::from_bytes(&[1; 32]));
    code.secret[0] ^= 1;
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(desk.pair(&code, &key, None).await.unwrap_err().0);
    }
    assert_eq!(answers[..10], [StatusCode::FORBIDDEN; 10]);
    assert_eq!(answers[11], StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn pairing_a_name_again_revokes_the_old_key_and_keeps_its_history() {
    let desk = Desk::open().await;
    let mut old = desk.kiosk("hall-1", 1).await;
    old.punch("em4100:67003B51C6");
    assert_eq!(desk.send(&old, 1, 2).await.mark, Sequence(2));
    let mut new = desk.kiosk("hall-1", 2).await;
    new.punch("em4100:67003BA86C");
    assert_eq!(desk.post(&old, old.heartbeat()).await.unwrap_err(), (StatusCode::FORBIDDEN, "terminal-revoked".to_owned()));
    assert_eq!(desk.send(&new, 1, 2).await.mark, Sequence(2));
    let terminal = desk.store().terminal(SiteId::FIRST, id("hall-1")).await.unwrap().unwrap();
    assert_eq!((terminal.keys.len(), terminal.journals.len(), terminal.is_active()), (2, 2, true));
    let revoked = desk.store().terminal_revoke(SiteId::FIRST, id("hall-1"), desk.clock.wall()).await.unwrap().unwrap();
    assert_eq!(revoked.keys, 1);
    assert_eq!(desk.post(&new, new.heartbeat()).await.unwrap_err().1, "terminal-revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_sent_again_changes_nothing_and_gets_the_same_mark() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(5, "em4100:67003B51C6");
    let first = desk.send(&kiosk, 1, 6).await;
    let again = desk.send(&kiosk, 1, 6).await;
    assert_eq!((first.mark, again.mark, again.head, again.fork), (Sequence(6), Sequence(6), kiosk.entries[5].hash, None));
    assert_eq!(desk.store().feed_after(SiteId::FIRST, None, 100).await.unwrap().items.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_are_kept_above_the_gap_and_the_mark_stays_contiguous() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(9, "em4100:67003B51C6");
    desk.clock.skip(10_000);
    assert_eq!(desk.send(&kiosk, 1, 3).await.mark, Sequence(3));
    assert_eq!(desk.send(&kiosk, 9, 10).await.mark, Sequence(3));
    let complete = async || desk.store().terminal(SiteId::FIRST, id("hall-1")).await.unwrap().unwrap().complete_up_to;
    assert_eq!(complete().await, None);
    assert_eq!(desk.send(&kiosk, 4, 8).await.mark, Sequence(10));
    assert_eq!(complete().await, Some(kiosk.clock.wall.plus_millis(-COMPLETE_MARGIN_MS)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kiosk_whose_wrong_clock_is_counted_from_a_trusted_moment_is_complete_all_the_same() {
    let desk = Desk::open().await;
    desk.clock.skip(10_000);
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    let true_time = kiosk.clock.wall.plus_millis(1_000);
    (kiosk.clock.trust, kiosk.clock.wall) = (Trust::Suspect, wall("2024-01-01T00:00:00Z"));
    kiosk.append(Body::Sync { wall: true_time, uncertainty_ms: 10, source: TimeSource::Office });
    desk.send(&kiosk, 1, 2).await;
    let complete = desk.store().terminal(SiteId::FIRST, id("hall-1")).await.unwrap().unwrap().complete_up_to;
    assert_eq!(complete, Some(true_time.plus_millis(-COMPLETE_MARGIN_MS)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_complete_on_the_word_of_a_clock_that_nobody_trusts() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.clock.trust = Trust::Unset;
    assert_eq!(desk.send(&kiosk, 1, 1).await.mark, Sequence(1));
    assert_eq!(desk.store().terminal(SiteId::FIRST, id("hall-1")).await.unwrap().unwrap().complete_up_to, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_the_same_key_are_a_fork_and_stay_as_evidence() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punch("em4100:67003B51C6");
    kiosk.punch("em4100:67003BA86C");
    desk.send(&kiosk, 1, 3).await;
    let mut clone = Kiosk::new("hall-1", 1);
    clone.punch("em4100:67003B51C6");
    clone.punch("em4100:6F007B3972");
    clone.punch("em4100:6F007B3972");
    let receipt = desk.send(&clone, 1, 4).await;
    assert_eq!((receipt.fork, receipt.mark), (Some(Sequence(3)), Sequence(2)));
    let terminal = desk.store().terminal(SiteId::FIRST, id("hall-1")).await.unwrap().unwrap();
    let journal = &terminal.journals[0];
    assert_eq!((journal.mark, journal.forked, journal.quarantined), (Sequence(3), true, 2));
    kiosk.punch("em4100:010063E9AE");
    let untouched = desk.send(&kiosk, 4, 4).await;
    assert_eq!((untouched.mark, untouched.fork), (Sequence(4), None), "the untouched twin goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_names_the_hash_at_its_mark_whatever_was_sent() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(9, "em4100:67003B51C6");
    desk.send(&kiosk, 1, 5).await;
    let newest = desk.send(&kiosk, 9, 10).await;
    assert_eq!((newest.mark, newest.head), (Sequence(5), kiosk.entries[4].hash));
    let heartbeat = desk.post(&kiosk, kiosk.heartbeat()).await.unwrap();
    assert_eq!((heartbeat.mark, heartbeat.head), (Sequence(5), kiosk.entries[4].hash));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_hole_is_kept_and_the_mark_passes_it() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(5, "em4100:67003B51C6");
    desk.send(&kiosk, 1, 2).await;
    let hole = Lost { from: Sequence(3), to: Sequence(4), reason: LostReason::Unreadable, head_after: Some(kiosk.entries[3].hash) };
    let receipt = desk.post(&kiosk, kiosk.body(5, 6, vec![hole.clone()])).await.unwrap();
    assert_eq!(receipt.mark, Sequence(6));
    let place = punchd::office::store::JournalPlace { site: SiteId::FIRST, terminal: kiosk.terminal.clone(), journal: kiosk.journal };
    assert_eq!(desk.store().holes(place).await.unwrap(), [hole]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_broken_bodies_are_refused_with_their_names() {
    let desk = Desk::open().await;
    let kiosk = desk.kiosk("hall-1", 1).await;
    let mut stranger = Kiosk::new("hall-1", 9);
    assert_eq!(desk.post(&stranger, stranger.heartbeat()).await.unwrap_err(), (StatusCode::UNAUTHORIZED, "terminal-unknown".to_owned()));
    stranger.terminal = id("hall-7");
    assert_eq!(desk.post(&stranger, stranger.heartbeat()).await.unwrap_err().1, "terminal-unknown");
    assert_eq!(desk.post(&kiosk, b"<html>".to_vec()).await.unwrap_err().1, "batch-unreadable");
    let renamed = String::from_utf8(kiosk.heartbeat()).unwrap().replace("hall-1", "hall-2").into_bytes();
    assert_eq!(desk.post(&kiosk, renamed).await.unwrap_err().1, "batch-other-terminal");
    let long = desk.post(&kiosk, vec![b' '; BATCH_BYTES_MAX + 1]).await.unwrap_err();
    assert_eq!(long, (StatusCode::PAYLOAD_TOO_LARGE, "body-too-long".to_owned()));
    let unsigned = desk.client.post(desk.url("/terminal/v1/batch")).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(error_code(unsigned).await, "terminal-unknown");
    assert_eq!(desk.mark(&kiosk).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_whole_is_kept_even_if_the_sender_hangs_up() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punch("em4100:67003B51C6");
    let lock = rusqlite::Connection::open(&desk.settings.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stream = raw_connection(&desk).await;
    let body = kiosk.body(1, 2, Vec::new());
    let head = format!(
        "POST /terminal/v1/batch HTTP/1.1\r\nhost: x\r\n{TERMINAL_HEADER}: hall-1\r\n{SIGNATURE_HEADER}: {}\r\ncontent-length: {}\r\n\r\n",
        canonical::sign(&kiosk.key, Purpose::Batch, &body),
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    stream.flush().await.unwrap();
    let writer_waits = async || tokio::time::timeout(Duration::from_millis(100), desk.store().probe()).await.is_err();
    until("the writer waits for the database", writer_waits).await;
    drop(stream);
    lock.execute_batch("ROLLBACK").unwrap();
    until("the batch is kept", async || desk.mark(&kiosk).await == 2).await;
}

pub(super) async fn raw_connection(desk: &Desk) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(desk.running().ca_pem().as_bytes()).unwrap()).unwrap();
    let tls = rustls::ClientConfig::builder_with_provider(punchd::sys::crypto()).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(roots).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(desk.running().address()).await.unwrap();
    tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls)).connect("localhost".try_into().unwrap(), stream).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_comes_signed_without_notes_and_only_when_it_changed() {
    let desk = Desk::open().await;
    let kiosk = desk.kiosk("hall-1", 1).await;
    let (status, tag, body) = fetch(&desk, &kiosk, "/terminal/v1/bundle", None).await;
    let bundle: Bundle = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, bundle.terminal, bundle.site.as_str()), (StatusCode::OK, id("hall-1"), "示例中心"));
    assert_eq!((bundle.rules.versions.len(), bundle.calendar.announced.len() > 50), (1, true), "a new site has rules and a calendar");
    assert_eq!(desk.send(&kiosk, 1, 1).await.bundle, tag);
    assert_eq!(fetch(&desk, &kiosk, "/terminal/v1/bundle", Some(&tag)).await.0, StatusCode::NOT_MODIFIED);
    desk.store()
        .add_facts(SiteId::FIRST, vec![Fact::Person(person("ZC0101", "张三"))], "test".to_owned(), desk.clock.wall())
        .await
        .unwrap();
    let (status, newer, body) = fetch(&desk, &kiosk, "/terminal/v1/bundle", Some(&tag)).await;
    let bundle: Bundle = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, newer != tag, bundle.roster.people.len()), (StatusCode::OK, true, 1));
    assert!(bundle.roster.people.values().all(|person| person.note.is_empty()), "notes stay at the office");
    assert_eq!(desk.post(&kiosk, kiosk.heartbeat()).await.unwrap().bundle, newer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_punch_in_one_hall_is_told_to_the_other() {
    let desk = Desk::open().await;
    let (mut one, two) = (desk.kiosk("hall-1", 1).await, desk.kiosk("hall-2", 2).await);
    super::feed::give_card(&desk, "ZC0101", "67003B51C6").await;
    let before = desk.send(&two, 1, 1).await.elsewhere;
    one.punch("em4100:67003B51C6");
    one.punch("em4100:6F007B3972");
    desk.send(&one, 1, 3).await;
    let after = desk.post(&two, two.heartbeat()).await.unwrap().elsewhere;
    assert_ne!(before, after);
    let (_, tag, body) = fetch(&desk, &two, "/terminal/v1/elsewhere", Some(&before)).await;
    let list: Elsewhere = serde_json::from_slice(&body).unwrap();
    assert_eq!((tag, list.punches.len(), list.punches[0].staff_no.as_str()), (after.clone(), 1, "ZC0101"));
    assert_eq!(fetch(&desk, &two, "/terminal/v1/elsewhere", Some(&after)).await.0, StatusCode::NOT_MODIFIED);
    let own: Elsewhere = serde_json::from_slice(&fetch(&desk, &one, "/terminal/v1/elsewhere", None).await.2).unwrap();
    assert!(own.punches.is_empty(), "its own punches are not elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_terminal_told_of_itself_is_shown() {
    let desk = Desk::open().await;
    let kiosk = desk.kiosk("hall-1", 1).await;
    desk.post(&kiosk, kiosk.heartbeat()).await.unwrap();
    let terminal = desk.store().terminal(SiteId::FIRST, id("hall-1")).await.unwrap().unwrap();
    assert_eq!(terminal.state, Some(kiosk.state()));
    assert!(terminal.contact_at.is_some());
    assert_eq!(terminal.journals[0].head, EntryHash::NONE);
    assert_eq!((terminal.journals[0].journal, terminal.journals[0].announced), (JournalId([1; 16]), Sequence(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_made_anew_while_serving_is_the_same_authoritys() {
    let desk = Desk::open().await;
    desk.running().identity().renew(desk.clock.wall()).unwrap();
    let fresh = super::desk::client(&[desk.running().ca_pem()]);
    let answer = fresh.get(desk.url("/terminal/v1/bundle")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let distrusting = super::desk::client(&[]);
    assert!(distrusting.get(desk.url("/terminal/v1/bundle")).send().await.is_err());
}

/// Fetches what is signed by the office; its status, bare tag and body.
async fn fetch(desk: &Desk, kiosk: &Kiosk, path: &str, known: Option<&str>) -> (StatusCode, String, Vec<u8>) {
    let request = desk.client.get(desk.url(path)).header(TERMINAL_HEADER, kiosk.terminal.as_str());
    let mut request = request.header(SIGNATURE_HEADER, canonical::sign(&kiosk.key, Purpose::Request, path.as_bytes()));
    if let Some(tag) = known {
        request = request.header("if-none-match", format!("\"{tag}\""));
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let tag = headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
    let body = response.bytes().await.unwrap().to_vec();
    if status == StatusCode::OK {
        let key = punchd::office::keys::known_office_key(&desk.settings.data_dir).unwrap().unwrap();
        canonical::verify(&key.verifying_key(), Purpose::Bundle, &body, headers[SIGNATURE_HEADER].to_str().unwrap()).unwrap();
    }
    (status, tag, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_and_a_boot_are_kept_and_are_no_punches() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.append(Body::Boot { version: "0.1.0".to_owned() });
    kiosk.append(Body::Attempt { reader: "finger".parse().unwrap(), reason: punchd::wire::entry::AttemptReason::NoMatch });
    assert_eq!(desk.send(&kiosk, 1, 3).await.mark, Sequence(3));
    assert!(desk.store().feed_after(SiteId::FIRST, None, 10).await.unwrap().items.is_empty());
}
