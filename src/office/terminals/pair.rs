//! `POST /terminal/v1/pair`: a one-time code gives a kiosk its identity.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;

use super::Endpoint;
use crate::domain::id::hex_bytes;
use crate::office::http::{Peer, Refusal, read_body};
use crate::office::pairing::secret_hash;
use crate::office::store::Pairing;
use crate::wire::canonical;
use crate::wire::pairing::{CODE_PART_BYTES, PairReply, PairRequest};

/// Version of request and reply.
const VERSION: u32 = 1;
/// Most bytes of a request.
const REQUEST_BYTES_MAX: usize = 4 * 1024;

pub(super) async fn handle(
    State(endpoint): State<Endpoint>,
    Extension(Peer(peer)): Extension<Peer>,
    body: Body,
) -> Result<Json<PairReply>, Refusal> {
    endpoint.0.pairing.take(peer.ip(), endpoint.0.clock.mono()).map_err(Refusal::too_often)?;
    let request = checked(&read_body(body, REQUEST_BYTES_MAX).await?)?;
    let secret = hex_bytes(&request.secret).filter(|secret| secret.len() == CODE_PART_BYTES).ok_or_else(|| refused("code-unknown"))?;
    let (now, _) = endpoint.now();
    let public_key = request.public_key.to_ascii_lowercase();
    match endpoint.0.store.pair(secret_hash(&secret), public_key, request.terminal, now).await? {
        Pairing::Paired { terminal, revoked } => {
            tracing::info!(%terminal, revoked, "a terminal was paired");
            let office_key = canonical::key_text(&endpoint.0.key.verifying_key());
            Ok(Json(PairReply { version: VERSION, terminal, ca: endpoint.0.anchor.pem.clone(), office_key }))
        }
        Pairing::Unknown => Err(refused("code-unknown")),
        Pairing::Expired => Err(refused("code-expired")),
        Pairing::Used => Err(refused("code-used")),
        Pairing::KeyKnown => Err(refused("key-known")),
        Pairing::OtherTerminal(terminal) => {
            let hint = "correct `id` in terminal.toml, or ask for a code for that terminal";
            Err(Refusal::new(StatusCode::CONFLICT, "other-terminal", format!("the code is for {terminal}"), hint))
        }
    }
}

fn checked(body: &[u8]) -> Result<PairRequest, Refusal> {
    let wrong = |text: String| Refusal::new(StatusCode::BAD_REQUEST, "pair-unreadable", text, "use the same version at kiosk and office");
    let request: PairRequest = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    if request.version != VERSION {
        return Err(wrong(format!("version {} is unknown here", request.version)));
    }
    canonical::key_from_text(&request.public_key).map_err(|error| wrong(error.to_string()))?;
    Ok(request)
}

fn refused(code: &'static str) -> Refusal {
    let (text, hint) = match code {
        "code-expired" => ("the pairing code's time is over", "ask for a new one: punch-office terminal add"),
        "code-used" => ("the pairing code was used", "ask for a new one: punch-office terminal add"),
        "key-known" => ("this kiosk's key is known already", "let the kiosk make a new key and pair again"),
        _ => ("no such pairing code", "check for a typing error, or ask for a new one: punch-office terminal add"),
    };
    Refusal::new(StatusCode::FORBIDDEN, code, text, hint)
}
