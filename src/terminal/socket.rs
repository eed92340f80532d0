//! The technician's local socket: a line of JSON in, lines of JSON out. Owner and group only; whoever may open it is the technician.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::control::{REQUEST_BYTES_MAX, Reply, Request};
use crate::supervise::Supervisor;

/// Most connections at once.
const CONNECTIONS_MAX: usize = 16;
/// Most replies that wait for a slow reader; a watcher that falls behind is closed.
pub const REPLIES_MAX: usize = 1_024;
/// How long a request line may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How long one reply may take to be read.
const REPLY_LIMIT: Duration = Duration::from_secs(30);
/// Owner and group.
const SOCKET_MODE: u32 = 0o660;

/// A request, and where its replies go; dropping `replies` ends the answer.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Where the replies go.
    pub replies: mpsc::Sender<Reply>,
}

/// What the socket tells the loop.
#[derive(Debug)]
pub enum Conversation {
    /// A request.
    Asked(Asked),
    /// One came to its end: whoever asked has the whole answer, or went away.
    Ended,
}

/// Listens at a path; what is there already is removed only if it is a socket that nobody answers.
///
/// # Errors
/// When the path is taken by something else or by a running daemon, or cannot be made.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is not a socket stands there"));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another punchd answers there"));
        }
        fs::remove_file(path)?;
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

/// Takes connections until told to stop.
pub async fn serve(listener: UnixListener, supervisor: Supervisor, told: mpsc::Sender<Conversation>) {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await else { return };
        let Some(accepted) = supervisor.stop().run_until_cancelled(listener.accept()).await else { return };
        match accepted {
            Ok((stream, _)) => {
                let (told, stop) = (told.clone(), supervisor.stop().clone());
                supervisor.passing(async move {
                    stop.run_until_cancelled(converse(stream, &told)).await;
                    told.send(Conversation::Ended).await.ok();
                    drop(place);
                });
            }
            Err(error) => tracing::warn!(%error, "cannot accept on the control socket"),
        }
    }
}

async fn converse(stream: UnixStream, told: &mpsc::Sender<Conversation>) {
    let (read, mut write) = stream.into_split();
    let limit = u64::try_from(REQUEST_BYTES_MAX).unwrap_or(u64::MAX);
    let mut read = BufReader::new(read.take(limit));
    let mut line = Vec::new();
    let got = tokio::time::timeout(REQUEST_LIMIT, read.read_until(b'\n', &mut line)).await;
    if !matches!(got, Ok(Ok(length)) if length > 0) {
        return;
    }
    let (replies, mut answers) = mpsc::channel(REPLIES_MAX);
    match serde_json::from_slice(&line) {
        Ok(request) => {
            if told.send(Conversation::Asked(Asked { request, replies })).await.is_err() {
                return;
            }
        }
        Err(error) => {
            let hint = "use punchctl, or one JSON object with a known verb on one line".to_owned();
            let refusal = Reply::Failed { code: "bad-request".to_owned(), text: error.to_string(), hint };
            replies.try_send(refusal).ok();
            drop(replies);
        }
    }
    let mut gone = [0_u8; 1];
    loop {
        let reply = tokio::select! {
            reply = answers.recv() => reply,
            _ = read.read(&mut gone) => None,
        };
        let Some(reply) = reply else { return };
        let Ok(mut text) = serde_json::to_vec(&reply) else { return };
        text.push(b'\n');
        match tokio::time::timeout(REPLY_LIMIT, write.write_all(&text)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone_and_a_stale_socket_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kiosk.sock");
        fs::write(&path, "mine").unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&path).unwrap();
        drop(listen(&path).unwrap());
        let held = listen(&path).unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        drop(held);
    }

    #[tokio::test]
    async fn garbage_is_answered_with_what_to_do_and_a_request_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kiosk.sock");
        let (supervisor, _notices) = Supervisor::new();
        let (told, mut conversations) = mpsc::channel(8);
        supervisor.passing(serve(listen(&path).unwrap(), supervisor.clone(), told));
        assert!(exchange(&path, "no json\n").await.contains("bad-request"));
        let answer = exchange(&path, "{\"verb\":\"status\"}\n");
        let answered = async {
            assert!(matches!(conversations.recv().await, Some(Conversation::Ended)), "that of the garbage");
            let Some(Conversation::Asked(asked)) = conversations.recv().await else { panic!("nothing was asked") };
            assert_eq!(asked.request, Request::Status);
            asked.replies.send(Reply::Done { text: "good".to_owned() }).await.unwrap();
        };
        let (text, ()) = tokio::join!(answer, answered);
        assert!(text.contains("good"));
        assert!(matches!(conversations.recv().await, Some(Conversation::Ended)));
    }

    async fn exchange(path: &Path, line: &str) -> String {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(line.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }
}
