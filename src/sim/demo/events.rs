//! A client of the kiosk page's event stream, `GET /events`: what the page is told, the demo is told.
//!
//! HTTP/1.0 on purpose: the answer then ends with its connection and is not cut into chunks, so no HTTP library is needed to read it.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;

use crate::machine::feedback::Feedback;

/// The page's event stream.
#[derive(Debug)]
pub(super) struct Events {
    lines: Lines<BufReader<TcpStream>>,
}

impl Events {
    /// Connects, and waits until the page has answered.
    pub(super) async fn connect(page: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(page).await?;
        stream.write_all(format!("GET /events HTTP/1.0\r\nHost: {page}\r\nAccept: text/event-stream\r\n\r\n").as_bytes()).await?;
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await?.unwrap_or_default();
        if status.split(' ').nth(1) != Some("200") {
            return Err(io::Error::other(format!("the kiosk's page answers “{status}”")));
        }
        while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
        Ok(Self { lines })
    }

    /// The next datum that is news, not the page's clock and not how things stood before; `None` when the stream ends.
    pub(super) async fn next(&mut self) -> io::Result<Option<Feedback>> {
        let mut page = false;
        while let Some(line) = self.lines.next_line().await? {
            if line.is_empty() {
                page = false;
            } else if line.starts_with("event:") {
                page = true;
            } else if let Some(data) = line.strip_prefix("data:").filter(|_| !page) {
                let feedback: Feedback = serde_json::from_str(data.trim_start())?;
                if !feedback.replay {
                    return Ok(Some(feedback));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::machine::feedback::State;

    #[tokio::test]
    async fn only_news_comes_through() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let page = listener.local_addr().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1_024];
            let read = stream.read(&mut asked).await.unwrap();
            assert!(asked[..read].starts_with(b"GET /events "));
            let told = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
                        data: {\"state\":\"idle\",\"replay\":true}\n\nevent: page\ndata: {\"clock\":\"08:00\"}\n\n\
                        id: 00/1\ndata: {\"state\":\"recorded\",\"name\":\"林\",\"words\":{}}\n\n";
            stream.write_all(told.as_bytes()).await.unwrap();
        };
        let listen = async {
            let mut events = Events::connect(page).await.unwrap();
            let first = events.next().await.unwrap().unwrap();
            assert_eq!((first.state, first.name.as_deref()), (State::Recorded, Some("林")));
            assert!(events.next().await.unwrap().is_none());
        };
        tokio::join!(serve, listen);
    }
}
