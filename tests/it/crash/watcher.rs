//! A client of the kiosk page's event stream that comes again after every death of the kiosk, and keeps what was confirmed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use punchd::clock::Clock;
use serde_json::Value;

use super::super::rig::{EntryPlace, confirmation};

/// The client.
pub(super) struct Watcher {
    pages: Sender<String>,
    news: Receiver<()>,
    watching: JoinHandle<Vec<EntryPlace>>,
}

impl Watcher {
    /// A client that is told where to look.
    pub(super) fn start() -> Self {
        let (pages, told) = channel::<String>();
        let (tell, news) = channel();
        let watching = std::thread::spawn(move || {
            let mut confirmed = Vec::new();
            for page in told {
                // A stream that breaks off is a kiosk that died; the next one is told where it is.
                watch(&page, &mut confirmed, &tell).ok();
            }
            confirmed
        });
        Self { pages, news, watching }
    }

    /// Looks at a kiosk's page until it dies.
    pub(super) fn look_at(&self, page: &str) {
        self.pages.send(page.to_owned()).unwrap();
    }

    /// Waits for so many confirmations, and not longer than that.
    pub(super) fn wait_for(&self, count: u64, limit: Duration) {
        while self.news.try_recv().is_ok() {}
        let clock = Clock::system();
        let end = clock.mono().plus_millis(u64::try_from(limit.as_millis()).unwrap());
        for _ in 0..count {
            if self.news.recv_timeout(clock.until(end)).is_err() {
                return;
            }
        }
    }

    /// The kiosk is dead and no other comes: everything that was confirmed.
    pub(super) fn stop(self) -> Vec<EntryPlace> {
        drop(self.pages);
        self.watching.join().unwrap()
    }
}

fn watch(page: &str, confirmed: &mut Vec<EntryPlace>, tell: &Sender<()>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(page)?;
    write!(stream, "GET /events HTTP/1.0\r\nHost: {page}\r\n\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let Some(datum) = line.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok()) else { continue };
        if let Some(place) = confirmation(&datum) {
            confirmed.push(place);
            tell.send(()).ok();
        }
    }
    Ok(())
}
