//! The office's HTTP: connections with limits, bodies with limits, and errors as JSON `{code, text, hint}`.
//!
//! Every connection has a place among [`CONNECTIONS_MAX`], a time for its handshake and for each request's head; every body has a length and a
//! time. What must not be undone by a client that hangs up runs detached from its connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::store::StoreError;
use crate::supervise::Supervisor;

/// Most connections at once.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Longest TLS handshake.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a request's head, from the connection's opening or the request before.
pub const HEAD_MAX: Duration = Duration::from_secs(75);
/// Longest wait for a request's body.
pub const BODY_TIME_MAX: Duration = Duration::from_mins(1);
/// How much longer than its limit a body may be and still be heard out, in bytes.
const BODY_SLACK_BYTES: usize = 256 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Pause after the system gave no connection, so that running out of files does not burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// An error as it is shown to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    text: String,
    hint: &'static str,
    retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct RefusalBody<'a> {
    code: &'a str,
    text: &'a str,
    hint: &'a str,
}

impl Refusal {
    /// An error with its name, its sentence and what to do.
    pub fn new(status: StatusCode, code: &'static str, text: impl Into<String>, hint: &'static str) -> Self {
        Self { status, code, text: text.into(), hint, retry_after_ms: None }
    }

    /// Asked too often.
    pub fn too_often(wait_ms: u64) -> Self {
        let text = "asked too often".to_owned();
        Self { status: StatusCode::TOO_MANY_REQUESTS, code: "too-often", text, hint: "wait and try again", retry_after_ms: Some(wait_ms) }
    }

    /// The error's name.
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

impl From<StoreError> for Refusal {
    /// Logged here, where it is handled; the client learns its name only.
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(code = error.code(), source, hint = error.hint(), "{error}");
        let status = if error.is_transient() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self::new(status, error.code(), "the office's store failed", "see the log of punch-office")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = RefusalBody { code: self.code, text: &self.text, hint: self.hint };
        let mut response = (self.status, axum::Json(body)).into_response();
        let seconds = self.retry_after_ms.map(|wait| wait.div_ceil(1_000).to_string());
        if let Some(value) = seconds.and_then(|seconds| seconds.parse().ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// Reads a whole body within its limits of length and time.
///
/// # Errors
/// When it is too long, too slow, or broke off.
pub async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let too_long = || {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-long", format!("the body has more than {limit} bytes"), "send less at once")
    };
    // A little more is read, so that a client that sends a little too much hears why instead of a broken connection.
    match tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, limit.saturating_add(BODY_SLACK_BYTES))).await {
        Ok(Ok(bytes)) if bytes.len() > limit => Err(too_long()),
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(error)) => {
            let long = std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("length limit"));
            if long {
                Err(too_long())
            } else {
                Err(Refusal::new(StatusCode::BAD_REQUEST, "body-broken", "the body broke off", "send it again"))
            }
        }
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the body took too long", "check the network")),
    }
}

/// One of the office's listeners: what it serves, and to how many at once.
#[derive(Debug, Clone)]
pub struct Service {
    router: Router,
    places: Arc<Semaphore>,
    supervisor: Supervisor,
}

impl Service {
    /// A service with all places free.
    pub fn new(router: Router, supervisor: Supervisor) -> Self {
        Self { router, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)), supervisor }
    }

    /// Accepts connections until told to stop; over TLS, if there is an acceptor.
    pub async fn accept(self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        let stop = self.supervisor.stop().clone();
        stop.run_until_cancelled(async {
            loop {
                let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        stream.set_nodelay(true).ok();
                        let (service, tls) = (self.clone(), tls.clone());
                        self.supervisor.passing(async move {
                            match tls {
                                Some(tls) => {
                                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
                                        service.connection(stream, peer).await;
                                    }
                                }
                                None => service.connection(stream, peer).await,
                            }
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        })
        .await;
    }

    /// Waits until no connection is left.
    pub async fn drained(&self) {
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        self.places.acquire_many(all).await.ok();
    }

    async fn connection(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr) {
        let router = self.router.clone().layer(Extension(Peer(peer)));
        let mut builder = Builder::new(TokioExecutor::new()).http1_only();
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.supervisor.stop().cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}
