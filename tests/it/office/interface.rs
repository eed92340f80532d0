//! The interface for other systems, over real TLS with real tokens.

use std::collections::BTreeMap;

use punchd::domain::time::{Trust, WorkDate};
use punchd::office::day::day_sheet;
use punchd::office::store::{Fact, Scope, SiteId, Token};
use punchd::office::token::{new_token, token_hash};
use punchd::wire::entry::{Body, TimeSource};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use super::desk::{Desk, Kiosk, error_code, wall};
use super::feed::{give_card, person};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_out_without_a_token_in_force_but_the_description_is() {
    let desk = Desk::open().await;
    let token = token(&desk, "hr").await;
    let without = desk.client.get(desk.url("/api/v1/punches")).send().await.unwrap();
    assert!(without.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!((without.status(), error_code(without).await.as_str()), (StatusCode::UNAUTHORIZED, "token-missing"));
    for path in ["/api/v1/punches", "/api/v1/days/2026-11-23", "/api/v1/days/2026-11-23.csv"] {
        assert_eq!(refused(&desk, "punch_0000", path).await, (StatusCode::UNAUTHORIZED, "token-unknown".to_owned()), "{path}");
        assert_eq!(get(&desk, &token, path).await.status(), StatusCode::OK, "{path}");
    }
    let described: Value = desk.client.get(desk.url("/api/v1/openapi.json")).send().await.unwrap().json().await.unwrap();
    assert!(described["paths"].get("/api/v1/punches").is_some());
    assert!(desk.store().token_revoke(SiteId::FIRST, "hr".to_owned(), desk.clock.wall()).await.unwrap());
    assert_eq!(refused(&desk, &token, "/api/v1/punches").await.1, "token-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_by_name_and_in_json() {
    let desk = Desk::open().await;
    let token = token(&desk, "hr").await;
    for (path, status, code) in [
        ("/api/v1/punches?limit=0", 400, "limit-wrong"),
        ("/api/v1/punches?limit=1001", 400, "limit-wrong"),
        ("/api/v1/punches?limit=x", 400, "query-wrong"),
        ("/api/v1/punches?since=1", 400, "query-wrong"),
        ("/api/v1/punches?after=17", 400, "cursor-wrong"),
        ("/api/v1/days/2026-13-01", 400, "date-wrong"),
        ("/api/v1/days/2026-11-23.xml", 400, "date-wrong"),
        ("/api/v1/nothing", 404, "not-found"),
        ("/api/v2/punches", 404, "not-found"),
    ] {
        let (refused, named) = refused(&desk, &token, path).await;
        assert_eq!((refused.as_u16(), named.as_str()), (status, code), "{path}");
    }
    let posted = desk.client.request(Method::POST, desk.url("/api/v1/punches")).bearer_auth(&token).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), error_code(posted).await.as_str()), (405, "method-not-allowed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_is_stopped_and_says_when_to_come_again() {
    let desk = Desk::open().await;
    let mut last = get(&desk, "punch_0", "/api/v1/punches").await;
    for guess in 1..60 {
        last = get(&desk, &format!("punch_{guess}"), "/api/v1/punches").await;
    }
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(last.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_follows_the_feed_and_upserts_holds_in_the_end_what_the_office_holds() {
    let desk = Desk::open().await;
    let token = token(&desk, "hr").await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    let mut client = Follower::default();
    for round in 0..6_u8 {
        let from = kiosk.last().0 + 1;
        kiosk.punches(3, "em4100:67003B51C6");
        kiosk.punch("em4100:67003BA86C");
        untrusted(&mut kiosk, round);
        desk.send(&kiosk, if from == 2 { 1 } else { from }, kiosk.last().0).await;
        client.page(&desk, &token, 2).await;
        match round {
            1 => drop(give_card(&desk, "ZC0101", "0003887558").await),
            3 => drop(give_card(&desk, "ZC0102", "em4100:67003BA86C").await),
            4 => {
                let renamed = punchd::domain::person::Person { exit: WorkDate::from_ymd_opt(2026, 11, 22), ..person("ZC0102", "李四") };
                desk.store().add_facts(SiteId::FIRST, vec![Fact::Person(renamed)], "test".to_owned(), desk.clock.wall()).await.unwrap();
            }
            _ => {}
        }
        client.page(&desk, &token, 3).await;
    }
    while client.page(&desk, &token, 5).await > 0 {}
    let standing = client.next.clone();
    assert_eq!((client.page(&desk, &token, 5).await, &client.next), (0, &standing), "next is equal to after when nothing is new");
    let mut fresh = Follower::default();
    while fresh.page(&desk, &token, 1_000).await > 0 {}
    assert_eq!(client.held, fresh.held);
    assert_eq!(client.held.len(), 6 * 5);
    let named = |value: &str| {
        client.held.values().filter(|item| item["credential"]["value"] == value).map(|item| item["staff_no"].clone()).collect::<Vec<_>>()
    };
    assert!(named("em4100:67003B51C6").iter().all(|staff_no| staff_no == "ZC0101"));
    assert!(named("em4100:67003BA86C").iter().all(Value::is_null), "who has left holds no card");
    assert!(client.held.values().all(|item| item["at"].as_str().unwrap().starts_with("2026-11-23T08:")), "estimated times came again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_is_the_same_value_as_json_and_as_csv_and_at_the_command_line() {
    let desk = Desk::open().await;
    let token = token(&desk, "hr").await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.clock.wall = wall("2026-11-23T08:27:59+08:00");
    kiosk.punch("em4100:67003B51C6");
    desk.send(&kiosk, 1, 2).await;
    give_card(&desk, "ZC0101", "0003887558").await;
    let date = WorkDate::from_ymd_opt(2026, 11, 23).unwrap();
    let json: Value = get(&desk, &token, "/api/v1/days/2026-11-23").await.json().await.unwrap();
    let mut ours = serde_json::to_value(day_sheet(desk.store(), SiteId::FIRST, date, desk.clock.wall()).await.unwrap()).unwrap();
    ours["as_of"] = json["as_of"].clone();
    assert_eq!(json, ours);
    let line = &json["people"][0]["checkpoints"][0];
    assert_eq!((&line["outcome"], &line["minutes"], &line["counted"]), (&"late".into(), &3.into(), &"2026-11-23T08:28:00+08:00".into()));
    let csv = get(&desk, &token, "/api/v1/days/2026-11-23.csv").await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let text = csv.bytes().await.unwrap();
    let text = std::str::from_utf8(text.strip_prefix("\u{FEFF}".as_bytes()).unwrap()).unwrap().to_owned();
    assert!(text.contains("\r\n\"2026-11-23\",") && text.contains("\"08:28:00\",\"迟到 3 分"), "{text}");
}

/// A system that pulls punches.
#[derive(Default)]
struct Follower {
    next: String,
    held: BTreeMap<String, Value>,
}

impl Follower {
    /// Fetches a page and keeps the last version of each punch; how many there were.
    async fn page(&mut self, desk: &Desk, token: &str, limit: usize) -> usize {
        let path = format!("/api/v1/punches?after={}&limit={limit}", self.next);
        let page: Value = get(desk, token, &path).await.json().await.unwrap();
        self.next = page["next"].as_str().unwrap().to_owned();
        let items = page["items"].as_array().unwrap();
        for item in items {
            let key = format!("{}/{}/{}", item["terminal"], item["journal"], item["sequence"]);
            self.held.insert(key, item.clone());
        }
        items.len()
    }
}

/// A boot in 1970: a punch whose time is known only from the trusted moment after it.
fn untrusted(kiosk: &mut Kiosk, boot: u8) {
    let right = kiosk.clock;
    kiosk.clock.boot.0 = [100 + boot; 16];
    kiosk.clock.trust = Trust::Unset;
    kiosk.clock.wall = wall("1970-01-01T00:01:00Z");
    kiosk.punch("text:QR-17");
    let now = kiosk.clock.wall.plus_millis(1_000).millis_since(wall("1970-01-01T00:01:00Z"));
    kiosk.append(Body::Sync { wall: right.wall.plus_millis(now), uncertainty_ms: 5, source: TimeSource::Office });
    kiosk.clock = punchd::domain::time::ClockReading { mono: kiosk.clock.mono, wall: right.wall.plus_millis(2_000), ..right };
}

async fn token(desk: &Desk, name: &str) -> String {
    let token = new_token().unwrap();
    let kept =
        Token { site: SiteId::FIRST, name: name.to_owned(), scopes: vec![Scope::Read], added_at: desk.clock.wall(), revoked_at: None };
    assert!(desk.store().token_add(kept, token_hash(&token)).await.unwrap());
    token
}

async fn get(desk: &Desk, token: &str, path: &str) -> Response {
    desk.client.get(desk.url(path)).bearer_auth(token).send().await.unwrap()
}

async fn refused(desk: &Desk, token: &str, path: &str) -> (StatusCode, String) {
    let response = get(desk, token, path).await;
    (response.status(), error_code(response).await)
}
