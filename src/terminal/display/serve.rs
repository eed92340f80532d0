//! HTTP on loopback. Invariants: only loopback is served and only under loopback names (a name of someone else's that resolves to 127.0.0.1
//! is refused, so no web site can read the page); connections and streams are bounded; nothing is loaded from anywhere else.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Display;

/// Most connections at a time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// How often the page is told the time. The page takes three seconds of silence for the end.
const BEAT: Duration = Duration::from_secs(1);
/// A client that takes nothing for so long is cut off, in milliseconds.
const UNREAD_MAX_MS: u32 = 10_000;
/// What the kernel may hold for a client that does not read, in bytes.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Everything comes from here; the page is shown in no other page.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why the page is not served.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// The address is not loopback: the page shows names and asks for no password.
    #[error("the kiosk page may not be served on {0}: it shows names and asks for no password")]
    NotLoopback(SocketAddr),
    /// The system gave up the listener.
    #[error("serving the kiosk page")]
    Serve(#[source] io::Error),
}

impl DisplayError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "display-not-loopback",
            Self::Serve(_) => "display-serve",
        }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "set [kiosk] listen to 127.0.0.1 or [::1]",
            Self::Serve(_) => "it is tried again; see whether another program took the address",
        }
    }

    /// Whether it may pass by itself.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::NotLoopback(_) => false,
            Self::Serve(_) => true,
        }
    }
}

impl Display {
    /// Serves the page until `stop`, then lets each stream finish what waits for it and returns.
    ///
    /// # Errors
    /// When the listener is not on loopback, or the system fails it.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), DisplayError> {
        let address = listener.local_addr().map_err(DisplayError::Serve)?;
        if !address.ip().is_loopback() {
            return Err(DisplayError::NotLoopback(address));
        }
        let ending = CancellationToken::new();
        let router = Router::new()
            .route("/", get(|| async { asset("text/html; charset=utf-8", include_str!("kiosk.html")) }))
            .route("/kiosk.css", get(|| async { asset("text/css; charset=utf-8", include_str!("kiosk.css")) }))
            .route("/kiosk.js", get(|| async { asset("text/javascript; charset=utf-8", include_str!("kiosk.js")) }))
            .route("/events", get(events))
            .route("/health", get(health))
            .layer(from_fn(guard))
            .with_state((self, ending.clone()));
        let door = Door { listener, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
        let stopping = async move {
            stop.await;
            ending.cancel();
        };
        axum::serve(door, router).with_graceful_shutdown(stopping).await.map_err(DisplayError::Serve)
    }
}

type Served = (Display, CancellationToken);

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

async fn health(State((display, _)): State<Served>) -> Response {
    let (well, conditions) = display.health();
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ok": well, "conditions": conditions }))).into_response()
}

async fn events(State((display, ending)): State<Served>) -> Response {
    let Some(queue) = display.connect() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many event streams are open\n").into_response();
    };
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let events = Events { queue, beat, display, ending: Box::pin(ending.cancelled_owned()) };
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// Refuses a request that came under a foreign name, and sets what every answer carries.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = if is_local(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "the kiosk page answers to localhost only\n").into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// One connection's events: what was queued for it, in order; then, and every second, the page as it is.
struct Events {
    queue: mpsc::Receiver<Bytes>,
    beat: Interval,
    display: Display,
    ending: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl futures_core::Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(frame) = self.queue.poll_recv(context) {
            self.beat.reset_immediately();
            return Poll::Ready(frame.map(Ok));
        }
        if self.ending.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        ready!(self.beat.poll_tick(context));
        Poll::Ready(Some(Ok(self.display.page_frame())))
    }
}

/// A listener that admits so many and no more.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

/// A connection that gives its place back when it ends.
struct Visitor {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl Listener for Door {
    type Io = Visitor;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visitor, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("the places are never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Each of these only sharpens a limit; a kernel that refuses one still serves the page.
        stream.set_nodelay(true).ok();
        rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD_MAX_MS).ok();
        rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES).ok();
        (Visitor { stream, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Visitor {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_answered() {
        for (host, local) in [
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("LocalHost:80", true),
            ("[::1]:8080", true),
            ("127.9.9.9", true),
            ("kiosk.example:8080", false),
            ("127.0.0.1.example", false),
            ("localhost.example:80", false),
            ("10.0.0.7", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            assert_eq!(is_local(&headers), local, "{host}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }
}
