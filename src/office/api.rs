//! The interface for other systems, `/api/v1/…`: punches as a feed, days as sheets. JSON over HTTPS with bearer tokens.
//!
//! Invariants: nothing is given out without a token whose scope allows it; an error is JSON `{code, text, hint}`; a shape that was given out is
//! never changed within v1, only added to. `GET /api/v1/openapi.json` describes all of it and needs no token.

mod days;
mod gate;
pub mod item;
mod openapi;
mod punches;
mod schema;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use super::http::Refusal;
use super::limits::{Budget, Rate};
use super::store::Store;
use crate::clock::Clock;

/// Requests of one token: enough to follow the feed closely and to fetch a year of days in a minute.
const TOKEN_RATE: Rate = Rate { burst: 200, every_ms: 50 };
/// Requests of one address whose token is not known.
const STRANGER_RATE: Rate = Rate { burst: 30, every_ms: 1_000 };

/// What the interface needs.
#[derive(Debug, Clone)]
pub struct Api(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    clock: Clock,
    tokens: Budget<[u8; 32]>,
    strangers: Budget<IpAddr>,
}

impl Api {
    /// The interface over a store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Parts { store, clock, tokens: Budget::new(TOKEN_RATE), strangers: Budget::new(STRANGER_RATE) }))
    }
}

/// The routes.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/api/v1/punches", get(punches::list))
        .route("/api/v1/days/{date}", get(days::day))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/{*rest}", get(nothing))
        .method_not_allowed_fallback(only_get)
        .with_state(api)
}

async fn nothing() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address", "see /api/v1/openapi.json")
}

async fn only_get() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this address takes another method", "see /api/v1/openapi.json")
}

#[cfg(test)]
mod tests;
