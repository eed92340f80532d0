//! Something else in the office's place: it takes a connection and answers in a manner of its own, over TLS with a certificate of any CA, or
//! without any.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use punchd::clock::Clock;
use punchd::office::ca::{OwnCa, ServerCertificate};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// In everything that an impostor says, and never in a log.
pub(super) const MARKER: &str = "lantern-4711";
/// Between two bytes of an answer that drips.
const DRIP: Duration = Duration::from_millis(100);
/// How long an impostor waits for a request, and for a client that goes away.
const HEAR_MAX: Duration = Duration::from_mins(2);

/// How it answers.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// With a status line, more header lines, and a body of a kind.
    Http(&'static str, &'static str, &'static str),
    /// With these bytes.
    Bytes(String),
    /// With a body without end.
    Endless(&'static str),
    /// With headers without end.
    EndlessHead,
    /// Byte by byte.
    Drip,
    /// Not at all, once it has heard the request.
    Nothing,
}

/// Whose certificate it has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Guise<'a> {
    /// None: it speaks plain HTTP.
    Plain,
    /// One of the CA in this folder.
    Tls(&'a Path),
}

/// The impostor.
pub(super) struct Impostor {
    address: SocketAddr,
    drips: bool,
    closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Impostor {
    pub(super) fn start(guise: Guise<'_>, manner: Manner) -> Self {
        let tls = match guise {
            Guise::Plain => None,
            Guise::Tls(folder) => Some(server_config(certificate(folder, 0))),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closing = Arc::new(AtomicBool::new(false));
        let (told, drips) = (Arc::clone(&closing), matches!(manner, Manner::Drip));
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_read_timeout(Some(HEAR_MAX)).unwrap();
                let (tls, manner) = (tls.clone(), manner.clone());
                // Whoever hangs up on an impostor is right.
                std::thread::spawn(move || match tls {
                    None => speak(stream, &manner).ok(),
                    Some(tls) => speak(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &manner).ok(),
                });
            }
        });
        Self { address, drips, closing, accepting: Some(accepting) }
    }

    /// Whether it answers byte by byte.
    pub(super) fn drips(&self) -> bool {
        self.drips
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok();
        if let Some(accepting) = self.accepting.take() {
            accepting.join().ok();
        }
    }
}

/// A certificate of the CA in a folder for this machine, issued so many days from today.
pub(super) fn certificate(folder: &Path, days: i64) -> ServerCertificate {
    let now = Clock::system().wall().plus_millis(days * 24 * 3_600_000);
    OwnCa::ensure(folder).unwrap().issue(&["localhost".to_owned()], &["127.0.0.1".parse().unwrap()], now).unwrap()
}

fn server_config(certificate: ServerCertificate) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(certificate.chain, certificate.key).unwrap())
}

fn speak(mut stream: impl Read + Write, manner: &Manner) -> std::io::Result<()> {
    hear(&mut stream)?;
    match manner {
        Manner::Http(status, more, kind) => {
            let body = format!("<html>{MARKER}: please log in</html>");
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n")?;
            write!(stream, "content-length: {length}\r\n{more}\r\n{body}")?;
        }
        Manner::Bytes(bytes) => stream.write_all(bytes.as_bytes())?,
        Manner::Endless(status) => {
            write!(stream, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n")?;
            loop {
                stream.write_all(MARKER.as_bytes())?;
            }
        }
        Manner::EndlessHead => {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
            loop {
                write!(stream, "x-more: {MARKER}\r\n")?;
            }
        }
        Manner::Drip => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")?;
            for byte in MARKER.bytes().cycle() {
                stream.write_all(&[byte])?;
                stream.flush()?;
                std::thread::park_timeout(DRIP);
            }
        }
        Manner::Nothing => drop(stream.read(&mut [0; 1])?),
    }
    stream.flush()?;
    // It hangs up second, so that nothing of its answer is lost to a reset.
    stream.read(&mut [0; 1]).map(drop)
}

/// Hears a request out: its head, and as many bytes as that says.
fn hear(stream: &mut impl Read) -> std::io::Result<()> {
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = heard.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        let length = |head: &[u8]| {
            let head = String::from_utf8_lossy(head).to_lowercase();
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok()).unwrap_or_default()
        };
        if end.is_some_and(|end| heard.len() >= end + length(&heard[..end])) {
            return Ok(());
        }
        // What speaks TLS where plain HTTP is expected never ends its head: its first bytes are enough.
        let read = stream.read(&mut buffer)?;
        if read == 0 || heard.is_empty() && buffer[0] == 0x16 {
            return Ok(());
        }
        heard.extend_from_slice(&buffer[..read]);
    }
}
