//! The terminals' endpoint, `/terminal/v1/…`: pairing, batches, the bundle, the punches made elsewhere.
//!
//! Who speaks is proven by an Ed25519 signature with a registered key, checked before anything of the body is believed; a revoked key is told
//! so, an unknown one learns nothing. A batch is committed even if its sender hangs up, and answered only after the commit.

mod batch;
mod download;
mod pair;
mod places;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use ed25519_dalek::SigningKey;

use self::places::Places;
use super::ca::Anchor;
use super::http::Refusal;
use super::limits::{Budget, Rate};
use super::store::{SiteId, Store};
use crate::clock::Clock;
use crate::config::office::OfficeClock;
use crate::domain::estimate::DOUBTFUL_MS;
use crate::domain::id::TerminalId;
use crate::domain::time::Wall;
use crate::supervise::Supervisor;
use crate::wire::canonical::{self, Purpose, SIGNATURE_HEADER, TERMINAL_HEADER};

/// Pairing attempts of one address: ten at once, then one each 6 s.
const PAIR_RATE: Rate = Rate { burst: 10, every_ms: 6_000 };
/// Requests of one terminal: enough to drain a month's backlog in seconds.
const TERMINAL_RATE: Rate = Rate { burst: 400, every_ms: 5 };
/// Requests of one address whose signature does not verify.
const STRANGER_RATE: Rate = Rate { burst: 30, every_ms: 1_000 };
/// Most keys of one name that are tried, newest first.
const KEYS_TRIED_MAX: usize = 16;

/// What the terminals' endpoint needs.
#[derive(Debug, Clone)]
pub struct Endpoint(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    clock: Clock,
    vouched: OfficeClock,
    key: SigningKey,
    anchor: Anchor,
    supervisor: Supervisor,
    batches: Places,
    pairing: Budget<IpAddr>,
    terminals: Budget<TerminalId>,
    strangers: Budget<IpAddr>,
}

/// Whose signature verified.
#[derive(Debug, Clone)]
struct Speaker {
    site: SiteId,
    terminal: TerminalId,
    public_key: String,
    signature: String,
}

impl Endpoint {
    /// The endpoint over a store.
    pub fn new(store: Store, clock: Clock, vouched: OfficeClock, key: SigningKey, anchor: Anchor, supervisor: Supervisor) -> Self {
        Self(Arc::new(Parts {
            store,
            clock,
            vouched,
            key,
            anchor,
            supervisor,
            batches: Places::new(),
            pairing: Budget::new(PAIR_RATE),
            terminals: Budget::new(TERMINAL_RATE),
            strangers: Budget::new(STRANGER_RATE),
        }))
    }

    /// Its routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/terminal/v1/pair", post(pair::handle))
            .route("/terminal/v1/batch", post(batch::handle))
            .route("/terminal/v1/bundle", get(download::bundle))
            .route("/terminal/v1/elsewhere", get(download::elsewhere))
            .with_state(self)
    }

    /// Office time, and whether it can be trusted.
    fn now(&self) -> (Wall, bool) {
        let reading = self.0.clock.read();
        let synchronised = reading.kernel.is_some_and(|error_ms| error_ms <= DOUBTFUL_MS);
        (reading.wall, self.0.vouched == OfficeClock::Trusted || synchronised)
    }

    /// Finds out who signed these bytes.
    async fn speaker(&self, headers: &HeaderMap, peer: IpAddr, purpose: Purpose, bytes: &[u8]) -> Result<Speaker, Refusal> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let named = text(TERMINAL_HEADER).and_then(|name| name.parse::<TerminalId>().ok());
        let (Some(terminal), Some(signature)) = (named, text(SIGNATURE_HEADER)) else {
            return Err(self.stranger(peer));
        };
        let keys = self.0.store.terminal_keys(terminal.clone()).await?;
        for (site, key) in keys.into_iter().take(KEYS_TRIED_MAX) {
            let signed =
                canonical::key_from_text(&key.public_key).is_ok_and(|known| canonical::verify(&known, purpose, bytes, signature).is_ok());
            if signed && key.revoked_at.is_some() {
                return Err(Refusal::new(
                    StatusCode::FORBIDDEN,
                    "terminal-revoked",
                    format!("{terminal} was revoked"),
                    "pair this kiosk again",
                ));
            }
            if signed {
                self.0.terminals.take(terminal.clone(), self.0.clock.mono()).map_err(Refusal::too_often)?;
                return Ok(Speaker { site, terminal, public_key: key.public_key, signature: signature.to_owned() });
            }
        }
        Err(self.stranger(peer))
    }

    fn stranger(&self, peer: IpAddr) -> Refusal {
        match self.0.strangers.take(peer, self.0.clock.mono()) {
            Ok(()) => {
                Refusal::new(StatusCode::UNAUTHORIZED, "terminal-unknown", "no terminal of this office signed this", "pair this kiosk")
            }
            Err(wait_ms) => Refusal::too_often(wait_ms),
        }
    }
}
