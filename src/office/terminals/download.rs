//! `GET /terminal/v1/bundle` and `GET /terminal/v1/elsewhere`: signed requests, signed answers, by tag.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{Endpoint, Speaker};
use crate::office::http::{Peer, Refusal};
use crate::office::store::Sealed;
use crate::wire::canonical::{self, Purpose, SIGNATURE_HEADER};

pub(super) async fn bundle(
    State(endpoint): State<Endpoint>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let Speaker { site, terminal, .. } = endpoint.speaker(&headers, peer.ip(), Purpose::Request, uri.path().as_bytes()).await?;
    let found = endpoint.0.store.bundle(site, terminal, known_tag(&headers)).await?;
    Ok(endpoint.answer(found))
}

pub(super) async fn elsewhere(
    State(endpoint): State<Endpoint>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let Speaker { site, terminal, .. } = endpoint.speaker(&headers, peer.ip(), Purpose::Request, uri.path().as_bytes()).await?;
    let (now, _) = endpoint.now();
    let found = endpoint.0.store.elsewhere(site, terminal, now, known_tag(&headers)).await?;
    Ok(endpoint.answer(found))
}

fn known_tag(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    Some(text.trim().trim_start_matches("W/").trim_matches('"').to_owned())
}

impl Endpoint {
    fn answer(&self, found: Result<Sealed, String>) -> Response {
        match found {
            Ok(Sealed { tag, body }) => {
                let signature = canonical::sign(&self.0.key, Purpose::Bundle, &body);
                let headers = [
                    (SIGNATURE_HEADER, signature),
                    (header::ETAG.as_str(), format!("\"{tag}\"")),
                    (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
                ];
                (headers, body).into_response()
            }
            Err(tag) => (StatusCode::NOT_MODIFIED, [(header::ETAG, format!("\"{tag}\""))]).into_response(),
        }
    }
}
