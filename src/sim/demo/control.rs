//! The demo's technician: asks the kiosk over its local socket, as `punchctl` does.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use crate::control::{Reply, Request, Status};

/// How long an answer may take; pairing needs a few exchanges with the office.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The kiosk's socket.
#[derive(Debug, Clone)]
pub(super) struct Control(pub(super) PathBuf);

impl Control {
    /// How the kiosk stands.
    pub(super) async fn status(&self) -> Result<Status, String> {
        match self.ask(&Request::Status).await? {
            Reply::Status(status) => Ok(*status),
            other => Err(format!("the kiosk answers {other:?}")),
        }
    }

    /// Pairs it with an office.
    pub(super) async fn pair(&self, url: String, code: String) -> Result<(), String> {
        match self.ask(&Request::Pair { url, code }).await? {
            Reply::Done { .. } => Ok(()),
            other => Err(format!("the kiosk cannot be paired: {other:?}")),
        }
    }

    async fn ask(&self, request: &Request) -> Result<Reply, String> {
        let told = |error: std::io::Error| format!("the kiosk does not answer at {}: {error}", self.0.display());
        let mut line = serde_json::to_string(request).map_err(|error| error.to_string())?;
        line.push('\n');
        let exchange = async {
            let mut stream = UnixStream::connect(&self.0).await?;
            stream.write_all(line.as_bytes()).await?;
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).await?;
            Ok(answer)
        };
        let limit = format!("the kiosk does not answer at {} within {} s", self.0.display(), ANSWER_LIMIT.as_secs());
        let answer = tokio::time::timeout(ANSWER_LIMIT, exchange).await.map_err(|_| limit)?.map_err(told)?;
        serde_json::from_str(&answer).map_err(|error| format!("the kiosk's answer cannot be read: {error}"))
    }
}
