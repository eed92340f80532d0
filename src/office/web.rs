//! Two plain pages for the machine that the office runs on: today's punches as they come, and the terminals.
//!
//! Invariants: served to this machine only (a loopback listener, and no other name of it is answered, so that a web site elsewhere cannot read
//! them through a browser here); whole without script, which only refreshes; everything that people or readers wrote is escaped.

mod terminals;
mod today;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::http::Refusal;
use super::store::{SiteId, Store};
use crate::clock::Clock;
use crate::domain::time::{UtcOffset, Wall};

const STYLE: &str = include_str!("web/style.css");
const SCRIPT: &str = include_str!("web/live.js");
/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the pages need.
#[derive(Debug, Clone)]
pub struct Pages(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    clock: Clock,
    site: SiteId,
}

impl Pages {
    /// The pages of a site.
    pub fn new(store: Store, clock: Clock, site: SiteId) -> Self {
        Self(Arc::new(Parts { store, clock, site }))
    }
}

/// The routes.
pub fn router(pages: Pages) -> Router {
    let file = |kind: &'static str, text: &'static str| get(async move || ([(header::CONTENT_TYPE, kind)], text));
    Router::new()
        .route("/", get(today::page))
        .route("/terminals", get(terminals::page))
        .route("/style.css", file("text/css; charset=utf-8", STYLE))
        .route("/live.js", file("text/javascript; charset=utf-8", SCRIPT))
        .layer(middleware::from_fn(guarded))
        .with_state(pages)
}

/// Answers only under a name of this machine, and says what a browser may do with the answer.
async fn guarded(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_this_machine(host) {
        let hint = "open http://127.0.0.1 with the port of pages-listen";
        return Refusal::new(StatusCode::MISDIRECTED_REQUEST, "host-wrong", "these pages are for this machine only", hint).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(name, _)| name),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// A page as it is sent.
fn shown(page: &impl Template) -> Result<Html<String>, Refusal> {
    let failed = |error| {
        tracing::error!(%error, "a page cannot be made");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "page-failed", "the page cannot be made", "see the log of punch-office")
    };
    page.render().map(Html).map_err(failed)
}

/// How long ago, in words: 刚刚, 5 分钟前, 3 天前.
fn ago(then: Wall, now: Wall) -> String {
    match now.millis_since(then) / 60_000 {
        ..1 => "刚刚".to_owned(),
        minutes @ 1..60 => format!("{minutes} 分钟前"),
        minutes @ 60..1_440 => format!("{} 小时前", minutes / 60),
        minutes => format!("{} 天前", minutes / 1_440),
    }
}

/// A moment of today as `08:21`, of another day as `11-20 08:21`.
fn moment(at: Wall, now: Wall, offset: UtcOffset) -> String {
    let ((date, time), (today, _)) = (offset.civil(at), offset.civil(now));
    if date == today { time.hh_mm() } else { format!("{} {}", date.format("%m-%d"), time.hh_mm()) }
}

#[cfg(test)]
mod tests;
