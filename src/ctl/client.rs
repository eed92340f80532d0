//! The other end of punchd's socket.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::terminal;
use crate::control::{Reply, Request};
use crate::sys::Exit;

/// Why punchd could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The configuration that names the socket cannot be used.
    #[error("{0}")]
    Config(String),
    /// Nobody answers.
    #[error("punchd does not answer at {path}: {source}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to punchd broke: {0}")]
    Broken(#[from] io::Error),
    /// It answers in another language.
    #[error("punchd's answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be done.
    #[error("{0}")]
    Refused(String),
}

impl ClientError {
    /// What to do.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Config(_) => "name the socket with --socket, or the configuration with --config",
            Self::Connect { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run it as root or as a member of punchd's group"
            }
            Self::Connect { .. } => "is the service running? systemctl status punchd",
            Self::Broken(_) => "see punchd's log: journalctl -u punchd",
            Self::Answer(_) => "punchd and punchctl must be of the same version",
            Self::Write { .. } => "check the place and its free space",
            Self::Refused(_) => "see punchctl status",
        }
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::Connect { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => Exit::Permission,
            Self::Connect { .. } | Self::Broken(_) | Self::Refused(_) => Exit::Unavailable,
            Self::Answer(_) => Exit::Software,
            Self::Write { .. } => Exit::Io,
        }
    }
}

/// Where punchd's socket is: as given, or as its configuration says.
pub(crate) fn socket_path(socket: Option<&Path>, config: Option<&Path>) -> Result<PathBuf, ClientError> {
    if let Some(path) = socket {
        return Ok(path.to_owned());
    }
    terminal::control_socket(config).map_err(|error| ClientError::Config(error.to_string()))
}

/// One question and its answer.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(path: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).map_err(|source| ClientError::Connect { path: path.to_owned(), source })?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Over a stream on which somebody else writes replies.
    pub(crate) fn over(stream: UnixStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// How long each further question and reply may take.
    pub(crate) fn limit(&self, limit: Duration) -> Result<(), ClientError> {
        self.stream.get_ref().set_read_timeout(Some(limit))?;
        Ok(self.stream.get_ref().set_write_timeout(Some(limit))?)
    }

    /// Asks.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<(), ClientError> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        Ok(())
    }

    /// The next line of the answer, until `None`.
    pub(crate) fn reply(&mut self) -> Result<Option<Reply>, ClientError> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    /// The next entry of a stream of entries, until `None`.
    pub(crate) fn entry(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            match self.reply()? {
                None => return Ok(None),
                Some(Reply::Line { text }) => return Ok(Some(text)),
                Some(Reply::Failed { text, .. }) => return Err(ClientError::Refused(text)),
                Some(
                    Reply::Status(_)
                    | Reply::Readers { .. }
                    | Reply::Raw { .. }
                    | Reply::Answer { .. }
                    | Reply::Part { .. }
                    | Reply::Done { .. },
                ) => {}
            }
        }
    }
}
