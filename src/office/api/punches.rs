//! `GET /api/v1/punches`: the feed.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::gate::Denied;
use super::item::PunchItem;
use super::schema::ErrorBody;
use crate::office::http::{Peer, Refusal};
use crate::office::store::{FEED_PAGE_MAX, FeedCursor, Scope, StoreError};

/// Punches of a page where the request does not say.
const LIMIT_DEFAULT: usize = 200;

/// Where to go on, and how far.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// `next` of the page before; nothing for the beginning.
    after: Option<String>,
    /// Most punches of this page, 1 to 1000; 200 where not given.
    limit: Option<usize>,
}

/// A page of the feed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PunchPage {
    /// In the order in which they became known, or known better.
    items: Vec<PunchItem>,
    /// Where the next page begins: give it as `after`. Equal to `after` when nothing is new.
    next: String,
}

/// The punches after a cursor, each at least once. A punch whose person or best time becomes known comes again: keep the last version of each
/// (terminal, journal, sequence).
///
/// A disk that was copied into a second machine makes two machines write in one journal. Then the office counts one of them; what it had taken
/// of the other above a gap it does not count any more, and those punches come again from a new journal with `origin`. So a punch with `origin`
/// takes the place of a punch kept under (terminal, origin.journal, origin.sequence) that has the same `credential` and `at_raw`; one of
/// another credential or time that stands there is another punch and stays. Of several punches with the same `origin` one counts.
#[utoipa::path(
    get,
    path = "/api/v1/punches",
    params(
        ("after" = Option<String>, Query, description = "`next` of the page before; nothing for the beginning"),
        ("limit" = Option<usize>, Query, description = "Most punches of this page, 1 to 1000; 200 where not given")
    ),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "A page of the feed", body = PunchPage),
        (status = 400, description = "The cursor or the limit is none", body = ErrorBody),
        (status = 401, description = "No token, or one that is not in force", body = ErrorBody),
        (status = 403, description = "The token does not allow this", body = ErrorBody),
        (status = 429, description = "Asked too often; see Retry-After", body = ErrorBody)
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<PunchPage>, Denied> {
    let site = api.admit(&headers, peer.ip(), Scope::Read).await?;
    let Query(page) = page.map_err(|error| wrong("query-wrong", error.body_text(), "only after and limit are known"))?;
    let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=FEED_PAGE_MAX).contains(&limit) {
        return Err(wrong("limit-wrong", format!("limit is a number from 1 to {FEED_PAGE_MAX}"), "ask for fewer at once").into());
    }
    let after = page.after.filter(|after| !after.is_empty()).map(|after| after.parse::<FeedCursor>()).transpose();
    let after = after.map_err(|error| wrong("cursor-wrong", error, "give back `next` as it came, or begin without after"))?;
    let known = api.0.store.site(site).await.and_then(|site_found| site_found.ok_or(StoreError::NoSite(site.0))).map_err(Refusal::from)?;
    let feed = api.0.store.feed_after(site, after, limit).await.map_err(Refusal::from)?;
    let items = feed.items.iter().map(|item| PunchItem::of(item, known.utc_offset)).collect();
    Ok(Json(PunchPage { items, next: feed.next.to_string() }))
}

fn wrong(code: &'static str, text: impl Into<String>, hint: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, text, hint)
}
