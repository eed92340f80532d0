//! `POST /terminal/v1/batch`: verified, taken in one transaction, answered after its commit.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

use super::{Endpoint, Speaker};
use crate::office::http::{Peer, Refusal, read_body};
use crate::office::store::{Arrival, Signed};
use crate::wire::batch::{BATCH_BYTES_MAX, BATCH_VERSION, Batch, CheckedBatch, Receipt};
use crate::wire::canonical::{self, Purpose, SIGNATURE_HEADER};

pub(super) async fn handle(
    State(endpoint): State<Endpoint>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let busy = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "office-stopping", "the office is stopping", "try again");
    let _place = endpoint.0.batches.take(peer.ip(), body.size_hint().upper()).await.map_err(|_closed| busy())?;
    let body: Arc<[u8]> = read_body(body, BATCH_BYTES_MAX).await?.into();
    let speaker = endpoint.speaker(&headers, peer.ip(), Purpose::Batch, &body).await?;
    let batch = checked(&speaker, &body)?;
    // From here on the sender may hang up: what it sent is taken all the same.
    let (answered, answer) = oneshot::channel();
    let detached = endpoint.clone();
    endpoint.0.supervisor.passing(async move {
        answered.send(detached.take(speaker, batch, body).await).ok();
    });
    answer.await.map_err(|_closed| busy())?
}

fn checked(speaker: &Speaker, body: &[u8]) -> Result<CheckedBatch, Refusal> {
    let refused = |code, text| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, text, "use the same version at kiosk and office");
    let batch = Batch::read(body).map_err(|error| refused(error.code(), error.to_string()))?;
    if batch.terminal == speaker.terminal {
        Ok(batch)
    } else {
        Err(refused("batch-other-terminal", format!("{} signed a batch of {}", speaker.terminal, batch.terminal)))
    }
}

impl Endpoint {
    async fn take(&self, speaker: Speaker, batch: CheckedBatch, body: Arc<[u8]>) -> Result<Response, Refusal> {
        let (at, at_trusted) = self.now();
        let (terminal, journal) = (batch.terminal.clone(), batch.journal);
        let signed = Signed { purpose: Purpose::Batch, public_key: speaker.public_key, signature: speaker.signature, body };
        let taken = self.0.store.ingest(Arrival { site: speaker.site, batch, signed: Some(signed), at, at_trusted }).await?;
        if let Some(sequence) = taken.answer.fork {
            tracing::warn!(%terminal, %journal, %sequence, "two machines write the same journal");
        }
        let (at, at_trusted) = self.now();
        let receipt = Receipt {
            version: BATCH_VERSION,
            terminal,
            journal,
            mark: taken.answer.mark,
            head: taken.answer.head,
            fork: taken.answer.fork,
            at,
            at_trusted,
            bundle: taken.bundle,
            elsewhere: taken.elsewhere,
        };
        let failed =
            |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "receipt", "no receipt could be written", "see the log of punch-office");
        let body = serde_json::to_vec(&receipt).map_err(failed)?;
        let signature = canonical::sign(&self.0.key, Purpose::Receipt, &body);
        self.0.store.keep_receipt(speaker.site, receipt, body.clone(), signature.clone());
        Ok(([(SIGNATURE_HEADER, signature), (header::CONTENT_TYPE.as_str(), "application/json".to_owned())], body).into_response())
    }
}
