//! The demo's technician: asks the kiosk over its local socket, as `punchctl` does.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::error::{DemoError, kiosk};
use crate::control::{Reply, Request, Status};

/// How long an answer may take; pairing needs a few exchanges with the office.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The kiosk's socket.
#[derive(Debug, Clone)]
pub(super) struct Control(pub(super) PathBuf);

impl Control {
    /// How the kiosk stands.
    pub(super) async fn status(&self) -> Result<Status, DemoError> {
        let reply = self.ask(&Request::Status).await?;
        if let Reply::Status(status) = reply { Ok(*status) } else { Err(kiosk("say how it stands")(format!("{reply:?}"))) }
    }

    /// Pairs it with an office.
    pub(super) async fn pair(&self, url: String, code: String) -> Result<(), DemoError> {
        let reply = self.ask(&Request::Pair { url, code }).await?;
        if let Reply::Done { .. } = reply { Ok(()) } else { Err(kiosk("be paired")(format!("{reply:?}"))) }
    }

    async fn ask(&self, request: &Request) -> Result<Reply, DemoError> {
        let mut line = serde_json::to_string(request).map_err(kiosk("be asked"))?;
        line.push('\n');
        let exchange = async {
            let mut stream = UnixStream::connect(&self.0).await?;
            stream.write_all(line.as_bytes()).await?;
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let Ok(answer) = tokio::time::timeout(ANSWER_LIMIT, exchange).await else {
            return Err(DemoError::Late { what: "the kiosk did not answer its technician", limit: ANSWER_LIMIT });
        };
        serde_json::from_str(&answer.map_err(kiosk("be asked"))?).map_err(kiosk("answer so that it is understood"))
    }
}
