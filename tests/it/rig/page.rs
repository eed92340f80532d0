//! A client of a kiosk page's event stream.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::{EntryPlace, LOOK, PATIENCE, until_or};

/// Data that are passed over without a pause: a page may be told of hundreds of taps in a second.
const AT_ONCE: usize = 64;

/// What the page is told.
pub(crate) struct Events(Receiver<Value>);

impl Events {
    pub(crate) fn of(page: &str) -> Self {
        let mut stream = TcpStream::connect(page).unwrap();
        write!(stream, "GET /events HTTP/1.1\r\nhost: {page}\r\n\r\n").unwrap();
        let (told, data) = channel();
        std::thread::spawn(move || {
            let mut kind = String::new();
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if let Some(event) = line.strip_prefix("event: ") {
                    event.clone_into(&mut kind);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let Ok(datum) = serde_json::from_str(data) else { return };
                    if std::mem::take(&mut kind).is_empty() && told.send(datum).is_err() {
                        return;
                    }
                }
            }
        });
        Self(data)
    }

    /// The next datum of which this holds; what came before it is passed over.
    pub(crate) fn next(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut passed = Vec::new();
        let found = until_or(PATIENCE, || {
            for _ in 0..AT_ONCE {
                let datum = self.0.recv_timeout(LOOK).ok()?;
                passed.push(datum.clone());
                if holds(&datum) {
                    return Some(datum);
                }
            }
            None
        });
        found.unwrap_or_else(|| panic!("the page was not told: {what}, but {passed:#?}"))
    }

    pub(crate) fn state(&self, state: &str) -> Value {
        self.next(state, |datum| datum["state"] == state)
    }

    /// Everything that was told up to now.
    pub(crate) fn rest(&self) -> Vec<Value> {
        self.0.try_iter().collect()
    }
}

/// The entry that a datum confirms.
pub(crate) fn confirmation(datum: &Value) -> Option<EntryPlace> {
    let (journal, sequence) = (datum["journal"].as_str()?, datum["sequence"].as_u64()?);
    (datum["replay"] != true).then(|| (journal.to_owned(), sequence))
}
