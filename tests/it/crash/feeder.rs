//! People who tap, whoever listens: each tap another badge or another code, so that every presentation is known by what was presented.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use punchd::sim::reader::{Protocol, SimReader};

use super::super::rig::{Place, badge};

/// Time between two taps: more than a hundred people in a second.
const BETWEEN: Duration = Duration::from_millis(8);

/// The kiosk's readers: name, what each is, and its protocol's name.
pub(super) const READERS: [(&str, Protocol, &str); 2] = [("badge", Protocol::Em4100, "em4100"), ("qr", Protocol::Line, "line")];

/// The readers and whoever taps at them.
pub(super) struct Feeder {
    readers: Arc<Vec<SimReader>>,
    end: Sender<()>,
    tapping: JoinHandle<BTreeSet<String>>,
}

impl Feeder {
    /// Plugs the readers in and lets people tap.
    pub(super) fn start(place: &Place) -> Self {
        let readers = Arc::new(READERS.map(|(name, protocol, _)| place.reader(name, protocol)).into_iter().collect::<Vec<_>>());
        let (end, ended) = channel();
        let theirs = Arc::clone(&readers);
        let tapping = std::thread::spawn(move || {
            let mut fed = BTreeSet::new();
            let mut number: u32 = 0;
            while matches!(ended.recv_timeout(BETWEEN), Err(RecvTimeoutError::Timeout)) {
                number += 1;
                fed.insert(tap(&theirs, number));
            }
            fed
        });
        Self { readers, end, tapping }
    }

    /// A killed host leaves its exclusive mark on the line for a moment; a cable put in anew has none.
    pub(super) fn replug(&self) {
        for reader in self.readers.iter() {
            reader.unplug().unwrap();
            reader.plug().unwrap();
        }
    }

    /// Nobody taps any more: everything that was presented.
    pub(super) fn stop(self) -> BTreeSet<String> {
        drop(self.end);
        self.tapping.join().unwrap()
    }
}

/// Presents something new; that nobody hears it, or that the reader is unplugged just then, is part of life.
fn tap(readers: &[SimReader], number: u32) -> String {
    let [badges, qr] = readers else { panic!("two readers") };
    if number.is_multiple_of(2) {
        let (bytes, shown) = badge(number);
        badges.badge(&bytes).ok();
        shown
    } else {
        let text = format!("QR-{number}");
        qr.line(&text).ok();
        format!("text:{text}")
    }
}
