//! What strangers, old friends and replayed traffic can do to the terminals' endpoint: nothing.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use punchd::domain::id::Sequence;
use punchd::office::store::SiteId;
use punchd::wire::canonical::{self, Purpose, SIGNATURE_HEADER, TERMINAL_HEADER};
use reqwest::StatusCode;
use tokio::io::AsyncWriteExt as _;

use super::desk::{Desk, Kiosk, error_code, id};
use super::terminals::raw_connection;

/// Where the endpoint's routes are written: a new one is found here and must pass.
const ROUTES: &str = include_str!("../../../src/office/terminals.rs");
/// The one route for a kiosk that has no key yet; its code is proven elsewhere.
const WITHOUT_A_KEY: &str = "/terminal/v1/pair";
/// Places for bodies that are being read.
const PLACES: usize = 32;
/// Far less than the minute that a slow body may take.
const SERVED_WITHIN: Duration = Duration::from_secs(20);
/// Captured batches that are sent again in any order, and how many such orders are tried.
const CAPTURED: usize = 7;
const ORDERS: u32 = 24;

/// Each route's method and path.
fn routes() -> Vec<(reqwest::Method, String)> {
    let lines: Vec<&str> = ROUTES.lines().filter(|line| line.contains(".route(")).collect();
    let route = |line: &&str| {
        let path = line.split('"').nth(1).unwrap().to_owned();
        let method = if line.contains("post(") { reqwest::Method::POST } else { reqwest::Method::GET };
        assert!(line.contains("post(") != line.contains("get("), "{line}");
        (method, path)
    };
    let routes: Vec<_> = lines.iter().map(route).collect();
    assert!(routes.len() >= 4 && routes.iter().all(|(_, path)| path.starts_with("/terminal/v1/")), "{routes:?}");
    routes.into_iter().filter(|(_, path)| path != WITHOUT_A_KEY).collect()
}

/// Asks as a kiosk would, or without a signature; the status and the refusal's code.
async fn ask(desk: &Desk, method: &reqwest::Method, path: &str, kiosk: &Kiosk, key: Option<&SigningKey>) -> (StatusCode, String) {
    let body = if *method == reqwest::Method::POST { kiosk.heartbeat() } else { Vec::new() };
    let (purpose, signed) = if body.is_empty() { (Purpose::Request, path.as_bytes().to_vec()) } else { (Purpose::Batch, body.clone()) };
    let mut request = desk.client.request(method.clone(), desk.url(path)).header(TERMINAL_HEADER, kiosk.terminal.as_str());
    if let Some(key) = key {
        request = request.header(SIGNATURE_HEADER, canonical::sign(key, purpose, &signed));
    }
    let response = request.body(body).send().await.unwrap();
    let status = response.status();
    (status, if status == StatusCode::OK { String::new() } else { error_code(response).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_refuses_no_key_a_wrong_key_and_a_revoked_key() {
    let desk = Desk::open().await;
    let (kiosk, other) = (desk.kiosk("hall-1", 1).await, desk.kiosk("hall-2", 2).await);
    let unknown = (StatusCode::UNAUTHORIZED, "terminal-unknown".to_owned());
    for (method, path) in routes() {
        assert_eq!(ask(&desk, &method, &path, &kiosk, Some(&kiosk.key)).await.0, StatusCode::OK, "{path} with its key");
        assert_eq!(ask(&desk, &method, &path, &kiosk, None).await, unknown, "{path} without a key");
        assert_eq!(ask(&desk, &method, &path, &kiosk, Some(&SigningKey::from_bytes(&[9; 32]))).await, unknown, "{path} with a wrong key");
        assert_eq!(ask(&desk, &method, &path, &kiosk, Some(&other.key)).await, unknown, "{path} with another kiosk's key");
    }
    desk.store().terminal_revoke(SiteId::FIRST, id("hall-1"), desk.clock.wall()).await.unwrap().unwrap();
    let revoked = (StatusCode::FORBIDDEN, "terminal-revoked".to_owned());
    for (method, path) in routes() {
        assert_eq!(ask(&desk, &method, &path, &kiosk, Some(&kiosk.key)).await, revoked, "{path} with a revoked key");
    }
}

/// Everything that the office holds of one kiosk, whoever sent it in which order.
async fn held(desk: &Desk, kiosk: &Kiosk) -> String {
    let punches = desk.store().feed_after(SiteId::FIRST, None, 1_000).await.unwrap().items;
    let mut lines: Vec<String> = punches.iter().map(|item| format!("{:?} {:?} {:?}", item.punch, item.record, item.whose)).collect();
    lines.sort();
    let terminal = desk.store().terminal(SiteId::FIRST, kiosk.terminal.clone()).await.unwrap().unwrap();
    let journals: Vec<_> = terminal.journals.iter().map(|one| (one.journal, one.mark, one.head, one.forked, one.quarantined)).collect();
    format!("{journals:?} {lines:?}")
}

#[test]
fn captured_batches_sent_again_in_any_order_and_number_lead_to_the_same_store() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let once: Vec<usize> = (0..CAPTURED).collect();
    let orders = (Just(once.clone()).prop_shuffle(), proptest::collection::vec(0..CAPTURED, 0..12), any::<u64>());
    let expected = runtime.block_on(sent(&once));
    assert!(expected.contains(&format!("{:?}", Sequence(13))), "{expected}");
    let mut runner = TestRunner::new(Config { cases: ORDERS, failure_persistence: None, ..Config::default() });
    let result = runner.run(&orders, |(mut order, again, at)| {
        for (nth, batch) in again.into_iter().enumerate() {
            let place = usize::try_from(at.rotate_left(u32::try_from(nth).unwrap()) % (order.len() as u64 + 1)).unwrap();
            order.insert(place, batch);
        }
        prop_assert_eq!(&runtime.block_on(sent(&order)), &expected, "{:?}", order);
        Ok(())
    });
    println!("{ORDERS} orders of {CAPTURED} captured batches with repetitions: the same store");
    result.unwrap();
}

/// What a new office holds after a kiosk's captured batches came in this order: 13 entries in overlapping pieces.
async fn sent(order: &[usize]) -> String {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    for credential in ["em4100:67003B51C6", "em4100:67003BA86C", "em4100:6F007B3972"] {
        kiosk.punches(4, credential);
    }
    let spans: [(u64, u64); CAPTURED] = [(1, 3), (2, 5), (4, 8), (9, 9), (9, 12), (13, 13), (1, 0)];
    let captured: Vec<Vec<u8>> = spans.iter().map(|(from, to)| kiosk.body(*from, *to, Vec::new())).collect();
    for batch in order {
        desk.post(&kiosk, captured[*batch].clone()).await.unwrap();
    }
    let held = held(&desk, &kiosk).await;
    desk.close().await;
    held
}

/// Begins so many batches and sends one byte of each body.
async fn slow_bodies(desk: &Desk, count: usize) -> Vec<impl Sized> {
    let mut slow = Vec::new();
    for _ in 0..count {
        let mut stream = raw_connection(desk).await;
        let head = "POST /terminal/v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        slow.push(stream);
    }
    slow
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_come_keep_no_kiosk_waiting() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punch("em4100:67003B51C6");
    let slow = slow_bodies(&desk, 2 * PLACES).await;
    let served = tokio::time::timeout(SERVED_WITHIN, desk.send(&kiosk, 1, 2)).await;
    assert_eq!(served.expect("a punch is taken while strangers are slow").mark, Sequence(2));
    drop(slow);
}
