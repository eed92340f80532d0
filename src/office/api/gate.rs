//! Who asks: the bearer token, its scope, and how often it asks.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Api;
use crate::office::http::Refusal;
use crate::office::store::{Scope, SiteId};
use crate::office::token::{PREFIX, token_hash};

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 200;

/// A refusal, which for a missing or unknown token names the way to ask.
#[derive(Debug)]
pub(super) struct Denied(Refusal, bool);

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self(refusal, false)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        if self.1 {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer realm=\"punch-office\""));
        }
        response
    }
}

impl Api {
    /// The site that the request's token opens.
    pub(super) async fn admit(&self, headers: &HeaderMap, peer: IpAddr, scope: Scope) -> Result<SiteId, Denied> {
        let Some(token) = bearer(headers) else {
            let hint = "send the header Authorization: Bearer TOKEN; punch-office token add makes one";
            return Err(self.stranger(peer, "token-missing", "this address needs a token", hint));
        };
        let hash = token_hash(token);
        let found = self.0.store.token_by_hash(hash).await.map_err(Refusal::from)?;
        let Some(found) = found else {
            return Err(self.stranger(peer, "token-unknown", "this token is not in force", "see punch-office token list"));
        };
        self.0.tokens.take(hash, self.0.clock.mono()).map_err(Refusal::too_often)?;
        if !found.scopes.contains(&scope) {
            let text = format!("this token does not allow {scope}");
            return Err(Refusal::new(StatusCode::FORBIDDEN, "scope-missing", text, "make a token with this scope").into());
        }
        Ok(found.site)
    }

    fn stranger(&self, peer: IpAddr, code: &'static str, text: &str, hint: &'static str) -> Denied {
        match self.0.strangers.take(peer, self.0.clock.mono()) {
            Ok(()) => Denied(Refusal::new(StatusCode::UNAUTHORIZED, code, text, hint), true),
            Err(wait_ms) => Refusal::too_often(wait_ms).into(),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(PREFIX) && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}
